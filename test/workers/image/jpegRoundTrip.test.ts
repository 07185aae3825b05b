import { describe, expect, it } from 'vitest';
import { jpegRoundTrip } from '../../../workers/image/jpegRoundTrip.js';
import { reference, referenceBytes } from '../reference.js';

const [H, W] = reference('smooth').shape as [number, number];

describe('jpegRoundTrip', () => {
  it("comes as near to OpenCV's accurate DCT as the fast one can", () => {
    for (const [quality, mean] of [
      [40, 2.2],
      [75, 2.2],
      [100, 3.5],
    ] as const) {
      const frame = referenceBytes('smooth').slice();
      jpegRoundTrip(frame, W, H, quality);
      const wanted = referenceBytes(`jpeg_${quality}`);
      const difference = frame.reduce((sum, v, i) => sum + Math.abs(v - wanted[i]!), 0) / frame.length;
      expect(difference, `${quality}`).toBeLessThan(mean);
    }
  });

  it('loses more at a lower quality', () => {
    const loss = (quality: number): number => {
      const frame = referenceBytes('noise').slice();
      jpegRoundTrip(frame, W, H, quality);
      return frame.reduce((sum, v, i) => sum + Math.abs(v - referenceBytes('noise')[i]!), 0);
    };
    expect(loss(40)).toBeGreaterThan(loss(90));
  });
});
