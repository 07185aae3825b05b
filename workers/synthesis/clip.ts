import type { DisplacementField } from '../image/bendRgb.js';
import { type Box, wholeBox } from '../image/box.js';
import { mirrorRows } from '../image/mirrorRows.js';
import type { StoredClip } from '../npz/readClip.js';
import { RecipeError } from './recipe.js';
import type { Workspace } from './workspace.js';

/** Motion of the source without rotation: x -> scaleX * x + shiftX, y likewise. */
export type SourceMotion = { scaleX: number; scaleY: number; shiftX: number; shiftY: number };

/**
 * A clip on its way through the stages. Flip and crop only note where the pixels lie; `target` gathers them once, when
 * the first stage asks. Afterwards the buffers belong to the stages, which may overwrite or replace them.
 */
export class Clip {
  readonly id: string;
  readonly points: 68 | 81;
  /** Rows of the stored arrays that make up the clip, in order. */
  frameIndex: Int32Array;
  /** Contiguous runs, each `frameIndex.length / segments` frames long. */
  segments = 1;
  /** For each frame of a finished segment the one of `frameIndex`'s segment that it shows; null for all in order. */
  rateMap: Int32Array | null = null;
  flipped = false;
  /** The part of the (flipped) stored picture that is worked on. */
  box: Box;
  /** (x, y) in pixels of `box`, `[T, points, 2]`. */
  landmarks: Float64Array;

  /** How many of the landmarks, from the first, outline the mask: without the forehead or with it. */
  maskPoints: 68 | 81;
  /** Binary mask 0 or 255 `[T, H, W]`, once drawn. */
  hardMask: Uint8Array | null = null;
  /** Mask 0..1 `[T, H, W]`, once it has been moved by fractions of a pixel; takes precedence. */
  softMask: Float32Array | null = null;
  /** Per frame, the part outside which the mask is 0. */
  support: Box[] | null = null;
  /** Motion that the blend applies to the source while it samples it. */
  sourceMotion: SourceMotion | null = null;
  /** How the blend bends the moved source, and the farthest that any pixel comes from; null for not at all. */
  sourceBend: (DisplacementField & { farthest: number }) | null = null;
  /** What is blended in, `[T, H, W, 3]`; the target itself until a colour transform parts them. */
  source: Uint8Array | null = null;
  /** The blended member, `[T, H, W, 3]`. */
  fake: Uint8Array | null = null;
  /** Per frame, the part outside which fake and target are equal; null once that is not known any more. */
  difference: Box[] | null = null;
  /** The finished pair `[2, T, H, W, 3]` and a member's shape. */
  pair: { bytes: Uint8Array; height: number; width: number } | null = null;

  #target: Uint8Array | null = null;
  #resized: { width: number; height: number } | null = null;

  constructor(
    readonly stored: StoredClip,
    private readonly workspace: Workspace,
  ) {
    this.id = stored.id;
    this.points = stored.points;
    this.maskPoints = stored.points;
    this.frameIndex = Int32Array.from({ length: stored.frames }, (_, frame) => frame);
    this.box = wholeBox(stored.width, stored.height);
    this.landmarks = stored.landmarks.slice();
  }

  get frames(): number {
    return this.frameIndex.length;
  }

  get width(): number {
    return this.#resized?.width ?? this.box.x1 - this.box.x0;
  }

  get height(): number {
    return this.#resized?.height ?? this.box.y1 - this.box.y0;
  }

  get frameBytes(): number {
    return this.width * this.height * 3;
  }

  /** The real member, `[T, H, W, 3]`. */
  get target(): Uint8Array {
    this.#target ??= this.#gather();
    return this.#target;
  }

  set target(pixels: Uint8Array) {
    this.#target = pixels;
  }

  /** Goes on with blended members of another size; masks and source have done their work. */
  resize(width: number, height: number, target: Uint8Array, fake: Uint8Array): void {
    const [scaleX, scaleY] = [width / this.width, height / this.height];
    for (let i = 0; i < this.landmarks.length; i += 2) {
      this.landmarks[i] = (this.landmarks[i]! + 0.5) * scaleX - 0.5;
      this.landmarks[i + 1] = (this.landmarks[i + 1]! + 0.5) * scaleY - 0.5;
    }
    this.#resized = { width, height };
    this.#target = target;
    this.fake = fake;
    this.forgetBlend();
    this.difference = null;
  }

  /** Drops what only the blend needed. */
  forgetBlend(): void {
    this.hardMask = null;
    this.softMask = null;
    this.support = null;
    this.source = null;
  }

  /** Keeps stages that choose pixels (frames, flip, crop) before those that change them. */
  assertNotGathered(stage: string): void {
    if (this.#target) throw new RecipeError(`${stage} has to come before every stage that works on pixels`);
  }

  #gather(): Uint8Array {
    const { pixels, height: storedHeight, width: storedWidth } = this.stored;
    const { width, height } = this;
    const target = this.workspace.bytes('target', this.frames * this.frameBytes);
    const start = this.flipped ? storedWidth - this.box.x1 : this.box.x0;
    for (let t = 0, out = 0; t < this.frames; t++) {
      for (let y = 0; y < height; y++, out += width * 3) {
        const from = ((this.frameIndex[t]! * storedHeight + this.box.y0 + y) * storedWidth + start) * 3;
        target.set(pixels.subarray(from, from + width * 3), out);
      }
    }
    if (this.flipped) mirrorRows(target, width, this.frames * height);
    return target;
  }
}
