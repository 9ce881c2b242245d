/** Outputs of a prediction: probabilities of a chosen depth, label maps, and an overlay for viewing. */

import { allocate, type DType, type NdArray, ndarray, type Storage } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { classColour, displayRange, displayWindow, isHounsfield } from '../image/display.ts';
import { type Image, sameGrid, sizes } from '../image/image.ts';

/** How probabilities are stored: 0..255, 0..65535 (rounded), or unchanged. */
export type ProbabilityDepth = 'uint8' | 'uint16' | 'float32';

export interface ProbabilityOptions {
  /** Default `uint8`. */
  readonly depth?: ProbabilityDepth;
  /** One class by index, or all as channels. Default: the second of two classes, otherwise all. */
  readonly classes?: number | 'all';
}

/**
 * The probabilities of a prediction (`predictImage`) as an image file; axes and pixel size are kept. A single class has
 * no `c` axis, so that it is a grey image of the input's size.
 * @throws UsageError for a class that does not exist.
 */
export function probabilityImage(
  prediction: Image<'float32'>,
  { depth = 'uint8', classes }: ProbabilityOptions = {},
): Image<ProbabilityDepth> {
  const count = sizes(prediction).channels;
  const chosen = classes ?? (count === 2 ? 1 : 'all');
  const one = chosen === 'all' ? prediction : classOf(prediction, chosen);
  if (depth === 'float32') return one;
  const scale = depth === 'uint8' ? 255 : 65_535;
  const data = allocate(depth, one.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.round(scale * Math.min(1, Math.max(0, one.data[i])));
  }
  return { ...one, dtype: depth, data };
}

/** The probability of one class, without the `c` axis. @throws UsageError for a class that does not exist. */
export function classOf(prediction: Image<'float32'>, index: number): Image<'float32'> {
  const { times, channels: count, slices, height, width } = sizes(prediction);
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new UsageError(`Class ${index} does not exist; the prediction has ${count} classes.`, {
      remedy: `Use 0 to ${count - 1}.`,
    });
  }
  const block = slices * height * width;
  const data = new Float32Array(times * block);
  for (let t = 0; t < times; t++) {
    data.set(prediction.data.subarray((t * count + index) * block, (t * count + index + 1) * block), t * block);
  }
  return { ...withoutChannels(prediction), dtype: 'float32', data };
}

/** An image of the same grid with one value per pixel, except for its data. */
export function withoutChannels({ channels: _, data: __, dtype: ___, axes, shape, ...rest }: Image) {
  return { ...rest, axes: axes.replace('c', ''), shape: shape.filter((_length, axis) => axes[axis] !== 'c') };
}

export interface LabelMapOptions {
  /**
   * For two classes: the second class is assigned where its probability exceeds this (0..1). Default: the most probable
   * class, the first in case of a tie.
   */
  readonly threshold?: number;
  /** The value to write for each class; default its index. For comparison with masks of 0 and 255 use [0, 255]. */
  readonly values?: readonly number[];
}

/**
 * The class of every pixel, uint8 (uint16 if values require it), without the `c` axis.
 * @throws UsageError for a threshold with more than two classes, or if the number of values differs from the number of
 * classes.
 */
export function labelImage(
  prediction: Image<'float32'>,
  { threshold, values }: LabelMapOptions = {},
): Image<'uint8' | 'uint16'> {
  const { times, channels: count, slices, height, width } = sizes(prediction);
  if (threshold !== undefined && count !== 2) {
    throw new UsageError(`A threshold applies to two classes; there are ${count}.`, { remedy: 'Remove it.' });
  }
  const written = values ?? Array.from({ length: count }, (_, i) => i);
  if (written.length !== count) {
    throw new UsageError(`${written.length} values are given for ${count} classes.`);
  }
  const block = slices * height * width;
  const dtype = written.some((value) => value > 255) ? 'uint16' : 'uint8';
  const data = allocate(dtype, times * block);
  for (let t = 0; t < times; t++) {
    const start = t * count * block;
    for (let p = 0; p < block; p++) {
      let best = 0;
      if (threshold !== undefined) best = prediction.data[start + block + p] > threshold ? 1 : 0;
      else {
        for (let c = 1; c < count; c++) {
          const value = prediction.data[start + c * block + p];
          if (value > prediction.data[start + best * block + p]) best = c;
        }
      }
      data[t * block + p] = written[best];
    }
  }
  return { ...withoutChannels(prediction), labelKind: 'classes', dtype, data };
}

/**
 * The image in grey (in colour if it has three channels), stretched between its 0.5 and 99.5 percentiles (Hounsfield
 * units: the window of `displayWindow`), with the outlines of classes 1, 2, ... drawn over it: uint8 RGB with the axes
 * of the image and `c`.
 * @param image grey, or with three channels; otherwise the first channel is shown
 * @param labels class of every pixel (class indices), as returned by `labelImage`, of the image's size
 * @throws UsageError if the sizes differ.
 */
export function overlayImage(image: Image, labels: Image<'uint8' | 'uint16'>): Image<'uint8'> {
  const { times, channels: stored, slices: depth, height, width } = sizes(image);
  if (!sameGrid(image, labels)) {
    throw new UsageError(
      `The image is [${image.shape.join(', ')}], its labels are [${labels.shape.join(', ')}]: the sizes differ.`,
    );
  }
  const colour = stored === 3 || stored === 4;
  const pixels = height * width;
  const window = !colour && isHounsfield(image) ? displayWindow(image) : undefined;
  const hounsfield = window === undefined ? undefined : ([window.low, window.high] as const);
  const data = new Uint8Array(times * 3 * depth * pixels);
  // A line that is visible when the image is shown at a usual size.
  const thickness = Math.max(1, Math.round(Math.max(height, width) / 1000));
  for (let t = 0; t < times; t++) {
    for (let z = 0; z < depth; z++) {
      const at = (c: number): number => ((t * stored + c) * depth + z) * pixels;
      const planes = (colour ? [0, 1, 2] : [0]).map((c) =>
        Float32Array.from(image.data.subarray(at(c), at(c) + pixels) as ArrayLike<number>, Number),
      );
      const [low, high] = hounsfield ?? displayRange(planes);
      const page = labels.data.subarray((t * depth + z) * pixels, (t * depth + z + 1) * pixels);
      const line = outlines(ndarray(labels.dtype, [height, width], page), thickness);
      for (let k = 0; k < 3; k++) {
        const plane = planes[colour ? k : 0] as Float32Array;
        const target = ((t * 3 + k) * depth + z) * pixels;
        for (let p = 0; p < pixels; p++) {
          const kind = line[p];
          data[target + p] =
            kind === 0
              ? Math.min(255, Math.max(0, Math.round((255 * (plane[p] - low)) / (high - low))))
              : classColour(kind)[k];
        }
      }
    }
  }
  return onGridOf(image, 'uint8', ['red', 'green', 'blue'], data);
}

/** Data with other channels, in the order t, c, z, y, x, as an image with the pixels and the geometry of `image`. */
export function onGridOf<D extends DType>(
  image: Image,
  dtype: D,
  channels: readonly string[],
  data: Storage[D],
): Image<D> {
  const { times, slices, height, width } = sizes(image);
  const axes = [...'tczyx'].filter((axis) => axis === 'c' || image.axes.includes(axis));
  const extents: Readonly<Record<string, number>> = { t: times, c: channels.length, z: slices, y: height, x: width };
  const { spacing, geometry, source } = image;
  const shape = axes.map((axis) => extents[axis]);
  return { dtype, shape, data, axes: axes.join(''), spacing, geometry, channels, source };
}

/**
 * The class at pixels of classes 1, 2, ... within `thickness` of a different class (4-connected steps), otherwise 0.
 * The border of the image is not an outline.
 */
export function outlines({ data, shape }: NdArray<'uint8' | 'uint16'>, thickness = 1): Uint16Array {
  const [height, width] = shape as readonly [number, number];
  let line = new Uint16Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      const own = data[p];
      if (own === 0) continue;
      if (
        (x > 0 && data[p - 1] !== own) ||
        (x < width - 1 && data[p + 1] !== own) ||
        (y > 0 && data[p - width] !== own) ||
        (y < height - 1 && data[p + width] !== own)
      ) {
        line[p] = own;
      }
    }
  }
  for (let round = 1; round < thickness; round++) {
    const wider = line.slice();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const p = y * width + x;
        const own = data[p];
        if (own === 0 || line[p] !== 0) continue;
        if (
          (x > 0 && line[p - 1] === own) ||
          (x < width - 1 && line[p + 1] === own) ||
          (y > 0 && line[p - width] === own) ||
          (y < height - 1 && line[p + width] === own)
        ) {
          wider[p] = own;
        }
      }
    }
    line = wider;
  }
  return line;
}
