/** Copies pixels into a tile and out of it. */

import { mirroredReach, mirrorIndex } from '../array/gaussian.ts';
import { type NdArray, ndarray } from '../array/ndarray.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { ModelError } from '../errors.ts';
import type { InputRegions } from '../input/input-regions.ts';
import type { SegmentationModel } from './model.ts';
import { type Orientation, orientedShape, walk } from './orientation.ts';
import type { Planes } from './patchwise.ts';
import type { AxisTile } from './tile-plan.ts';

/** A slice that is normalised. */
export interface PreparedPage extends Planes {
  readonly name?: string;
}

/** Along both axes. */
export interface Sides {
  readonly y: number;
  readonly x: number;
}

/**
 * Copies the window [channels, sides.y, sides.x] starting at `origin` from planes [channels, height, width], mirrored
 * (edge pixel repeated) outside, repeatedly if necessary.
 * @param part of the planes that there is: [channels, part.height, part.width], at least `reachOf`; default: all
 */
export function fillWindow(
  window: Float32Array,
  planes: Float32Array,
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: number },
  origin: Sides,
  sides: Sides,
  part: Rectangle = { y: 0, x: 0, height, width },
): void {
  const columns = Int32Array.from({ length: sides.x }, (_, x) => mirrorIndex(origin.x + x, width) - part.x);
  // The part of a row inside the image is copied as a block.
  const inside = Math.max(0, Math.min(sides.x, -origin.x));
  const end = Math.max(inside, Math.min(sides.x, width - origin.x));
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < sides.y; y++) {
      const source = (c * part.height + mirrorIndex(origin.y + y, height) - part.y) * part.width;
      const target = (c * sides.y + y) * sides.x;
      for (let x = 0; x < inside; x++) window[target + x] = planes[source + columns[x]];
      if (end > inside) {
        const first = source + origin.x - part.x;
        window.set(planes.subarray(first + inside, first + end), target + inside);
      }
      for (let x = end; x < sides.x; x++) window[target + x] = planes[source + columns[x]];
    }
  }
}

/** What a network is given of a slice, window by window. */
export interface TileInput {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** For messages. */
  readonly name?: string;
  /** Fills the window [channels, sides.y, sides.x] of a job, as `fillWindow`. */
  fill(window: Float32Array, job: Job, sides: Sides): void | Promise<void>;
}

/** A slice in memory, normalised. */
export function planesInput({ planes, height, width, name }: PreparedPage, channels: number): TileInput {
  const size = { height, width, channels };
  return { ...size, name, fill: (window, job, sides) => fillWindow(window, planes, size, originOf(job), sides) };
}

type InputPixels = Pick<InputRegions, 'height' | 'width' | 'channels' | 'name' | 'read'>;

/** Slices of one image that are read as they are needed; `slice` of a job is one of them. */
export function regionsInput(slices: readonly [InputPixels, ...InputPixels[]]): TileInput {
  const [{ height, width, channels, name }] = slices;
  return {
    height,
    width,
    channels,
    name,
    async fill(window, job, sides) {
      const regions = slices[job.slice ?? 0];
      const origin = originOf(job);
      const part = reachOf(regions, origin, sides);
      fillWindow(window, await regions.read(part), { height, width, channels }, origin, sides, part);
    },
  };
}

const originOf = ({ y, x }: Job): Sides => ({ y: y.origin, x: x.origin });

/** The pixels of an image that a window shows, mirrored ones included. */
export function reachOf(
  { height, width }: { readonly height: number; readonly width: number },
  origin: Sides,
  sides: Sides,
): Rectangle {
  const [y, rows] = mirroredReach(origin.y, sides.y, height);
  const [x, columns] = mirroredReach(origin.x, sides.x, width);
  return { y, x, height: rows, width: columns };
}

/** Writes planes [channels, sides.y, sides.x] in the given orientation to `target`. */
export function orient(
  target: Float32Array,
  planes: Float32Array,
  channels: number,
  sides: Sides,
  orientation: Orientation,
): void {
  if (orientation === 0) {
    target.set(planes);
    return;
  }
  const { start, stepY, stepX } = walk(sides.y, sides.x, orientation);
  const pixels = sides.y * sides.x;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < sides.y; y++) {
      const from = c * pixels + y * sides.x;
      const to = c * pixels + start + y * stepY;
      for (let x = 0; x < sides.x; x++) target[to + x * stepX] = planes[from + x];
    }
  }
}

/** One run of one tile. */
export interface Job {
  readonly y: AxisTile;
  readonly x: AxisTile;
  readonly orientation: Orientation;
  /** Which slice, of several; default 0. */
  readonly slice?: number;
}

/** What the network gave for one run of one tile. */
export interface RunTile {
  readonly job: Job;
  /** [N, outputs, H', W'], the tile's at `index`. */
  readonly output: NdArray<'float32'>;
  readonly index: number;
  readonly model: SegmentationModel;
  /** Sides of the input window, before reorientation. */
  readonly sides: Sides;
  /** Pixels of the window that the output lacks on each side. */
  readonly margin: Sides;
  /** Weight of this run among the orientations. */
  readonly share: number;
  readonly file?: string;
}

/**
 * Adds the probabilities of a tile to `result` [classes, region.height, region.width], turned back, where it lies in this
 * part of the image.
 * @throws ModelError if the output's size is not the window's minus the margins, or it contains NaN.
 */
export function addTile(result: NdArray<'float32'>, tile: RunTile, region: Rectangle): void {
  const { output, index, model, sides, margin, share, file } = tile;
  const { orientation } = tile.job;
  const job = {
    y: within(tile.job.y, region.y, region.height),
    x: within(tile.job.x, region.x, region.width),
  };
  const wanted = { y: sides.y - 2 * margin.y, x: sides.x - 2 * margin.x };
  const [rows, columns] = orientedShape(wanted.y, wanted.x, orientation);
  const planes = resample(output, index, rows, columns);
  const { start, stepY, stepX } = walk(wanted.y, wanted.x, orientation);
  const pixels = rows * columns;
  const [, height, width] = result.shape as readonly [number, number, number];
  const plane = height * width;
  const count = model.outputs;
  const probability = new Float64Array(model.classes.length);
  let sum = 0;
  for (let y = job.y.from; y < job.y.to; y++) {
    const rowWeight = share * (job.y.weights?.[y - job.y.from] ?? 1);
    const row = start + (y - job.y.origin - margin.y) * stepY;
    for (let x = job.x.from; x < job.x.to; x++) {
      const at = row + (x - job.x.origin - margin.x) * stepX;
      activate(probability, planes, at, pixels, count, model);
      const weight = rowWeight * (job.x.weights?.[x - job.x.from] ?? 1);
      const target = y * width + x;
      for (let c = 0; c < probability.length; c++) {
        const p = probability[c];
        sum += p;
        result.data[c * plane + target] = result.data[c * plane + target] + weight * p;
      }
    }
  }
  if (Number.isNaN(sum)) {
    throw new ModelError('The model gives NaN for this image.', {
      file,
      remedy: 'Check that the model is for images of this kind, or train it again with a lower learning rate.',
    });
  }
}

/** A tile in the pixels of a stretch of the axis, with only what it gives of that. */
function within({ origin, from, to, weights }: AxisTile, start: number, length: number): AxisTile {
  const first = Math.max(from, start);
  const end = Math.max(first, Math.min(to, start + length));
  return {
    origin: origin - start,
    from: first - start,
    to: end - start,
    ...(weights && { weights: weights.subarray(first - from, end - from) }),
  };
}

/** Probabilities of the classes at one pixel. p_k = exp(z_k) / sum exp(z_j), or 1 / (1 + exp(-z)). */
function activate(
  into: Float64Array,
  tile: Float32Array,
  at: number,
  pixels: number,
  count: number,
  { activation }: SegmentationModel,
): void {
  if (activation === 'softmax' && count > 1) {
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < count; c++) most = Math.max(most, tile[at + c * pixels]);
    let sum = 0;
    for (let c = 0; c < count; c++) {
      const e = Math.exp(tile[at + c * pixels] - most);
      into[c] = e;
      sum += e;
    }
    for (let c = 0; c < count; c++) into[c] = into[c] / sum;
    return;
  }
  for (let c = 0; c < count; c++) {
    const z = tile[at + c * pixels];
    into[c] = activation === 'none' ? z : 1 / (1 + Math.exp(-z));
  }
  if (count === 1) {
    const p = into[0];
    into[1] = p;
    into[0] = 1 - p;
  }
}

/**
 * Image `index` of a batch as [channels, rows, columns]: unchanged, or interpolated bilinearly if the model returns a
 * coarser or finer map (pixel centres aligned, edges repeated).
 * @throws ModelError if the ratio differs between the axes.
 */
function resample(output: NdArray<'float32'>, index: number, rows: number, columns: number): Float32Array {
  const [, channels, height, width] = output.shape as readonly [number, number, number, number];
  const size = channels * height * width;
  const planes = output.data.subarray(index * size, (index + 1) * size);
  if (height === rows && width === columns) return planes;
  if (height * columns !== width * rows || height < 1) {
    throw new ModelError(`The model gave ${width} x ${height} pixels; expected ${columns} x ${rows}.`, {
      remedy: 'Check its tile rule: it may not be a segmentation network.',
    });
  }
  const scaled = ndarray('float32', [channels, rows, columns]);
  const place = (i: number, n: number, of: number): readonly [number, number, number] => {
    const position = Math.min(n - 1, Math.max(0, ((i + 0.5) * n) / of - 0.5));
    const below = Math.floor(position);
    return [below, Math.min(n - 1, below + 1), position - below];
  };
  const across = Array.from({ length: columns }, (_, x) => place(x, width, columns));
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      const [upper, lower, fy] = place(y, height, rows);
      const a = (c * height + upper) * width;
      const b = (c * height + lower) * width;
      for (let x = 0; x < columns; x++) {
        const [left, right, fx] = across[x];
        const top = planes[a + left] * (1 - fx) + planes[a + right] * fx;
        const bottom = planes[b + left] * (1 - fx) + planes[b + right] * fx;
        scaled.data[(c * rows + y) * columns + x] = top * (1 - fy) + bottom * fy;
      }
    }
  }
  return scaled.data;
}
