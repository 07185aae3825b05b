import type { CodecName } from './codec.js';
import { probeCodec } from './codecProbe.js';
import { openCodec } from './openCodec.js';

/** Run as a process of its own, which a crashing native library may take with it: `node codecProbeProcess.js NAME`. */
process.on('SIGHUP', () => {}); // a terminal that closes meanwhile says nothing about the codec
try {
  const codec = await openCodec(process.argv[2] as CodecName);
  process.stdout.write(`${JSON.stringify({ ok: true, ...(await probeCodec(codec)) })}\n`);
} catch (error) {
  const { message, reason } = error as Error & { reason?: string };
  process.stdout.write(`${JSON.stringify({ ok: false, reason: reason ?? message })}\n`);
}
