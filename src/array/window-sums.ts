/** Sums over the windows of a grid of values. */

/** A rectangle of whole pixels; it may extend beyond an image. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** From one pass over values [height, width]: entry (y, x) of [height + 1, width + 1] is the sum of all above and left. */
export function integral(values: ArrayLike<number>, height: number, width: number): Float64Array {
  const sums = new Float64Array((height + 1) * (width + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += values[y * width + x] as number;
      sums[(y + 1) * (width + 1) + x + 1] = (sums[y * (width + 1) + x + 1] as number) + row;
    }
  }
  return sums;
}

/** The sum over a window. @param sums `integral`, in rows of `stride` entries */
export function sumWithin(sums: Float64Array, stride: number, { x, y, width, height }: Rectangle): number {
  const at = (row: number, column: number): number => sums[row * stride + column] as number;
  return at(y + height, x + width) - at(y, x + width) - at(y + height, x) + at(y, x);
}

/** Windows of one size, a quarter of their side apart, row by row; the last ones end with the grid. */
export function windowsOf(
  [height, width]: readonly [number, number],
  [tall, wide]: readonly [number, number],
): readonly Rectangle[] {
  const across = startsAlong(width, wide);
  return startsAlong(height, tall).flatMap((y) => across.map((x) => ({ x, y, width: wide, height: tall })));
}

function startsAlong(extent: number, side: number): readonly number[] {
  const step = Math.max(1, Math.floor(side / 4));
  const starts = Array.from({ length: Math.floor((extent - side) / step) + 1 }, (_, i) => i * step);
  if (starts.at(-1) !== extent - side) starts.push(extent - side);
  return starts;
}
