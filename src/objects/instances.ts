/** From network predictions to separate objects: a mask, seeds in it, and a watershed from them. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { cleanObjects } from './clean-objects.ts';
import { connectedComponents } from './connected-components.ts';
import { distanceToZero } from './distance-transform.ts';
import { type FilteredObjects, filterObjects } from './filter-objects.ts';
import { extentsOf, requireSameShape } from './grid.ts';
import { hMaxima } from './h-maxima.ts';
import { watershed } from './seeded-watershed.ts';
import { aboveThreshold, otsuThreshold } from './threshold.ts';

/** Probabilities: 0..1, or stored in whole steps of 0..255 or 0..65535. */
export type ProbabilityMap = NdArray<'float32' | 'uint8' | 'uint16'>;

/** Predictions of a network per pixel, [h, w] or [d, h, w]. */
export interface PredictedMaps {
  /** Probability that the pixel belongs to an object, including its border. */
  readonly foreground: ProbabilityMap;
  /**
   * Probability that the pixel is on the border of an object or between two; at most `foreground` where that includes
   * borders.
   */
  readonly border?: ProbabilityMap;
  /** Depth within the object, in any unit: highest in the middle. */
  readonly distance?: NdArray<'float32'>;
}

/** The maps of a network with the classes background, object and border: [3, h, w] or [3, d, h, w]. */
export function mapsOfRims({
  data,
  shape: [, ...shape],
}: NdArray<'float32'>): Readonly<Record<'foreground' | 'border', NdArray<'float32'>>> {
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

/** How many steps of a map are the probability 1. */
export const stepsOf = ({ dtype }: Pick<ProbabilityMap, 'dtype'>): number =>
  ({ float32: 1, uint8: 255, uint16: 65_535 })[dtype];

/** 0..1 */
export function probabilitiesOf(map: ProbabilityMap): NdArray<'float32'> {
  if (map.data instanceof Float32Array) return ndarray('float32', map.shape, map.data);
  const { data, shape } = map;
  const steps = stepsOf(map);
  const probabilities = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) probabilities[i] = data[i] / steps;
  return ndarray('float32', shape, probabilities);
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
  /** Whether to fill background enclosed by a single object, and holes in which removed objects lay. Default true. */
  readonly fillHoles?: boolean;
  /** What to do with objects that touch the border of the image. Default `keep`. */
  readonly border?: 'keep' | 'clear';
}

/** Settings as words: `border, threshold 0.55, minSize 20`. */
export const separationText = ({ by, ...settings }: { readonly [setting: string]: unknown }): string =>
  [by, ...Object.entries(settings).map(([name, value]) => `${name} ${value}`)].join(', ');

export type SeparatedObjects = Pick<FilteredObjects, 'labels' | 'count'>;

/**
 * Separates objects in predicted maps. Pixels are connected by faces (4 in 2D, 6 in 3D). A connected part without any
 * seed stays one object. Without foreground there are no objects.
 * @throws UsageError if the map required by the method is missing, or shapes differ.
 */
export function separateObjects(maps: PredictedMaps, settings: SeparationSettings): SeparatedObjects {
  const { by, threshold = 0.5, minConfidence = 0 } = settings;
  const foreground = probabilitiesOf(maps.foreground);
  const mask = aboveThreshold(foreground, threshold === 'otsu' ? otsuThreshold(foreground) : threshold);
  const divided =
    by === 'components' ? connectedComponents(mask).labels : divide(mask, { ...maps, foreground }, settings);
  return cleanObjects(divided, {
    ...settings,
    ...(minConfidence > 0 && { minMean: { of: maps.foreground, value: minConfidence * stepsOf(maps.foreground) } }),
  });
}

function divide(mask: NdArray<'uint8'>, maps: PredictedMaps, settings: SeparationSettings): NdArray<'int32'> {
  const { by, minSeedSize = 1 } = settings;
  const depth = depthOf(mask, maps, settings);
  if (by === 'border') {
    const seeds = connectedComponents(borderSeeds(depth, mask, settings)).labels;
    return flood(depth, filterObjects(seeds, { minSize: minSeedSize }).labels, mask);
  }
  return flood(depth, hMaxima(depth, peakHeightOf(settings), { mask }).labels, mask);
}

/** The minimum height of a peak, in the unit of what is flooded. */
export const peakHeightOf = ({ by, peakHeight }: SeparationSettings): number =>
  peakHeight ?? (by === 'distance' ? 0.1 : 0.75);

/**
 * What is flooded, from its highest pixels down.
 * @throws UsageError if the map required by the method is missing, or shapes differ.
 */
export function depthOf(
  mask: NdArray<'uint8'>,
  { foreground, border, distance }: PredictedMaps,
  { by }: Pick<SeparationSettings, 'by'>,
): NdArray<'float32'> {
  if (by === 'border') {
    const rims = probabilitiesOf(required(foreground, border, 'border')).data;
    const { data } = probabilitiesOf(foreground);
    const inner = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) inner[i] = data[i] - rims[i];
    return ndarray('float32', mask.shape, inner);
  }
  return by === 'distance' ? required(foreground, distance, 'distance') : distanceOfMask(mask);
}

/** The pixels of seeds: of the mask, what remains of the foreground without the border. */
export function borderSeeds(
  inner: NdArray<'float32'>,
  mask: NdArray<'uint8'>,
  { seedThreshold = 0.5 }: Pick<SeparationSettings, 'seedThreshold'>,
): NdArray<'uint8'> {
  const seeds = aboveThreshold(inner, seedThreshold);
  for (let i = 0; i < seeds.data.length; i++) if (mask.data[i] === 0) seeds.data[i] = 0;
  return seeds;
}

/** @throws UsageError for a map that is needed to separate objects, but not there */
export function requireMap<T>(map: T | undefined, name: 'border' | 'distance'): asserts map is T {
  if (map !== undefined) return;
  throw new UsageError(`Separating objects needs a map of the ${name}.`, {
    remedy: 'Separate by shape, or take a model that predicts it.',
  });
}

function required<D extends 'float32' | 'uint8' | 'uint16'>(
  foreground: ProbabilityMap,
  map: NdArray<D> | undefined,
  name: 'border' | 'distance',
): NdArray<D> {
  requireMap(map, name);
  requireSameShape(foreground, map, ['foreground', name]);
  return map;
}

/**
 * Distance to the background; outside the image does not count as background, so objects cut by its border are not
 * split.
 */
function distanceOfMask(mask: NdArray<'uint8'>): NdArray<'float32'> {
  const { data } = distanceToZero(mask).distance;
  const depth = new Float32Array(data.length);
  // Without any background everything is one object.
  for (let i = 0; i < data.length; i++) depth[i] = data[i] === Number.POSITIVE_INFINITY ? 1 : data[i];
  return ndarray('float32', mask.shape, depth);
}

/** To flood the deepest pixels first. */
export function negative({ shape, data }: NdArray<'float32'>): NdArray<'float32'> {
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) values[i] = -data[i];
  return ndarray('float32', shape, values);
}

/** Grows seeds over the mask, deepest pixels first; parts that no seed reaches become objects unchanged. */
function flood(depth: NdArray<'float32'>, seeds: NdArray<'int32'>, mask: NdArray<'uint8'>): NdArray<'int32'> {
  const { size } = extentsOf(mask.shape);
  const labels = watershed(negative(depth), seeds, { mask });
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
