/** The ways a clip can be compressed: H.264 in this process, H.264 by a program, or JPEG where neither is to be had. */
export const CODEC_NAMES = ['node-av', 'ffmpeg', 'jpeg'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

/** What is to be compressed: runs of frames of one size, each run a stream of its own. */
export type CodecJob = {
  /** Pixels; odd sizes are allowed. */
  width: number;
  height: number;
  /** Quantiser of H.264, 0 (lossless but for the chroma) to 51. */
  qp: number;
  /** RGB `[n, H, W, 3]`, n >= 1 and not the same for all. */
  segments: readonly Uint8Array[];
};

/** Where a codec's pixels come from. Codecs of one `digest` give the same bytes. */
export type CodecIdentity = {
  /** Of FFmpeg, or of what makes the JPEGs. */
  version: string;
  /** Build of x264, as it signs its streams: `core 164 r3095 baee400`. */
  x264?: string;
};

/** Compresses and decompresses frames, so that they carry what a video on the web has lost. */
export type Codec = {
  readonly name: CodecName;

  /**
   * Compresses every segment as if it were alone and writes what comes back into `into`, which may be the segments
   * themselves. The same job gives the same bytes, whatever was compressed before it.
   *
   * @param into a buffer per segment, of its length; fresh ones where left out. Holds part of the result after an error
   * @throws RangeError for a job that cannot be; CodecError when the codec fails at one that can
   */
  recompress(job: CodecJob, into?: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;

  identify(): Promise<CodecIdentity>;
};

export const MAX_QP = 51;

/** @throws RangeError saying what was expected of the job or the buffers for its result */
export function checkJob({ width, height, qp, segments }: CodecJob, into: readonly Uint8Array[] | undefined): void {
  for (const [name, value] of Object.entries({ width, height }))
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`Expected a positive whole number for ${name} but received ${value}`);
  if (!Number.isInteger(qp) || qp < 0 || qp > MAX_QP)
    throw new RangeError(`Expected a whole number from 0 to ${MAX_QP} for qp but received ${qp}`);
  if (segments.length === 0) throw new RangeError('Expected at least one segment but received none');
  const frameBytes = width * height * 3;
  segments.forEach((segment, s) => {
    if (segment.length === 0 || segment.length % frameBytes !== 0)
      throw new RangeError(
        `Expected whole frames of ${width}x${height}x3 bytes for segment ${s} but received ${segment.length} bytes`,
      );
  });
  if (!into) return;
  if (into.length !== segments.length || into.some((buffer, s) => buffer.length !== segments[s]!.length))
    throw new RangeError('Expected a buffer of the same length for each segment in into');
}
