import { checked, received } from '../codec/nodeAvCheck.js';
import {
  type AvCodecContext,
  type AvFormatContext,
  type AvFrame,
  type AvPacket,
  type AvStream,
  loadNodeAv,
  type NodeAv,
} from '../codec/nodeAvLibrary.js';
import { nativeSection } from '../pool/nativeSection.js';
import { VideoError } from './videoError.js';

/** Packets read at once; between such pieces the thread may be ended. */
const PIECE = 256;
/** Packets that cannot be decoded, one after another, after which a stretch of video is given up. */
const MOST_BAD_PACKETS = 300;
/** Keyframes further and further back from which a frame is tried to be reached. */
const MOST_SEEKS = 5;

export type Turn = 0 | 90 | 180 | 270;

/**
 * A video's first picture track, opened for reading at any frame, by FFmpeg's libraries. Frames are numbered in order of
 * display from 0, counted in the file and not guessed from a frame rate. What is kept in memory is one frame and some 20
 * bytes for each packet.
 */
export class VideoFile {
  /** Times of display, rising, in units of the track's time base: frame n is shown at `times[n]`. */
  readonly times: Float64Array;
  /** Numbers of the frames at which decoding can begin, rising. */
  readonly keyframes: Int32Array;
  /** By how much the picture has to be turned clockwise to be upright, degrees. */
  readonly turn: Turn;
  /** Frames a second, on the average. */
  readonly rate: number;
  readonly #decoder: AvCodecContext;
  readonly #packet: AvPacket;
  readonly #frame: AvFrame;
  /** Number of the last frame that the decoder gave, and whether the file's end has been reached. */
  #last = -1;
  #drained = false;

  private constructor(
    private readonly av: NodeAv,
    private readonly file: AvFormatContext,
    private readonly stream: AvStream,
  ) {
    const codec = av.Codec.findDecoder(stream.codecpar.codecId);
    if (!codec) throw new VideoError(`no decoder for its codec (number ${stream.codecpar.codecId})`);
    this.#packet = new av.Packet();
    this.#packet.alloc();
    this.#frame = new av.Frame();
    this.#frame.alloc();
    this.#decoder = new av.CodecContext();
    this.#decoder.allocContext3(codec);
    try {
      checked(av, this.#decoder.parametersToContext(stream.codecpar), 'the parameters of the codec');
      this.#decoder.threadCount = 1;
      checked(av, this.#decoder.open2Sync(codec, null), 'opening the decoder');
      for (const other of file.streams) if (other.index !== stream.index) other.discard = av.constants.AVDISCARD_ALL;
      const index = this.#index();
      this.times = index.times;
      this.keyframes = index.keyframes;
    } catch (error) {
      this.#freeDecoder();
      throw error;
    }
    this.turn = turnOf(stream.codecpar.getCodedSideData(av.constants.AV_PKT_DATA_DISPLAYMATRIX));
    this.rate = stream.avgFrameRate.num / stream.avgFrameRate.den || 0;
  }

  /** @throws VideoError when there is no video in the file that could be read */
  static async open(path: string): Promise<VideoFile> {
    const av = await nativeSection(loadNodeAv);
    return nativeSection(() => {
      const file = new av.FormatContext();
      const code = file.openInputSync(path, null, null);
      if (code < 0) throw new VideoError(`cannot be opened (${openingFailure(new av.FFmpegError(code).message)})`);
      try {
        file.findStreamInfoSync(null);
        const { AVMEDIA_TYPE_VIDEO, AV_DISPOSITION_ATTACHED_PIC } = av.constants;
        const stream = file.streams.find(
          ({ codecpar, disposition }) =>
            codecpar.codecType === AVMEDIA_TYPE_VIDEO && (disposition & AV_DISPOSITION_ATTACHED_PIC) === 0,
        );
        if (!stream)
          throw new VideoError(
            file.streams.length === 0 ? 'holds no streams' : 'holds no video, only sound or other data',
          );
        return new VideoFile(av, file, stream);
      } catch (error) {
        file.closeInputSync();
        throw error instanceof VideoError ? error : new VideoError((error as Error).message, { cause: error });
      }
    });
  }

  get frames(): number {
    return this.times.length;
  }

  /** When frame `number` is shown, seconds from the first frame on. */
  secondsAt(number: number): number {
    const { num, den } = this.stream.timeBase;
    return ((this.times[number]! - this.times[0]!) * num) / den;
  }

  /** From the first frame to the end of the last, seconds. */
  get seconds(): number {
    return this.secondsAt(this.frames - 1) + (this.rate > 0 ? 1 / this.rate : 0);
  }

  /**
   * Decodes frames `from` to `to - 1`. Frames that are missing or damaged are left out. Each is valid until the next is
   * asked for.
   */
  *decode(from: number, to: number): Generator<{ number: number; frame: AvFrame }> {
    nativeSection(() => this.#goTo(from, 0));
    let seeks = 1;
    let begun = false;
    for (let bad = 0; ; ) {
      const number = nativeSection(() => this.#next());
      // Some containers seek by the time of decoding, or to a place of their own, and so past the frame.
      if (!begun && (number === 'end' || (number !== 'bad' && number > from)) && seeks < MOST_SEEKS) {
        const hasMore = nativeSection(() => this.#goTo(from, seeks));
        seeks = hasMore ? seeks + 1 : MOST_SEEKS;
        continue;
      }
      if (number === 'end') return;
      if (number === 'bad') {
        if (++bad > MOST_BAD_PACKETS) return;
        continue;
      }
      begun = true;
      // What lies behind the window is decoded and gone for those who would go on from here.
      this.#last = number >= to ? Number.POSITIVE_INFINITY : Math.max(this.#last, number);
      if (number >= to) return;
      if (number >= from && (this.#frame.flags & this.av.constants.AV_FRAME_FLAG_CORRUPT) === 0)
        yield { number, frame: this.#frame };
      if (number === to - 1) return;
    }
  }

  close(): void {
    nativeSection(() => {
      this.#freeDecoder();
      this.file.closeInputSync();
    });
  }

  #freeDecoder(): void {
    this.#frame.free();
    this.#packet.free();
    this.#decoder.freeContext();
  }

  /** Reads the times of all packets, without decoding any. */
  #index(): { times: Float64Array; keyframes: Int32Array } {
    const times: number[] = [];
    const keys: number[] = [];
    const { AV_PKT_FLAG_DISCARD } = this.av.constants;
    const readPiece = (): boolean => {
      for (let i = 0; i < PIECE; i++) {
        if (this.file.readFrameSync(this.#packet) < 0) return false;
        const { streamIndex, pts, dts, flags, isKeyframe } = this.#packet;
        const time = Number(pts < -(2n ** 62n) ? dts : pts);
        this.#packet.unref();
        if (streamIndex !== this.stream.index || (flags & AV_PKT_FLAG_DISCARD) !== 0) continue;
        times.push(time);
        if (isKeyframe) keys.push(time);
      }
      return true;
    };
    while (nativeSection(readPiece));
    if (times.some((time) => time < -(2 ** 62)))
      throw new VideoError('its frames have no times (a bare stream?); `ffmpeg -i IN -c copy OUT.mkv` gives them some');
    const sorted = Float64Array.from(times).sort();
    return { times: sorted, keyframes: Int32Array.from(keys, (time) => nearest(sorted, time)).sort() };
  }

  /**
   * Goes to the last keyframe before `from`, unless going on is as near; or to one that lies some keyframes before it.
   * @returns whether there is one further back
   */
  #goTo(from: number, back: number): boolean {
    const last = this.keyframes.findLastIndex((key) => key <= from);
    const place = Math.max(0, last - back);
    const before = this.keyframes[place] ?? 0;
    if (back === 0 && !this.#drained && this.#last >= 0 && this.#last < from && before <= this.#last + 1) return true;
    const { AVSEEK_FLAG_BACKWARD, AVSEEK_FLAG_BYTE } = this.av.constants;
    const seek = (frame: number) =>
      this.file.seekFrameSync(this.stream.index, BigInt(Math.round(this.times[frame] ?? 0)), AVSEEK_FLAG_BACKWARD);
    if (seek(before) < 0) seek(0);
    // Streams without an index, as broadcast, are searched by time, which may miss the very first frames.
    if (back > 0 && place === 0) this.file.seekFrameSync(this.stream.index, 0n, AVSEEK_FLAG_BYTE);
    this.#decoder.flushBuffers();
    this.#last = -1;
    this.#drained = false;
    return place > 0;
  }

  #next(): number | 'end' | 'bad' {
    for (;;) {
      this.#frame.unref();
      const code = this.#decoder.receiveFrameSync(this.#frame);
      if (code >= 0) return nearest(this.times, Number(this.#frame.bestEffortTimestamp));
      const { AVERROR_EOF, AVERROR_EAGAIN } = this.av.constants;
      if (code === AVERROR_EOF) return 'end';
      if (code !== AVERROR_EAGAIN) return 'bad';
      if (this.#drained) return 'end';
      const sent = this.#send();
      if (sent === 'bad') return 'bad';
    }
  }

  #send(): 'sent' | 'bad' {
    for (;;) {
      if (this.file.readFrameSync(this.#packet) < 0) {
        this.#drained = true;
        return received(this.av, this.#decoder.sendPacketSync(null), 'ending the decoding') ? 'sent' : 'bad';
      }
      if (this.#packet.streamIndex !== this.stream.index) {
        this.#packet.unref();
        continue;
      }
      const code = this.#decoder.sendPacketSync(this.#packet);
      this.#packet.unref();
      return code < 0 ? 'bad' : 'sent';
    }
  }
}

/** Place of the value nearest to `value` in rising numbers. */
function nearest(rising: Float64Array, value: number): number {
  let [low, high] = [0, rising.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low > 0 && value - rising[low - 1]! < rising[low]! - value ? low - 1 : low;
}

/** FFmpeg's display matrix, 3x3 of 16.16 fixed point: cos and sin of the turn stand first. */
function turnOf(matrix: Buffer | null): Turn {
  if (!matrix || matrix.length < 36) return 0;
  const degrees = (Math.atan2(matrix.readInt32LE(4), matrix.readInt32LE(0)) * 180) / Math.PI;
  return ((((Math.round(degrees / 90) * 90) % 360) + 360) % 360) as Turn;
}

function openingFailure(message: string): string {
  return /invalid data/i.test(message) ? `${message}: no video, cut off, or not yet written to its end` : message;
}
