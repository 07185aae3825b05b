/**
 * picture + m * (source - picture) inside a box, truncated, in place, with m the float mask times `scale`. Equal pixels
 * stay as they are whatever m is, and m = 1 gives exactly the source.
 *
 * @param mask f32 `[height, width]`
 * @param scratch 64 bytes
 */
export function mixFloats(
  picture: usize,
  source: usize,
  mask: usize,
  scale: f32,
  width: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  scratch: usize,
): void {
  const scales = f32x4.splat(scale);
  for (let y = y0; y < y1; y++) {
    let at = <usize>(y * width + x0);
    const end = <usize>(y * width + x1);
    for (; at + 4 <= end; at += 4) {
      const shares = f32x4.mul(v128.load(mask + (at << 2)), scales);
      if (!v128.any_true(shares)) continue;
      const mixed = mixFour(picture + at * 3, source + at * 3, shares);
      v128.store64_lane(picture + at * 3, mixed, 0);
      v128.store32_lane(picture + at * 3, mixed, 2, 8);
    }
    if (at < end) {
      v128.store(scratch, mixFour(picture + at * 3, source + at * 3, f32x4.mul(v128.load(mask + (at << 2)), scales)));
      memory.copy(picture + at * 3, scratch, (end - at) * 3);
    }
  }
}

/** As `mixFloats` with a mask of bytes, of which 255 counts as `scale`. */
export function mixBytes(
  picture: usize,
  source: usize,
  mask: usize,
  scale: f32,
  width: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  scratch: usize,
): void {
  const scales = f32x4.splat(scale);
  const full = f32x4.splat(255);
  for (let y = y0; y < y1; y++) {
    for (let at = <usize>(y * width + x0), end = <usize>(y * width + x1); at < end; at += 4) {
      const levels = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(mask + at)));
      const shares = f32x4.mul(f32x4.div(f32x4.convert_i32x4_u(levels), full), scales);
      v128.store(scratch, mixFour(picture + at * 3, source + at * 3, shares));
      memory.copy(picture + at * 3, scratch, min<usize>(4, end - at) * 3);
    }
  }
}

/** Four pixels, 12 bytes. */
function mixFour(picture: usize, source: usize, shares: v128): v128 {
  const p = v128.load(picture);
  const s = v128.load(source);
  const nearPicture = i16x8.extend_low_i8x16_u(p);
  const farPicture = i16x8.extend_high_i8x16_u(p);
  const near = i16x8.sub(i16x8.extend_low_i8x16_u(s), nearPicture);
  const far = i16x8.sub(i16x8.extend_high_i8x16_u(s), farPicture);
  const a = mix(
    i32x4.extend_low_i16x8_s(nearPicture),
    i32x4.extend_low_i16x8_s(near),
    v128.shuffle<f32>(shares, shares, 0, 0, 0, 1),
  );
  const b = mix(
    i32x4.extend_high_i16x8_s(nearPicture),
    i32x4.extend_high_i16x8_s(near),
    v128.shuffle<f32>(shares, shares, 1, 1, 2, 2),
  );
  const c = mix(
    i32x4.extend_low_i16x8_s(farPicture),
    i32x4.extend_low_i16x8_s(far),
    v128.shuffle<f32>(shares, shares, 2, 3, 3, 3),
  );
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, c));
}

function mix(level: v128, difference: v128, share: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(
    f32x4.add(f32x4.convert_i32x4_s(level), f32x4.mul(share, f32x4.convert_i32x4_s(difference))),
  );
}
