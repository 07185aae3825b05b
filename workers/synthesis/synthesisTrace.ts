/** What one frame looked like when it was blended, at the size of the margin crop. All buffers are copies. */
export type TracedFrame = {
  /** Frame as it is blended, from 0: before the clip is given another frame rate. */
  index: number;
  width: number;
  height: number;
  /** RGB `[H, W, 3]`: the frame that is blended into, after its colour transform. */
  target: Uint8Array;
  /** RGB `[H, W, 3]`: the frame that is blended in, after colour transform and affine motion. */
  source: Uint8Array;
  /** `[H, W]`: share of the source, 255 for all of it. */
  mask: Uint8Array;
  /** RGB `[H, W, 3]`: the fake before it is compressed and cut. */
  blend: Uint8Array;
};

/** Receives the frames of a clip in order. Tracing costs time but never changes a byte of the pair. */
export type SynthesisTrace = { frame(picture: TracedFrame): void };
