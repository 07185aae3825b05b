import { describe, expect, it } from 'vitest';
import { cutFrame, evenLength, padFrame } from '../../../workers/codec/evenFrame.js';

describe('padFrame and cutFrame', () => {
  for (const [width, height] of [
    [4, 4],
    [3, 4],
    [4, 3],
    [5, 3],
    [1, 1],
  ] as const)
    it(`${width}x${height}: repeat the last column and row, and come back`, () => {
      const frame = Uint8Array.from({ length: 6 + width * height * 3 }, (_, i) => i + 1);
      const [evenWidth, evenHeight] = [evenLength(width), evenLength(height)];
      for (const stride of [evenWidth * 3, evenWidth * 3 + 5]) {
        const padded = new Uint8Array(7 + stride * evenHeight).fill(255);
        padFrame(frame, 6, width, height, padded, 7, stride);
        expect(padded.subarray(0, 7)).toEqual(new Uint8Array(7).fill(255));
        for (let y = 0; y < evenHeight; y++)
          for (let x = 0; x < evenWidth; x++)
            for (let c = 0; c < 3; c++) {
              const from = 6 + (Math.min(y, height - 1) * width + Math.min(x, width - 1)) * 3 + c;
              expect(padded[7 + y * stride + 3 * x + c]).toBe(frame[from]);
            }
        const back = new Uint8Array(frame.length);
        cutFrame(padded, 7, stride, back, 6, width, height);
        expect(back.subarray(6)).toEqual(frame.subarray(6));
        expect(back.subarray(0, 6)).toEqual(new Uint8Array(6));
      }
    });
});
