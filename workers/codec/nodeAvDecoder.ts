import { checked, received } from './nodeAvCheck.js';
import type { AvCodecContext, AvFrame, AvPacket, NodeAv } from './nodeAvLibrary.js';

/** FFmpeg's H.264 decoder in this process, on one thread. Gives its frames to `onFrame`, each valid for the call alone. */
export class NodeAvDecoder {
  readonly #context: AvCodecContext;
  readonly #frame: AvFrame;

  constructor(
    private readonly av: NodeAv,
    private readonly onFrame: (frame: AvFrame) => void,
  ) {
    const codec = av.Codec.findDecoder(av.constants.AV_CODEC_ID_H264);
    if (!codec) throw new Error('this build of node-av has no H.264 decoder');
    this.#context = new av.CodecContext();
    this.#context.allocContext3(codec);
    this.#context.threadCount = 1;
    this.#frame = new av.Frame();
    this.#frame.alloc();
    try {
      checked(av, this.#context.open2Sync(codec, null), 'opening the decoder');
    } catch (error) {
      this.free();
      throw error;
    }
  }

  decode(packet: AvPacket): void {
    this.#send(packet);
  }

  finish(): void {
    this.#send(null);
  }

  free(): void {
    this.#frame.free();
    this.#context.freeContext();
  }

  #send(packet: AvPacket | null): void {
    checked(this.av, this.#context.sendPacketSync(packet), 'decoding');
    while (received(this.av, this.#context.receiveFrameSync(this.#frame), 'decoding')) {
      this.onFrame(this.#frame);
      this.#frame.unref();
    }
  }
}
