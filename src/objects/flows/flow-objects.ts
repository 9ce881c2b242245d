/**
 * Objects from flows: pixels that end in one place are one object, unless their flows are not those of such an object
 * (Stringer, Wang, Michaelos and Pachitariu, Cellpose, Nature Methods 2021).
 */

import { float32, type NdArray, ndarray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import { fillHoles } from '../fill-holes.ts';
import { filterObjects } from '../filter-objects.ts';
import { FLOW_UNIT } from '../object-maps.ts';
import { type Relabelled, relabelConsecutive } from '../relabel.ts';
import { sinksOf } from './flow-sinks.ts';
import { labelFlows } from './flow-targets.ts';
import { followFlows } from './follow-flows.ts';

export interface FlowMaps {
  /** Flows along y and x, [2, h, w]; a unit vector has the length 5, as Cellpose's networks give them. */
  readonly flows: NdArray<'float32'>;
  /** Logits of whether a pixel belongs to an object, [h, w]. */
  readonly cell: NdArray<'float32'>;
}

export interface FlowOptions {
  /** Pixels with a greater logit belong to objects. Default 0: a probability of 0.5. */
  readonly threshold?: number;
  /** Steps that pixels take. Default 200. */
  readonly steps?: number;
  /**
   * Objects whose own flows differ from the predicted ones by more are removed: the mean squared length of the
   * difference of both as unit vectors. 0: none is. Default 0.4.
   */
  readonly flowError?: number;
  /** Smaller objects are removed, in pixels. Default 15. */
  readonly minSize?: number;
  /** Larger objects are removed: a part of the image. Default 0.4. */
  readonly maxFraction?: number;
}

/**
 * Finds objects in maps of flows: pixels of objects follow the flows (`followFlows`), those that end in one sink
 * (`sinksOf`) are an object, whose holes are filled. Numbers are in raster order of the first pixel. Nothing is random,
 * and the result depends on nothing but the maps. As `compute_masks` of Cellpose 3 on a CPU, but that an object in a
 * hole of another stays, and that small objects are removed where one of inconsistent flows is as well.
 * @returns `labels` [h, w], 0 = background
 * @throws UsageError for shapes that do not fit, options out of range, or values that are NaN or infinite.
 */
export function flowObjects(maps: FlowMaps, options: FlowOptions = {}): Pick<Relabelled, 'labels' | 'count'> {
  const { threshold = 0, steps = 200, flowError = 0.4, minSize = 15, maxFraction = 0.4 } = options;
  const [height, width] = requireFitting(maps, { steps, flowError });
  const { flows, cell } = maps;
  const size = height * width;
  const inside: number[] = [];
  const followed = float32([2, height, width]);
  for (let i = 0; i < size; i++) {
    if (!(cell.data[i] > threshold)) continue;
    inside.push(i);
    followed.data[i] = flows.data[i] / FLOW_UNIT;
    followed.data[size + i] = flows.data[size + i] / FLOW_UNIT;
  }
  const pixels = Int32Array.from(inside);
  const { y, x } = followFlows(followed, pixels, steps);
  const counts = new Int32Array(size);
  for (let i = 0; i < pixels.length; i++) {
    const at = y[i] * width + x[i];
    counts[at] = counts[at] + 1;
  }
  const sinks = sinksOf({ counts, height, width });
  const labels = ndarray('int32', [height, width]);
  for (let i = 0; i < pixels.length; i++) labels.data[pixels[i]] = sinks[y[i] * width + x[i]];
  const found = filterObjects(labels, { maxSize: maxFraction * size }).labels;
  const consistent = flowError > 0 ? withoutErrors(found, flows, flowError) : found;
  const whole = fillHoles(filterObjects(consistent, { minSize }).labels);
  return inRasterOrder(whole);
}

function requireFitting(
  { flows, cell }: FlowMaps,
  { steps, flowError }: Required<Pick<FlowOptions, 'steps' | 'flowError'>>,
): readonly [height: number, width: number] {
  const [height, width] = cell.shape;
  const fits = cell.shape.length === 2 && flows.shape.join() === [2, height, width].join();
  if (!fits) {
    throw new UsageError(`Flows [${flows.shape.join(', ')}] and cells [${cell.shape.join(', ')}] do not fit.`, {
      remedy: 'Use [2, height, width] and [height, width].',
    });
  }
  if (!Number.isInteger(steps) || steps < 0 || !(flowError >= 0)) {
    throw new UsageError(`${steps} steps and a flow error of ${flowError} are not possible.`, {
      remedy: 'Use a whole number of steps, and an error of at least 0.',
    });
  }
  if (!flows.data.every(Number.isFinite) || cell.data.some(Number.isNaN)) {
    throw new UsageError('The flows are not all finite, or a cell is not a number.', {
      remedy: 'Use a network whose output is finite.',
    });
  }
  return [height, width];
}

/** The labels without those whose own flows are not those that were predicted. */
function withoutErrors(labels: NdArray<'int32'>, predicted: NdArray<'float32'>, most: number): NdArray<'int32'> {
  const own = labelFlows(labels);
  const size = labels.data.length;
  const count = labels.data.reduce((a, b) => Math.max(a, b), 0);
  const [sums, pixels] = [new Float64Array(count + 1), new Float64Array(count + 1)];
  for (let i = 0; i < size; i++) {
    const label = labels.data[i];
    if (label === 0) continue;
    const dy = own.data[i] - predicted.data[i] / FLOW_UNIT;
    const dx = own.data[size + i] - predicted.data[size + i] / FLOW_UNIT;
    sums[label] = sums[label] + dy * dy + dx * dx;
    pixels[label] = pixels[label] + 1;
  }
  return ndarray(
    'int32',
    labels.shape,
    labels.data.map((label) => (sums[label] > most * pixels[label] ? 0 : label)),
  );
}

/** Numbers objects anew, each by its first pixel. */
function inRasterOrder(labels: NdArray<'int32'>): Pick<Relabelled, 'labels' | 'count'> {
  const { labels: numbered, count } = relabelConsecutive(labels);
  const numbers = new Int32Array(count + 1);
  let last = 0;
  for (let i = 0; i < numbered.data.length; i++) {
    const label = numbered.data[i];
    if (label === 0) continue;
    if (numbers[label] === 0) numbers[label] = ++last;
    numbered.data[i] = numbers[label];
  }
  return { labels: numbered, count };
}
