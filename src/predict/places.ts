/** Where to annotate next: windows that a network is uncertain about, and a few at random to judge it by. */

import type { NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { integral, type Rectangle, sumWithin, windowsOf } from '../array/window-sums.ts';

/** A window with its mean uncertainty, 0..1. */
export interface Candidate extends Rectangle {
  readonly uncertainty: number;
  /** Fraction of its pixels that is annotated, 0..1. */
  readonly annotated: number;
}

/** The windows of one slice to choose from. */
export interface CandidatePage {
  /** Slices of one image count together: no more than three suggestions in a row are from the same. */
  readonly image: string;
  readonly height: number;
  readonly width: number;
  /** Disjoint, best first. */
  readonly candidates: readonly Candidate[];
}

/** A suggested window. */
export interface Place extends Rectangle {
  /** Index of its slice among those given. */
  readonly page: number;
  /** Drawn at random, to estimate the accuracy; all others are there because they are uncertain. */
  readonly random: boolean;
}

/** Side of windows in pixels. */
export const PLACE_SIDE_PX = 128;
/** At most so many suggestions in a row are from one image, as long as there are others. */
const MOST_IN_A_ROW = 3;
/** Every tenth place is drawn at random. */
const RANDOM_EVERY = 10;

/**
 * 1 - (p1 - p2) at each pixel, p1 and p2 the two largest probabilities: 0 where a class is certain, 1 where two are
 * equally likely. The uncertainty of ilastik (Berg et al. 2019).
 * @param probabilities [classes, height, width], at least two classes
 */
export function uncertaintyOf({ shape, data }: NdArray<'float32'>): Float32Array {
  const [classes, height, width] = shape as readonly [number, number, number];
  const pixels = height * width;
  const uncertainty = new Float32Array(pixels);
  for (let p = 0; p < pixels; p++) {
    let [first, second] = [-1, -1];
    for (let c = 0; c < classes; c++) {
      const value = data[c * pixels + p] as number;
      if (value > first) [first, second] = [value, first];
      else if (value > second) second = value;
    }
    uncertainty[p] = 1 - (first - second);
  }
  return uncertainty;
}

/** The mean of values [height, width] inside a window. */
export function meanWithin(values: ArrayLike<number>, stride: number, { x, y, width, height }: Rectangle): number {
  let sum = 0;
  for (let row = y; row < y + height; row++) {
    for (let p = row * stride + x; p < row * stride + x + width; p++) sum += values[p] as number;
  }
  return sum / (width * height);
}

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** What a window is ranked by: its mean uncertainty, less the more of it is annotated. */
const scoreOf = ({ uncertainty, annotated }: Pick<Candidate, 'uncertainty' | 'annotated'>): number =>
  uncertainty * (1 - annotated);

/**
 * The windows of a slice that are worth annotating, best first by mean uncertainty x (1 - annotated fraction): the best,
 * then the best of those that do not overlap it, and so on. In slices smaller than the window it is as large as they are.
 * @param annotated not 0 where a pixel is annotated; undefined: nowhere
 */
export function candidatesOf(
  uncertainty: Float32Array,
  [height, width]: readonly [number, number],
  { side = PLACE_SIDE_PX, annotated }: { readonly side?: number; readonly annotated?: Uint8Array | undefined } = {},
): readonly Candidate[] {
  const [tall, wide] = [Math.min(side, height), Math.min(side, width)];
  const sums = integral(uncertainty, height, width);
  const known = annotated && integral(annotated, height, width);
  const mean = (of: Float64Array, window: Rectangle): number => sumWithin(of, width + 1, window) / (wide * tall);
  const all = windowsOf([height, width], [tall, wide])
    .map((window) => ({
      ...window,
      uncertainty: mean(sums, window),
      annotated: known === undefined ? 0 : mean(known, window),
    }))
    .filter((candidate) => scoreOf(candidate) > 0)
    .sort((a, b) => scoreOf(b) - scoreOf(a));
  const kept: Candidate[] = [];
  for (const candidate of all) if (!kept.some((other) => overlap(candidate, other))) kept.push(candidate);
  return kept;
}

/** A place counts as annotated, in the estimate of the accuracy too, from this fraction of its pixels. */
export const ANNOTATED_FRACTION = 0.5;
/** Draws per place asked for: where nearly all is annotated, there may be none left to find. */
const MOST_DRAWS = 200;

/**
 * Where the places drawn at random lie: evenly over all pixels of all slices, whatever the network makes of them. Those
 * that are annotated already are drawn again, so what they tell is the accuracy on what is left.
 * @returns `count` places, or fewer where nearly all is annotated
 */
export function randomPlaces(
  pages: readonly { readonly height: number; readonly width: number; readonly annotated?: Uint8Array }[],
  count: number,
  { side = PLACE_SIDE_PX, seed = 0 }: { readonly side?: number; readonly seed?: number } = {},
): readonly (Rectangle & { readonly page: number })[] {
  const random = stream(seed, 'random places');
  const areas = pages.map(({ height, width }) => height * width);
  const total = areas.reduce((sum, area) => sum + area, 0);
  const places: (Rectangle & { readonly page: number })[] = [];
  for (let draw = 0; draw < MOST_DRAWS * count && places.length < count; draw++) {
    let left = random.uniform() * total;
    const found = areas.findIndex((area) => {
      left -= area;
      return left < 0;
    });
    const page = found < 0 ? areas.length - 1 : found;
    const { height, width, annotated } = pages[page] as (typeof pages)[number];
    const [tall, wide] = [Math.min(side, height), Math.min(side, width)];
    const [x, y] = [random.integer(width - wide + 1), random.integer(height - tall + 1)];
    const place = { page, x, y, width: wide, height: tall };
    if (annotated === undefined || meanWithin(annotated, width, place) < ANNOTATED_FRACTION) places.push(place);
  }
  return places;
}

/**
 * Places in the order in which to annotate them: the most uncertain first, at most three in a row from one image while
 * others have any, and every tenth drawn at random. Those chosen for their uncertainty do not overlap each other or a
 * random one; random ones may lie anywhere, since leaving parts out would bias what is estimated from them.
 * @param random of `randomPlaces`; as many as every tenth of `limit`, or of the windows if these are fewer, are used
 */
export function rankPlaces(
  pages: readonly CandidatePage[],
  random: readonly (Rectangle & { readonly page: number })[],
  limit: number,
): readonly Place[] {
  // Of few windows none is left to chance: it would take the place of all that it overlaps.
  const windows = pages.reduce((sum, { candidates }) => sum + candidates.length, 0);
  const drawn = random.slice(0, Math.floor(Math.min(limit, windows) / RANDOM_EVERY));
  const left = pages
    .flatMap(({ candidates, image }, page) => candidates.map((candidate) => ({ ...candidate, page, image })))
    .filter((candidate) => !drawn.some((other) => other.page === candidate.page && overlap(candidate, other)))
    .sort((a, b) => scoreOf(b) - scoreOf(a));
  const places: Place[] = [];
  const images: string[] = [];
  while (places.length < limit) {
    const chance = (places.length + 1) % RANDOM_EVERY === 0 ? drawn[(places.length + 1) / RANDOM_EVERY - 1] : undefined;
    if (chance !== undefined) {
      places.push({ ...chance, random: true });
      continue;
    }
    const last = images.slice(-MOST_IN_A_ROW);
    const tired = last.length === MOST_IN_A_ROW && new Set(last).size === 1 ? last[0] : undefined;
    const index = Math.max(
      0,
      left.findIndex(({ image }) => image !== tired),
    );
    const [next] = left.splice(index, 1);
    if (next === undefined) {
      const shown = places.filter(({ random: isRandom }) => isRandom).length;
      places.push(...drawn.slice(shown, shown + limit - places.length).map((place) => ({ ...place, random: true })));
      break;
    }
    const { image, page, x, y, width, height } = next;
    images.push(image);
    places.push({ page, x, y, width, height, random: false });
  }
  return places;
}
