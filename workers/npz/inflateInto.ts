import { constants, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';

/** What `inflateRawSync` is made of, in every version of Node since 10; not documented, so never relied on. */
type Engine = InflateRaw & {
  _processChunk?: (chunk: Uint8Array, flush: number) => Buffer;
  _outBuffer?: Buffer;
  _outOffset?: number;
  _chunkSize?: number;
};

/**
 * Decompresses raw deflate data. The result lies in `memory`, if that is long enough and Node allows it: fresh memory of
 * five megabytes a clip has the system clear pages and the garbage collector run.
 *
 * @param most longest result that is allowed
 * @throws what zlib throws: ERR_BUFFER_TOO_LARGE for a longer result, Z_DATA_ERROR or Z_BUF_ERROR for damaged data
 */
export function inflateInto(compressed: Uint8Array, memory: Uint8Array, most: number): Buffer {
  const engine = createInflateRaw({ maxOutputLength: most }) as Engine;
  // Zlib asks for more room as soon as the first is exactly full.
  if (typeof engine._processChunk !== 'function' || !engine._outBuffer || memory.length <= most) {
    engine.close();
    return inflateRawSync(compressed, { chunkSize: Math.max(most, 64), maxOutputLength: most });
  }
  engine._outBuffer = Buffer.from(memory.buffer as ArrayBuffer, memory.byteOffset, memory.length);
  engine._outOffset = 0;
  engine._chunkSize = memory.length;
  try {
    return engine._processChunk(compressed, constants.Z_FINISH);
  } finally {
    engine.close();
  }
}
