/** Separates objects in the probabilities of an image. */

import { ndarray } from '../array/ndarray.ts';
import { ModelError } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ModelMetadata } from '../models/metadata.ts';
import { requireMap, type SeparationSettings, type SeparationWay, separateObjects } from '../objects/instances.ts';
import { onGridOf, withoutChannels } from './output.ts';

export interface ObjectsOptions {
  /** Default: by the predicted border if there is such a class, otherwise by shape. */
  readonly separation?: Partial<SeparationSettings>;
}

export interface PredictedObjects {
  /** 0 = background, 1.. = objects; uint32 if there are more than 65,535. Axes of the prediction without `c`. */
  readonly labels: Image<'uint16' | 'uint32'>;
  /** Number of objects in all slices. */
  readonly count: number;
}

const WAYS: readonly string[] = ['components', 'shape', 'border', 'distance'] satisfies readonly SeparationWay[];

/** The separation settings stored in a model. @throws ModelError for an unknown method. */
export function separationSettings({ separation }: Pick<ModelMetadata, 'separation'>): SeparationSettings | undefined {
  if (separation === undefined) return undefined;
  const { by } = separation;
  if (typeof by === 'string' && WAYS.includes(by)) return separation as unknown as SeparationSettings;
  throw new ModelError(`Separating objects by '${by}' is not supported.`, {
    remedy: 'Use a newer version of Lamella.',
  });
}

/** A class of this name is the border between objects. */
const BORDER = /^(border|boundary|edge|outline)s?$/i;

/** Where the border is among the classes, if it is. */
export const borderOf = (classes: readonly string[] | undefined): number | undefined => {
  const border = classes?.findIndex((name, k) => k > 0 && BORDER.test(name)) ?? -1;
  return border < 0 ? undefined : border;
};

/**
 * How objects are separated in what a model of these classes predicts.
 * @throws UsageError if that needs a map that it does not predict
 */
export function separationOf(
  classes: readonly string[] | undefined,
  given?: Partial<SeparationSettings>,
): SeparationSettings {
  const border = borderOf(classes);
  const chosen = { by: border === undefined ? ('shape' as const) : ('border' as const), ...given };
  if (chosen.by === 'border') requireMap(border, 'border');
  if (chosen.by === 'distance') requireMap(undefined, 'distance');
  return chosen;
}

/** Steps of a probability. Halves go down, so that what is more than 0.5, and only that, is more than half of them. */
const stepOf = (probability: number): number => Math.ceil(65_535 * Math.min(1, Math.max(0, probability)) - 0.5);

/**
 * What objects are found in: the probability of all classes but the first, which is the background, as the channel
 * `foreground`, and that of the class named `border`, if there is one; in steps of 1/65535, as they are stored for images
 * that are larger than memory.
 */
export function objectMaps(prediction: Image<'float32'>): Image<'uint16'> {
  const { channels: classes, times } = sizes(prediction);
  const border = borderOf(prediction.channels);
  const channels = border === undefined ? ['foreground'] : ['foreground', 'border'];
  const size = prediction.data.length / (times * classes);
  const data = new Uint16Array(times * channels.length * size);
  for (let t = 0; t < times; t++) {
    const of = (k: number): Float32Array =>
      prediction.data.subarray((t * classes + k) * size, (t * classes + k + 1) * size);
    const start = t * channels.length * size;
    const own = of(classes === 2 ? 1 : 0);
    for (let i = 0; i < size; i++) data[start + i] = stepOf(classes === 2 ? own[i] : Math.fround(1 - own[i]));
    if (border === undefined) continue;
    const edge = of(border);
    for (let i = 0; i < size; i++) data[start + size + i] = stepOf(edge[i]);
  }
  return onGridOf(prediction, 'uint16', channels, data);
}

/**
 * Labels the objects of a prediction (`predictImage`). The first class is the background, all others are objects,
 * except for one named `border`, which separates touching objects. A volume is processed as a whole, time points
 * individually. Probabilities are rounded to `objectMaps` first.
 * @throws UsageError if the separation method needs a map that the model does not predict.
 */
export function objectsImage(prediction: Image<'float32'>, { separation }: ObjectsOptions = {}): PredictedObjects {
  const settings = separationOf(prediction.channels, separation);
  const maps = objectMaps(prediction);
  const { channels, times, slices, height, width } = sizes(maps);
  const shape = maps.axes.includes('z') ? [slices, height, width] : [height, width];
  const size = slices * height * width;
  const all = new Int32Array(times * size);
  let count = 0;
  for (let t = 0; t < times; t++) {
    const [foreground, border] = Array.from({ length: channels }, (_, c) => {
      const start = (t * channels + c) * size;
      return ndarray('uint16', shape, maps.data.subarray(start, start + size));
    });
    const found = separateObjects({ foreground, border }, settings);
    all.set(found.labels.data, t * size);
    count += found.count;
  }
  const most = all.reduce((a, b) => Math.max(a, b), 0);
  const labels =
    most > 65_535
      ? { dtype: 'uint32' as const, data: Uint32Array.from(all) }
      : { dtype: 'uint16' as const, data: Uint16Array.from(all) };
  return { labels: { ...withoutChannels(prediction), ...labels, labelKind: 'objects' }, count };
}
