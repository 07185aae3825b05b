/**
 * Bilinear sampling along one axis, worked out once for all rows and frames: output i is
 * `lowWeight[i] * input[low[i]] + highWeight[i] * input[high[i]]`. A scaling without rotation is the same along every
 * row, so a picture needs two such lists and no per-pixel coordinates.
 */
export type AxisTaps = {
  low: Int32Array;
  high: Int32Array;
  /** Rounded so that the two add up to exactly 1 in single precision, except where an input counts as 0. */
  lowWeight: Float32Array;
  highWeight: Float32Array;
  /** The weights as whole multiples of 2^-WEIGHT_BITS, for 8-bit pictures. */
  lowFixed: Int32Array;
  highFixed: Int32Array;
  /** One more than the last input that any output looks at. */
  inputEnd: number;
};

/** 255 * 2^11 * 2^11 is the most that two passes can add up in 31 bits, as in OpenCV. */
export const WEIGHT_BITS = 11;

function emptyTaps(length: number): AxisTaps {
  return {
    low: new Int32Array(length),
    high: new Int32Array(length),
    lowWeight: new Float32Array(length),
    highWeight: new Float32Array(length),
    lowFixed: new Int32Array(length),
    highFixed: new Int32Array(length),
    inputEnd: 0,
  };
}

/** Gives output `i` its weights: `weight` for the high input and the rest for the low one; an input outside counts as 0. */
function setWeights(taps: AxisTaps, i: number, weight: number, lowInside = true, highInside = true): void {
  const high = Math.fround(weight);
  if (lowInside) {
    taps.lowWeight[i] = 1 - high;
    taps.lowFixed[i] = Math.round((1 - weight) * 2 ** WEIGHT_BITS);
  }
  if (highInside) {
    taps.highWeight[i] = high;
    taps.highFixed[i] = Math.round(weight * 2 ** WEIGHT_BITS);
  }
}

function closed(taps: AxisTaps): AxisTaps {
  for (let i = 0; i < taps.low.length; i++)
    taps.inputEnd = Math.max(taps.inputEnd, taps.low[i]! + 1, taps.high[i]! + 1);
  return taps;
}

/**
 * Resizes `inputLength` samples that begin at `inputStart` to `outputLength`: pixel centres at half-integers, no
 * antialiasing, edge pixels repeated, as OpenCV's INTER_LINEAR.
 */
export function resizeTaps(inputLength: number, outputLength: number, inputStart = 0): AxisTaps {
  const taps = emptyTaps(outputLength);
  const step = inputLength / outputLength;
  for (let i = 0; i < outputLength; i++) {
    const position = Math.min(Math.max((i + 0.5) * step - 0.5, 0), inputLength - 1);
    const low = Math.min(Math.floor(position), inputLength - 1);
    taps.low[i] = inputStart + low;
    taps.high[i] = inputStart + Math.min(low + 1, inputLength - 1);
    setWeights(taps, i, position - low);
  }
  return closed(taps);
}

/** Moves samples by the map `x -> scale * x + shift`; what comes from outside the input is 0. */
export function affineTaps(length: number, scale: number, shift: number): AxisTaps {
  const taps = emptyTaps(length);
  for (let i = 0; i < length; i++) {
    const position = (i - shift) / scale;
    const low = Math.floor(position);
    const lowInside = low >= 0 && low < length;
    const highInside = low + 1 >= 0 && low + 1 < length;
    if (lowInside) taps.low[i] = low;
    if (highInside) taps.high[i] = low + 1;
    setWeights(taps, i, position - low, lowInside, highInside);
  }
  return closed(taps);
}

/**
 * Lowers the resolution along one axis: every `factor`-th sample kept (nearest neighbour), then enlarged again
 * bilinearly. The taps point into the full-size input, so the small picture is never made.
 */
export function downscaleTaps(length: number, factor: number): AxisTaps {
  const small = Math.max(1, Math.round(length / factor));
  const taps = resizeTaps(small, length);
  for (const side of [taps.low, taps.high])
    for (let i = 0; i < length; i++) side[i] = Math.min(Math.floor((side[i]! * length) / small), length - 1);
  return closed(taps);
}
