import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { dump } from 'npyjs';
import { keyedGenerator, type StoredClip } from '../../workers/index.js';

/** 81 landmarks of a face of unit size about (0, 0); the forehead runs from temple to temple. */
function unitFace(): [number, number][] {
  const arc = (n: number, from: number, to: number, cx: number, cy: number, rx: number, ry: number) =>
    Array.from({ length: n }, (_, i): [number, number] => {
      const angle = from + ((to - from) * i) / (n - 1);
      return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
    });
  const { PI } = Math;
  const ring = (n: number, cx: number, cy: number, rx: number, ry: number) =>
    arc(n + 1, PI, 3 * PI, cx, cy, rx, ry).slice(0, n);
  return [
    ...arc(17, PI, 0, 0, 0, 0.72, 1), // jaw
    ...arc(5, PI * 1.1, PI * 1.9, -0.32, -0.25, 0.22, 0.1), // brows
    ...arc(5, PI * 1.1, PI * 1.9, 0.32, -0.25, 0.22, 0.1),
    ...([-0.2, -0.07, 0.07, 0.2].map((y) => [0, y]) as [number, number][]), // nose
    ...arc(5, PI * 0.9, PI * 0.1, 0, 0.24, 0.15, 0.06),
    ...ring(6, -0.32, -0.16, 0.13, 0.06), // eyes
    ...ring(6, 0.32, -0.16, 0.13, 0.06),
    ...ring(12, 0, 0.52, 0.28, 0.11), // lips
    ...ring(8, 0, 0.52, 0.2, 0.05),
    ...arc(13, PI * 1.02, PI * 1.98, 0, -0.12, 0.7, 0.7), // forehead
  ];
}

export type SyntheticOptions = {
  id?: string;
  frames?: number;
  size?: number;
  points?: 68 | 81;
  frameNumbers?: number[] | null;
};

/** A face-like pattern with texture that moves slowly, made from a fixed seed. */
export function syntheticClip(options: SyntheticOptions = {}): StoredClip {
  const { id = 'synthetic', frames = 8, size = 72, points = 81 } = options;
  const random = keyedGenerator('synthetic clip', id);
  const pixels = new Uint8Array(frames * size * size * 3);
  const landmarks = new Float64Array(frames * points * 2);
  const face = unitFace();
  for (let f = 0; f < frames; f++) {
    const centreX = size / 2 + 1.5 * Math.sin(f / 3);
    const centreY = size * 0.52 + Math.cos(f / 4);
    const scale = size * 0.27;
    for (let p = 0; p < points; p++) {
      landmarks[(f * points + p) * 2] = centreX + scale * face[p]![0];
      landmarks[(f * points + p) * 2 + 1] = centreY + scale * face[p]![1];
    }
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const u = (x - centreX) / (scale * 0.72);
        const v = (y - centreY) / scale;
        const inside = u * u + v * v < 1;
        const i = ((f * size + y) * size + x) * 3;
        const texture = 14 * Math.sin(x / 3) * Math.cos(y / 2.5) + random.between(-8, 8);
        const skin = [196, 150, 122];
        const wall = [70 + x, 110, 160 - y];
        for (let c = 0; c < 3; c++)
          pixels[i + c] = Math.max(0, Math.min(255, (inside ? skin : wall)[c]! - 30 * u * Number(inside) + texture));
      }
    }
  }
  const numbers =
    options.frameNumbers === undefined ? Array.from({ length: frames }, (_, f) => f) : options.frameNumbers;
  return {
    id,
    frames,
    height: size,
    width: size,
    pixels,
    points,
    landmarks,
    frameNumbers: numbers && Float64Array.from(numbers),
  };
}

/** A `.npy` file's bytes. */
export function npy(data: Uint8Array | Float32Array | Int32Array | Float64Array, shape: number[]): Uint8Array {
  return new Uint8Array(dump(data as Uint8Array, shape));
}

export const npz = (arrays: Record<string, Uint8Array>, level: 0 | 6 = 6): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])), { level });

/** Writes both files of a clip and returns their paths. */
export async function writeClip(
  folder: string,
  clip: StoredClip,
): Promise<{ id: string; crops: string; landmarks: string }> {
  await mkdir(folder, { recursive: true });
  const crops = join(folder, `${clip.id}_crops.npz`);
  const landmarks = join(folder, `${clip.id}_landmarks.npz`);
  await writeFile(crops, npz({ crops: npy(clip.pixels, [clip.frames, clip.height, clip.width, 3]) }));
  await writeFile(
    landmarks,
    npz({
      landmarks: npy(Float32Array.from(clip.landmarks), [clip.frames, clip.points, 2]),
      ...(clip.frameNumbers && { frames: npy(Int32Array.from(clip.frameNumbers), [clip.frames]) }),
    }),
  );
  return { id: clip.id, crops, landmarks };
}
