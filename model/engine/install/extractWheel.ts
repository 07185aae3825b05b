import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import * as yauzl from 'yauzl';
import { zipEntries } from './zipEntries.js';

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
    for await (const entry of zipEntries(archive)) {
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
