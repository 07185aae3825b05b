/** Index mirrored into [0, length) without repeating the border pixel. */
export function reflect101(index: i32, length: i32): i32 {
  if (length === 1) return 0;
  let i = index;
  while (i < 0 || i >= length) i = i < 0 ? -i : 2 * (length - 1) - i;
  return i;
}
