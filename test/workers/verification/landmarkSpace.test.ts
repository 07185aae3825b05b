import { describe, expect, it } from 'vitest';
import { landmarkSpace } from '../../../workers/verification/landmarkSpace.js';
import { syntheticClip } from '../syntheticClip.js';

const clip = syntheticClip({ id: 'face', frames: 6, size: 64 });

/** The clip with its landmarks moved to another space. */
const moved = (change: (x: number, y: number, frame: number, point: number) => [number, number]) => {
  const landmarks = clip.landmarks.slice();
  for (let i = 0; i < landmarks.length; i += 2) {
    const [frame, point] = [Math.floor(i / (2 * clip.points)), (i / 2) % clip.points];
    [landmarks[i], landmarks[i + 1]] = change(landmarks[i]!, landmarks[i + 1]!, frame, point);
  }
  return landmarkSpace({ ...clip, landmarks });
};
const rotated = (degrees: number) => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return moved((x, y) => [32 + c * (x - 32) - s * (y - 32), 32 + s * (x - 32) + c * (y - 32)]);
};

describe('landmarkSpace', () => {
  it('finds pixels of the crop in order, and the box of the face', () => {
    const verdict = landmarkSpace(clip);
    expect(verdict).toMatchObject({ space: 'crop', outsidePoints: 0, outsideFrames: 0 });
    // The jaw spans 2 · 0.72 · 0.27 sides, about the middle.
    expect(verdict.face.right - verdict.face.left).toBeCloseTo(2 * 0.72 * 0.27 * 64, 5);
    expect((verdict.face.left + verdict.face.right) / 2).toBeCloseTo(32, -0.5);
  });

  it.each([
    [300, 120, 1],
    [20, 0, 1],
    [0, 17, 1],
    [130, 60, 0.4],
    [0, 0, 3.5],
    [400, 200, 2.5],
  ])('names full-frame coordinates: corner (%d, %d), scale %d', (left, top, scale) => {
    expect(moved((x, y) => [x * scale + left, y * scale + top]).space).toBe('full-frame');
  });

  it('names normalised and swapped coordinates, and those that belong to no picture', () => {
    expect(moved((x, y) => [x / 64, y / 64]).space).toBe('normalised');
    expect(moved((x, y) => [y, x]).space).toBe('swapped');
    expect(moved((x, y) => [x - 100, y]).space).toBe('outside');
  });

  it.each([-90, -45, 45, 90, 180])('leaves a face in peace that is turned by %d degrees', (degrees) => {
    expect(rotated(degrees).space).toBe('crop');
  });

  it('counts points outside the picture, all points in all frames', () => {
    const verdict = moved((x, y, frame, point) =>
      (frame === 2 && point < 3) || (frame === 4 && point === 80) ? [-1, y] : [x, y],
    );
    expect(verdict).toMatchObject({ space: 'crop', outsidePoints: 4, outsideFrames: 2 });
  });

  it('is not misled by a few frames of another space', () => {
    expect(moved((x, y, frame) => (frame === 0 ? [x + 300, y] : [x, y])).space).toBe('crop');
    expect(moved((x, y, frame) => (frame === 0 ? [x, y] : [x + 300, y])).space).toBe('full-frame');
  });
});
