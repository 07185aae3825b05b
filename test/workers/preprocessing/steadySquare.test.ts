import { describe, expect, it } from 'vitest';
import { cropSide, steadySquare } from '../../../workers/preprocessing/steadySquare.js';

/** Landmarks at the corners of boxes, one box a frame. */
const boxes = (...frames: [left: number, top: number, right: number, bottom: number][]) => frames.flat();
const picture = { width: 1000, height: 800 };

describe('steadySquare', () => {
  it('holds a large face with its margins, in all frames', () => {
    // Width 200 and half of it on each side; height 200, all of it above and two fifths below: 480. The face moves by 40.
    const landmarks = boxes([400, 400, 600, 600], [440, 400, 640, 600]);
    const { square, margined } = steadySquare(landmarks, 2, 2, picture, 256);
    expect(margined).toBe(480);
    expect(square).toEqual({ x: 520 - 240, y: Math.round(400 - (280 * 1) / 1.4), side: 480 });
  });

  it('does not enlarge a small face: the square is as large as the crop, about the face', () => {
    const landmarks = boxes([480, 380, 520, 430]);
    const { square, margined } = steadySquare(landmarks, 1, 2, picture, 256);
    expect(margined).toBe(120);
    expect(square.side).toBe(256);
    expect(square.x + 128).toBe(500);
    // At the edge of the picture it gives way.
    expect(steadySquare(boxes([2, 380, 42, 430]), 1, 2, picture, 256).square).toMatchObject({ x: 0, side: 256 });
    expect(steadySquare(boxes([480, 740, 520, 790]), 1, 2, picture, 256).square).toMatchObject({ y: 544, side: 256 });
  });

  it('is no larger than the picture, and neither are the crops', () => {
    const small = { width: 200, height: 150 };
    expect(cropSide(256, small)).toBe(150);
    expect(cropSide(96, small)).toBe(96);
    const { square, margined } = steadySquare(boxes([40, 40, 160, 140]), 1, 2, small, 256);
    expect([square.side, margined, square.y]).toEqual([150, 150, 0]);
  });
});
