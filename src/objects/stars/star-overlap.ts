/**
 * How much two polygons have in common, exactly, for corners at whole pixels: between two rows of corners no edge bends,
 * so that a polygon is a row of trapezoids there.
 */

/** Closed polygons of equally many corners at whole numbers, one after the other: x0, y0, x1, y1, ... */
export interface WholePolygons {
  /** Corners of each. */
  readonly corners: number;
  readonly places: Int32Array;
}

/** The area that a polygon encloses, in pixels. */
export function areaOf({ corners, places }: WholePolygons, index: number): number {
  const end = 2 * corners * (index + 1);
  let sum = 0;
  for (let i = end - 2 * corners, j = end - 2; i < end; j = i, i += 2) {
    sum += places[j] * places[i + 1] - places[j + 1] * places[i];
  }
  return Math.abs(sum) / 2;
}

/** A polygon cut at each row: where its edges cross the upper and the lower side of each strip, from left to right. */
export interface Strips {
  top: number;
  bottom: number;
  left: number;
  right: number;
  /** Of each strip, the number of edges. */
  counts: Int32Array;
  /** Columns where they cross its upper side and its lower one, `most` places for each strip. */
  upper: Float64Array;
  lower: Float64Array;
  /** At most so many edges in a strip. */
  readonly most: number;
}

export const emptyStrips = (corners: number): Strips => ({
  top: 0,
  bottom: 0,
  left: 0,
  right: 0,
  counts: new Int32Array(64),
  upper: new Float64Array(64 * corners),
  lower: new Float64Array(64 * corners),
  most: corners,
});

/** Bounds a polygon by a box, without cutting it yet. */
export function boundBy(strips: Strips, { corners, places }: WholePolygons, index: number): void {
  const end = 2 * corners * (index + 1);
  const start = end - 2 * corners;
  let left = places[start];
  let top = places[start + 1];
  let right = left;
  let bottom = top;
  for (let i = start + 2; i < end; i += 2) {
    const x = places[i];
    const y = places[i + 1];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  strips.left = left;
  strips.top = top;
  strips.right = right;
  strips.bottom = bottom;
}

/** The area of the box that the boxes of two polygons share: at least what the polygons do. */
export function sharedBox(a: Strips, b: Strips): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Cuts a polygon that is bounded (`boundBy`) into strips of one row. */
export function cutIntoStrips(strips: Strips, { corners, places }: WholePolygons, index: number): void {
  const { most, top } = strips;
  const rows = strips.bottom - top;
  if (strips.counts.length < rows) {
    strips.counts = new Int32Array(2 * rows);
    strips.upper = new Float64Array(2 * rows * most);
    strips.lower = new Float64Array(2 * rows * most);
  }
  const { counts, upper, lower } = strips;
  counts.fill(0, 0, rows);
  const end = 2 * corners * (index + 1);
  for (let i = end - 2 * corners, j = end - 2; i < end; j = i, i += 2) {
    const isDown = places[j + 1] < places[i + 1];
    const from = isDown ? j : i;
    const to = isDown ? i : j;
    const x = places[from];
    const y = places[from + 1];
    const endX = places[to];
    const endY = places[to + 1];
    const slope = (endX - x) / (endY - y);
    let above = x;
    for (let row = y; row < endY; row++) {
      const strip = row - top;
      const below = row + 1 === endY ? endX : x + (row + 1 - y) * slope;
      // Kept in order from left to right.
      const start = strip * most;
      let at = start + counts[strip];
      counts[strip] = counts[strip] + 1;
      for (; at > start && upper[at - 1] + lower[at - 1] > above + below; at--) {
        upper[at] = upper[at - 1];
        lower[at] = lower[at - 1];
      }
      upper[at] = above;
      lower[at] = below;
      above = below;
    }
  }
}

/** The area that two polygons share, in pixels; of polygons that cross themselves, of what the even-odd rule encloses. */
export function sharedArea(a: Strips, b: Strips): number {
  let area = 0;
  const bottom = Math.min(a.bottom, b.bottom);
  for (let row = Math.max(a.top, b.top); row < bottom; row++) {
    const startA = (row - a.top) * a.most;
    const startB = (row - b.top) * b.most;
    const endA = startA + a.counts[row - a.top];
    const endB = startB + b.counts[row - b.top];
    for (let i = startA; i + 1 < endA; i += 2) {
      for (let j = startB; j + 1 < endB; j += 2) area += sharedByTrapezoids(a, i, b, j);
    }
  }
  return area;
}

/**
 * The area that two trapezoids of one strip share. With t from the upper side (0) to the lower one (1), the length that
 * they share is max(0, min(right edges) - max(left edges)): linear between the places where edges cross.
 */
function sharedByTrapezoids(a: Strips, i: number, b: Strips, j: number): number {
  const left = a.upper[i] - b.upper[j];
  const leftEnd = a.lower[i] - b.lower[j];
  const right = a.upper[i + 1] - b.upper[j + 1];
  const rightEnd = a.lower[i + 1] - b.lower[j + 1];
  const first = Math.min(a.upper[i + 1], b.upper[j + 1]) - Math.max(a.upper[i], b.upper[j]);
  const last = Math.min(a.lower[i + 1], b.lower[j + 1]) - Math.max(a.lower[i], b.lower[j]);
  const leftCross = left * leftEnd < 0 ? left / (left - leftEnd) : 0;
  const rightCross = right * rightEnd < 0 ? right / (right - rightEnd) : 0;
  const two = Math.max(leftCross, rightCross);
  if (two === 0) return linearArea(first, last);
  const one = Math.min(leftCross, rightCross);
  const middle = lengthAt(two, a, i, b, j);
  if (one === 0) return two * linearArea(first, middle) + (1 - two) * linearArea(middle, last);
  const early = lengthAt(one, a, i, b, j);
  return (
    one * linearArea(first, early) + (two - one) * linearArea(early, middle) + (1 - two) * linearArea(middle, last)
  );
}

/** The length that two trapezoids share at t, negative where they are apart. */
function lengthAt(t: number, a: Strips, i: number, b: Strips, j: number): number {
  const s = 1 - t;
  const ends = Math.min(s * a.upper[i + 1] + t * a.lower[i + 1], s * b.upper[j + 1] + t * b.lower[j + 1]);
  return ends - Math.max(s * a.upper[i] + t * a.lower[i], s * b.upper[j] + t * b.lower[j]);
}

/** The integral over 0..1 of what is positive of a line from `first` to `last`. */
function linearArea(first: number, last: number): number {
  if (first >= 0 && last >= 0) return (first + last) / 2;
  if (first <= 0 && last <= 0) return 0;
  const most = Math.max(first, last);
  return (most * most) / (2 * Math.abs(first - last));
}
