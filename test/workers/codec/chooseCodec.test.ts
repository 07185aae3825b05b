import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseCodec } from '../../../workers/index.js';
import { installedCodec } from './installedCodecs.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'choose-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Where node-av dies as it is loaded, as a broken native library would: the probe's process only. */
async function crashingNodeAv(how: string): Promise<NodeJS.ProcessEnv> {
  const file = join(folder, 'crash.cjs');
  await writeFile(file, `if (process.argv[2] === 'node-av') { ${how} }`);
  return { ...process.env, NODE_OPTIONS: `--require ${file}` };
}
const noFfmpeg = { FFMPEG_BIN: '/nowhere/ffmpeg' };

const nodeAv = await installedCodec('node-av');
const ffmpeg = await installedCodec('ffmpeg');

describe('chooseCodec', () => {
  it.skipIf(!nodeAv.codec)(`takes node-av first: ${nodeAv.title}`, async () => {
    const chosen = await chooseCodec('auto', { environment: { ...process.env, ...noFfmpeg } });
    expect(chosen).toMatchObject({ name: 'node-av', ...(await nodeAv.codec?.identify()) });
    expect(chosen.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(chosen.reason).toMatch(/^a round trip at QP 30 kept 3\d\.\d dB$/);
  });

  it.skipIf(!ffmpeg.codec)(`takes ffmpeg where node-av crashes: ${ffmpeg.title}`, async () => {
    const chosen = await chooseCodec('auto', { environment: await crashingNodeAv('process.abort();') });
    expect(chosen).toMatchObject({ name: 'ffmpeg', ...(await ffmpeg.codec?.identify()) });
    expect(chosen.reason).toMatch(/dB; node-av: the probe died of SIGABRT$/);
  });

  it.skipIf(!nodeAv.codec || !ffmpeg.codec)('finds equal digests for codecs that make equal pixels', async () => {
    const both = await Promise.all((['node-av', 'ffmpeg'] as const).map((name) => chooseCodec(name)));
    const cores = both.map(({ x264 }) => Number(/core (\d+)/.exec(x264 ?? '')?.[1]));
    expect(both[0]!.digest === both[1]!.digest).toBe(Math.min(...cores) >= 164);
  });

  it('takes JPEG where neither works, and says what is wrong with both', async () => {
    const environment = { ...(await crashingNodeAv('process.exit(5);')), ...noFfmpeg };
    expect(await chooseCodec('auto', { environment })).toEqual({
      name: 'jpeg',
      version: 'libjpeg-turbo',
      reason:
        "no H.264 encoder works here; node-av: the probe ended with code 5; ffmpeg: FFMPEG_BIN names '/nowhere/ffmpeg', which is not a program",
    });
  });

  it('does not wait for one that hangs', async () => {
    const environment = { ...(await crashingNodeAv('for (;;);')), ...noFfmpeg };
    const chosen = await chooseCodec('auto', { environment, timeoutMs: 3000 });
    expect(chosen.reason).toContain('node-av: the probe gave no answer within 3 s');
  });

  it.skipIf(process.platform === 'win32')('does not believe a program that returns another picture', async () => {
    const program = join(folder, 'grey');
    const script = `#!/bin/sh\ncat >/dev/null; case "$*" in *libx264*) echo stream;; *) head -c ${6 * 38 * 28 * 3} /dev/zero;; esac\n`;
    await writeFile(program, script, { mode: 0o755 });
    const environment = { ...process.env, FFMPEG_BIN: program };
    await expect(chooseCodec('ffmpeg', { environment })).rejects.toThrow(
      /^Expected a working codec 'ffmpeg' but a round trip came back with \d\.\d dB only$/,
    );
  });

  it('gives an error and no other codec where one is asked for by name', async () => {
    await expect(chooseCodec('ffmpeg', { environment: { ...process.env, ...noFfmpeg } })).rejects.toThrow(
      "Expected a working codec 'ffmpeg' but FFMPEG_BIN names '/nowhere/ffmpeg', which is not a program",
    );
    expect(await chooseCodec('jpeg')).toMatchObject({ name: 'jpeg', reason: 'asked for by name' });
  });
});
