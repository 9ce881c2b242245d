/** Objects of a block, separated in a window around it: with a proof that they are those of the whole image. */

import { cropped, stridesOf } from '../../array/boxes.ts';
import { type NdArray, ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../connected-components.ts';
import { distanceToZero } from '../distance-transform.ts';
import { extentsOf } from '../grid.ts';
import { hMaxima, peaksWithin } from '../h-maxima.ts';
import { depthOf, negative, type PredictedMaps, peakHeightOf, type SeparationSettings } from '../instances.ts';
import { watershed } from '../seeded-watershed.ts';
import { type Box, firstPixels } from './block-grid.ts';
import type { LabelledBlock } from './block-record.ts';
import { floodAgainstOutside, OUTSIDE } from './opponent-flood.ts';

/** A window of an image, with the maps and the mask of objects in it. */
export interface Window {
  readonly box: Box;
  /** The whole image. */
  readonly shape: readonly number[];
  readonly maps: PredictedMaps;
  readonly mask: NdArray<'uint8'>;
  /** The numbers of the seeds in the whole image, for seeds that are known before: those by the border. */
  readonly seeds?: Uint32Array;
}

/** Labels of a window, and what they are called in the whole image. */
interface Divided extends Pick<LabelledBlock, 'first' | 'isPart'> {
  readonly labels: Int32Array;
}

/**
 * Separates the objects of a block.
 * @param inner the block, within the window
 * @param isLast whether what is not proved is labelled all the same, as if the window were the image
 * @returns undefined if something is not proved and this was not the last attempt
 */
export function divideWindow(
  window: Window,
  inner: Box,
  settings: SeparationSettings,
  { isLast }: { readonly isLast: boolean },
): LabelledBlock | undefined {
  const start = inner.start.map((at, axis) => at - window.box.start[axis]);
  const blockOf = (labels: Int32Array): NdArray<'int32'> =>
    cropped(ndarray('int32', window.box.shape, labels), start, inner.shape);
  const proved = provedObjects(window, settings);
  const labels = blockOf(proved.labels);
  const isOpen = labels.data.includes(OUTSIDE);
  if (!isOpen) return compact(labels, proved);
  if (!isLast) return undefined;
  const guessed = objectsWithin(window, settings);
  const guesses = blockOf(guessed.labels).data;
  const last = proved.first.length - 1;
  const isGuess = labels.data.map((label, i) => {
    if (label !== OUTSIDE) return 0;
    labels.data[i] = last + guesses[i];
    return 1;
  });
  const first = new Float64Array([...proved.first, ...guessed.first.subarray(1)]);
  const isPart = new Uint8Array([...proved.isPart, ...guessed.isPart.subarray(1)]);
  return compact(labels, { first, isPart }, isGuess);
}

/** Only the labels that occur, those of the same name as one. */
function compact(
  labels: NdArray<'int32'>,
  { first, isPart }: Pick<Divided, 'first' | 'isPart'>,
  isGuess?: Int32Array,
): LabelledBlock {
  const numbers = new Int32Array(first.length);
  const byName = new Map<number, number>();
  const names = [0];
  const parts = [0];
  const open = [0];
  for (let i = 0; i < labels.data.length; i++) {
    const label = labels.data[i];
    if (label === 0) continue;
    if (numbers[label] === 0) {
      // Seeds and parts may both have names like 5.
      const name = 2 * first[label] + isPart[label];
      const number = byName.get(name) ?? names.length;
      if (number === names.length) {
        byName.set(name, number);
        names.push(first[label]);
        parts.push(isPart[label]);
        open.push(0);
      }
      numbers[label] = number;
    }
    labels.data[i] = numbers[label];
    if (isGuess?.[i] === 1) open[numbers[label]]++;
  }
  return { labels, first: Float64Array.from(names), isPart: Uint8Array.from(parts), open: Float64Array.from(open) };
}

/** What is certain in a window; OUTSIDE where it is not. */
export function provedObjects(window: Window, settings: SeparationSettings): Divided {
  const { box, mask, maps } = window;
  const { by } = settings;
  const margins = marginsOf(window);
  const edge = ndarray('uint8', box.shape, new Uint8Array(mask.data.length));
  for (let i = 0; i < margins.length; i++) edge.data[i] = margins[i] === 1 ? 1 : 0;
  if (by === 'border') {
    const { labels, names } = knownSeeds(window);
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] === 0 && edge.data[i] === 1 && mask.data[i] !== 0) labels[i] = OUTSIDE;
    }
    return grown(window, depthOf(mask, maps, settings), labels, names);
  }
  if (by === 'distance') {
    const depth = depthOf(mask, maps, settings);
    const { labels, isOpen } = peaksWithin(depth, peakHeightOf(settings), { mask, edge });
    return grown(window, depth, contested(labels.data, isOpen, mask, edge.data));
  }
  const { data: distance } = distanceToZero(mask).distance;
  const isWhole = !margins.some(Number.isFinite);
  const depth = isWhole ? depthOf(mask, maps, settings) : ndarray('float32', box.shape, Float32Array.from(distance));
  // Where the background is farther away than what the window cuts off, it may be nearer in the whole image.
  const certain = ndarray('uint8', box.shape);
  const unknown = new Uint8Array(distance.length);
  for (let i = 0; i < distance.length; i++) {
    if (mask.data[i] === 0) continue;
    if (isWhole || distance[i] <= margins[i]) certain.data[i] = 1;
    else unknown[i] = 1;
  }
  const edges = ndarray('uint8', box.shape, besides(unknown, edge.data, box.shape));
  const { labels, isOpen } = peaksWithin(depth, peakHeightOf(settings), { mask: certain, edge: edges });
  for (let i = 0; i < unknown.length; i++) unknown[i] |= edge.data[i];
  return grown(window, depth, contested(labels.data, isOpen, mask, unknown));
}

/** Seeds, and where the opponent starts: in `taken` pixels of the mask, and open peaks. */
function contested(labels: Int32Array, isOpen: Uint8Array, mask: NdArray<'uint8'>, taken: Uint8Array): Int32Array {
  const seeds = new Int32Array(labels.length);
  for (let i = 0; i < seeds.length; i++) {
    const label = labels[i];
    seeds[i] = isOpen[label] === 1 || (taken[i] === 1 && mask.data[i] !== 0) ? OUTSIDE : label;
  }
  return seeds;
}

/** Seeds that are known in the whole image, by their numbers there. */
function knownSeeds({ seeds = new Uint32Array() }: Window): {
  readonly labels: Int32Array;
  readonly names: Float64Array;
} {
  const labels = new Int32Array(seeds.length);
  const names = [0];
  const byName = new Map<number, number>();
  for (let i = 0; i < seeds.length; i++) {
    const name = seeds[i];
    if (name === 0) continue;
    let label = byName.get(name);
    if (label === undefined) {
      label = names.length;
      byName.set(name, label);
      names.push(name);
    }
    labels[i] = label;
  }
  return { labels, names: Float64Array.from(names) };
}

/** Grows seeds against the outside. Parts that neither reaches are whole within the window. */
function grown(
  { box, shape, mask }: Window,
  depth: NdArray<'float32'>,
  seeds: Int32Array,
  names?: Float64Array,
): Divided {
  const labels = floodAgainstOutside(negative(depth), seeds, mask);
  if (names !== undefined) return withParts(labels, names, { box, shape, mask });
  let count = 0;
  for (let i = 0; i < seeds.length; i++) {
    if (seeds[i] === OUTSIDE) seeds[i] = 0;
    else if (seeds[i] > count) count = seeds[i];
  }
  return withParts(labels, firstPixels(seeds, count, box, shape), { box, shape, mask });
}

/** Objects of a window as if it were an image. */
function objectsWithin(window: Window, settings: SeparationSettings): Divided {
  const { box, shape, mask, maps } = window;
  const depth = depthOf(mask, maps, settings);
  const peaks = () => {
    const { labels, count } = hMaxima(depth, peakHeightOf(settings), { mask });
    return { labels: labels.data, names: firstPixels(labels.data, count, box, shape) };
  };
  const { labels, names } = settings.by === 'border' ? knownSeeds(window) : peaks();
  const flooded = watershed(negative(depth), ndarray('int32', box.shape, labels), { mask }).data;
  return withParts(flooded, names, { box, shape, mask });
}

/** Adds the parts of the mask that are not labelled. */
function withParts(
  labels: Int32Array,
  seeds: Float64Array,
  { box, shape, mask }: Pick<Window, 'box' | 'shape' | 'mask'>,
): Divided {
  const rest = new Uint8Array(labels.length);
  for (let i = 0; i < rest.length; i++) rest[i] = mask.data[i] !== 0 && labels[i] === 0 ? 1 : 0;
  if (!rest.includes(1)) return { labels, first: seeds, isPart: new Uint8Array(seeds.length) };
  const { labels: parts, count } = connectedComponents(ndarray('uint8', box.shape, rest));
  const last = seeds.length - 1;
  for (let i = 0; i < labels.length; i++) if (rest[i] === 1) labels[i] = last + parts.data[i];
  const first = new Float64Array(seeds.length + count);
  first.set(seeds);
  first.set(firstPixels(parts.data, count, box, shape).subarray(1), seeds.length);
  return { labels, first, isPart: new Uint8Array(first.length).fill(1, seeds.length) };
}

/** From each pixel to the nearest that the window cuts off, along an axis; Infinity if it cuts nothing off. */
function marginsOf({ box: { start, shape }, shape: whole }: Window): Float64Array {
  const along = shape.map((length, axis) =>
    Float64Array.from({ length }, (_, at) =>
      Math.min(
        start[axis] > 0 ? at + 1 : Number.POSITIVE_INFINITY,
        start[axis] + length < whole[axis] ? length - at : Number.POSITIVE_INFINITY,
      ),
    ),
  );
  const [zs, ys, xs] = shape.length === 3 ? along : [Float64Array.of(Number.POSITIVE_INFINITY), ...along];
  const margins = new Float64Array(zs.length * ys.length * xs.length);
  let i = 0;
  for (const z of zs) for (const y of ys) for (const x of xs) margins[i++] = Math.min(z, y, x);
  return margins;
}

/** Pixels at the edge, and all that have an unknown pixel next to them, also diagonally. */
function besides(unknown: Uint8Array, edge: Uint8Array, shape: readonly number[]): Uint8Array {
  const near = edge.slice();
  const { depth, height, width } = extentsOf(shape);
  const [, rowStride] = stridesOf([depth, height, width]);
  const area = height * width;
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (unknown[i] === 0) continue;
        for (let dz = z > 0 ? -1 : 0; dz <= (z < depth - 1 ? 1 : 0); dz++) {
          for (let dy = y > 0 ? -1 : 0; dy <= (y < height - 1 ? 1 : 0); dy++) {
            for (let dx = x > 0 ? -1 : 0; dx <= (x < width - 1 ? 1 : 0); dx++) {
              near[i + dz * area + dy * rowStride + dx] = 1;
            }
          }
        }
      }
    }
  }
  return near;
}
