/** Objects worth a look: those that a model is uncertain about, and those unlike the others. */

import { float32, type NdArray, ndarray } from '../array/ndarray.ts';
import type { Page } from '../input/planes.ts';
import { measure } from '../measure/measure.ts';
import type { Column } from '../measure/table.ts';
import { unusualness } from '../measure/unusual.ts';
import type { SeparationSettings } from '../objects/instances.ts';
import { objectsImage } from '../predict/objects.ts';

/** An object of a slice. */
export interface SuggestedObject {
  readonly image: string;
  readonly t: number;
  readonly z: number;
  /** Centroid in pixels. */
  readonly x: number;
  readonly y: number;
  readonly areaPx: number;
  readonly eccentricity: number;
  /** Mean of the image's channels inside it. */
  readonly intensity: number;
  /** Mean of 1 - (p1 - p2) over its pixels, 0..1. */
  readonly uncertainty: number;
  /** Distance from the median of all objects by area, eccentricity and intensity; about 1 for an ordinary one. */
  readonly unusual: number;
}

export interface SuggestedObjects {
  /** Most uncertain first. */
  readonly uncertain: readonly SuggestedObject[];
  /** Most unusual first. */
  readonly unusual: readonly SuggestedObject[];
}

/** The objects of one slice, before they are compared with those of all. */
export function objectsOf(
  where: Pick<SuggestedObject, 'image' | 't' | 'z'>,
  { data, channels, height, width }: Pick<Page, 'data' | 'channels' | 'height' | 'width'>,
  probabilities: NdArray<'float32'>,
  uncertainty: Float32Array,
  classes: readonly string[],
  separation: SeparationSettings | undefined,
): readonly Omit<SuggestedObject, 'unusual'>[] {
  const image = { ...probabilities, axes: 'cyx', spacing: {}, channels: classes };
  const { labels, count } = objectsImage(image, separation && { separation });
  if (count === 0) return [];
  const pixels = height * width;
  // Two channels: what the image shows, and how uncertain the model is.
  const values = float32([2, height, width]);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++)
      values.data[p] = (values.data[p] as number) + (data[c * pixels + p] as number) / channels;
  }
  values.data.set(uncertainty, pixels);
  const measured = measure(
    ndarray('int32', [height, width], Int32Array.from(labels.data)),
    { ...values, channels: ['image', 'uncertainty'] },
    { measures: ['size', 'centroid', 'axes', 'intensity'] },
  );
  const numbers = (name: string): ArrayLike<number> => {
    const column = measured.columns.find((one) => one.name === name) as Column;
    return column.values as Float64Array | Int32Array;
  };
  const [area, x, y] = [numbers('area'), numbers('centroid_x'), numbers('centroid_y')];
  const [eccentricity, mean] = [numbers('eccentricity'), numbers('intensity_mean_image')];
  const unsure = numbers('intensity_mean_uncertainty');
  return Array.from({ length: measured.rows }, (_, i) => ({
    ...where,
    x: x[i] as number,
    y: y[i] as number,
    areaPx: area[i] as number,
    eccentricity: eccentricity[i] as number,
    intensity: mean[i] as number,
    uncertainty: unsure[i] as number,
  }));
}

/** The objects of all slices in two orders, at most `limit` each. */
export function rankObjects(objects: readonly Omit<SuggestedObject, 'unusual'>[], limit: number): SuggestedObjects {
  const distances = unusualness([
    objects.map(({ areaPx }) => Math.log(areaPx)),
    objects.map(({ eccentricity }) => eccentricity),
    objects.map(({ intensity }) => intensity),
  ]);
  const all = objects.map((object, i) => ({ ...object, unusual: distances[i] as number }));
  return {
    uncertain: all.toSorted((a, b) => b.uncertainty - a.uncertainty).slice(0, limit),
    unusual: all.toSorted((a, b) => b.unusual - a.unusual).slice(0, limit),
  };
}
