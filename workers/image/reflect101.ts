/** Index mirrored into [0, length) without repeating the border pixel: ... 2 1 | 0 1 2 ... (OpenCV's default border). */
export function reflect101(index: number, length: number): number {
  if (length === 1) return 0;
  let i = index;
  while (i < 0 || i >= length) i = i < 0 ? -i : 2 * (length - 1) - i;
  return i;
}
