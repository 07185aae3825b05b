import { readClip } from '../../workers/index.js';
import { renderPictureSheet } from '../contactSheet/pictureSheet.js';
import { writeResult } from '../writeResult.js';
import { cropsFile, landmarksFile } from './preprocessLog.js';

/** Faces on a sheet, and frames of each. */
const MOST_FACES = 24;
const COLUMNS = 8;
const CELL = 144;
const FACE = [64, 255, 96] as const;
const FOREHEAD = [255, 176, 32] as const;

/** Draws what was cut, with landmarks, onto one PNG: a row of frames for each face, faces spread over all of them. */
export async function drawCropSheet(out: string, ids: readonly string[], file: string): Promise<void> {
  const shown =
    ids.length <= MOST_FACES
      ? ids
      : Array.from({ length: MOST_FACES }, (_, i) => ids[Math.floor((i * ids.length) / MOST_FACES)]!);
  const strips = [];
  for (const id of shown) {
    const clip = await readClip({ id, crops: cropsFile(out, id), landmarks: landmarksFile(out, id) });
    const { width, height, points } = clip;
    const frames = Array.from({ length: Math.min(COLUMNS, clip.frames) }, (_, i) => {
      const frame = Math.floor(((i + 0.5) * clip.frames) / Math.min(COLUMNS, clip.frames));
      const crop = clip.pixels.slice(frame * width * height * 3, (frame + 1) * width * height * 3);
      for (let p = 0; p < points; p++) {
        const at = 2 * (frame * points + p);
        dot(crop, width, height, clip.landmarks[at]!, clip.landmarks[at + 1]!, p < 68 ? FACE : FOREHEAD);
      }
      return { index: clip.frameNumbers?.[frame] ?? frame, width, height, crop };
    });
    strips.push({ id, frames });
  }
  const legend = ['green: 68 landmarks', 'orange: 13 forehead points, guessed from the others'];
  const { png } = await renderPictureSheet(strips, ['crop'], {
    title: 'Faces as they were cut',
    legend,
    columns: COLUMNS,
    cell: CELL,
  });
  await writeResult(file, png);
}

function dot(
  picture: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  colour: readonly number[],
): void {
  const radius = Math.max(1, Math.round(width / 200));
  for (let v = Math.round(y) - radius; v <= Math.round(y) + radius; v++)
    for (let u = Math.round(x) - radius; u <= Math.round(x) + radius; u++)
      if (u >= 0 && v >= 0 && u < width && v < height) picture.set(colour, 3 * (v * width + u));
}
