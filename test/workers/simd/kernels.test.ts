import { describe, expect, it } from 'vitest';
import { alphaBlend } from '../../../workers/image/alphaBlend.js';
import { affineTaps, downscaleTaps, resizeTaps } from '../../../workers/image/axisTaps.js';
import { blurBinary } from '../../../workers/image/blurBinary.js';
import { type Box, wholeBox } from '../../../workers/image/box.js';
import { brightnessContrastTable, hsvShiftTables, rgbShiftTable } from '../../../workers/image/colourTables.js';
import { gaussianBlur } from '../../../workers/image/gaussianBlur.js';
import { gaussianKernel } from '../../../workers/image/gaussianKernel.js';
import { keepFull } from '../../../workers/image/keepFull.js';
import { mirrorRows } from '../../../workers/image/mirrorRows.js';
import { recolour, recolourByTables } from '../../../workers/image/recolour.js';
import { reflect101 } from '../../../workers/image/reflect101.js';
import { resampleMask } from '../../../workers/image/resampleMask.js';
import { resampleRgb } from '../../../workers/image/resampleRgb.js';
import { sharpen } from '../../../workers/image/sharpen.js';
import { shiftMask } from '../../../workers/image/shiftMask.js';
import { keyedGenerator } from '../../../workers/index.js';
import { Workspace } from '../../../workers/synthesis/workspace.js';
import { compare } from '../reference.js';

// What the kernels compute is compared with loops that are slow and plain; OpenCV's results are elsewhere. All sizes
// from tiny to a few vectors occur, since ends of rows are where vector code goes wrong.

const random = keyedGenerator('kernels');
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.integer(0, 255));
const floats = (length: number): Float32Array => Float32Array.from({ length }, () => random.uniform());
const sizes = Array.from({ length: 40 }, () => [random.integer(1, 45), random.integer(1, 12)] as const);

function boxIn(width: number, height: number): Box {
  const [x0, y0] = [random.integer(0, width - 1), random.integer(0, height - 1)];
  return { x0, y0, x1: random.integer(x0 + 1, width), y1: random.integer(y0 + 1, height) };
}

function* pixels(box: Box, width: number): Generator<number> {
  for (let y = box.y0; y < box.y1; y++) for (let x = box.x0; x < box.x1; x++) yield y * width + x;
}

describe('recolour', () => {
  it('gives every colour the bytes of the tables', () => {
    const [width, height] = [256, 1024];
    const colours = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) colours.set([(i & 63) * 4 + (i % 3), (i >> 6) & 255, i >> 10], 3 * i);
    for (const [hue, saturation, value] of [
      [0.2, 0.2, 0.2],
      [-0.2, -0.2, -0.2],
      [77.4, -90.5, 33.3],
      [-179.9, 254, -254],
    ] as const) {
      const tables = { before: null, hsv: hsvShiftTables(hue, saturation, value), after: null };
      const [fast, slow] = [new Uint8Array(colours.length), new Uint8Array(colours.length)];
      recolour(colours, 0, fast, 0, width, wholeBox(width, height), tables);
      recolourByTables(colours, 0, slow, 0, width, wholeBox(width, height), tables);
      expect(compare(fast, slow), `${hue}`).toEqual({ most: 0, share: 0 });
    }
  });

  it('does all combinations of tables, in place too, and writes nothing else', () => {
    for (const [width, height] of sizes) {
      const box = boxIn(width, height);
      for (let use = 0; use < 8; use++) {
        const tables = {
          before: use & 1 ? rgbShiftTable([12.3, -4, 9]) : null,
          hsv: use & 2 ? hsvShiftTables(-0.1, 3, -20) : null,
          after: use & 4 ? brightnessContrastTable(0.1, -0.2) : null,
        };
        const picture = bytes(width * height * 3);
        const slow = picture.slice();
        recolourByTables(picture, 0, slow, 0, width, box, tables);
        recolour(picture, 0, picture, 0, width, box, tables);
        expect(picture).toEqual(slow);
      }
    }
  });

  it('takes tables that are no shifts', () => {
    const tables = { ...hsvShiftTables(0, 0, 0), saturation: bytes(256) };
    const [picture, fast, slow] = [bytes(300), new Uint8Array(300), new Uint8Array(300)];
    recolour(picture, 0, fast, 0, 10, wholeBox(10, 10), { before: null, hsv: tables, after: null });
    recolourByTables(picture, 0, slow, 0, 10, wholeBox(10, 10), { before: null, hsv: tables, after: null });
    expect(fast).toEqual(slow);
  });
});

describe('mirrorRows', () => {
  it('mirrors rows of every width and touches nothing around them', () => {
    for (let width = 1; width < 80; width++) {
      const height = 3;
      const around = bytes(width * height * 3 + 16);
      const mirrored = around.slice();
      mirrorRows(mirrored, width, height);
      const expected = around.slice();
      for (const i of pixels(wholeBox(width, height), width)) {
        const [x, row] = [i % width, i - (i % width)];
        expected.set(around.subarray((row + width - 1 - x) * 3, (row + width - x) * 3), i * 3);
      }
      expect(mirrored, `${width}`).toEqual(expected);
    }
  });
});

describe('resampleRgb', () => {
  it('rounds the exact sum of four fixed-point products', () => {
    for (const [width, height] of sizes) {
      const [outWidth, outHeight] = [random.integer(1, 50), random.integer(1, 14)];
      for (const [columns, rows, w, h] of [
        [resizeTaps(width, outWidth), resizeTaps(height, outHeight), outWidth, outHeight],
        [affineTaps(width, 1.07, -3.3), affineTaps(height, 0.9, 2.2), width, height],
        [downscaleTaps(width, 4), downscaleTaps(height, 2), width, height],
      ] as const) {
        const source = bytes(width * height * 3);
        const target = bytes(w * h * 3);
        const expected = target.slice();
        const box = boxIn(w, h);
        for (const i of pixels(box, w))
          for (let c = 0; c < 3; c++) {
            const [x, y] = [i % w, Math.floor(i / w)];
            const at = (row: number, column: number): number => source[(row * width + column) * 3 + c]!;
            const mix = (row: number): number =>
              at(row, columns.low[x]!) * columns.lowFixed[x]! + at(row, columns.high[x]!) * columns.highFixed[x]!;
            const sum = mix(rows.low[y]!) * rows.lowFixed[y]! + mix(rows.high[y]!) * rows.highFixed[y]!;
            expected[i * 3 + c] = Math.floor(sum / 2 ** 22 + 0.5);
          }
        resampleRgb(source, 0, width, target, 0, w, columns, rows, box);
        expect(target).toEqual(expected);
      }
    }
  });
});

describe('resampleMask', () => {
  it('mixes four neighbours, and gives exactly the factor where all are 1', () => {
    for (const [width, height] of sizes) {
      const [w, h] = [random.integer(1, 50), random.integer(1, 14)];
      const [columns, rows] = [resizeTaps(width, w), resizeTaps(height, h)];
      const source = floats(width * height);
      const target = new Float32Array(w * h);
      const box = resampleMask(source, 0, width, wholeBox(width, height), target, 0, w, columns, rows, 0.5);
      expect(box).toEqual(wholeBox(w, h));
      for (const i of pixels(box, w)) {
        const [x, y] = [i % w, Math.floor(i / w)];
        const mix = (row: number): number =>
          columns.lowWeight[x]! * source[row * width + columns.low[x]!]! +
          columns.highWeight[x]! * source[row * width + columns.high[x]!]!;
        const wanted = (rows.lowWeight[y]! * mix(rows.low[y]!) + rows.highWeight[y]! * mix(rows.high[y]!)) / 2;
        expect(Math.abs(target[i]! - wanted)).toBeLessThan(1e-6);
      }
      resampleMask(source.fill(1), 0, width, wholeBox(width, height), target, 0, w, columns, rows, 0.5);
      expect(target.every((v) => v === 0.5)).toBe(true);
    }
  });
});

describe('gaussianBlur', () => {
  it('is the double sum over the kernel, mirrored at the borders, 0 outside the source box', () => {
    for (const [width, height] of sizes) {
      const kernel = gaussianKernel(2 * random.integer(0, 9) + 1, 3);
      const radius = (kernel.length - 1) / 2;
      const [sourceBox, outBox] = [boxIn(width, height), boxIn(width, height)];
      const source = floats(width * height);
      const target = floats(width * height);
      const expected = Float64Array.from(target);
      const at = (x: number, y: number): number =>
        x >= sourceBox.x0 && x < sourceBox.x1 && y >= sourceBox.y0 && y < sourceBox.y1 ? source[y * width + x]! : 0;
      for (const i of pixels(outBox, width)) {
        expected[i] = 0;
        for (let dy = -radius; dy <= radius; dy++)
          for (let dx = -radius; dx <= radius; dx++)
            expected[i]! +=
              kernel[dx + radius]! *
              kernel[dy + radius]! *
              at(reflect101((i % width) + dx, width), reflect101(Math.floor(i / width) + dy, height));
      }
      gaussianBlur(source, 0, width, height, sourceBox, kernel, target, 0, outBox);
      expect(compare(target, expected).most).toBeLessThan(1e-5);
    }
  });
});

describe('blurBinary', () => {
  it('is near the same blur in floats, and exactly 1 where the kernel sees ones only', () => {
    let ones = 0;
    for (const [w, h] of sizes) {
      const [width, height] = [w + 8, h + 8];
      const kernel = gaussianKernel(2 * random.integer(0, 4) + 1, random.between(1, 20));
      const radius = (kernel.length - 1) / 2;
      const sourceBox = random.chance(0.5) ? boxIn(width, height) : wholeBox(width, height);
      const source = new Uint8Array(width * height);
      for (const i of pixels(sourceBox, width)) source[i] = random.chance(0.9) ? 255 : 0;
      for (const i of pixels({ ...sourceBox, x1: sourceBox.x0 + ((sourceBox.x1 - sourceBox.x0) >> 1) }, width))
        source[i] = 255;
      const outBox = boxIn(width, height);
      const target = new Float32Array(width * height).fill(7);
      const most = blurBinary(source, width, height, sourceBox, kernel, target, outBox);
      const wanted = new Float32Array(width * height).fill(7);
      const whole = wholeBox(width, height);
      gaussianBlur(
        Float32Array.from(source, (v) => v / 255),
        0,
        width,
        height,
        whole,
        kernel,
        wanted,
        0,
        outBox,
      );
      expect(compare(target, wanted).most).toBeLessThan(1.5e-4);
      let seen = 0;
      for (const i of pixels(outBox, width)) {
        seen = Math.max(seen, target[i]!);
        let full = true;
        for (let dy = -radius; dy <= radius; dy++)
          for (let dx = -radius; dx <= radius; dx++)
            full &&=
              source[reflect101(Math.floor(i / width) + dy, height) * width + reflect101((i % width) + dx, width)] ===
              255;
        if (full) {
          ones++;
          expect(target[i]).toBe(1);
        }
      }
      expect(most).toBe(seen);
    }
    expect(ones).toBeGreaterThan(100);
  });
});

describe('keepFull', () => {
  it('keeps what comes within the threshold of the largest value, and bounds it', () => {
    for (const [width, height] of sizes) {
      const box = boxIn(width, height);
      const values = Float32Array.from({ length: width * height }, () => random.pick([0, 0.3, 0.7, 0.79995, 0.8]));
      const kept = new Uint8Array(width * height).fill(9);
      const bounds = keepFull(values, width, box, 1e-4, kept);
      const largest = Math.max(...[...pixels(box, width)].map((i) => values[i]!));
      const wanted = new Uint8Array(width * height).fill(9);
      const around = { x0: width, y0: height, x1: 0, y1: 0 };
      for (const i of pixels(box, width)) {
        wanted[i] = values[i]! >= largest * (1 - 1e-4) ? 255 : 0;
        if (!wanted[i]) continue;
        const [x, y] = [i % width, Math.floor(i / width)];
        around.x0 = Math.min(around.x0, x);
        around.x1 = Math.max(around.x1, x + 1);
        around.y0 = Math.min(around.y0, y);
        around.y1 = Math.max(around.y1, y + 1);
      }
      if (largest === 0) expect(bounds).toEqual({ x0: 0, y0: 0, x1: 0, y1: 0 });
      else expect({ bounds, kept }).toEqual({ bounds: around, kept: wanted });
    }
  });
});

describe('sharpen', () => {
  it('is the 3x3 filter in whole numbers', () => {
    for (const [width, height] of sizes) {
      const source = bytes(width * height * 3);
      const target = bytes(width * height * 3);
      const expected = target.slice();
      const box = boxIn(width, height);
      const [alpha, lightness] = [random.between(0.2, 0.5), random.between(0.5, 1)];
      const own = Math.round((1 - alpha + alpha * (8 + lightness) + alpha) * 65536);
      const around = Math.round(alpha * 65536);
      for (const i of pixels(box, width))
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (const dy of [-1, 0, 1])
            for (const dx of [-1, 0, 1]) {
              const [x, y] = [reflect101((i % width) + dx, width), reflect101(Math.floor(i / width) + dy, height)];
              sum += source[(y * width + x) * 3 + c]!;
            }
          const level = Math.floor((own * source[i * 3 + c]! - around * sum + 32768) / 65536);
          expected[i * 3 + c] = Math.max(0, Math.min(255, level));
        }
      sharpen(source, 0, target, 0, width, height, box, alpha, lightness);
      expect(target).toEqual(expected);
    }
  });
});

describe('shiftMask', () => {
  it('mixes four neighbours, 0 from outside', () => {
    for (const [width, height] of sizes) {
      const source = bytes(width * height).map((v) => (v > 100 ? 255 : v));
      const [dx, dy] = [random.between(-4, 4), random.between(-4, 4)];
      const target = new Float32Array(width * height);
      shiftMask(source, target, 0, width, height, wholeBox(width, height), dx, dy);
      const at = (x: number, y: number): number =>
        x >= 0 && x < width && y >= 0 && y < height ? source[y * width + x]! / 255 : 0;
      for (const i of pixels(wholeBox(width, height), width)) {
        const [x, y] = [(i % width) - dx, Math.floor(i / width) - dy];
        const [left, top] = [Math.floor(x), Math.floor(y)];
        const [u, v] = [x - left, y - top];
        const wanted =
          (1 - v) * ((1 - u) * at(left, top) + u * at(left + 1, top)) +
          v * ((1 - u) * at(left, top + 1) + u * at(left + 1, top + 1));
        expect(Math.abs(target[i]! - wanted)).toBeLessThan(1e-5);
      }
    }
  });
});

describe('alphaBlend', () => {
  it('truncates the mixture, and is exact where the mask is 0 or 1 and where the pictures are equal', () => {
    for (const [width, height] of sizes) {
      const box = boxIn(width, height);
      const source = bytes(width * height * 3);
      for (const ratio of [0.25, 0.75, 1])
        for (const mask of [
          Float32Array.from({ length: width * height }, () => random.pick([0, 1, 1, random.uniform()])),
          Uint8Array.from({ length: width * height }, () => random.pick([0, 255, 255, random.integer(0, 255)])),
        ]) {
          const target = source.map((v) => (random.chance(0.1) ? v : random.integer(0, 255)));
          const blended = target.slice();
          const scale = mask instanceof Uint8Array ? ratio / 255 : ratio;
          alphaBlend(blended, 0, source, mask, 0, scale, width, box);
          const inside = new Set(pixels(box, width));
          for (let i = 0; i < blended.length; i++) {
            const pixel = Math.floor(i / 3);
            const m = mask[pixel]! * scale;
            const mixed = target[i]! + m * (source[i]! - target[i]!);
            if (!inside.has(pixel) || m === 0) expect(blended[i]).toBe(target[i]);
            else if (mask[pixel] === (mask instanceof Uint8Array ? 255 : 1)) expect(blended[i]).toBe(Math.floor(mixed));
            else {
              expect(blended[i]).toBeGreaterThan(mixed - 1 - 1e-4);
              expect(blended[i]).toBeLessThanOrEqual(mixed + 1e-4);
            }
          }
        }
    }
  });
});

describe('memory', () => {
  it('makes no difference: pictures in linear memory give the bytes of pictures outside', () => {
    const [width, height] = [37, 19];
    const workspace = new Workspace();
    const outside = bytes(width * height * 3 * 2);
    const inside = workspace.bytes('inside', outside.length);
    inside.set(outside);
    const at = width * height * 3;
    const results = [outside, inside].map((source, i) => {
      const target = i === 0 ? new Uint8Array(at) : workspace.bytes('target', at).fill(0);
      const box = { x0: 3, y0: 2, x1: 30, y1: 17 };
      const after = brightnessContrastTable(0.05, 0.1);
      sharpen(source, at, target, 0, width, height, box, 0.3, 0.7);
      recolour(target, 0, target, 0, width, box, { before: null, hsv: hsvShiftTables(1, -2, 3), after });
      const [columns, rows] = [resizeTaps(width, 23), resizeTaps(height, 50)];
      const resized = i === 0 ? new Uint8Array(23 * 50 * 3) : workspace.bytes('resized', 23 * 50 * 3);
      resampleRgb(target, 0, width, resized, 0, 23, columns, rows, wholeBox(23, 50));
      return resized.slice();
    });
    expect(results[0]).toEqual(results[1]);
  });
});
