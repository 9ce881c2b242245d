/** Closed lines along the edges of pixels, and the pieces that they enclose. */

/**
 * Corners x0, y0, x1, y1, ... of a closed line; the first is not repeated. Pixel (x, y) covers x..x+1 and y..y+1, so
 * that corners of pixels are whole numbers.
 */
export type Ring = Int32Array;

/** One piece of an object: pixels that share edges. No ring touches itself. */
export interface Polygon {
  /** Its area sum(x_i y_{i+1} - x_{i+1} y_i) / 2 is positive: clockwise to the eye, as y goes down. */
  readonly exterior: Ring;
  /** The other way round. A hole may touch the exterior or another hole at a corner. */
  readonly holes: readonly Ring[];
}
