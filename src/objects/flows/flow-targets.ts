/**
 * What a network learns of objects as flows: at each pixel the direction to the middle of its object, along which heat
 * from the middle has spread (Stringer, Wang, Michaelos and Pachitariu, Cellpose, Nature Methods 2021).
 */

import { float32, type NdArray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import type { IntegerArray } from '../grid.ts';
import { boxesOf, type LabelBox } from '../label-boxes.ts';
import { relabelConsecutive } from '../relabel.ts';

/** Keeps the length of a flow of nothing above 0. */
const LEAST_LENGTH = 1e-60;

/**
 * The flows of label maps: unit vectors (y, x) from each pixel towards the middle of its object, 0 in the background.
 * Heat is added to the pixel of the object that is nearest to its centroid (of several the first in raster order), and
 * each pixel of the object then takes the mean of itself and its eight neighbours, those outside the object being 0;
 * both 2 (height + width + 4) times for an object of that height and width. A flow is the difference of the neighbours
 * below and above, and of those on the right and the left, divided by its length. As `labels_to_flows` of Cellpose 3.
 * @param labels [h, w]; 0 = background. Pixels of one value are one object.
 * @returns [2, h, w]
 * @throws UsageError for another number of axes, or a negative label.
 */
export function labelFlows(labels: IntegerArray): NdArray<'float32'> {
  if (labels.shape.length !== 2) {
    throw new UsageError(`The labels have ${labels.shape.length} axes [${labels.shape.join(', ')}].`, {
      remedy: 'Flows are of images [height, width]; use the slices of a volume.',
    });
  }
  const [height, width] = labels.shape as readonly [number, number];
  const { labels: numbered, count } = relabelConsecutive(labels);
  const flows = float32([2, height, width]);
  for (const [index, box] of boxesOf(numbered, count).entries()) addFlows(flows, numbered, index + 1, box);
  return flows;
}

/** The pixels of an object in a frame of one pixel around its box, `columns` wide: their places, in raster order. */
function placesOf({ shape, data }: NdArray<'int32'>, label: number, box: LabelBox, columns: number): Int32Array {
  const width = shape[1];
  const places: number[] = [];
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      if (data[y * width + x] === label) places.push((y - box.top + 1) * columns + x - box.left + 1);
    }
  }
  return Int32Array.from(places);
}

function addFlows(flows: NdArray<'float32'>, labels: NdArray<'int32'>, label: number, box: LabelBox): void {
  const [rows, columns] = [box.bottom - box.top + 2, box.right - box.left + 2];
  const places = placesOf(labels, label, box, columns);
  const heat = spread(places, middleOf(places, columns), { rows, columns });
  const [, height, width] = flows.shape as readonly [number, number, number];
  for (const at of places) {
    const dy = heat[at + columns] - heat[at - columns];
    const dx = heat[at + 1] - heat[at - 1];
    const length = LEAST_LENGTH + Math.sqrt(dy * dy + dx * dx);
    const pixel = (box.top + Math.floor(at / columns) - 1) * width + box.left + (at % columns) - 1;
    flows.data[pixel] = dy / length;
    flows.data[height * width + pixel] = dx / length;
  }
}

/** The place that is nearest to the centroid of all. */
function middleOf(places: Int32Array, columns: number): number {
  let [sumY, sumX] = [0, 0];
  for (const at of places) {
    sumY += Math.floor(at / columns);
    sumX += at % columns;
  }
  const [y, x] = [sumY / places.length, sumX / places.length];
  let [nearest, least] = [places[0], Number.POSITIVE_INFINITY];
  for (const at of places) {
    const distance = (at % columns) - x;
    const far = distance * distance + (Math.floor(at / columns) - y) ** 2;
    if (far < least) [nearest, least] = [at, far];
  }
  return nearest;
}

/** The heat in an object after its last step. */
function spread(
  places: Int32Array,
  middle: number,
  { rows, columns }: Readonly<Record<'rows' | 'columns', number>>,
): Float64Array {
  const runs = runsOf(places);
  let heat = new Float64Array(rows * columns);
  let next = new Float64Array(rows * columns);
  for (let step = 0; step < 2 * (rows + columns); step++) {
    heat[middle] = heat[middle] + 1;
    for (let run = 0; run < runs.length; run += 2) {
      const end = runs[run + 1];
      for (let at = runs[run], above = at - columns, below = at + columns; at < end; at++, above++, below++) {
        // In the order of the reference, so that both round alike.
        next[at] =
          (1 / 9) *
          (heat[at] +
            heat[above] +
            heat[below] +
            heat[at - 1] +
            heat[at + 1] +
            heat[above - 1] +
            heat[above + 1] +
            heat[below - 1] +
            heat[below + 1]);
      }
    }
    [heat, next] = [next, heat];
  }
  return heat;
}

/** Places that follow each other: the first of each run, and the one after its last. */
function runsOf(places: Int32Array): Int32Array {
  const runs: number[] = [];
  for (const at of places) {
    if (runs.at(-1) === at) runs[runs.length - 1] = at + 1;
    else runs.push(at, at + 1);
  }
  return Int32Array.from(runs);
}
