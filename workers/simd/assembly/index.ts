/**
 * Kernels over pictures in linear memory, in AssemblyScript. All arguments are byte addresses, counts of pixels and
 * plain numbers; nothing is allocated. Every vector load may read up to 31 bytes past the last pixel it needs. No relaxed
 * instruction is used, so the results are the same bytes on every processor.
 */

export { mixBytes, mixFloats } from './alphaBlend';
export { bendMask } from './bendMask';
export { blurBinary } from './blurBinary';
export { blurFloats } from './blurFloats';
export { denseLayer } from './denseLayer';
export { depthwiseLayer } from './depthwiseLayer';
export { keepFull } from './keepFull';
export { largest } from './largest';
export { maxPool } from './maxPool';
export { mirrorRows } from './mirrorRows';
export { recolour } from './recolour';
export { remapNearest } from './remapNearest';
export { resampleMask } from './resampleMask';
export { resampleRgb } from './resampleRgb';
export { sharpen } from './sharpen';
export { shiftMask } from './shiftMask';
