/** Painting areas into a layer. */

import { UsageError } from '../errors.ts';
import type { FoundRun } from '../objects/fill-polygon.ts';
import { FARTHEST_PX } from './capsule.ts';
import type { LabelLayer } from './label-layer.ts';
import { type Over, replaceable } from './label-values.ts';
import { fillRegion, type RegionShape } from './region.ts';

export interface PaintOptions {
  /** The label that is painted; the layer's `notAnnotated` erases. */
  readonly value: number;
  /** Default 0. */
  readonly slice?: number;
  /** Which labels may be replaced; default `anything`. */
  readonly over?: Over;
  /** Nothing outside of this area is painted. */
  readonly within?: RegionShape;
}

/**
 * Receives runs of pixels and paints them.
 * @throws UsageError for a label or a slice that the layer does not have
 */
export function painter(layer: LabelLayer, { value, slice = 0, over = 'anything', within }: PaintOptions): FoundRun {
  layer.requireSlice(slice);
  layer.requireLabel(value);
  const may = replaceable(over, layer.kind);
  const paint: FoundRun = (row, from, to) => layer.fill(slice, row, from, to, value, may);
  return within === undefined ? paint : clipped(within, layer, paint);
}

/** Passes on the parts of runs that are inside an area. */
function clipped(area: RegionShape, { height, width }: LabelLayer, found: FoundRun): FoundRun {
  const inside = new Map<number, [number, number][]>();
  fillRegion(area, [height, width], (row, from, to) => {
    const runs = inside.get(row);
    if (runs === undefined) inside.set(row, [[from, to]]);
    else runs.push([from, to]);
  });
  return (row, from, to) => {
    for (const [first, end] of inside.get(row) ?? []) {
      if (first < to && from < end) found(row, Math.max(from, first), Math.min(to, end));
    }
  };
}

/**
 * Paints a rectangle, or what closed lines enclose: a polygon with holes, or a lasso. It may reach beyond the image.
 * @throws as `painter`, and UsageError for coordinates that are not finite, or a box that is not of whole numbers
 */
export function paintShape(layer: LabelLayer, shape: RegionShape, options: PaintOptions): void {
  const isSound =
    'box' in shape
      ? shape.box.every(Number.isInteger)
      : shape.polygon.every((line) => Array.from(line).every((c) => Math.abs(c) <= FARTHEST_PX));
  if (!isSound) {
    throw new UsageError('The shape has coordinates that are not in the image or near it.', {
      remedy: 'Use positions in pixels; those of a box are whole numbers.',
    });
  }
  fillRegion(shape, [layer.height, layer.width], painter(layer, options));
}
