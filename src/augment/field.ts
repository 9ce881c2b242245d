import { bicubicField } from '../array/bicubic.ts';
import { cutBox } from '../array/cut-box.ts';
import type { Random } from '../array/random.ts';
import type { AugmentSettings } from './options.ts';

/**
 * The source position of each pixel of a patch:
 *
 *     source(y, x) = centre + A [ (y, x) - patch centre + bend(y, x) ]
 *
 * where A combines quarter turn, flip, rotation and scale, and `bend` is the elastic displacement; all in one field, so
 * that the image is interpolated only once.
 */
export interface WarpGeometry {
  /** Row-major [[yy, yx], [xy, xx]]. */
  readonly matrix: readonly [number, number, number, number];
  /** Displacements [height, width] in patch pixels; undefined without elastic deformation. */
  readonly bendY: Float32Array | undefined;
  readonly bendX: Float32Array | undefined;
}

export const PLAIN: WarpGeometry = { matrix: [1, 0, 0, 1], bendY: undefined, bendX: undefined };

/** Displacements at the nodes are limited to this fraction of their distance, so that the field does not fold. */
const STEEPEST = 0.2;

/**
 * Samples the geometry of one patch. Uses the same number of random numbers for all strengths, except for the elastic
 * grid.
 */
export function drawGeometry(
  random: Random,
  [height, width]: readonly [number, number],
  settings: AugmentSettings,
): WarpGeometry {
  const { flip, turn, warpFraction, rotateDegrees, scale, elasticSigmaPx, elasticGrid } = settings;
  const drawnTurn = random.integer(4);
  const quarter = turn ? drawnTurn : 0;
  const flipY = random.uniform() < 0.5 && flip;
  const flipX = random.uniform() < 0.5 && flip;
  const warped = random.uniform() < warpFraction;
  const degrees = random.between(-rotateDegrees, rotateDegrees);
  const magnification = scale ** random.between(-1, 1);

  // Exact numbers for quarter turns, so that unwarped samples hit pixel centres.
  let cos = [1, 0, -1, 0][quarter];
  let sin = [0, 1, 0, -1][quarter];
  let shrink = 1;
  if (warped) {
    const angle = (degrees * Math.PI) / 180;
    [cos, sin] = [cos * Math.cos(angle) - sin * Math.sin(angle), sin * Math.cos(angle) + cos * Math.sin(angle)];
    shrink = 1 / magnification;
  }
  const sy = (flipY ? -1 : 1) * shrink;
  const sx = (flipX ? -1 : 1) * shrink;
  const matrix = [cos * sy, -sin * sx, sin * sy, cos * sx] as const;
  if (!warped || elasticSigmaPx === 0) return { matrix, bendY: undefined, bendX: undefined };

  const bend = (): Float32Array => {
    const node = (Math.min(height, width) - 1) / (elasticGrid - 1);
    const limit = STEEPEST * node;
    const grid = new Float32Array(elasticGrid * elasticGrid);
    for (let i = 0; i < grid.length; i++) grid[i] = Math.max(-limit, Math.min(limit, elasticSigmaPx * random.normal()));
    return bicubicField(grid, [elasticGrid, elasticGrid], [height, width], {
      startY: 0,
      startX: 0,
      stepY: (elasticGrid - 1) / Math.max(1, height - 1),
      stepX: (elasticGrid - 1) / Math.max(1, width - 1),
    });
  };
  return { matrix, bendY: bend(), bendX: bend() };
}

/** Source coordinates of a patch, two planes [height, width]. */
export interface Coordinates {
  readonly y: Float32Array;
  readonly x: Float32Array;
}

/**
 * The field of a patch centred at (`centreY`, `centreX`) of the source, in pixel centres: a plain patch of 4 pixels
 * from row 10 has the centre 11.5.
 * @param offsets positions of the pixels of a square patch relative to its centre, if they are not one pixel apart
 */
export function coordinates(
  geometry: WarpGeometry,
  [height, width]: readonly [number, number],
  [centreY, centreX]: readonly [number, number],
  offsets?: Float32Array,
): Coordinates {
  const { matrix, bendY, bendX } = geometry;
  const [yy, yx, xy, xx] = matrix;
  const outY = new Float32Array(height * width);
  const outX = new Float32Array(height * width);
  const midY = (height - 1) / 2;
  const midX = (width - 1) / 2;
  for (let y = 0, p = 0; y < height; y++) {
    const v = offsets?.[y] ?? y - midY;
    if (bendY === undefined || bendX === undefined) {
      for (let x = 0; x < width; x++, p++) {
        const u = offsets?.[x] ?? x - midX;
        outY[p] = centreY + yy * v + yx * u;
        outX[p] = centreX + xy * v + xx * u;
      }
    } else {
      for (let x = 0; x < width; x++, p++) {
        const bentV = v + bendY[p];
        const bentU = (offsets?.[x] ?? x - midX) + bendX[p];
        outY[p] = centreY + yy * bentV + yx * bentU;
        outX[p] = centreX + xy * bentV + xx * bentU;
      }
    }
  }
  return { y: outY, x: outX };
}

/**
 * As `coordinates` for a patch with `context` pixels more on each side; there the field is bent as at the nearest pixel of
 * the patch.
 */
export function widerCoordinates(
  { matrix: [yy, yx, xy, xx], bendY, bendX }: WarpGeometry,
  [height, width]: readonly [number, number],
  [centreY, centreX]: readonly [number, number],
  context: number,
): Coordinates {
  const [rows, columns] = [height + 2 * context, width + 2 * context];
  const outY = new Float32Array(rows * columns);
  const outX = new Float32Array(rows * columns);
  for (let row = 0, p = 0; row < rows; row++) {
    const y = Math.min(Math.max(row - context, 0), height - 1);
    for (let column = 0; column < columns; column++, p++) {
      const nearest = y * width + Math.min(Math.max(column - context, 0), width - 1);
      const v = row - (rows - 1) / 2 + (bendY?.[nearest] ?? 0);
      const u = column - (columns - 1) / 2 + (bendX?.[nearest] ?? 0);
      outY[p] = centreY + yy * v + yx * u;
      outX[p] = centreX + xy * v + xx * u;
    }
  }
  return { y: outY, x: outX };
}

/** The largest sum of the absolute weights of Keys' cubic convolution, along both axes. */
const OVERSHOOT = 1.25 ** 2;
/** Pixels beyond a coordinate that interpolation reads. */
export const INTERPOLATION_PX = 2;

/**
 * How far from an annotated pixel a patch that was placed for it may read the page, along each axis: half the patch as
 * far as it may be rotated, scaled and bent, and half of it again since the pixel may lie at its edge.
 * @param offsets as for `coordinates`
 */
export function reachPx(
  [height, width]: readonly [number, number],
  { warpFraction, rotateDegrees, scale, elasticSigmaPx, elasticGrid }: AugmentSettings,
  offsets?: Float32Array,
): number {
  const halves = [height, width].map((side) =>
    offsets === undefined ? (side - 1) / 2 : Math.max(...offsets.map(Math.abs)),
  );
  const most = Math.max(...halves);
  let far = most;
  if (warpFraction > 0) {
    const bent = elasticSigmaPx === 0 ? 0 : OVERSHOOT * STEEPEST * ((Math.min(height, width) - 1) / (elasticGrid - 1));
    const [y, x] = halves.map((half) => half + bent) as [number, number];
    far = Math.max(far, scale * (rotateDegrees > 0 ? Math.hypot(y, x) : Math.max(y, x)));
  }
  return Math.ceil(far + most + 1) + INTERPOLATION_PX;
}

/** The part of a field that remains after cropping `margin` pixels on each side. */
export function innerCoordinates(
  { y, x }: Coordinates,
  [height, width]: readonly [number, number],
  margin: number,
): Coordinates {
  if (margin === 0) return { y, x };
  const inner = { y: margin, x: margin, height: height - 2 * margin, width: width - 2 * margin };
  const cut = (values: Float32Array) => cutBox(values, 1, { height, width }, inner);
  return { y: cut(y), x: cut(x) };
}
