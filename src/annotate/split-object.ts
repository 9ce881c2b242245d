import { ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { capsule, discCentre } from './capsule.ts';
import type { Pixel } from './flood.ts';
import type { LabelLayer } from './label-layer.ts';
import { freeNumbers, requireObjects } from './object-edits.ts';
import type { Box } from './region.ts';
import { spread } from './spread.ts';

/**
 * Splits an object in a slice along a drawn line. Where a connected piece of it falls apart without the pixels under the
 * line, one pixel wide, its largest part keeps the number and each other one gets a new number; pixels under the line
 * go to the part that is nearest along the object. Parts are connected by edges.
 * @param line positions in pixels, at least two
 * @returns the new numbers; none if the line does not divide the object, which is then unchanged
 * @throws UsageError for an object that is not in the slice
 */
export function splitObject(
  layer: LabelLayer,
  object: number,
  line: readonly (readonly [x: number, y: number])[],
  slice = 0,
): readonly number[] {
  requireObjects(layer, object);
  const box = layer.boxes(object).get(slice);
  if (box === undefined) {
    throw new UsageError(`Object ${object} is not in slice ${slice}.`, {
      remedy: 'Split it in a slice that it is in.',
    });
  }
  const [left, top, width, height] = box;
  const own = Uint8Array.from(layer.read(box, slice), (label) => (label === object ? 1 : 0));
  const rest = own.slice();
  for (const [x, y] of pixelsUnder(line, layer, box)) rest[y * width + x] = 0;
  const pieces = connectedComponents(ndarray('uint8', [height, width], own));
  const parts = connectedComponents(ndarray('uint8', [height, width], rest));
  const separated = partsToNumber(parts.labels.data, pieces.labels.data, parts.count);
  if (separated.length === 0) return [];
  const free = freeNumbers(layer);
  const numbers = new Map(separated.map((part) => [part, free.next().value as number]));
  spread(parts.labels.data, width, (_, next) => own[next] === 1);
  for (const [p, part] of parts.labels.data.entries()) {
    const number = numbers.get(part);
    if (number === undefined) continue;
    const column = p % width;
    layer.fill(slice, top + (p - column) / width, left + column, left + column + 1, number);
  }
  return [...numbers.values()];
}

/** The parts that are not the largest of their piece. */
function partsToNumber(parts: Int32Array, pieces: Int32Array, count: number): readonly number[] {
  const sizes = new Float64Array(count + 1);
  const pieceOf = new Int32Array(count + 1);
  for (const [p, part] of parts.entries()) {
    sizes[part]++;
    pieceOf[part] = pieces[p];
  }
  const largest = new Map<number, number>();
  for (let part = 1; part <= count; part++) {
    const best = largest.get(pieceOf[part]);
    if (best === undefined || sizes[part] > sizes[best]) largest.set(pieceOf[part], part);
  }
  return Array.from({ length: count }, (_, i) => i + 1).filter((part) => largest.get(pieceOf[part]) !== part);
}

/** Pixels under a line within a box, from its upper left corner. */
function* pixelsUnder(
  line: readonly (readonly [number, number])[],
  layer: LabelLayer,
  [left, top, width, height]: Box,
): Generator<Pixel> {
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [discCentre(...line[i - 1], 1), discCentre(...line[i], 1)];
    const runs = capsule(a, b, 1, [layer.height, layer.width]);
    for (let row = 0; row < runs.from.length; row++) {
      const y = runs.top + row - top;
      if (y < 0 || y >= height) continue;
      for (let x = Math.max(0, runs.from[row] - left); x < Math.min(width, runs.to[row] - left); x++) yield [x, y];
    }
  }
}
