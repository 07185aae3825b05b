import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawContactSheet } from '../../pipeline/contactSheet/contactSheet.js';
import { lettering, letteringWidth } from '../../pipeline/contactSheet/strokeLettering.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sheet-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const HEIGHT = 40;
const WIDTH = 32;

/** Frames in which every byte tells its pair, frame, kind and place. */
function pair(number: number, count: number) {
  const rgb = (kind: number, index: number) =>
    Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (number * 61 + index * 17 + kind * 83 + i * 7) % 256);
  const frames = Array.from({ length: count }, (_, index) => ({
    index,
    width: WIDTH,
    height: HEIGHT,
    target: rgb(0, index),
    source: rgb(1, index),
    mask: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i * 3 + index) % 256),
    blend: rgb(2, index),
  }));
  return { id: `clip_${number}`, frames };
}

async function pixels(file: string) {
  return sharp(file).raw().toBuffer({ resolveWithObject: true });
}

describe('drawContactSheet', () => {
  it('shows the pixels of every frame in its cell, untouched at their own size', async () => {
    const file = join(folder, 'a.png');
    const pairs = [pair(0, 3), pair(1, 3)];
    const sheet = await drawContactSheet(pairs, file, { cell: HEIGHT });
    const { data, info } = await pixels(file);
    expect([info.width, info.height, info.channels]).toEqual([sheet.width, sheet.height, 3]);
    expect(sheet.cells.length).toBe(2 * 3 * 4);
    for (const cell of sheet.cells) {
      const frame = pairs[cell.pair]!.frames[cell.frame]!;
      const expected = frame[cell.kind];
      const channels = cell.kind === 'mask' ? 1 : 3;
      let wrong = 0;
      for (let y = 0; y < HEIGHT; y++)
        for (let x = 0; x < WIDTH; x++)
          for (let c = 0; c < 3; c++) {
            const got = data[((cell.y + y) * info.width + cell.x + x) * 3 + c]!;
            if (got !== expected[(y * WIDTH + x) * channels + (channels === 1 ? 0 : c)]) wrong++;
          }
      expect(wrong, `${cell.kind} of frame ${cell.frame} of pair ${cell.pair}`).toBe(0);
    }
  });

  it('puts time across, pairs and kinds below one another, without overlap', async () => {
    const { cells, width, height } = await drawContactSheet([pair(0, 2), pair(1, 2)], join(folder, 'b.png'), {
      cell: 64,
    });
    for (const a of cells) {
      expect(a.x + a.width <= width && a.y + a.height <= height).toBe(true);
      for (const b of cells) {
        if (a === b) continue;
        if (a.pair === b.pair && a.kind === b.kind) expect(Math.sign(a.x - b.x)).toBe(Math.sign(a.frame - b.frame));
        if (a.pair < b.pair) expect(a.y + a.height).toBeLessThan(b.y);
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart).toBe(true);
      }
    }
  });

  it('picks frames from the first to the last when there are more than columns', async () => {
    const { cells } = await drawContactSheet([pair(0, 9)], join(folder, 'c.png'), { columns: 3, cell: HEIGHT });
    expect(cells.filter(({ kind }) => kind === 'blend').map(({ frame }) => frame)).toEqual([0, 4, 8]);
  });

  it('writes labels without any font: ink beside the pictures, and more of it for a longer title', async () => {
    const ink = async (title: string) => {
      const file = join(folder, 'd.png');
      const { cells } = await drawContactSheet([pair(0, 8)], file, { title, cell: 40 });
      const { data, info } = await pixels(file);
      const top = Math.min(...cells.map(({ y }) => y));
      let dark = 0;
      for (let i = 0; i < top * info.width; i++) if (data[3 * i]! < 128) dark++;
      return dark;
    };
    const short = await ink('A');
    expect(short).toBeGreaterThan(50);
    expect(await ink('A LONGER TITLE')).toBeGreaterThan(short + 100);
  });

  it('refuses to draw nothing, and leaves no half-written file', async () => {
    const file = join(folder, 'none.png');
    await expect(drawContactSheet([], file)).rejects.toThrow(/at least one frame/);
    expect((await readdir(folder)).filter((name) => name.startsWith('none'))).toEqual([]);
  });
});

describe('lettering', () => {
  it('has a sign of its own for every letter, figure and mark that labels use', () => {
    const signs = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;-_/()[]%+=×·→'];
    const drawn = signs.map((sign) => lettering(sign, 0, 10, 10, '#000'));
    // Capital I and small l are told apart by nothing but context, as in most sans-serif faces.
    expect(new Set(drawn).size).toBe(signs.length - 1);
    expect(drawn).not.toContain(lettering('?', 0, 10, 10, '#000'));
    expect(lettering('ß', 0, 10, 10, '#000')).toBe(lettering('?', 0, 10, 10, '#000'));
  });

  it('is as wide as it says', async () => {
    const text = 'frame 12';
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><rect width="200" height="40" fill="#fff"/>${lettering(text, 10, 30, 20, '#000')}</svg>`;
    const { data, info } = await sharp(Buffer.from(svg))
      .removeAlpha()
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    let right = 0;
    for (let y = 0; y < info.height; y++)
      for (let x = 0; x < info.width; x++)
        if (data[(y * info.width + x) * info.channels]! < 128) right = Math.max(right, x);
    expect(Math.abs(right - (10 + letteringWidth(text, 20)))).toBeLessThan(3);
  });
});
