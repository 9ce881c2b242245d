/** Which slices, and which regions of them, are for training and for validation. */

import { LEAST_PAGES, LEAST_REGIONS, mayBeHeld } from '../annotate/hold-out-rule.ts';
import { boundsOf, boxesOverlap, type Region } from '../annotate/region.ts';
import { addTo } from '../array/lists.ts';
import { stream } from '../array/random.ts';
import { counted, DatasetError } from '../errors.ts';
import { keepLabels } from './annotate.ts';
import { type Memo, noMemo } from './memo.ts';
import type { RawPage } from './raw.ts';
import { type PagesChoice, type Split, type SplitChoice, type SplitItem, splitItems } from './split.ts';

export interface HeldOut {
  /** Indices into the slices; a slice with held-out regions is in both, one without annotation in neither. */
  readonly split: Split;
  /** The slices of `split.train` with the labels used for training. */
  readonly train: readonly RawPage[];
  /** The slices of `split.validation` with the labels that are scored. */
  readonly validation: readonly RawPage[];
  /** Of a slice: its held-out regions that are scored, if not the whole slice is held out. */
  readonly regions: RegionsByPage;
  /** Of a slice for training: its regions that are trained on, or were before. */
  readonly trainedRegions: RegionsByPage;
}

/** Regions of slices, by the name of the slice. */
export interface RegionsByPage {
  readonly [page: string]: readonly Region[];
}

/** Maximum number of slices named in a line. */
const MOST_NAMED = 3;

/** Whether the bounds of a region of a slice overlap those of others. */
export const overlapsSome = ({ shape }: Region, others: readonly Region[]): boolean =>
  others.some((other) => boxesOverlap(boundsOf(other.shape), boundsOf(shape)));

/** Complete regions of a slice that may be held out: no accepted predictions, and none that overlap others. */
function candidates({ annotation }: RawPage): readonly Region[] {
  const regions = annotation?.regions ?? [];
  return regions.filter(
    (region) =>
      mayBeHeld(region) &&
      !overlapsSome(
        region,
        regions.filter((other) => other !== region),
      ),
  );
}

/** A fraction of the regions of some slices, by the index of the slice, sampled by the seed. */
function sampleRegions(
  pages: ReadonlyMap<number, RawPage>,
  fraction: number,
  seed: number,
): ReadonlyMap<number, readonly Region[]> {
  const found = [...pages].flatMap(([i, page]) => candidates(page).map((region) => ({ i, region })));
  if (found.length < LEAST_REGIONS) return new Map();
  const count = Math.min(found.length - 1, Math.max(1, Math.round(fraction * found.length)));
  const order = stream(seed, 'split').permutation(found.length);
  const sampled = new Set([...order].slice(0, count));
  const held = new Map<number, Region[]>();
  for (const [k, { i, region }] of found.entries()) if (sampled.has(k)) addTo(held, i, region);
  return held;
}

/** `2 held-out regions (2, 5 of s01; 1 of s02)`. */
function describeRegions(held: ReadonlyMap<number, readonly Region[]>, pages: readonly RawPage[]): string {
  const count = [...held.values()].reduce((sum, regions) => sum + regions.length, 0);
  const which = [...held].map(([i, regions]) => `${regions.map(({ id }) => id).join(', ')} of ${pages[i]?.name}`);
  const more = which.length > MOST_NAMED ? '; ...' : '';
  return `${counted(count, 'held-out region')} (${which.slice(0, MOST_NAMED).join('; ')}${more})`;
}

const indicesOf = <P>(pages: readonly P[], isAnnotated: (page: P) => boolean): readonly number[] =>
  pages.flatMap((page, i) => (isAnnotated(page) ? [i] : []));

/**
 * Splits the annotated slices; a choice by name is resolved among all, so that every name is known.
 * @throws as `splitItems`; DatasetError if nothing is annotated in what is held out by name
 */
export function splitAnnotated<P extends SplitItem>(
  pages: readonly P[],
  isAnnotated: (page: P) => boolean,
  choice: SplitChoice,
  seed: number,
): Split {
  const kept = indicesOf(pages, isAnnotated);
  if ('names' in choice) {
    const { train, validation, reason } = splitItems(pages, choice, { seed });
    const known = new Set(kept);
    const held = validation.filter((i) => known.has(i));
    if (held.length > 0) return { train: train.filter((i) => known.has(i)), validation: held, reason };
    throw new DatasetError('nothing is annotated in the images that are held out for validation.', {
      remedy: 'Hold out images with labels.',
    });
  }
  const items = kept.map((i) => pages[i] as P);
  const { train, validation, reason } = splitItems(items, choice, { seed });
  const original = (indices: readonly number[]) => indices.map((i) => kept[i] as number);
  return { train: original(train), validation: original(validation), reason };
}

/**
 * Holds out the regions marked as such, or chosen, which no choice trains on; otherwise slices as chosen by `splitItems`; if only
 * a few slices are annotated, and in part, a fraction of their complete regions, at least one, if there are three or
 * more.
 * @param isAnnotated whether any pixel of a slice is annotated
 * @throws as `splitItems`; DatasetError if nothing is annotated in what is held out by name.
 */
export function holdOut(
  pages: readonly RawPage[],
  isAnnotated: (page: RawPage) => boolean,
  choice: SplitChoice,
  seed: number,
  memo: Memo = noMemo,
): HeldOut {
  const fraction = 'fraction' in choice ? choice.fraction : undefined;
  const { regions: chosen, unscored }: Partial<PagesChoice> = 'pages' in choice ? choice : {};
  const isUnscored = (page: RawPage, { id }: Region): boolean => unscored?.[page.name]?.includes(id) === true;
  const held = new Map<number, readonly Region[]>();
  for (const [i, { name, annotation }] of pages.entries()) {
    const own = annotation?.regions.filter((region) => region.held || chosen?.[name]?.includes(region.id)) ?? [];
    if (own.length > 0) held.set(i, own);
  }
  const few = new Map(indicesOf(pages, isAnnotated).map((i) => [i, pages[i] as RawPage]));
  const isFew = few.size < LEAST_PAGES && [...few.values()].some(({ annotation }) => annotation !== undefined);
  const byRegions = fraction !== undefined && (held.size > 0 || isFew);
  const { train, validation, reason } = splitAnnotated(pages, isAnnotated, byRegions ? { fraction: 0 } : choice, seed);
  let note = reason;
  if (isFew && held.size === 0 && fraction !== undefined && fraction > 0) {
    for (const [i, regions] of sampleRegions(few, fraction, seed)) held.set(i, regions);
    const which = few.size === 1 ? ['is one page', 'it'] : [`are ${few.size} pages`, 'them'];
    note = `validation: none, there ${which[0]} only, and fewer than ${LEAST_REGIONS} complete regions on ${which[1]}`;
  }
  // Regions of a slice that is held out as a whole are scored with it; without validation none is.
  const scored = new Map(
    [...held].flatMap(([i, regions]) => {
      const own = regions.filter((region) => !isUnscored(pages[i] as RawPage, region));
      return fraction === 0 || validation.includes(i) || own.length === 0 ? [] : [[i, own]];
    }),
  );
  if (scored.size > 0) {
    const whole =
      validation.length > 0 ? `${validation.length} whole ${validation.length === 1 ? 'page' : 'pages'} and ` : '';
    note = `validation: ${whole}${describeRegions(scored, pages)}`;
  }
  const part = (i: number, which: 'within' | 'outside', regions: readonly Region[] | undefined): RawPage => {
    const page = pages[i] as RawPage;
    const { annotation } = page;
    if (regions === undefined || annotation === undefined) return page;
    const name = `${which} regions ${regions.map(({ id }) => id).join()}`;
    return memo(page, name, () => keepLabels(page, which, regions, annotation.notAnnotated));
  };
  const trained = train.flatMap((i) => {
    const page = part(i, 'outside', held.get(i));
    return held.has(i) && !isAnnotated(page) ? [] : [{ i, page }];
  });
  const all = [...validation, ...scored.keys()].sort((a, b) => a - b);
  return {
    split: { train: trained.map(({ i }) => i), validation: all, reason: note },
    train: trained.map(({ page }) => page),
    validation: all.map((i) => part(i, 'within', scored.get(i))),
    regions: Object.fromEntries([...scored].map(([i, regions]) => [(pages[i] as RawPage).name, regions])),
    trainedRegions: Object.fromEntries(
      train.flatMap((i) => {
        const page = pages[i] as RawPage;
        const own = page.annotation?.regions.filter(
          (region) => held.get(i)?.includes(region) !== true || isUnscored(page, region),
        );
        return own === undefined || own.length === 0 ? [] : [[page.name, own]];
      }),
    ),
  };
}

/**
 * A slice with the labels that are scored: of one of which only regions are held out, these.
 * @param regions of `HeldOut`
 * @param notAnnotated value that the other labels get: one that is ignored
 */
export function scoredPart(page: RawPage, regions: HeldOut['regions'] | undefined, notAnnotated: number): RawPage {
  const own = regions?.[page.name];
  return own === undefined ? page : keepLabels(page, 'within', own, page.annotation?.notAnnotated ?? notAnnotated);
}
