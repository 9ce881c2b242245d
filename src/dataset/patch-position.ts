/** Positions of training patches: which slice, and where. Pure functions of (seed, step, index). */

import { type Random, stream } from '../array/random.ts';
import { option, UsageError } from '../errors.ts';
import { type AnnotatedRows, annotatedPixel } from './annotated.ts';
import { type Memo, noMemo } from './memo.ts';
import type { PageSeparation } from './weights/page-separation.ts';

/** A slice ready for training: normalised image, class indices, source of the border weights. Structured-cloneable. */
export interface TrainingPage {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** float32 [channels, height, width]; empty where pages are read by region (`placed`). */
  readonly image: Float32Array;
  /** Class indices [height, width], 255 = ignored; empty as `image`. */
  readonly label: Uint8Array;
  /** Border weights, if used: computed by `borderWeights`. */
  readonly separation?: PageSeparation | undefined;
  /** Number of the object at each pixel [height, width], 0 for none; of networks that learn stars or flows. */
  readonly objects?: Int32Array | undefined;
  /** Of a slice annotated in part: the number of annotated pixels above each row (`annotatedRows`). */
  readonly annotatedRows?: AnnotatedRows | undefined;
  /** Position of the first pixel in the image, of a slice that was cropped; default [0, 0]. */
  readonly origin?: readonly [y: number, x: number];
}

/** The pages of one volume, by their numbers in the set. */
export interface VolumePages {
  readonly first: number;
  readonly slices: number;
}

export interface TrainingSet {
  readonly pages: readonly TrainingPage[];
  readonly channels: number;
  readonly classCount: number;
  /** Weight of each class in the loss. */
  readonly classWeights: readonly number[];
  readonly focus: FocusIndex;
  /** Of networks of volumes: which consecutive pages are the slices of one volume, from its first. */
  readonly volumes?: readonly VolumePages[];
  /** What was painted last: pixels of a page that half of the patches are centred near, in steps before `until`. */
  readonly newest?: readonly { readonly page: number; readonly pixels: Int32Array; readonly until: number }[];
  /** The samples of one step, in place of `pages`: of images that are read by region, what each sample shows of them. */
  readonly placed?: readonly PlacedPatch[];
}

/** A patch and the part of its page that it shows. */
export interface PlacedPatch {
  /** The part, as a page. */
  readonly page: TrainingPage;
  /** Of the patch, in the whole page. */
  readonly centre: readonly [number, number];
  /** First pixel of the part in the whole page. */
  readonly from: readonly [y: number, x: number];
}

/** Positions of the rare classes: for each, the slices that contain it and some of its pixels there. */
export interface FocusIndex {
  readonly rare: readonly {
    readonly classIndex: number;
    readonly places: readonly { readonly page: number; readonly pixels: Int32Array | Float64Array }[];
  }[];
}

/** A class is rare if it has less than this fraction of the pixels. */
const RARE = 0.1;

export const isRare = (share: number): boolean => share > 0 && share < RARE;

export const PLACES_PER_PAGE = 256;

/** Pixels of a class in each slice that has it: at most 256 per slice, evenly spread. */
export function focusPlaces(
  pages: readonly { readonly label: Uint8Array }[],
  classIndex: number,
  memo: Memo = noMemo,
): FocusIndex['rare'][number]['places'] {
  return pages.flatMap(({ label }, page) => {
    const pixels = memo(label, `places of ${classIndex}`, () => spreadPixels(label, (p) => label[p] === classIndex));
    return pixels.length === 0 ? [] : [{ page, pixels }];
  });
}

/** Those of the pixels that are chosen, at most 256 of them, evenly spread. */
export function spreadPixels({ length }: ArrayLike<number>, isChosen: (pixel: number) => boolean): Int32Array {
  let count = 0;
  for (let p = 0; p < length; p++) if (isChosen(p)) count++;
  const kept = Math.min(count, PLACES_PER_PAGE);
  const pixels = new Int32Array(kept);
  let seen = 0;
  let next = 0;
  for (let p = 0; p < length && next < kept; p++) {
    if (!isChosen(p)) continue;
    if (seen === Math.floor((next * count) / kept)) pixels[next++] = p;
    seen++;
  }
  return pixels;
}

/** Finds the pixels of rare classes. */
export function focusIndex(
  pages: readonly { readonly label: Uint8Array }[],
  shares: readonly number[],
  memo: Memo = noMemo,
): FocusIndex {
  const rare = shares.flatMap((share, classIndex) => {
    if (!isRare(share)) return [];
    const places = focusPlaces(pages, classIndex, memo);
    return places.length > 0 ? [{ classIndex, places }] : [];
  });
  return { rare };
}

/**
 * Asserts that patches of this size can be cut. A slice is mirrored at its borders where a patch extends beyond; more
 * than one whole mirror image per side would only repeat content.
 * @throws UsageError naming the slice, its size and the largest valid patch.
 */
export function requirePatchFits(
  pages: readonly TrainingPage[],
  [height, width]: readonly [number, number],
  outputMargin: number,
): void {
  const smallest = pages.reduce((a, b) => (Math.min(b.height, b.width) < Math.min(a.height, a.width) ? b : a));
  const insideHeight = height - 2 * outputMargin;
  const insideWidth = width - 2 * outputMargin;
  if (insideHeight < 1 || insideWidth < 1) {
    throw new UsageError(
      `A patch of ${width} x ${height} leaves no output: the network loses ${outputMargin} pixels on each side.`,
      {
        remedy: `Use a patch larger than ${2 * outputMargin}.`,
      },
    );
  }
  if (insideHeight > 2 * smallest.height || insideWidth > 2 * smallest.width) {
    throw new UsageError(
      `The patch of ${width} x ${height} is larger than the image "${smallest.name}" (${smallest.width} x ${smallest.height}), even mirrored at its borders.`,
      {
        remedy: `Use ${option('patch', Math.min(smallest.height, smallest.width))} or smaller, or leave that image out.`,
      },
    );
  }
}

/**
 * How far a patch may extend beyond the slice, as a fraction of its output, so that border pixels are sampled as often
 * as others.
 */
const OVERHANG = 0.125;

const GOLDEN = 0.6180339887498949;

/** Number of annotated pixels of a slice. */
const areaOf = ({ height, width, annotatedRows: rows }: TrainingPage): number => rows?.[height] ?? height * width;

/**
 * Slices are sampled with probability proportional to the square root of their annotated area, evenly spread over
 * successive samples.
 */
function choosePage({ pages }: TrainingSet, seed: number, count: number): number {
  const start = stream(seed, 'page order').uniform();
  const order = stream(seed, 'page order', 1).permutation(pages.length);
  let total = 0;
  for (const page of pages) total += Math.sqrt(areaOf(page));
  let left = ((start + count * GOLDEN) % 1) * total;
  for (const index of order) {
    left -= Math.sqrt(areaOf(pages[index]));
    if (left < 0) return index;
  }
  return order[order.length - 1];
}

/** Centre of a patch along one side, such that an unrotated patch is aligned with whole pixels. */
export function positionAlong(random: Random, extent: number, patch: number, output: number): number {
  const overhang = Math.floor(OVERHANG * output);
  const low = -overhang;
  const high = extent - output + overhang;
  const start = high > low ? low + random.integer(high - low + 1) : Math.round((low + high) / 2);
  return start - (patch - output) / 2 + (patch - 1) / 2;
}

/** The centre, moved so that the output is inside the slice if it fits. */
function within(centre: number, extent: number, output: number): number {
  const half = (output - 1) / 2;
  if (output > extent) return Math.round((extent - output) / 2) + half;
  return Math.min(Math.max(centre, half), extent - 1 - half);
}

/** Fraction of samples that are centred near what was painted last. */
const NEWEST_FRACTION = 0.5;

export interface PatchPositionOptions {
  readonly seed: number;
  /** [height, width] of the network's input. */
  readonly patch: readonly [number, number];
  /** Slices of the network's input, for networks of volumes. */
  readonly slices?: number;
  readonly batch: number;
  /** Pixels on each side by which the network's output is smaller than its input. */
  readonly outputMargin: number;
  /** Fraction of samples that are centred near a pixel of a rare class. */
  readonly focusFraction: number;
  /** Whether the central pixel of patches has each class equally often, anywhere in the image. Default false. */
  readonly balanced?: boolean;
}

export interface PatchPosition {
  readonly page: TrainingPage;
  /** The patch's centre, in pixel centres; an unrotated and undeformed patch is aligned with whole pixels. */
  readonly centre: readonly [number, number];
  /** Whether the page was chosen for one of its pixels. */
  readonly isChosen?: boolean;
}

/** Number of pixels tried until one has the requested class, enough for a frequency of one in a thousand. */
const TRIES = 10_000;

/**
 * A uniformly sampled pixel of one class, cycling through the classes: sample `count` has class `count` modulo their
 * number. Ciresan et al. 2012, section 2.1. A class too rare to be hit by chance is looked up.
 */
function balancedPosition(set: TrainingSet, random: Random, count: number): PatchPosition {
  const wanted = count % set.classCount;
  const total = set.pages.reduce((sum, page) => sum + areaOf(page), 0);
  const found = (page: TrainingPage, pixel: number): PatchPosition => ({
    page,
    centre: [Math.floor(pixel / page.width), pixel % page.width],
  });
  let tried: PatchPosition | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    let left = random.integer(total);
    for (const page of set.pages) {
      const pixels = areaOf(page);
      if (left < pixels) {
        const rows = page.annotatedRows;
        tried = found(page, rows === undefined ? left : annotatedPixel(page, rows, left));
        if (page.label[tried.centre[0] * page.width + tried.centre[1]] === wanted) return tried;
        break;
      }
      left -= pixels;
    }
  }
  const rare = set.focus.rare.find(({ classIndex }) => classIndex === wanted);
  if (rare !== undefined) {
    const { page, pixels } = rare.places[random.integer(rare.places.length)];
    return found(set.pages[page], pixels[random.integer(pixels.length)]);
  }
  // A class that does not occur.
  return tried ?? found(set.pages[0], 0);
}

/**
 * Position of sample `index` of step `step`, from stream (seed, 'patch', step, index).
 * @param pixelOf finds the annotated pixel `nth` of a page, row by row; default: in its labels
 */
export function patchPosition(
  set: TrainingSet,
  step: number,
  index: number,
  options: PatchPositionOptions,
  pixelOf = annotatedPixel as (page: TrainingPage, rows: AnnotatedRows, nth: number) => number,
): PatchPosition {
  const { seed, patch, batch, outputMargin, focusFraction, balanced = false } = options;
  const [height, width] = patch;
  const random = stream(seed, 'patch', step, index);
  if (balanced) return balancedPosition(set, random, step * batch + index);
  const output = [height - 2 * outputMargin, width - 2 * outputMargin] as const;
  // Off-centre by up to a quarter, so that the pixel is not always at one position; half a pixel for even sides.
  const around = (page: TrainingPage, pixel: number): PatchPosition => {
    const y = Math.floor(pixel / page.width) + Math.round(random.between(-0.25, 0.25) * output[0]);
    const x = (pixel % page.width) + Math.round(random.between(-0.25, 0.25) * output[1]);
    const centre = [y + (height % 2 === 0 ? 0.5 : 0), x + (width % 2 === 0 ? 0.5 : 0)] as const;
    if (page.annotatedRows === undefined) return { page, centre, isChosen: true };
    return {
      page,
      isChosen: true,
      centre: [within(centre[0], page.height, output[0]), within(centre[1], page.width, output[1])],
    };
  };
  const newest = set.newest?.filter(({ until }) => step < until) ?? [];
  if (newest.length > 0 && random.uniform() < NEWEST_FRACTION) {
    const chosen = newest[random.integer(newest.length)];
    return around(set.pages[chosen.page], chosen.pixels[random.integer(chosen.pixels.length)]);
  }
  const { rare } = set.focus;
  if (random.uniform() < focusFraction && rare.length > 0) {
    const { places } = rare[random.integer(rare.length)];
    const chosen = places[random.integer(places.length)];
    const page = set.pages[chosen.page];
    const pixel = chosen.pixels[random.integer(chosen.pixels.length)];
    return around(page, pixel);
  }
  const page = set.pages[choosePage(set, seed, step * batch + index)];
  const rows = page.annotatedRows;
  if (rows !== undefined) return around(page, pixelOf(page, rows, random.integer(areaOf(page))));
  return {
    page,
    centre: [
      positionAlong(random, page.height, height, output[0]),
      positionAlong(random, page.width, width, output[1]),
    ],
  };
}
