import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticClip, writeClip } from '../workers/syntheticClip.js';

const example = join(import.meta.dirname, '../../examples/synthesiseClips.js');
const built = existsSync(join(import.meta.dirname, '../../dist/workers/index.js'));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-'));
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => spawnSync(process.execPath, [example, ...args], { encoding: 'utf8' });

describe.skipIf(!built)('examples/synthesiseClips.js (needs npm run build)', () => {
  it('writes a strip for every clip and names those it cannot use', async () => {
    const crops = join(folder, 'crops');
    const out = join(folder, 'out');
    for (const id of ['ada', 'bob']) await writeClip(crops, syntheticClip({ id, frames: 9, size: 72 }));
    const broken = await writeClip(crops, syntheticClip({ id: 'eve', frames: 9, size: 24 }));
    await writeFile(broken.crops, 'not an archive');
    const { status, stdout, stderr } = run(crops, out);
    expect(stderr).toContain('skipped eve: read: crops file');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ada: .*mask_hull/m);
    for (const id of ['ada', 'bob']) {
      const { data, info } = await sharp(join(out, `${id}.png`))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(info).toMatchObject({ width: 8 * 160, height: 2 * 160, channels: 3 });
      expect(data.subarray(0, data.length / 2).equals(data.subarray(data.length / 2))).toBe(false);
    }
    expect(existsSync(join(out, 'eve.png'))).toBe(false);
  });

  it('says how it is used', () => {
    expect(run()).toMatchObject({ status: 2, stderr: 'usage: node examples/synthesiseClips.js CROPS OUT\n' });
  });
});
