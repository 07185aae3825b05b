import sharp from 'sharp';
import { writeAtomically } from '../../model/index.js';
import { lettering, letteringWidth } from './strokeLettering.js';

/** A frame with pictures of one size: RGB `[H, W, 3]` or grey `[H, W]`, one for each row of the sheet. */
export type SheetFrame<Kind extends string> = {
  readonly index: number;
  readonly width: number;
  readonly height: number;
} & {
  readonly [kind in Kind]: Uint8Array;
};

/** A clip or pair to be drawn: frames in order of time. */
export type SheetStrip<Kind extends string> = { readonly id: string; readonly frames: readonly SheetFrame<Kind>[] };

export type PictureSheetOptions = {
  readonly title: string;
  /** Lines below the title. */
  readonly legend?: readonly string[];
  /** Frames of each strip that are shown, spread evenly over time. Default 8. */
  readonly columns?: number;
  /** Height of a picture in pixels; its width follows. Default 112. */
  readonly cell?: number;
};

/** Where things lie on the sheet, in pixels: the left upper corner of each picture, by strip, kind and column. */
export type SheetLayout<Kind extends string> = {
  readonly width: number;
  readonly height: number;
  readonly cells: readonly {
    pair: number;
    kind: Kind;
    frame: number;
    x: number;
    y: number;
    width: number;
    height: number;
  }[];
};

const MARGIN = 16;
const GUTTER = 64;
const GAP = 3;
const PAIR_GAP = 44;
const TITLE = { height: 13, top: 16 };
const SMALL = 8;
const LEGEND_LINE = 15;
const INK = '#1b1f24';
const QUIET = '#57606a';

/**
 * Draws strips onto one PNG file, which appears whole or not at all.
 *
 * @throws RangeError when there is nothing to draw
 */
export async function drawPictureSheet<Kind extends string>(
  pairs: readonly SheetStrip<Kind>[],
  kinds: readonly Kind[],
  file: string,
  options: PictureSheetOptions,
): Promise<SheetLayout<Kind>> {
  const { png, ...layout } = await renderPictureSheet(pairs, kinds, options);
  await writeAtomically(file, png);
  return layout;
}

/**
 * Draws strips as one PNG: a row of pictures for each kind, a column for each of some frames over time.
 *
 * @throws RangeError when there is nothing to draw
 */
export async function renderPictureSheet<Kind extends string>(
  pairs: readonly SheetStrip<Kind>[],
  kinds: readonly Kind[],
  { title, legend = [], columns = 8, cell = 112 }: PictureSheetOptions,
): Promise<SheetLayout<Kind> & { png: Buffer }> {
  const shown = pairs.map(({ frames }) => spread(frames, columns));
  const first = shown.flat()[0];
  if (!first) throw new RangeError('Expected at least one frame for the contact sheet but received none');

  const widths = shown.map((frames) =>
    Math.max(...frames.map((f) => Math.max(1, Math.round((cell * f.width) / f.height)))),
  );
  const strip = Math.max(...shown.map((frames, i) => frames.length * (widths[i]! + GAP) - GAP));
  const head = TITLE.top + TITLE.height + 14 + legend.length * LEGEND_LINE + 6;
  const block = PAIR_GAP + kinds.length * (cell + GAP) - GAP;
  const text = Math.max(letteringWidth(title, TITLE.height), ...legend.map((line) => letteringWidth(line, SMALL)));
  const width = Math.ceil(Math.max(2 * MARGIN + GUTTER + strip, 2 * MARGIN + text));
  const height = head + shown.length * block + MARGIN;

  const canvas = Buffer.alloc(width * height * 3, 255);
  const marks: string[] = [lettering(title, MARGIN, TITLE.top + TITLE.height, TITLE.height, INK)];
  legend.forEach((line, i) => {
    marks.push(lettering(line, MARGIN, TITLE.top + TITLE.height + 14 + (i + 1) * LEGEND_LINE - 4, SMALL, QUIET));
  });
  const cells: SheetLayout<Kind>['cells'][number][] = [];
  for (const [pair, frames] of shown.entries()) {
    const top = head + pair * block;
    const label =
      frames.length < pairs[pair]!.frames.length ? `, ${frames.length} of ${pairs[pair]!.frames.length} frames` : '';
    marks.push(lettering(`${pairs[pair]!.id}${label}`, MARGIN, top + PAIR_GAP - 16, SMALL, INK));
    for (const [column, frame] of frames.entries()) {
      const x = MARGIN + GUTTER + column * (widths[pair]! + GAP);
      marks.push(lettering(`frame ${frame.index}`, x, top + PAIR_GAP - 4, SMALL * 0.8, QUIET));
      for (const [row, kind] of kinds.entries()) {
        const y = top + PAIR_GAP + row * (cell + GAP);
        const picture = await scaled(frame, kind, cell);
        paste(canvas, width, picture.data, picture.width, x, y);
        cells.push({ pair, kind, frame: frame.index, x, y, width: picture.width, height: cell });
      }
    }
    for (const [row, kind] of kinds.entries())
      marks.push(lettering(kind, MARGIN, top + PAIR_GAP + row * (cell + GAP) + cell / 2 + 4, SMALL + 1, INK));
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`;
  const png = await sharp(canvas, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
  return { width, height, cells, png };
}

/** At most `count` of the frames, first and last among them, evenly spread. */
function spread<T>(frames: readonly T[], count: number): T[] {
  if (frames.length <= count) return [...frames];
  if (count === 1) return [frames[0]!];
  return Array.from({ length: count }, (_, i) => frames[Math.round((i * (frames.length - 1)) / (count - 1))]!);
}

async function scaled<Kind extends string>(
  frame: SheetFrame<Kind>,
  kind: Kind,
  height: number,
): Promise<{ data: Buffer; width: number }> {
  const channels = frame[kind].length === frame.width * frame.height ? 1 : 3;
  const width = Math.max(1, Math.round((height * frame.width) / frame.height));
  const raw = { width: frame.width, height: frame.height, channels } as const;
  const pipeline = sharp(frame[kind], { raw }).toColourspace('srgb');
  const sized =
    width === frame.width && height === frame.height ? pipeline : pipeline.resize(width, height, { fit: 'fill' });
  return { data: await sized.removeAlpha().raw().toBuffer(), width };
}

function paste(canvas: Buffer, stride: number, picture: Buffer, width: number, x: number, y: number): void {
  const rows = picture.length / (width * 3);
  for (let row = 0; row < rows; row++) {
    picture.copy(canvas, ((y + row) * stride + x) * 3, row * width * 3, (row + 1) * width * 3);
  }
}
