/** Labels of a slice for its neighbours. */

import { ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { distanceToNonzero, distanceToZero } from '../objects/distance-transform.ts';
import { CHUNK_SIZE } from './chunk.ts';
import type { LabelLayer } from './label-layer.ts';
import { type Over, replaceable } from './label-values.ts';
import type { Box } from './region.ts';

export interface SliceOptions {
  /** Which labels may be replaced; default `unlabelled`: what is painted in the slice stays. */
  readonly over?: Over;
}

/** Copies what is annotated in a slice to another one. @throws UsageError for a slice that the layer does not have */
export function copySlice(
  layer: LabelLayer,
  from: number,
  to: number,
  { over = 'unlabelled' }: SliceOptions = {},
): void {
  layer.requireSlice(to);
  const may = replaceable(over, layer.kind);
  for (const place of layer.chunks(from)) {
    const labels = layer.chunk(place)?.slice() ?? [];
    const [left, top] = [place.column * CHUNK_SIZE, place.row * CHUNK_SIZE];
    for (let y = 0, p = 0; y < CHUNK_SIZE; y++) {
      for (let x = 0; x < CHUNK_SIZE; ) {
        const [first, label] = [x, labels[p]];
        while (x < CHUNK_SIZE && labels[p] === label) [x, p] = [x + 1, p + 1];
        if (label !== layer.notAnnotated) layer.fill(to, top + y, left + first, left + x, label, may);
      }
    }
  }
}

/**
 * Fills the slices between two annotated ones. Each label that both contain is interpolated by its signed distance d,
 * positive inside, from the outline that runs halfway between pixel centres:
 *
 *     d(z) = ((last - z) d(first) + (z - first) d(last)) / (last - first)
 *
 * A pixel gets the label of which d(z) is largest, of equal ones the smaller, if it is at least 0. A label that only
 * one of the slices contains is left out. Needs about 40 bytes per pixel of the labels' common rectangles.
 * @yields the slice that was filled
 * @throws UsageError for slices that the layer does not have, or with none between them
 */
export function* interpolateSlices(
  layer: LabelLayer,
  first: number,
  last: number,
  { over = 'unlabelled' }: SliceOptions = {},
): Generator<number, void> {
  for (const slice of [first, last]) layer.requireSlice(slice);
  if (last - first < 2) {
    throw new UsageError(`There is no slice between ${first} and ${last}.`, {
      remedy: 'Annotate two slices with at least one between them, and name the first one first.',
    });
  }
  const may = replaceable(over, layer.kind);
  const labels = [...layer.labels()].sort((a, b) => a - b);
  const shapes = labels.flatMap((label) => shapeOf(layer, label, first, last) ?? []);
  if (shapes.length === 0) return;
  const all = shapes.map(({ box }) => box).reduce(joined);
  for (let slice = first + 1; slice < last; slice++) {
    const nearest = nearestLabels(shapes, all, (slice - first) / (last - first), layer.notAnnotated);
    const [left, top, width] = all;
    for (let p = 0; p < nearest.length; ) {
      const [y, from] = [Math.floor(p / width), p % width];
      const label = nearest[p];
      const end = (y + 1) * width;
      while (p < end && nearest[p] === label) p++;
      if (label !== layer.notAnnotated) layer.fill(slice, top + y, left + from, left + p - y * width, label, may);
    }
    yield slice;
  }
}

/** A label in two slices: its signed distances in the rectangle that contains both. */
interface Shape {
  readonly label: number;
  readonly box: Box;
  readonly first: Float32Array;
  readonly last: Float32Array;
}

/** Undefined: one of the slices does not contain the label. */
function shapeOf(layer: LabelLayer, label: number, first: number, last: number): Shape | undefined {
  const boxes = layer.boxes(label);
  const [a, b] = [boxes.get(first), boxes.get(last)];
  if (a === undefined || b === undefined) return undefined;
  const box = joined(a, b);
  const distances = (slice: number): Float32Array => signedDistance(layer.read(box, slice), label, box);
  return { label, box, first: distances(first), last: distances(last) };
}

/** Outside the rectangle, and so outside the image, nothing has the label. */
function signedDistance(labels: ArrayLike<number>, label: number, [, , width, height]: Box): Float32Array {
  const wide = width + 2;
  const mask = ndarray('uint8', [height + 2, wide]);
  for (let p = 0; p < labels.length; p++) {
    if (labels[p] === label) mask.data[(Math.floor(p / width) + 1) * wide + 1 + (p % width)] = 1;
  }
  const [inside, outside] = [distanceToZero(mask).distance.data, distanceToNonzero(mask).distance.data];
  return Float32Array.from(labels, (_, p) => {
    const i = (Math.floor(p / width) + 1) * wide + 1 + (p % width);
    return mask.data[i] === 1 ? inside[i] - 0.5 : 0.5 - outside[i];
  });
}

/** The label of the largest interpolated distance in a rectangle, `none` where each is negative. */
function nearestLabels(
  shapes: readonly Shape[],
  [left, top, width, height]: Box,
  weight: number,
  none: number,
): Uint32Array {
  const labels = new Uint32Array(width * height).fill(none);
  const best = new Float32Array(width * height);
  for (const { label, box, first, last } of shapes) {
    for (let y = 0, p = 0; y < box[3]; y++) {
      let i = (box[1] + y - top) * width + box[0] - left;
      for (let x = 0; x < box[2]; x++, p++, i++) {
        const distance = (1 - weight) * first[p] + weight * last[p];
        if (distance < best[i] || (distance === best[i] && labels[i] !== none)) continue;
        best[i] = distance;
        labels[i] = label;
      }
    }
  }
  return labels;
}

function joined([x, y, width, height]: Box, [left, top, wide, high]: Box): Box {
  const [minX, minY] = [Math.min(x, left), Math.min(y, top)];
  return [minX, minY, Math.max(x + width, left + wide) - minX, Math.max(y + height, top + high) - minY];
}
