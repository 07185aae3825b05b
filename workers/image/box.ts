/** A rectangle of pixels: x0 <= x < x1, y0 <= y < y1. */
export type Box = { x0: number; y0: number; x1: number; y1: number };

export const wholeBox = (width: number, height: number): Box => ({ x0: 0, y0: 0, x1: width, y1: height });

export const isEmptyBox = (box: Box): boolean => box.x1 <= box.x0 || box.y1 <= box.y0;

/** Grown by `margin` pixels on every side and cut at the picture's edges. */
export function growBox(box: Box, margin: number, width: number, height: number): Box {
  if (isEmptyBox(box)) return { x0: 0, y0: 0, x1: 0, y1: 0 };
  return {
    x0: Math.max(0, box.x0 - margin),
    y0: Math.max(0, box.y0 - margin),
    x1: Math.min(width, box.x1 + margin),
    y1: Math.min(height, box.y1 + margin),
  };
}

/** The smallest box that holds both. */
export function uniteBoxes(a: Box, b: Box): Box {
  if (isEmptyBox(a)) return b;
  if (isEmptyBox(b)) return a;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}
