import { describe, expect, it } from 'vitest';
import { Camera } from '../../../pipeline/demo/camera.js';

const still = { yaw: 0, pitch: 0, roll: 0, x: 0, y: 0, z: 0 };

describe('Camera', () => {
  it('is a pinhole: a point twice as far off the axis lands twice as far, a nearer one farther', () => {
    const camera = new Camera(302, 1);
    camera.pose(still);
    expect(camera.screenX(0, 0)).toBe(151);
    // 302 pixels span 302 mm in the plane through the head's origin, 1100 mm away.
    expect(camera.screenX(10, 0) - 151).toBeCloseTo(10, 9);
    expect(camera.screenX(20, 0) - 151).toBeCloseTo(20, 9);
    expect(camera.screenX(10, 100) - 151).toBeCloseTo((10 * 1100) / 1000, 9);
    expect(camera.screenY(10, 0)).toBeLessThan(camera.screenY(0, 0));
  });

  it('turns the face right with yaw, up with pitch, clockwise with roll, and back again', () => {
    const camera = new Camera(302, 1);
    camera.pose({ ...still, yaw: 0.3 });
    expect(camera.turn(0, 0, 1)).toEqual([Math.sin(0.3), 0, Math.cos(0.3)].map((v) => expect.closeTo(v, 12)));
    camera.pose({ ...still, pitch: 0.3 });
    expect(camera.turn(0, 0, 1)).toEqual([0, Math.sin(0.3), Math.cos(0.3)].map((v) => expect.closeTo(v, 12)));
    camera.pose({ ...still, roll: 0.3 });
    expect(camera.turn(0, 1, 0)).toEqual([Math.sin(0.3), Math.cos(0.3), 0].map((v) => expect.closeTo(v, 12)));

    camera.pose({ yaw: 0.2, pitch: -0.1, roll: 0.15, x: 5, y: -3, z: 12 });
    const p = new Float64Array(3);
    camera.place(10, -20, 80, p, 0);
    camera.unproject(camera.screenX(p[0]!, p[2]!), camera.screenY(p[1]!, p[2]!), p[2]!, p);
    camera.unplace(p[0]!, p[1]!, p[2]!, p);
    expect([...p]).toEqual([10, -20, 80].map((v) => expect.closeTo(v, 9)));
  });
});
