import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipSource } from '../../workers/index.js';
import { syntheticClip, writeClip } from '../workers/syntheticClip.js';

const SYNTHETIC_CLIPS = 16;

export type BenchClips = { folder: string; clips: ClipSource[]; remove(): Promise<void> };

/** The clips of a flat data folder, or synthetic ones in a temporary folder that `remove` deletes. */
export async function benchClips(data: string | undefined): Promise<BenchClips> {
  if (data !== undefined) {
    if (!existsSync(data)) throw new Error(`Expected a folder with clips for --data but ${data} does not exist`);
    const suffix = '_crops.npz';
    const ids = (await readdir(data))
      .filter((file) => file.endsWith(suffix))
      .map((file) => file.slice(0, -suffix.length));
    if (ids.length === 0) throw new Error(`Expected files *_crops.npz in ${data} but there are none`);
    const clips = ids.sort().map((id) => ({
      id,
      crops: join(data, `${id}${suffix}`),
      landmarks: join(data, `${id}_landmarks.npz`),
    }));
    return { folder: data, clips, remove: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), 'stf-bench-'));
  const clips: ClipSource[] = [];
  for (let i = 0; i < SYNTHETIC_CLIPS; i++)
    clips.push(await writeClip(folder, syntheticClip({ id: `clip${i}`, frames: 32, size: 224 })));
  return { folder, clips, remove: () => rm(folder, { recursive: true, force: true }) };
}
