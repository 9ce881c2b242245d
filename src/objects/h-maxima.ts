/**
 * Peaks with at least a given height above their surroundings (h-maxima, Soille 2003, 6.3.4): seeds robust to noise.
 */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import {
  type Connectivity,
  connectivityOf,
  type Extents,
  extentsOf,
  type Framed,
  framed,
  type IntegerArray,
  requireSameShape,
  unframed,
} from './grid.ts';
import { levelsOf, type ScalarArray } from './level-order.ts';

export interface HMaximaOptions {
  /** Restricts the search to nonzero pixels, each part of the mask separately. Default: all pixels. */
  readonly mask?: IntegerArray;
  /** Default 8 in 2D and 26 in 3D, as in scikit-image. */
  readonly connectivity?: Connectivity;
}

export interface HMaxima {
  /** 0 = no peak; 1..count = the top of a peak, numbered in raster order of its first pixel. */
  readonly labels: NdArray<'int32'>;
  readonly count: number;
}

/** Peaks in a part of an image. */
export interface WindowPeaks extends HMaxima {
  /** By label: 1 for peaks that might not be one of the whole image, or have other pixels there; entry 0 is unused. */
  readonly isOpen: Uint8Array;
}

/**
 * The highest pixels of each peak from which any path to a higher one descends by at least `h`. The nonzero pixels are
 * those of `skimage.morphology.h_maxima`, and tops of the same height have the same label if the path between them
 * descends by less than `h`. The highest peak of each part of the mask is always included.
 * @param image [h, w] or [d, h, w]
 * @param h > 0, in the unit of the image
 * @throws UsageError for a height that is not positive, another rank, or a NaN inside the mask.
 */
export function hMaxima(image: ScalarArray, h: number, options: HMaximaOptions = {}): HMaxima {
  const { labels, count } = peaksWithin(image, h, options);
  return { labels, count };
}

/**
 * As `hMaxima`, for a window of a larger image.
 * @param options edge: pixels that have neighbours outside of the mask whose values are not known
 */
export function peaksWithin(
  image: ScalarArray,
  h: number,
  { mask, connectivity, edge }: HMaximaOptions & { readonly edge?: NdArray<'uint8'> } = {},
): WindowPeaks {
  if (!(h > 0)) throw new UsageError(`The height ${h} is not positive.`, { remedy: 'Use a height above 0.' });
  if (mask !== undefined) requireSameShape(image, mask, ['image', 'mask']);
  const extents = extentsOf(image.shape);
  const frame = framed(extents, connectivityOf(connectivity ?? (extents.rank === 2 ? 8 : 26), extents.rank));
  const { order } = levelsOf(image, mask, extents, frame);
  const { neighbours } = frame;
  const near = neighbours.length;

  // Pixels are added from high to low. Each part so far has one top that may still prove too low: its height and its
  // first pixel. Where two parts meet, the lower top is decided: it is kept if it rises at least h above, otherwise
  // dropped.
  const parent = new Int32Array(frame.size).fill(-1);
  const peak = framedValues(image, extents, frame);
  const top = new Int32Array(frame.size);
  /** For the root of a part: 1 if something unknown is next to it. */
  const atEdge = new Uint8Array(frame.size);
  /** For the first pixel of a top: 1 if something unknown is less than h below it. */
  const open = new Uint8Array(frame.size);
  if (edge !== undefined)
    eachFramed(extents, frame, (p, i) => {
      atEdge[p] = edge.data[i];
      open[p] = edge.data[i];
    });
  const find = (pixel: number): number => {
    let root = pixel;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]];
      root = parent[root];
    }
    return root;
  };
  /** For the first pixel of a top: itself, the first pixel of the top that it was merged with, or GONE. */
  const GONE = -1;
  const fate = new Int32Array(frame.size);
  /** For pixels at the height of their top: the top's first pixel. */
  const topOf = new Int32Array(frame.size).fill(GONE);

  for (let k = order.length - 1; k >= 0; k--) {
    const p = order[k];
    const value = peak[p];
    parent[p] = p;
    top[p] = p;
    fate[p] = p;
    let root = p;
    for (let n = 0; n < near; n++) {
      const q = p + neighbours[n];
      if (parent[q] < 0) continue;
      const other = find(q);
      if (other === root) continue;
      // Ties count as higher, so plateaus attach to their first pixel and do not form chains.
      const otherIsHigher = peak[other] >= peak[root];
      const high = otherIsHigher ? other : root;
      const low = otherIsHigher ? root : other;
      if (peak[low] - value < h) {
        fate[top[low]] = peak[low] === peak[high] ? top[high] : GONE;
      }
      parent[low] = high;
      root = high;
      if ((atEdge[low] | atEdge[high]) === 0) continue;
      atEdge[high] = 1;
      if (peak[high] - value < h) open[top[high]] = 1;
    }
    if (peak[root] === value) topOf[p] = top[root];
  }

  const labels = new Int32Array(frame.size);
  const numberOf = new Int32Array(frame.size);
  let count = 0;
  const firsts = [0];
  for (let p = 0; p < frame.size; p++) {
    let first = topOf[p];
    if (first < 0) continue;
    while (first >= 0 && fate[first] !== first) first = fate[first];
    fate[topOf[p]] = first;
    if (first < 0) continue;
    if (numberOf[first] === 0) {
      numberOf[first] = ++count;
      firsts.push(first);
    }
    labels[p] = numberOf[first];
  }
  const isOpen = Uint8Array.from(firsts, (first) => open[first]);
  return { labels: ndarray('int32', image.shape, unframed(labels, extents, frame)), count, isOpen };
}

function eachFramed(
  { depth, height, width }: Extents,
  frame: Framed,
  visit: (framed: number, pixel: number) => void,
): void {
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = frame.rowStart(z, y); x < width; x++, i++, p++) visit(p, i);
    }
  }
}

function framedValues({ data }: ScalarArray, extents: Extents, frame: Framed): Float64Array {
  const values = new Float64Array(frame.size);
  eachFramed(extents, frame, (p, i) => {
    values[p] = data[i];
  });
  return values;
}
