import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import * as yauzl from 'yauzl';

const open = promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open);

/**
 * Unpacks the chosen files and folders of a wheel.
 * @param take folders (ending in `/`) and files to unpack, as named in the archive.
 * @returns SHA-256 of each file written, by its path in the archive.
 */
export async function extractWheel(wheel: string, take: string[], folder: string): Promise<Map<string, string>> {
  const archive = await open(wheel, { lazyEntries: true });
  const openEntry = promisify<yauzl.Entry, NodeJS.ReadableStream>(archive.openReadStream.bind(archive));
  const digests = new Map<string, string>();
  try {
    for await (const entry of entriesOf(archive)) {
      const name = entry.fileName;
      if (name.endsWith('/') || !take.some((t) => (t.endsWith('/') ? name.startsWith(t) : name === t))) continue;
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      const hash = createHash('sha256');
      const hashing = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(await openEntry(entry), hashing, createWriteStream(path));
      digests.set(name, hash.digest('hex'));
    }
  } finally {
    archive.close();
  }
  return digests;
}

/** The archive's entries one after another; yauzl itself reports them as events. */
async function* entriesOf(archive: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  for (;;) {
    const entry = await new Promise<yauzl.Entry | undefined>((resolve, reject) => {
      const settle = (result: yauzl.Entry | undefined, error?: Error) => {
        archive.removeListener('entry', onEntry);
        archive.removeListener('end', onEnd);
        archive.removeListener('error', onError);
        if (error) reject(error);
        else resolve(result);
      };
      const onEntry = (e: yauzl.Entry) => settle(e);
      const onEnd = () => settle(undefined);
      const onError = (error: Error) => settle(undefined, error);
      archive.on('entry', onEntry).on('end', onEnd).on('error', onError);
      archive.readEntry();
    });
    if (!entry) return;
    yield entry;
  }
}
