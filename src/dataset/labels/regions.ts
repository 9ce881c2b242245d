/**
 * Which parts of an image are annotated. An unpainted pixel is *not annotated*: it is ignored in loss, weights, class
 * fractions and scores. Inside a *complete* region everything has been inspected, so unpainted pixels there are
 * background.
 *
 * @example
 *   // Two squares of a slice were annotated completely; the second is held out for scoring.
 *   const annotation: Annotation = {
 *     notAnnotated: 65535,
 *     regions: {
 *       'images/s01.tif': [
 *         { id: 1, shape: { box: [0, 0, 256, 256] }, slice: 0, complete: true, origin: 'painted', held: false },
 *         { id: 2, shape: { box: [512, 0, 256, 256] }, slice: 0, complete: true, origin: 'painted', held: true },
 *       ],
 *     },
 *   };
 *   const { train, validation } = prepareDataset(await readDataset(files, 'nuclei'), { annotation });
 */

import { DatasetError } from '../../errors.ts';

/** Left and top pixel, width and height: integers. Pixel (x, y) covers x..x+1 and y..y+1. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** Corners x0, y0, x1, y1, ... of a closed line; the first is not repeated. */
type Line = ArrayLike<number>;

/**
 * A rectangle, or the pixels whose centres are enclosed by the lines under the even-odd rule, so that an inner line is
 * a hole.
 */
export type RegionShape = { readonly box: Box } | { readonly polygon: readonly Line[] };

/** Plain JSON. */
export interface Region {
  /** Unique within its image; named in messages. */
  readonly id: number;
  readonly shape: RegionShape;
  /** Slice of the image from 0, in the order of `readDataset`; undefined: every slice. */
  readonly slice?: number;
  /** Whether unpainted pixels are background here; otherwise they stay not annotated. */
  readonly complete: boolean;
  /** Painted by hand, an accepted prediction, or from another program. */
  readonly origin: 'painted' | 'proofread' | 'imported';
  /** Never used for training, only for scoring. */
  readonly held: boolean;
}

/** Information that label images alone cannot express. Plain JSON. */
export interface Annotation {
  /** The value of label images that means "not annotated": 255 for classes, 65535 or 2147483647 for objects. */
  readonly notAnnotated: number;
  /** By image: its path as in `RawPage.file`. */
  readonly regions: { readonly [image: string]: readonly Region[] };
}

/** The annotation of one slice. */
export interface PageAnnotation extends Pick<Annotation, 'notAnnotated'> {
  readonly regions: readonly Region[];
}

type Size = readonly [height: number, width: number];

/** The bounding box of a region. */
export function boundsOf(shape: RegionShape): Box {
  if ('box' in shape) return shape.box;
  const of = (axis: 0 | 1): number[] =>
    shape.polygon.flatMap((line) => Array.from(line).filter((_, i) => i % 2 === axis));
  const [xs, ys] = [of(0), of(1)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
}

/** Calls back with each run of a region's pixels, row by row: first pixel and the one after the last. */
function forEachSpan(shape: RegionShape, [height, width]: Size, found: (from: number, to: number) => void): void {
  if ('box' in shape) {
    const [x, y, wide, high] = shape.box;
    for (let row = y; row < y + high; row++) found(row * width + x, row * width + x + wide);
    return;
  }
  for (let y = 0; y < height; y++) {
    const middle = y + 0.5;
    const crossings: number[] = [];
    for (const line of shape.polygon) {
      for (let i = 0, j = line.length - 2; i < line.length; j = i, i += 2) {
        const [ax, ay, bx, by] = [line[j] as number, line[j + 1] as number, line[i] as number, line[i + 1] as number];
        if (ay <= middle === by <= middle) continue;
        crossings.push(ax + ((middle - ay) * (bx - ax)) / (by - ay));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      // Pixels whose centre is in left <= x < right.
      const from = Math.max(0, Math.ceil((crossings[k] as number) - 0.5));
      const to = Math.min(width, Math.ceil((crossings[k + 1] as number) - 0.5));
      if (to > from) found(y * width + from, y * width + to);
    }
  }
}

const whole = (value: number): boolean => Number.isInteger(value);

/** @throws DatasetError for a region that extends beyond its slice, or encloses no pixel. */
function requireInside({ id, shape }: Region, [height, width]: Size, file: string): void {
  const problem = (what: string): DatasetError =>
    new DatasetError(`region ${id} ${what}; the image is ${width} x ${height}.`, {
      file,
      remedy: 'Use the annotation that was made on this image.',
    });
  if ('box' in shape) {
    const [x, y, wide, high] = shape.box;
    if (!shape.box.every(whole) || wide < 1 || high < 1) {
      throw new DatasetError(`region ${id} has the box [${shape.box.join(', ')}].`, {
        file,
        remedy: 'Use whole numbers: x, y, and a width and height of at least 1.',
      });
    }
    if (x < 0 || y < 0 || x + wide > width || y + high > height) {
      throw problem(`is outside its image: x ${x} to ${x + wide}, y ${y} to ${y + high}`);
    }
    return;
  }
  for (const line of shape.polygon) {
    for (let i = 0; i < line.length; i += 2) {
      const [x, y] = [line[i] as number, line[i + 1] as number];
      if (!(x >= 0 && y >= 0 && x <= width && y <= height)) {
        throw problem(`is outside its image: it has a corner at x ${x}, y ${y}`);
      }
    }
  }
  let pixels = 0;
  forEachSpan(shape, [height, width], (from, to) => {
    pixels += to - from;
  });
  if (pixels === 0) throw problem('encloses no pixel');
}

/** Bits of `regionMask`. */
export const COMPLETE = 1;
export const HELD = 2;
const TRAINED = 4;

/**
 * The region bits `COMPLETE` and `HELD` for each pixel of a slice [height, width].
 * @param regions of this slice alone
 * @throws DatasetError for a region outside its slice, and if one of two overlapping regions is held out and the other
 * is not.
 */
export function regionMask(regions: readonly Region[], size: Size, file: string): Uint8Array {
  const mask = new Uint8Array(size[0] * size[1]);
  for (const region of regions) {
    requireInside(region, size, file);
    const own = (region.complete ? COMPLETE : 0) | (region.held ? HELD : TRAINED);
    const other = region.held ? TRAINED : HELD;
    forEachSpan(region.shape, size, (from, to) => {
      for (let p = from; p < to; p++) {
        if ((mask[p] as number) & other) {
          throw new DatasetError(
            `region ${region.id} is ${region.held ? 'held out' : 'trained on'} and overlaps one that is not, at x ${p % size[1]}, y ${Math.floor(p / size[1])}.`,
            { file, remedy: 'Hold out both or neither, or make them smaller.' },
          );
        }
        mask[p] = (mask[p] as number) | own;
      }
    });
  }
  return mask;
}
