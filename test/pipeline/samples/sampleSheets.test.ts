import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type SampleSheet, SampleSheets } from '../../../pipeline/samples/sampleSheets.js';
import type { MicroBatch } from '../../../pipeline/training/microBatch.js';

const folder = mkdtempSync(join(tmpdir(), 'stf-sheets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const micro = (step: number, clips: Uint8Array): MicroBatch => ({
  ...{ step, micro: 0, epoch: 0, failed: 0, clips, shape: [2, 4, 32, 32, 3] },
  ...{ labels: Int32Array.of(0, 1), ids: ['one'], keys: [{ seed: 1, epoch: 0, position: 0 }], sha256: '' },
});
const bytes = () => Uint8Array.from({ length: 2 * 4 * 32 * 32 * 3 }, (_, i) => (i * 7) % 251);

/** The sheets of step 1, of the same clips given as `clips`, which are moved away as soon as they were observed. */
async function drawn(name: string, clips: Uint8Array): Promise<SampleSheet[]> {
  const sheets: SampleSheet[] = [];
  const failures: Error[] = [];
  const all = new SampleSheets(
    join(folder, name),
    (sheet) => sheets.push(sheet),
    (error) => failures.push(error),
  );
  all.observe(micro(1, clips));
  all.observe(micro(3, clips));
  structuredClone(clips.buffer, { transfer: [clips.buffer as ArrayBuffer] });
  await all.close();
  expect(failures).toEqual([]);
  return sheets;
}

describe('SampleSheets', () => {
  it('draws the first micro-batches of steps 1, 2, 4 and so on, of bytes that are moved away at once', async () => {
    const [fromWorkers] = await drawn('workers', bytes());
    // Recordings give a Buffer, whose `slice` shares its memory.
    const data = bytes();
    const [fromRecording] = await drawn('recording', Buffer.from(data.buffer, 0, data.length));
    expect(readdirSync(join(folder, 'workers'))).toEqual(['step-000001.jpg']);
    expect(readFileSync(join(folder, 'workers', 'step-000001.jpg'))).toEqual(Buffer.from(fromWorkers!.jpeg));
    expect(fromRecording!.jpeg).toEqual(fromWorkers!.jpeg);
    expect(fromWorkers!.width).toBeGreaterThan(4 * 32);
  });
});
