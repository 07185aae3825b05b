import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InspectionPool, inspectClip } from '../../../workers/index.js';
import { syntheticClip, writeClip } from '../syntheticClip.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inspection-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('answers for good and for broken clips, in threads as in the caller', async () => {
  const frameNumbers = [0, 1, 2, 10, 11];
  const good = await writeClip(folder, syntheticClip({ id: 'good', frames: 5, size: 40, frameNumbers }));
  const plain = await writeClip(
    folder,
    syntheticClip({ id: 'plain', frames: 4, size: 40, points: 68, frameNumbers: null }),
  );
  const cut = await writeClip(folder, syntheticClip({ id: 'cut', frames: 4, size: 40 }));
  await truncate(cut.crops, 500);
  const pool = new InspectionPool(2);
  try {
    const answers = await Promise.all([good, plain, cut].map((source) => pool.inspect({ source })));
    expect(answers[0]).toMatchObject({ id: 'good', readable: true, shape: [5, 40, 40, 3], points: 81, numbered: true });
    expect(answers[0]).toMatchObject({ runs: [3, 2], landmarks: { space: 'crop', outsidePoints: 0 } });
    expect(answers[1]).toMatchObject({ id: 'plain', readable: true, points: 68, numbered: false, runs: [4] });
    expect(answers[2]).toMatchObject({ id: 'cut', readable: false });
    expect((answers[2] as { reason: string }).reason).toMatch(/^crops file .*cut_crops\.npz: /);
    expect(await Promise.all([good, plain, cut].map((source) => inspectClip({ source })))).toEqual(answers);
  } finally {
    await pool.destroy();
  }
  expect(() => new InspectionPool(0)).toThrow('Expected a positive whole number for threads but received 0');
});
