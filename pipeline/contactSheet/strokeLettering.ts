/**
 * Letters as strokes on a grid, each point two digits: x from the left, y from the top (capitals 0 to 6, small letters
 * from 2, descenders to 8). Drawn as SVG paths, since SVG text needs fonts that a bare machine does not have.
 */
const STROKES: Readonly<Record<string, string>> = {
  A: '06,20,46 14,34',
  B: '00,06,36,45,44,33,03 33,42,41,30,00',
  C: '41,30,10,01,05,16,36,45',
  D: '00,06,26,44,42,20,00',
  E: '40,00,06,46 03,33',
  F: '40,00,06 03,33',
  G: '41,30,10,01,05,16,36,45,43,23',
  H: '00,06 40,46 03,43',
  I: '00,06',
  J: '30,35,26,16,05',
  K: '00,06 40,03,46',
  L: '00,06,46',
  M: '06,00,23,40,46',
  N: '06,00,46,40',
  O: '10,30,41,45,36,16,05,01,10',
  P: '06,00,30,41,42,33,03',
  Q: '10,30,41,45,36,16,05,01,10 34,46',
  R: '06,00,30,41,42,33,03 23,46',
  S: '41,30,10,01,02,13,33,44,45,36,16,05',
  T: '00,40 20,26',
  U: '00,05,16,36,45,40',
  V: '00,26,40',
  W: '00,16,23,36,40',
  X: '00,46 40,06',
  Y: '00,23,40 23,26',
  Z: '00,40,06,46',
  a: '33,22,12,03,05,16,26,35 32,36',
  b: '00,06 03,12,22,33,35,26,16,05',
  c: '33,22,12,03,05,16,26,35',
  d: '30,36 33,22,12,03,05,16,26,35',
  e: '04,34,33,22,12,03,05,16,26,35',
  f: '30,20,11,16 02,22',
  g: '32,37,28,18,07 33,22,12,03,05,16,26,35',
  h: '00,06 03,12,22,33,36',
  i: '02,06 00,00',
  j: '12,17,08 10,10',
  k: '00,06 32,04,36',
  l: '00,06',
  m: '02,06 03,12,23,26 23,32,43,46',
  n: '02,06 03,12,22,33,36',
  o: '12,22,33,35,26,16,05,03,12',
  p: '02,08 03,12,22,33,35,26,16,05',
  q: '32,38 33,22,12,03,05,16,26,35',
  r: '02,06 03,12,22',
  s: '32,12,03,14,24,35,26,06',
  t: '10,15,26 02,22',
  u: '02,05,16,26,35 32,36',
  v: '02,26,42',
  w: '02,16,24,36,42',
  x: '02,36 32,06',
  y: '02,05,16,26,35 32,37,28,18',
  z: '02,32,06,36',
  0: '10,20,31,35,26,16,05,01,10',
  1: '01,10,16',
  2: '01,10,20,31,32,06,36',
  3: '01,10,20,31,32,23,34,35,26,16,05 13,23',
  4: '26,20,04,34',
  5: '30,00,03,23,34,35,26,06',
  6: '30,10,01,05,16,26,35,34,23,03',
  7: '00,30,16',
  8: '13,02,01,10,20,31,32,23,13,04,05,16,26,35,34,23',
  9: '33,13,02,01,10,20,31,35,26,06',
  '.': '06,06',
  ',': '06,07',
  ':': '03,03 06,06',
  ';': '03,03 06,07',
  '-': '04,24',
  '–': '04,34',
  _: '07,37',
  '/': '07,30',
  '(': '10,01,06,17',
  ')': '00,11,16,07',
  '[': '10,00,07,17',
  ']': '00,10,17,07',
  '%': '06,40 01,01 45,45',
  '+': '04,24 13,15',
  '=': '03,33 05,35',
  '×': '03,25 23,05',
  '·': '04,04',
  '→': '04,44 33,44,35',
  "'": '00,01',
  '#': '10,16 30,36 02,42 04,44',
  '?': '01,10,20,31,32,23,24 26,26',
  '<': '32,04,36',
  '>': '02,34,06',
};

/** Grid units between letters, and of a space. */
const GAP = 1.5;
const SPACE = 2.6;
const CAPITAL = 6;

/** Width of a text in pixels, with capitals `height` pixels tall. */
export function letteringWidth(text: string, height: number): number {
  const units = [...text].reduce((sum, letter) => sum + advance(letter), -GAP);
  return Math.max(0, units) * (height / CAPITAL);
}

/** An SVG path of a text whose capitals are `height` pixels tall and stand on `baseline`. Unknown letters become `?`. */
export function lettering(text: string, x: number, baseline: number, height: number, colour: string): string {
  const unit = height / CAPITAL;
  let pen = x;
  let path = '';
  for (const letter of text) {
    const strokes = letter === ' ' ? '' : (STROKES[letter] ?? STROKES['?']!);
    for (const stroke of strokes.split(' ').filter(Boolean)) {
      const points = stroke.split(',').map((point) => {
        const px = pen + Number(point[0]) * unit;
        const py = baseline + (Number(point[1]) - CAPITAL) * unit;
        return `${px.toFixed(2)} ${py.toFixed(2)}`;
      });
      path += `M${points.join('L')}`;
    }
    pen += advance(letter) * unit;
  }
  const width = Math.max(1.1, unit * 0.72).toFixed(2);
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

function advance(letter: string): number {
  if (letter === ' ') return SPACE;
  const points = (STROKES[letter] ?? STROKES['?']!).split(/[ ,]/);
  return Math.max(...points.map((point) => Number(point[0]))) + GAP;
}
