import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../model/checkpoint/checkpointFile.js';
import { float32 } from '../../model/checkpoint/hostTensor.js';
import { debug } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { predict } from '../../model/evaluation/predict.js';
import { StfMamba } from '../../model/stfMamba.js';
import { seededUniform } from '../model/training/seededUniform.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const config = debug();
const { num_frames: frames, img_size: size } = config;
const clip = Uint8Array.from({ length: frames * size * size * 3 }, (_, i) => (i * 31 + (i >> 7)) % 251);

let folder: string;
let checkpoint: string;
let expected: ReturnType<typeof predict>;

beforeAll(async () => {
  await startEngine('auto');
  folder = mkdtempSync(join(tmpdir(), 'score-clip-'));
  const model = new StfMamba(config, seededUniform(3));
  expected = predict(model, config, clip, 1);
  const weights = [...model.parameters].map(([name, v]) => [name, float32(v.shape, v.dataSync<'float32'>())] as const);
  model.dispose();
  await writeCheckpoint(join(folder, 'best'), new Map(weights), { config });
  checkpoint = join(folder, 'best.safetensors');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('examples/scoreClip.js', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['examples/scoreClip.js', ...args], { cwd: root, encoding: 'utf8' });

  it('scores pictures', async () => {
    const pictures = Array.from({ length: frames }, (_, i) => join(folder, `${i}.png`));
    for (const [i, picture] of pictures.entries()) {
      const pixels = clip.subarray((i * clip.length) / frames, ((i + 1) * clip.length) / frames);
      await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
        .png()
        .toFile(picture);
    }
    const { status, stdout, stderr } = run(checkpoint, ...pictures);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const score = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(score.probability).toBeCloseTo(expected.probability[0]!, 6);
    expect(score.hllRatio).toBeCloseTo(expected.hllRatio[0]!, 6);
  });

  it('says in one line what is wrong', () => {
    expect(run(checkpoint, 'a.png')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("expected 4 pictures, the length of this detector's clips, received 1\n"),
    });
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringMatching(/^usage: /) });
  });
});
