/** Separates objects in the probabilities of an image. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { ModelError } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ModelMetadata } from '../models/metadata.ts';
import {
  type PredictedMaps,
  type SeparationSettings,
  type SeparationWay,
  separateObjects,
} from '../objects/instances.ts';
import { classOf } from './output.ts';

export interface ObjectsOptions {
  /** Default: by the predicted border if there is such a class, otherwise by shape. */
  readonly separation?: SeparationSettings;
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

/**
 * Labels the objects of a prediction (`predictImage`). The first class is the background, all others are objects,
 * except for one named `border`, which separates touching objects. A volume is processed as a whole, time points
 * individually.
 * @throws UsageError if the separation method needs a map that the model does not predict.
 */
export function objectsImage(prediction: Image<'float32'>, { separation }: ObjectsOptions = {}): PredictedObjects {
  const { channels: classes, times } = sizes(prediction);
  const border = prediction.channels?.findIndex((name, k) => k > 0 && BORDER.test(name)) ?? -1;
  const background = classOf(prediction, 0);
  const edge = border < 0 ? undefined : classOf(prediction, border);
  const inside = classes === 2 ? classOf(prediction, 1) : undefined;
  const shape = background.shape.slice(background.axes.includes('t') ? 1 : 0);
  const size = background.data.length / times;
  const settings = separation ?? { by: edge === undefined ? 'shape' : 'border' };
  const all = new Int32Array(background.data.length);
  let count = 0;
  for (let t = 0; t < times; t++) {
    const part = (map: Image<'float32'>): NdArray<'float32'> =>
      ndarray('float32', shape, map.data.subarray(t * size, (t + 1) * size));
    const foreground =
      inside === undefined
        ? ndarray(
            'float32',
            shape,
            part(background).data.map((p) => 1 - p),
          )
        : part(inside);
    const maps: PredictedMaps = edge === undefined ? { foreground } : { foreground, border: part(edge) };
    const found = separateObjects(maps, settings);
    all.set(found.labels.data, t * size);
    count += found.count;
  }
  const most = all.reduce((a, b) => Math.max(a, b), 0);
  const labels =
    most > 65_535
      ? { dtype: 'uint32' as const, data: Uint32Array.from(all) }
      : { dtype: 'uint16' as const, data: Uint16Array.from(all) };
  return { labels: { ...background, ...labels, labelKind: 'objects' }, count };
}
