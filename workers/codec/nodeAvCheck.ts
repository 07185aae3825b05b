import { CodecError } from './codecError.js';
import type { NodeAv } from './nodeAvLibrary.js';

/** Passes a return value on. @throws CodecError that names the step, for FFmpeg's negative ones */
export function checked(av: NodeAv, code: number, step: string): number {
  if (code < 0) throw new CodecError('node-av', `${step}: ${new av.FFmpegError(code).message}`);
  return code;
}

/** Whether an encoder or decoder had something to give. @throws CodecError if it failed */
export function received(av: NodeAv, code: number, step: string): boolean {
  if (code === av.constants.AVERROR_EAGAIN || code === av.constants.AVERROR_EOF) return false;
  checked(av, code, step);
  return true;
}
