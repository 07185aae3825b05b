import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeNpz } from './npzFile.js';
import { type ClipFormat, type ClipKey, renderClip } from './renderClip.js';

/** A clip to be drawn and written as `<folder>/<id>_crops.npz` and `<folder>/<id>_landmarks.npz`. */
export type DemoClipTask = {
  readonly folder: string;
  readonly id: string;
  readonly key: ClipKey;
  readonly format: ClipFormat;
};

export async function writeDemoClip({ folder, id, key, format }: DemoClipTask): Promise<void> {
  const { crops, landmarks, frames } = renderClip(key, format);
  const count = frames.length;
  const { size } = format;
  await writeFile(
    join(folder, `${id}_crops.npz`),
    encodeNpz({ crops: { shape: [count, size, size, 3], data: crops } }),
  );
  await writeFile(
    join(folder, `${id}_landmarks.npz`),
    encodeNpz({ landmarks: { shape: [count, 81, 2], data: landmarks }, frames: { shape: [count], data: frames } }),
  );
}
