/** Closed lines along pixel edges, and the pieces that they enclose. */

/**
 * Corners x0, y0, x1, y1, ... of a closed line; the first is not repeated. Pixel (x, y) covers x..x+1 and y..y+1, so
 * pixel corners are integers.
 */
export type Ring = Int32Array;

/** One piece of an object: pixels connected by edges. No ring touches itself. */
export interface Polygon {
  /** Its area sum(x_i y_{i+1} - x_{i+1} y_i) / 2 is positive: visually clockwise, since y points down. */
  readonly exterior: Ring;
  /** In the opposite direction. A hole may touch the exterior or another hole at a corner. */
  readonly holes: readonly Ring[];
}
