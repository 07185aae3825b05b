/** Landmark indices from `first` to `last`, both included. */
export const span = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

const COMPONENTS: readonly (readonly number[])[] = [
  [...span(0, 8), 17], // right jaw
  [...span(8, 16), 26], // left jaw
  [...span(17, 19), 8], // right cheek
  [...span(24, 26), 8], // left cheek
  [...span(19, 24), 8], // between the brows
  [...span(17, 21), 27, ...span(31, 35), 8], // right eye
  [...span(22, 26), 27, ...span(31, 35), 8], // left eye
  [...span(27, 30), ...span(31, 35)], // nose
];

/**
 * Landmark indices (iBUG 68) whose convex hulls make up each mask: the family of Face X-ray, and parts of the face that
 * reenactment and lip-sync exchange. `inner` reaches from the brows to the mouth, `lower` from the eyes' lower edge to
 * the chin, `mouth` is the lips' outline (the mask stage widens it).
 */
export const FACE_PARTS: Record<
  'dfl_full' | 'components' | 'extended' | 'inner' | 'lower' | 'mouth',
  readonly (readonly number[])[]
> = {
  dfl_full: [
    [...span(0, 16), ...span(48, 67)],
    [...span(27, 30), 33],
    [...span(17, 26), 0, 27, 16, 33],
  ],
  components: COMPONENTS,
  extended: COMPONENTS,
  inner: [span(17, 67)],
  lower: [[...span(2, 14), ...span(28, 35)]],
  mouth: [span(48, 59)],
};

/**
 * Landmarks with the brows raised by half their distance to the line under them, which takes in part of the forehead.
 * The outer end of that line lies halfway between the eye's corner and the middle of corner and temple.
 *
 * @param landmarks `[68 or 81, 2]`, left unchanged
 */
export function raiseBrows(landmarks: Float64Array): Float64Array {
  const raised = landmarks.slice();
  const at = (point: number): [number, number] => [landmarks[2 * point]!, landmarks[2 * point + 1]!];
  const middle = (a: readonly number[], b: readonly number[]): [number, number] => [
    (a[0]! + b[0]!) / 2,
    (a[1]! + b[1]!) / 2,
  ];
  const outerRight = middle(at(36), middle(at(36), at(0)));
  const outerLeft = middle(at(45), middle(at(45), at(16)));
  const under = [outerRight, at(36), at(37), at(38), at(39), at(42), at(43), at(44), at(45), outerLeft];
  under.forEach(([x, y], i) => {
    const [browX, browY] = at(17 + i);
    raised[2 * (17 + i)] = browX + (browX - x) / 2;
    raised[2 * (17 + i) + 1] = browY + (browY - y) / 2;
  });
  return raised;
}

/**
 * Landmarks with the lips `growth` times as large about their outline's centre.
 *
 * @param landmarks `[68 or 81, 2]`, left unchanged
 */
export function widenMouth(landmarks: Float64Array, growth: number): Float64Array {
  const widened = landmarks.slice();
  for (const axis of [0, 1]) {
    let centre = 0;
    for (const point of FACE_PARTS.mouth[0]!) centre += landmarks[2 * point + axis]! / FACE_PARTS.mouth[0]!.length;
    for (const point of FACE_PARTS.mouth[0]!) {
      const at = 2 * point + axis;
      widened[at] = centre + (landmarks[at]! - centre) * growth;
    }
  }
  return widened;
}
