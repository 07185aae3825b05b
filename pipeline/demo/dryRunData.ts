import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StfConfig } from '../../model/index.js';
import { writeDemoData } from './demoData.js';

/** Side of the made-up frames: the flow is what is tried, so they need not be as large as real crops. */
const SIZE = 96;

/** Rendered clips in a temporary folder, as many frames as `config` asks for: a data root for `--dry-run`. */
export async function dryRunData(config: StfConfig): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'stf-mamba-dry-run-'));
  const remove = () => rm(path, { recursive: true, force: true });
  try {
    await writeDemoData(join(path, 'data'), {
      people: { train: 4, val: 2, test: 0 },
      size: SIZE,
      runs: config.num_segments,
      runLength: config.frames_per_segment,
      seed: config.seed,
    });
  } catch (error) {
    await remove();
    throw error;
  }
  return { path: join(path, 'data'), remove };
}
