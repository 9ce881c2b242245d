/** From network predictions to separate objects: a mask, seeds in it, and a watershed from them. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { connectedComponents } from './connected-components.ts';
import { distanceToZero } from './distance-transform.ts';
import { fillHoles } from './fill-holes.ts';
import { type FilteredObjects, filterObjects } from './filter-objects.ts';
import { extentsOf, requireSameShape } from './grid.ts';
import { hMaxima } from './h-maxima.ts';
import { watershed } from './seeded-watershed.ts';
import { aboveThreshold, otsuThreshold } from './threshold.ts';

/** Predictions of a network per pixel, [h, w] or [d, h, w]. */
export interface PredictedMaps {
  /** Probability that the pixel belongs to an object, including its border: 0..1. */
  readonly foreground: NdArray<'float32'>;
  /**
   * Probability that the pixel is on the border of an object or between two; at most `foreground` where that includes
   * borders.
   */
  readonly border?: NdArray<'float32'>;
  /** Depth within the object, in any unit: highest in the middle. */
  readonly distance?: NdArray<'float32'>;
}

/** The maps of a network with the classes background, object and border: [3, h, w] or [3, d, h, w]. */
export function mapsOfRims({ data, shape: [, ...shape] }: NdArray<'float32'>): PredictedMaps {
  const size = data.length / 3;
  return {
    foreground: ndarray(
      'float32',
      shape,
      data.slice(0, size).map((background) => 1 - background),
    ),
    border: ndarray('float32', shape, data.slice(2 * size)),
  };
}

/**
 * How touching objects are separated:
 * - `components`: not at all; connected pixels are one object.
 * - `shape`: at necks in the outline; seeds are peaks of the distance to the background.
 * - `border`: seeds are what remains of the foreground after subtracting the predicted border.
 * - `distance`: seeds are peaks of the predicted distance.
 */
export type SeparationWay = 'components' | 'shape' | 'border' | 'distance';

export interface SeparationSettings {
  readonly by: SeparationWay;
  /** Pixels with a greater foreground probability belong to objects; `otsu`: chosen per image. Default 0.5. */
  readonly threshold?: number | 'otsu';
  /** `border`: seeds are where foreground - border is greater. Default 0.5. */
  readonly seedThreshold?: number;
  /** `shape`: minimum height of a peak in pixels, default 0.75; `distance`: in the map's unit, default 0.1. */
  readonly peakHeight?: number;
  /** `border`: minimum size of a seed in pixels; smaller ones are ignored. Default 1. */
  readonly minSeedSize?: number;
  /** Smaller objects are removed, in pixels. Default 0. */
  readonly minSize?: number;
  /** Objects with a smaller mean foreground probability are removed: 0..1, default 0. */
  readonly minConfidence?: number;
  /** Whether to fill background enclosed by a single object. Default true. */
  readonly fillHoles?: boolean;
  /** What to do with objects that touch the border of the image. Default `keep`. */
  readonly border?: 'keep' | 'clear';
}

export type SeparatedObjects = Pick<FilteredObjects, 'labels' | 'count'>;

/**
 * Separates objects in predicted maps. Pixels are connected by faces (4 in 2D, 6 in 3D). A connected part without any
 * seed stays one object. Without foreground there are no objects.
 * @throws UsageError if the map required by the method is missing, or shapes differ.
 */
export function separateObjects(maps: PredictedMaps, settings: SeparationSettings): SeparatedObjects {
  const { by, threshold = 0.5, minSize = 0, minConfidence = 0, fillHoles: fill = true, border = 'keep' } = settings;
  const { foreground } = maps;
  const mask = aboveThreshold(foreground, threshold === 'otsu' ? otsuThreshold(foreground) : threshold);
  const divided = by === 'components' ? connectedComponents(mask).labels : divide(mask, maps, settings);
  const whole = fill ? fillHoles(divided) : divided;
  const { labels, count } = filterObjects(whole, {
    minSize,
    border,
    ...(minConfidence > 0 ? { minMean: { of: foreground, value: minConfidence } } : {}),
  });
  return { labels, count };
}

function divide(mask: NdArray<'uint8'>, maps: PredictedMaps, settings: SeparationSettings): NdArray<'int32'> {
  const { by, seedThreshold = 0.5, minSeedSize = 1 } = settings;
  if (by === 'border') {
    const rims = required(maps, 'border').data;
    const inner = mapped(maps.foreground, (value, i) => value - (rims[i] as number));
    const seeds = insideMask(aboveThreshold(inner, seedThreshold), mask);
    const { labels } = filterObjects(connectedComponents(seeds).labels, { minSize: minSeedSize });
    return flood(inner, labels, mask);
  }
  const depth = by === 'distance' ? required(maps, 'distance') : distanceOfMask(mask);
  const peakHeight = settings.peakHeight ?? (by === 'distance' ? 0.1 : 0.75);
  return flood(depth, hMaxima(depth, peakHeight, { mask }).labels, mask);
}

function required(maps: PredictedMaps, name: 'border' | 'distance'): NdArray<'float32'> {
  const map = maps[name];
  if (map === undefined) {
    throw new UsageError(`Separating objects needs a map of the ${name}.`, {
      remedy: 'Separate by shape, or take a model that predicts it.',
    });
  }
  requireSameShape(maps.foreground, map, ['foreground', name]);
  return map;
}

/**
 * Distance to the background; outside the image does not count as background, so objects cut by its border are not
 * split.
 */
function distanceOfMask(mask: NdArray<'uint8'>): NdArray<'float32'> {
  const { data } = distanceToZero(mask).distance;
  // Without any background everything is one object.
  return ndarray(
    'float32',
    mask.shape,
    Float32Array.from(data, (value) => (Number.isFinite(value) ? value : 1)),
  );
}

const mapped = ({ shape, data }: NdArray<'float32'>, value: (value: number, i: number) => number) =>
  ndarray('float32', shape, data.map(value));

function insideMask(seeds: NdArray<'uint8'>, mask: NdArray<'uint8'>): NdArray<'uint8'> {
  for (let i = 0; i < seeds.data.length; i++) if (mask.data[i] === 0) seeds.data[i] = 0;
  return seeds;
}

/** Grows seeds over the mask, deepest pixels first; parts that no seed reaches become objects unchanged. */
function flood(depth: NdArray<'float32'>, seeds: NdArray<'int32'>, mask: NdArray<'uint8'>): NdArray<'int32'> {
  const { size } = extentsOf(mask.shape);
  const labels = watershed(
    mapped(depth, (value) => -value),
    seeds,
    { mask },
  );
  const rest = new Uint8Array(size);
  let last = 0;
  let found = false;
  for (let i = 0; i < size; i++) {
    const label = labels.data[i];
    if (label > last) last = label;
    if (label !== 0 || mask.data[i] === 0) continue;
    rest[i] = 1;
    found = true;
  }
  if (!found) return labels;
  const parts = connectedComponents(ndarray('uint8', mask.shape, rest)).labels.data;
  for (let i = 0; i < size; i++) if (parts[i] !== 0) labels.data[i] = last + parts[i];
  return labels;
}
