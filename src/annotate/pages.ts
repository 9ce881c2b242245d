/** Label layers from and to whole label images. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { IntegerArray } from '../objects/grid.ts';
import type { LabelLayer } from './label-layer.ts';
import { NOT_ANNOTATED } from './label-values.ts';

/** How label files of a layer are written: all slices alike. */
export interface StoredLabels {
  readonly dtype: 'uint8' | 'uint16' | 'uint32';
  /** The value that means "not annotated" there; `notAnnotated` of `lamella.json`. */
  readonly notAnnotated: number;
}

/** uint8 for classes; for objects uint16 with 65535 as "not annotated" while numbers are below it, otherwise uint32. */
export function storedAs({ kind, largestLabel }: LabelLayer): StoredLabels {
  if (kind === 'classes') return { dtype: 'uint8', notAnnotated: NOT_ANNOTATED.classes };
  return largestLabel < 0xffff
    ? { dtype: 'uint16', notAnnotated: 0xffff }
    : { dtype: 'uint32', notAnnotated: NOT_ANNOTATED.objects };
}

/** One slice as a label image [height, width]. @param stored its type; default `storedAs(layer)` */
export function pageOf(
  layer: LabelLayer,
  slice = 0,
  { dtype, notAnnotated }: StoredLabels = storedAs(layer),
): NdArray<'uint8' | 'uint16' | 'uint32'> {
  const labels = layer.read([0, 0, layer.width, layer.height], slice);
  const shape = [layer.height, layer.width];
  if (dtype === 'uint16') {
    return ndarray(
      'uint16',
      shape,
      Uint16Array.from(labels, (v) => (v === layer.notAnnotated ? notAnnotated : v)),
    );
  }
  return labels instanceof Uint8Array ? ndarray('uint8', shape, labels) : ndarray('uint32', shape, labels);
}

/**
 * Replaces a slice by a label image [height, width].
 * @param notAnnotated the value that means "not annotated" in it; undefined: every pixel is annotated
 * @throws UsageError for another size, and for a value that is no label of this kind of layer
 */
export function setPage(layer: LabelLayer, page: IntegerArray, slice = 0, notAnnotated?: number): void {
  layer.requireSlice(slice);
  const { width, height } = layer;
  const { data, shape } = page;
  if (shape.length !== 2 || shape[0] !== height || shape[1] !== width) {
    throw new UsageError(`The label image is [${shape.join(', ')}], the layer [${height}, ${width}].`, {
      remedy: 'Use the labels of this image, one slice at a time.',
    });
  }
  const labelOf = (stored: number, p: number): number => {
    if (stored === notAnnotated) return layer.notAnnotated;
    if (stored >= 0 && stored < layer.notAnnotated) return stored;
    throw new UsageError(
      `The label image holds ${stored} at x ${p % width}, y ${Math.floor(p / width)}; labels of ${layer.kind} are 0 to ${layer.notAnnotated - 1}.`,
      { remedy: 'Say which value means "not annotated", or give the objects other numbers.' },
    );
  };
  for (let y = 0, p = 0; y < height; y++) {
    for (const end = (y + 1) * width; p < end; ) {
      const from = p;
      const stored = data[p++];
      while (p < end && data[p] === stored) p++;
      layer.fill(slice, y, from - y * width, p - y * width, labelOf(stored, from));
    }
  }
}
