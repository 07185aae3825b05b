import type { Mesh } from './mesh.js';

/** Where a head is: angles in radians, shift in millimetres. */
export type Pose = { yaw: number; pitch: number; roll: number; x: number; y: number; z: number };

/** The head turns about the top of the neck. */
const PIVOT = { y: -75, z: -25 };

/** From camera to the head's origin, in millimetres; a portrait lens. */
const DISTANCE = 1100;

/** Where the middle between the eyes lies in a square crop, and millimetres that its side spans. */
const EYES = { x: 0.5, y: 0.415 };
const SIDE_MM = 302;

/** A pinhole camera in front of a head. Head space and camera space: x right, y up, z towards the camera. */
export class Camera {
  private readonly rotation = new Float64Array(9);
  private readonly shift = new Float64Array(3);
  private readonly scale: number;

  /** @param side of the picture in pixels, @param zoom 1 for an average framing */
  constructor(
    readonly side: number,
    zoom: number,
  ) {
    this.scale = (side / SIDE_MM) * zoom;
  }

  /** Sets the pose; yaw turns the face to the right of the picture, pitch up, roll clockwise. */
  pose(pose: Pose): void {
    const [cy, sy] = [Math.cos(pose.yaw), Math.sin(pose.yaw)];
    const [cp, sp] = [Math.cos(pose.pitch), Math.sin(pose.pitch)];
    const [cr, sr] = [Math.cos(pose.roll), Math.sin(pose.roll)];
    // Roll · pitch · yaw.
    const m = [cy, 0, sy, -sp * sy, cp, sp * cy, -cp * sy, -sp, cp * cy];
    const r = this.rotation;
    for (let c = 0; c < 3; c++) {
      r[c] = cr * m[c]! + sr * m[3 + c]!;
      r[3 + c] = -sr * m[c]! + cr * m[3 + c]!;
      r[6 + c] = m[6 + c]!;
    }
    this.shift[0] = pose.x;
    this.shift[1] = pose.y;
    this.shift[2] = pose.z;
  }

  /** Head space to camera space. */
  place(x: number, y: number, z: number, out: Float32Array | Float64Array, at: number): void {
    const r = this.rotation;
    const py = y - PIVOT.y;
    const pz = z - PIVOT.z;
    out[at] = r[0]! * x + r[1]! * py + r[2]! * pz + this.shift[0]!;
    out[at + 1] = r[3]! * x + r[4]! * py + r[5]! * pz + PIVOT.y + this.shift[1]!;
    out[at + 2] = r[6]! * x + r[7]! * py + r[8]! * pz + PIVOT.z + this.shift[2]!;
  }

  /** Camera space to head space, component by component (the inverse of `place`). */
  unplace(x: number, y: number, z: number, out: Float64Array): void {
    const r = this.rotation;
    const a = x - this.shift[0]!;
    const b = y - PIVOT.y - this.shift[1]!;
    const c = z - PIVOT.z - this.shift[2]!;
    out[0] = r[0]! * a + r[3]! * b + r[6]! * c;
    out[1] = r[1]! * a + r[4]! * b + r[7]! * c + PIVOT.y;
    out[2] = r[2]! * a + r[5]! * b + r[8]! * c + PIVOT.z;
  }

  /** A direction of head space in camera space. */
  turn(x: number, y: number, z: number): [number, number, number] {
    const r = this.rotation;
    return [r[0]! * x + r[1]! * y + r[2]! * z, r[3]! * x + r[4]! * y + r[5]! * z, r[6]! * x + r[7]! * y + r[8]! * z];
  }

  /** A direction of camera space in head space. */
  turnBack(x: number, y: number, z: number): [number, number, number] {
    const r = this.rotation;
    return [r[0]! * x + r[3]! * y + r[6]! * z, r[1]! * x + r[4]! * y + r[7]! * z, r[2]! * x + r[5]! * y + r[8]! * z];
  }

  screenX(x: number, z: number): number {
    return EYES.x * this.side + (this.scale * x * DISTANCE) / (DISTANCE - z);
  }

  screenY(y: number, z: number): number {
    return EYES.y * this.side - (this.scale * y * DISTANCE) / (DISTANCE - z);
  }

  /** Camera space of the point seen at a pixel at depth z. */
  unproject(px: number, py: number, z: number, out: Float64Array): void {
    const unit = (DISTANCE - z) / (DISTANCE * this.scale);
    out[0] = (px - EYES.x * this.side) * unit;
    out[1] = (EYES.y * this.side - py) * unit;
    out[2] = z;
  }

  /** Places and projects all vertices of a mesh. */
  view(mesh: Mesh): void {
    const { points, placed, screen } = mesh;
    for (let i = 0, p = 0; p < points.length; i += 2, p += 3) {
      this.place(points[p]!, points[p + 1]!, points[p + 2]!, placed, p);
      const z = placed[p + 2]!;
      screen[i] = this.screenX(placed[p]!, z);
      screen[i + 1] = this.screenY(placed[p + 1]!, z);
    }
  }
}
