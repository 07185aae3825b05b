import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpegCodec } from '../../../workers/codec/ffmpegCodec.js';
import { ffmpegProgram } from '../../../workers/codec/ffmpegProgram.js';
import { CodecError, CodecUnavailableError } from '../../../workers/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ffmpeg-'));
});
afterAll(() => rm(folder, { recursive: true }));

const [width, height] = [6, 4];
const frame = width * height * 3;
const job = { width, height, qp: 30, segments: [new Uint8Array(3 * frame).fill(90)] };

/** A program in ffmpeg's place. `$ENCODES` is 1 where it is asked to encode. */
async function impostor(name: string, script: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\ncase "$*" in *libx264*) ENCODES=1;; *) ENCODES=0;; esac\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

const decodes = (bytes: number): string =>
  `cat >/dev/null; [ $ENCODES = 1 ] && echo stream && exit 0; head -c ${bytes} /dev/zero`;

async function failure(name: string, script: string, idleMs = 10_000): Promise<CodecError> {
  const program = await impostor(name, script);
  const error = await ffmpegCodec({ program, idleMs })
    .recompress(job)
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CodecError);
  expect(error).toMatchObject({ codec: 'ffmpeg', retryable: true });
  return error as CodecError;
}

describe.skipIf(process.platform === 'win32')('a failing ffmpeg (needs /bin/sh)', () => {
  it('is believed when it works', async () => {
    const program = await impostor('works', decodes(3 * frame));
    const [decoded] = await ffmpegCodec({ program }).recompress(job);
    expect(decoded).toEqual(new Uint8Array(3 * frame));
  });

  it('that ends with a code is quoted', async () => {
    const { reason } = await failure('exits', 'echo first >&2; echo "Unknown encoder" >&2; exit 3');
    expect(reason).toBe('the process ended with code 3: Unknown encoder');
  });

  it('that ends with a code after all its output is not believed', async () => {
    expect((await failure('late', `${decodes(3 * frame)}; exit 1`)).reason).toBe('the process ended with code 1');
  });

  it('that is killed half way is told by its signal', async () => {
    const { reason } = await failure('killed', `head -c 40 >/dev/null; head -c 30 /dev/zero; kill -9 $$`);
    expect(reason).toBe('the process was ended by SIGKILL');
  });

  it('that returns too few frames is noticed', async () => {
    expect((await failure('short', decodes(2 * frame))).reason).toBe('3 frames were encoded but 2 came back');
  });

  it('that returns too many frames is stopped', async () => {
    const { reason } = await failure('long', decodes(100_000_000));
    expect(reason).toBe(`the process returned more than the ${3 * frame} bytes expected`);
  });

  it('that hangs is killed', async () => {
    const pid = join(folder, 'hangs.pid');
    const { reason } = await failure('hangs', `echo $$ > ${pid}; exec sleep 600`, 300);
    expect(reason).toBe('the process neither took nor gave a byte for 0.3 s and was killed');
    await expectGone(pid);
  });

  it('that is stopped by a signal is killed', async () => {
    const pid = join(folder, 'stopped.pid');
    await failure('stopped', `echo $$ > ${pid}; kill -STOP $$`, 300);
    await expectGone(pid);
  });

  it('that closes its input early and exits 0 is noticed', async () => {
    expect((await failure('deaf', 'exec <&-; exit 0')).reason).toBe('3 frames were encoded but 0 came back');
  });

  it('that vanishes after it was found is named', async () => {
    const program = await impostor('gone', 'exit 0');
    const codec = ffmpegCodec({ program });
    await rm(program);
    await expect(codec.recompress(job)).rejects.toThrow(/^ffmpeg: cannot run .*gone \(spawn .* ENOENT\)$/);
  });
});

async function expectGone(pidFile: string): Promise<void> {
  const { readFile } = await import('node:fs/promises');
  const pid = Number(await readFile(pidFile, 'utf8'));
  const alive = (): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(alive, { timeout: 5000 }).toBe(false);
}

describe.skipIf(process.platform === 'win32')('ffmpegProgram (needs /bin/sh)', () => {
  it('prefers FFMPEG_BIN, and does not look further when that is wrong', async () => {
    const program = await impostor('named', 'exit 0');
    const PATH = `${folder}${delimiter}${process.env.PATH}`;
    expect(ffmpegProgram({ FFMPEG_BIN: program, PATH })).toBe(program);
    expect(() => ffmpegProgram({ FFMPEG_BIN: folder, PATH })).toThrow(CodecUnavailableError);
    expect(() => ffmpegProgram({ FFMPEG_BIN: `${program}x`, PATH })).toThrow(
      `Expected a working codec 'ffmpeg' but FFMPEG_BIN names '${program}x', which is not a program`,
    );
  });

  it('finds the first on PATH that can be run', async () => {
    const first = join(folder, 'a');
    const second = join(folder, 'b');
    const { mkdir } = await import('node:fs/promises');
    for (const dir of [first, second]) await mkdir(dir);
    await writeFile(join(first, 'ffmpeg'), 'not executable');
    await writeFile(join(second, 'ffmpeg'), '#!/bin/sh\n', { mode: 0o755 });
    const found = ffmpegProgram({ PATH: ['', first, second].join(delimiter) });
    // Where ffmpeg-static brought its program along, that comes first.
    if (!found.includes('ffmpeg-static')) expect(found).toBe(join(second, 'ffmpeg'));
  });
});
