import { drawPictureSheet, renderPictureSheet, type SheetStrip } from '../contactSheet/pictureSheet.js';
import type { MicroBatch } from '../training/microBatch.js';

type Kind = 'real' | 'fake' | 'difference';

const KINDS: readonly Kind[] = ['real', 'fake', 'difference'];

/** How much brighter than it is the difference is drawn, so that a subtle blend can be seen. */
const GAIN = 4;

const LEGEND = [
  'real: the real member, as the model gets it',
  'fake: the same frames, self-blended',
  `difference: of the two, ${GAIN} times, black where they are equal`,
];

/** The pairs of a micro-batch as strips of a sheet. */
export function stripsOf({
  micro: { clips, shape, ids, step, micro },
}: {
  micro: Pick<MicroBatch, 'clips' | 'shape' | 'ids' | 'step' | 'micro'>;
}): SheetStrip<Kind>[] {
  const [, frames, height, width] = shape;
  const frameBytes = height * width * 3;
  return ids.map((id, pair) => ({
    id: `${id}, step ${step}.${micro}`,
    frames: Array.from({ length: frames }, (_, index) => {
      const member = (which: 0 | 1) => {
        const from = ((2 * pair + which) * frames + index) * frameBytes;
        return clips.subarray(from, from + frameBytes);
      };
      const [real, fake] = [member(0), member(1)];
      return { index, width, height, real, fake, difference: differenceOf(real, fake) };
    }),
  }));
}

/** The largest difference among the channels of each pixel, `[H, W]`. */
function differenceOf(real: Uint8Array, fake: Uint8Array): Uint8Array {
  const by = (i: number) => Math.abs(real[i]! - fake[i]!);
  return Uint8Array.from({ length: real.length / 3 }, (_, p) =>
    Math.min(255, GAIN * Math.max(by(3 * p), by(3 * p + 1), by(3 * p + 2))),
  );
}

/** Draws recorded pairs, their frames over time, as one PNG. @throws RangeError when there are none */
export async function drawRecordingSheet(
  strips: readonly SheetStrip<Kind>[],
  file: string,
  title: string,
): Promise<void> {
  await drawPictureSheet(strips, KINDS, file, { title, legend: LEGEND });
}

/** The same as a picture in memory. @throws RangeError when there are none */
export async function renderRecordingSheet(
  strips: readonly SheetStrip<Kind>[],
  title: string,
): Promise<{ png: Buffer; width: number; height: number }> {
  return renderPictureSheet(strips, KINDS, { title, legend: LEGEND });
}
