/**
 * x264's fastest preset: no B-frames, no look-ahead, no scene detection. Frames come out in the order in which they go
 * in, and with a constant quantiser (`qp`) nothing is carried over an IDR frame. That is why one stream with an IDR
 * frame at the start of each segment decodes to the very bytes that a stream per segment gives, at half the cost.
 */
export const PRESET = 'ultrafast';
