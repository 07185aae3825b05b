import { checked, received } from './nodeAvCheck.js';
import type { AvCodecContext, AvFrame, AvPacket, NodeAv } from './nodeAvLibrary.js';
import { PRESET } from './x264Settings.js';

/** x264 in this process, on one thread. Gives its packets to `onPacket`, each valid for the call alone. */
export class NodeAvEncoder {
  readonly #context: AvCodecContext;
  readonly #packet: AvPacket;

  constructor(
    private readonly av: NodeAv,
    width: number,
    height: number,
    qp: number,
    private readonly onPacket: (packet: AvPacket) => void,
  ) {
    const { constants } = av;
    const codec = av.Codec.findEncoderByName('libx264');
    if (!codec) throw new Error('this build of node-av has no libx264');
    const context = new av.CodecContext();
    context.allocContext3(codec);
    this.#context = context;
    this.#packet = new av.Packet();
    this.#packet.alloc();
    try {
      context.width = width;
      context.height = height;
      context.pixelFormat = constants.AV_PIX_FMT_YUV420P;
      context.timeBase = new av.Rational(1, 1);
      context.threadCount = 1;
      for (const [name, value] of [
        ['preset', PRESET],
        ['qp', String(qp)],
        ['forced-idr', '1'],
      ] as const)
        checked(
          av,
          context.setOption(name, value, constants.AV_OPT_TYPE_STRING, constants.AV_OPT_SEARCH_CHILDREN),
          `x264's option ${name}`,
        );
      // Options handed to open2Sync as a dictionary are freed twice by this binding.
      checked(av, context.open2Sync(codec, null), 'opening x264');
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** @param begins whether a segment begins: the frame then refers to none before it */
  encode(frame: AvFrame, time: number, begins: boolean): void {
    const { AV_PICTURE_TYPE_I, AV_PICTURE_TYPE_NONE } = this.av.constants;
    frame.pts = BigInt(time);
    frame.pictType = begins ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    this.#send(frame);
  }

  finish(): void {
    this.#send(null);
  }

  free(): void {
    this.#packet.free();
    this.#context.freeContext();
  }

  #send(frame: AvFrame | null): void {
    checked(this.av, this.#context.sendFrameSync(frame), 'encoding');
    while (received(this.av, this.#context.receivePacketSync(this.#packet), 'encoding')) {
      this.onPacket(this.#packet);
      this.#packet.unref();
    }
  }
}
