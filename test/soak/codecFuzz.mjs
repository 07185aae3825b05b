// Runs as a process of its own, because what it looks for would end it:
//   node codecFuzz.mjs SEED SECONDS [compare]   (compare: every tenth job with the ffmpeg program too)
// Prints what it did as a line of JSON; ends with 1 when an error is not one that a codec may throw.
import { createHash } from 'node:crypto';
import { ffmpegCodec } from '../../dist/workers/codec/ffmpegCodec.js';
import { nodeAvCodec } from '../../dist/workers/codec/nodeAvCodec.js';
import { NodeAvDecoder } from '../../dist/workers/codec/nodeAvDecoder.js';
import { NodeAvEncoder } from '../../dist/workers/codec/nodeAvEncoder.js';
import { loadNodeAv } from '../../dist/workers/codec/nodeAvLibrary.js';
import { CodecError, keyedGenerator } from '../../dist/workers/index.js';

const [seed, seconds, compare] = [process.argv[2] ?? '1', Number(process.argv[3] ?? 60), process.argv[4] === 'compare'];
const random = keyedGenerator('codec fuzz', seed);
const codec = await nodeAvCodec();
const av = await loadNodeAv();
const program = compare ? ffmpegCodec() : null;
const counts = {
  jobs: 0,
  frames: 0,
  compared: 0,
  streams: 0,
  damagedPackets: 0,
  refused: 0,
  decodedFrames: 0,
  peakRss: 0,
};
const sizes = new Set();
const quantisers = new Set();

const side = () =>
  random.chance(0.4) ? random.integer(1, 20) : random.chance(0.9) ? random.integer(1, 330) : random.integer(330, 720);

/** Flat, noise, gradient or extremes: what makes an encoder choose different modes. */
function picture(bytes) {
  const kind = random.integer(0, 3);
  const pixels = new Uint8Array(bytes);
  if (kind === 0) return pixels.fill(random.integer(0, 255));
  const step = random.between(0.01, 3);
  for (let i = 0; i < bytes; i++)
    pixels[i] = kind === 1 ? random.uniform(32) * 256 : kind === 2 ? i * step : random.uniform(32) < 0.5 ? 0 : 255;
  return pixels;
}

async function roundTrip() {
  const [width, height] = [side(), side()];
  const qp = random.integer(0, 51);
  const room = Math.max(1, Math.min(12, Math.floor(4e6 / (width * height * 3))));
  const segments = Array.from({ length: random.integer(1, 4) }, () =>
    picture(random.integer(1, room) * width * height * 3),
  );
  const decoded = await codec.recompress({ width, height, qp, segments });
  counts.jobs += 1;
  counts.frames += segments.reduce((sum, { length }) => sum + length, 0) / (width * height * 3);
  sizes.add(`${width}x${height}`);
  quantisers.add(qp);
  if (!program || counts.jobs % 10) return;
  const theirs = await program.recompress({ width, height, qp, segments });
  const digest = (parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
  if (digest(theirs) !== digest(decoded)) throw new Error(`${width}x${height} at QP ${qp}: node-av and ffmpeg differ`);
  counts.compared += 1;
}

/** Packets of one or two real streams, cut, flipped, left out, doubled or exchanged, handed to the decoder. */
function damagedStream() {
  const packets = [];
  for (let stream = random.integer(1, 2); stream > 0; stream--) {
    const [width, height] = [2 * random.integer(1, 90), 2 * random.integer(1, 90)];
    const frame = new av.Frame();
    frame.alloc();
    frame.width = width;
    frame.height = height;
    frame.format = av.constants.AV_PIX_FMT_YUV420P;
    frame.getBuffer(0);
    const encoder = new NodeAvEncoder(av, width, height, random.integer(0, 51), (packet) =>
      packets.push(Buffer.from(packet.data)),
    );
    const planes = frame.data;
    const frames = random.integer(1, 8);
    for (let t = 0; t < frames; t++) {
      for (const plane of planes) plane.set(picture(plane.length));
      encoder.encode(frame, t, random.chance(0.2));
    }
    encoder.finish();
    encoder.free();
    frame.free();
  }
  const damaged = packets.flatMap((packet) => {
    const bytes = Buffer.from(packet);
    const what = random.integer(0, 7);
    if (what > 0) counts.damagedPackets += 1;
    if (what === 1) return [bytes.subarray(0, random.integer(1, bytes.length))];
    if (what === 2) return [];
    if (what === 3) return [bytes, bytes];
    if (what === 4)
      for (let n = random.integer(1, 40); n > 0; n--)
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
    if (what === 5)
      for (let n = random.integer(1, 4); n > 0; n--)
        bytes[random.integer(0, Math.min(60, bytes.length - 1))] ^= 1 << random.integer(0, 7);
    if (what === 6) return [Buffer.concat([bytes, packets[random.integer(0, packets.length - 1)]])];
    if (what === 7) return [bytes.subarray(random.integer(0, bytes.length - 1))];
    return [bytes];
  });
  const decoder = new NodeAvDecoder(av, () => {
    counts.decodedFrames += 1;
  });
  for (const bytes of damaged) {
    const packet = new av.Packet();
    packet.alloc();
    packet.data = bytes;
    try {
      decoder.decode(packet);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      counts.refused += 1;
    } finally {
      packet.free();
    }
  }
  try {
    decoder.finish();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    counts.refused += 1;
  }
  decoder.free();
  counts.streams += 1;
}

const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  await roundTrip();
  for (let n = 0; n < 3; n++) damagedStream();
  counts.peakRss = Math.max(counts.peakRss, process.memoryUsage().rss);
}
process.stdout.write(`${JSON.stringify({ ...counts, sizes: sizes.size, quantisers: quantisers.size })}\n`);
