import type { RgbPicture } from './predictShape.js';

/** A smaller picture, each of whose pixels is the mean of those it stands for; the same one where the size is the same. */
export function shrinkPicture(picture: RgbPicture, width: number, height: number): RgbPicture {
  if (width >= picture.width && height >= picture.height) return picture;
  const data = new Uint8Array(width * height * 3);
  const columns = Int32Array.from({ length: width + 1 }, (_, x) => Math.floor((x * picture.width) / width));
  for (let y = 0, to = 0; y < height; y++) {
    const top = Math.floor((y * picture.height) / height);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * picture.height) / height));
    for (let x = 0; x < width; x++) {
      const left = columns[x]!;
      const right = Math.max(left + 1, columns[x + 1]!);
      let [red, green, blue] = [0, 0, 0];
      for (let v = top; v < bottom; v++) {
        const end = 3 * (v * picture.width + right);
        for (let from = 3 * (v * picture.width + left); from < end; from += 3) {
          red += picture.data[from]!;
          green += picture.data[from + 1]!;
          blue += picture.data[from + 2]!;
        }
      }
      const count = (bottom - top) * (right - left);
      data[to++] = (red / count + 0.5) | 0;
      data[to++] = (green / count + 0.5) | 0;
      data[to++] = (blue / count + 0.5) | 0;
    }
  }
  return { data, width, height };
}
