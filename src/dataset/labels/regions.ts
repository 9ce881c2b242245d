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

import { fillRegion, type Region, requireRegion } from '../../annotate/region.ts';
import { DatasetError } from '../../errors.ts';
import type { Size } from '../../objects/fill-polygon.ts';

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
    requireRegion(region, size, file);
    const own = (region.complete ? COMPLETE : 0) | (region.held ? HELD : TRAINED);
    const other = region.held ? TRAINED : HELD;
    fillRegion(region.shape, size, (row, from, to) => {
      for (let p = row * size[1] + from; p < row * size[1] + to; p++) {
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
