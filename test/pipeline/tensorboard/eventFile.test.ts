import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventFile } from '../../../pipeline/tensorboard/eventFile.js';
import { type EventContent, type EventHead, eventMessage } from '../../../pipeline/tensorboard/eventMessage.js';
import { recordFrame } from '../../../pipeline/tensorboard/recordFrame.js';
import { noTensorBoard, readWithTensorBoard } from './tensorboardPackage.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-events-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const neverFails = (error: Error) => {
  throw error;
};

describe('eventMessage and recordFrame', () => {
  it("make the bytes that TensorBoard's own writer makes", async () => {
    // fixtures/scripts/tensorboard_events.py
    const expected = await readFile(
      fileURLToPath(new URL('../../fixtures/pipeline/tensorboard_events.tfevents', import.meta.url)),
    );
    const encoded = Uint8Array.from({ length: 768 }, (_, i) => i % 256);
    const values = {
      'loss/total': 0.7125,
      lr: 0,
      tiny: 1e-40,
      broken: Number.NaN,
      far: Number.POSITIVE_INFINITY,
      ü: -3.5,
    };
    const events: [EventHead, EventContent][] = [
      [{ wallTime: 1700000000.25, step: 0 }, { kind: 'fileVersion' }],
      [{ wallTime: 1700000000.25, step: 1 }, { kind: 'sessionStart' }],
      [
        { wallTime: 1700000001.5, step: 1 },
        { kind: 'scalars', values },
      ],
      [
        { wallTime: 1700000002.75, step: 2 ** 40 },
        { kind: 'images', images: { samples: { width: 300, height: 2, encoded } } },
      ],
    ];
    const written = Buffer.concat(events.map(([head, content]) => recordFrame(eventMessage(head, content))));
    expect(written.equals(expected)).toBe(true);
  });

  it('writes a value that float32 cannot hold as infinite', () => {
    const bytes = (value: number) => eventMessage({ wallTime: 1, step: 1 }, { kind: 'scalars', values: { x: value } });
    expect(bytes(1e300)).toEqual(bytes(Number.POSITIVE_INFINITY));
  });
});

describe('EventFile', () => {
  it('says once that it cannot be written, and never throws after that', async () => {
    const failures: string[] = [];
    await writeFile(join(folder, 'tensorboard'), 'a file where a folder should be');
    await expect(
      EventFile.open(join(folder, 'tensorboard'), { stepsDone: 0, onFailure: neverFails }),
    ).rejects.toThrow();
    const events = await EventFile.open(folder, { stepsDone: 0, onFailure: (error) => failures.push(error.message) });
    await events.close();
    events.scalars(1, { loss: 1 });
    events.scalars(2, { loss: 1 });
    await events.close();
    expect(failures).toHaveLength(1);
  });

  it.skipIf(noTensorBoard)(
    `is read by TensorBoard, across a kill and a resume${noTensorBoard ? ` (${noTensorBoard})` : ''}`,
    async () => {
      let now = 1_700_000_000;
      const begin = (stepsDone: number) => EventFile.open(folder, { stepsDone, onFailure: neverFails, now: () => now });
      const first = await begin(0);
      for (const step of [1, 2, 3, 4]) first.scalars(step, { 'loss/total': 1 / step, 'optimiser/lr': 1e-4 });
      first.images(2, { samples: { width: 7, height: 5, encoded: Uint8Array.of(0x89, 0x50, 0x4e, 0x47) } });
      await first.close();
      // As a kill leaves it: the last record torn.
      await truncate(first.path, (await readFile(first.path)).length - 3);
      now += 60;
      const second = await begin(2);
      for (const step of [3, 4]) second.scalars(step, { 'loss/total': 10 * step });
      await second.close();
      expect(await readdir(folder)).toHaveLength(2);
      const seen = readWithTensorBoard(folder);
      expect(seen.scalars['loss/total']).toEqual([
        [1, 1],
        [2, 0.5],
        [3, 30],
        [4, 40],
      ]);
      expect(seen.scalars['optimiser/lr']!.map(([step, value]) => [step, Math.fround(value)])).toEqual(
        [1, 2].map((step) => [step, Math.fround(1e-4)]),
      );
      expect(seen.images).toEqual({});
    },
  );

  it.skipIf(noTensorBoard)(`shows pictures in TensorBoard${noTensorBoard ? ` (${noTensorBoard})` : ''}`, async () => {
    const events = await EventFile.open(folder, { stepsDone: 0, onFailure: neverFails });
    events.images(2, { samples: { width: 7, height: 5, encoded: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1) } });
    await events.close();
    expect(readWithTensorBoard(folder).images).toEqual({ samples: [[2, 7, 5, '89504e47']] });
  });
});
