/**
 * The part of node-av that is used here: FFmpeg's own structures. Declared by hand, because the package is optional and
 * the sources have to compile without it. Calls return a negative AVERROR when they fail.
 */
export type AvFrame = {
  width: number;
  height: number;
  format: number;
  pts: bigint;
  pictType: number;
  readonly bestEffortTimestamp: bigint;
  readonly sampleAspectRatio: AvRational;
  readonly flags: number;
  readonly linesize: number[];
  /** Views of native memory, one per plane; not to be touched once the frame is freed. */
  readonly data: Buffer[] | null;
  alloc(): void;
  /** Rows begin at multiples of `align` bytes; 0 for what the processor likes best. */
  getBuffer(align?: number): number;
  unref(): void;
  free(): void;
};

export type AvRational = { num: number; den: number };

export type AvPacket = {
  data: Buffer | null;
  readonly streamIndex: number;
  readonly pts: bigint;
  readonly dts: bigint;
  readonly flags: number;
  readonly isKeyframe: boolean;
  alloc(): void;
  unref(): void;
  free(): void;
};

export type AvStream = {
  readonly index: number;
  readonly timeBase: AvRational;
  readonly avgFrameRate: AvRational;
  readonly disposition: number;
  discard: number;
  readonly codecpar: {
    readonly codecType: number;
    readonly codecId: number;
    readonly width: number;
    readonly height: number;
    getCodedSideData(type: number): Buffer | null;
  };
};

/** An open file. */
export type AvFormatContext = {
  readonly streams: AvStream[];
  readonly iformat: { readonly name: string | null } | null;
  openInputSync(path: string, format: null, options: null): number;
  findStreamInfoSync(options: null): number;
  readFrameSync(packet: AvPacket): number;
  seekFrameSync(stream: number, timestamp: bigint, flags: number): number;
  closeInputSync(): void;
};

export type AvCodecContext = {
  width: number;
  height: number;
  pixelFormat: number;
  timeBase: unknown;
  threadCount: number;
  allocContext3(codec: unknown): void;
  parametersToContext(parameters: unknown): number;
  flushBuffers(): void;
  /** `searchFlags` decides whether the encoder's private options are looked at too. */
  setOption(name: string, value: string, type: number, searchFlags: number): number;
  open2Sync(codec: unknown, options: null): number;
  sendFrameSync(frame: AvFrame | null): number;
  receivePacketSync(packet: AvPacket): number;
  sendPacketSync(packet: AvPacket | null): number;
  receiveFrameSync(frame: AvFrame): number;
  freeContext(): void;
};

export type AvScaler = {
  getContext(
    width: number,
    height: number,
    format: number,
    outWidth: number,
    outHeight: number,
    outFormat: number,
    flags: number,
  ): void;
  scaleFrameSync(out: AvFrame, frame: AvFrame): number;
  freeContext(): void;
};

type NodeAvLib = {
  Frame: new () => AvFrame;
  Packet: new () => AvPacket;
  CodecContext: new () => AvCodecContext;
  FormatContext: new () => AvFormatContext;
  SoftwareScaleContext: new () => AvScaler;
  Rational: new (numerator: number, denominator: number) => unknown;
  Codec: { findEncoderByName(name: string): unknown; findDecoder(id: number): unknown };
  FFmpegError: new (code: number) => Error;
  Log: { setLevel(level: number): void };
  getFFmpegInfo(): { version: string };
};

const CONSTANTS = [
  'AVDISCARD_ALL',
  'AVMEDIA_TYPE_VIDEO',
  'AVSEEK_FLAG_BACKWARD',
  'AVSEEK_FLAG_BYTE',
  'AV_CODEC_ID_H264',
  'AV_DISPOSITION_ATTACHED_PIC',
  'AV_FRAME_FLAG_CORRUPT',
  'AV_LOG_QUIET',
  'AV_OPT_SEARCH_CHILDREN',
  'AV_OPT_TYPE_STRING',
  'AV_PICTURE_TYPE_I',
  'AV_PICTURE_TYPE_NONE',
  'AV_PIX_FMT_RGB24',
  'AV_PKT_DATA_DISPLAYMATRIX',
  'AV_PKT_FLAG_DISCARD',
  'AV_PIX_FMT_YUV420P',
  'AVERROR_EAGAIN',
  'AVERROR_EOF',
  'SWS_BICUBIC',
] as const;

export type NodeAv = NodeAvLib & { constants: Record<(typeof CONSTANTS)[number], number> };

/** @throws whatever the import throws where the package or its binary for this platform is missing */
export async function loadNodeAv(): Promise<NodeAv> {
  // Names in variables: the compiler would look for an imported literal, and the package may not be there.
  const [libName, constantsName] = ['node-av/lib', 'node-av/constants'];
  const lib = (await import(libName)) as NodeAvLib;
  const constants = (await import(constantsName)) as NodeAv['constants'];
  for (const name of CONSTANTS)
    if (typeof constants[name] !== 'number') throw new Error(`this version of node-av has no constant ${name}`);
  lib.Log.setLevel(constants.AV_LOG_QUIET); // errors are thrown; x264 would print a page for each clip
  return { ...lib, constants };
}
