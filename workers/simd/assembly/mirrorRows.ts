/** Mirrors an RGB picture left to right, in place. */
export function mirrorRows(pixels: usize, width: i32, height: i32): void {
  for (let y = 0; y < height; y++) {
    let a = pixels + <usize>(y * width * 3);
    let b = a + <usize>((width - 1) * 3);
    // Five pixels at a time from both ends, as long as the two sixteenth bytes belong to neither group.
    while (a + 15 < b - 12) {
      const left = v128.load(a);
      const right = v128.load(b - 12);
      const turnedRight = v128.shuffle<u8>(right, left, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2, 31);
      const turnedLeft = v128.shuffle<u8>(left, right, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2, 31);
      // The left store's last byte is written back as it was; the right one's lies past the group and is restored too.
      v128.store(a, turnedRight);
      v128.store(b - 12, turnedLeft);
      a += 15;
      b -= 15;
    }
    while (a < b) {
      for (let c: usize = 0; c < 3; c++) {
        const level = load<u8>(a + c);
        store<u8>(a + c, load<u8>(b + c));
        store<u8>(b + c, level);
      }
      a += 3;
      b -= 3;
    }
  }
}
