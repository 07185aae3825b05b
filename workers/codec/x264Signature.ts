/** x264 writes who it is into the first frame, as an SEI message of plain text. Looked for in the first two kilobytes. */
export function x264Signature(stream: Uint8Array): string | undefined {
  const text = Buffer.from(stream.buffer, stream.byteOffset, Math.min(stream.length, 2048)).toString('latin1');
  return /x264 - (core \d+(?: r\d+\S*(?: [0-9a-f]{7})?)?)/.exec(text)?.[1];
}
