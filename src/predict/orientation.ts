/** The eight rotations and reflections of a rectangle, as walks over its pixels. */

/** Bit 0 mirrors x, bit 1 mirrors y, bit 2 swaps the axes afterwards: 0..7. */
export type Orientation = number;

/**
 * Number of orientations to average over: 1 for none, 4 for flips (including the half turn), 8 also for quarter turns.
 */
export type TestTimeAugmentation = 1 | 4 | 8;

/** Height and width of a rectangle [height, width] in an orientation. */
export function orientedShape(height: number, width: number, orientation: Orientation): readonly [number, number] {
  return (orientation & 4) === 0 ? [height, width] : [width, height];
}

/** The position of pixel (y, x) of a rectangle [height, width] in the oriented one: start + y * stepY + x * stepX. */
export interface Walk {
  readonly start: number;
  readonly stepY: number;
  readonly stepX: number;
}

export function walk(height: number, width: number, orientation: Orientation): Walk {
  const swapped = (orientation & 4) !== 0;
  const y = swapped ? 1 : width;
  const x = swapped ? height : 1;
  const mirrorX = (orientation & 1) !== 0;
  const mirrorY = (orientation & 2) !== 0;
  return {
    start: (mirrorY ? (height - 1) * y : 0) + (mirrorX ? (width - 1) * x : 0),
    stepY: mirrorY ? -y : y,
    stepX: mirrorX ? -x : x,
  };
}
