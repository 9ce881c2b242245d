/**
 * Old and new data of a run that trains on from another. What that run held out stays held out, so that its scores can
 * be compared; its training data are rehearsed beside the new ones, since a network that sees only new data forgets.
 */

import type { TrainingSet } from '../dataset/patch-position.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import { type SplitChoice, splitItems } from '../dataset/split.ts';

/** The data of a run; JSON, so that a resumed run reads them again. */
export interface RunData {
  /** Where they were. */
  readonly folder: string;
  /** Which resolution of the images was read, if not the full one. */
  readonly level?: number;
  readonly trainingImages: readonly string[];
  readonly validationImages: readonly string[];
  /** Of a run that trains on from another: the data of that, which it rehearses. */
  readonly before?: RunData;
}

/** What stands of it in the recipe. */
export interface Rehearsal {
  /** Pages that were held out before, and are again. */
  readonly validation: readonly string[];
  /** New pages, which are drawn so many times as often as old ones. */
  readonly repeated: readonly string[];
  readonly times: number;
}

/** Of pages that are read from another folder than the new ones. */
const PREFIX = 'before/';

/** Adds the pages of the run before, under names of their own. */
export function withPagesBefore(now: RawDataset, before: RawDataset): RawDataset {
  const renamed = before.pages.map(
    (page): RawPage => ({ ...page, name: `${PREFIX}${page.name}`, file: `${PREFIX}${page.file}` }),
  );
  return { ...now, pages: [...now.pages, ...renamed] };
}

/** Names in the joint data of what the run before trained on and held out. */
export function namesBefore(
  { pages }: RawDataset,
  { trainingImages, validationImages }: RunData,
): { readonly training: ReadonlySet<string>; readonly validation: ReadonlySet<string> } {
  const there = new Set(pages.map(({ name }) => name));
  const elsewhere = [...there].some((name) => name.startsWith(PREFIX));
  const named = (names: readonly string[]): ReadonlySet<string> =>
    new Set(names.map((name) => (elsewhere ? `${PREFIX}${name}` : name)).filter((name) => there.has(name)));
  return { training: named(trainingImages), validation: named(validationImages) };
}

/**
 * What is held out: of old pages those that were, of new ones as `choice` says, but none where regions are held out.
 * @returns also lines that tell old and new data apart
 */
export function splitBeside(
  raw: RawDataset,
  choice: SplitChoice,
  before: RunData,
  seed: number,
): { readonly split: SplitChoice; readonly data: Rehearsal; readonly notes: readonly string[] } {
  const { training, validation } = namesBefore(raw, before);
  const added = raw.pages.filter(({ name }) => !training.has(name) && !validation.has(name));
  const byRegions =
    'fraction' in choice && raw.pages.some(({ annotation }) => annotation?.regions.some(({ held }) => held));
  const held = added.length === 0 || byRegions ? [] : splitItems(added, choice, { seed }).validation;
  const heldNames = held.map((i) => (added[i] as RawPage).name);
  const root = ({ height, width }: RawPage): number => Math.sqrt(height * width);
  const sum = (pages: readonly RawPage[]): number => pages.reduce((total, page) => total + root(page), 0);
  const fresh = added.filter(({ name }) => !heldNames.includes(name));
  const rehearsed = raw.pages.filter(({ name }) => training.has(name));
  const times = fresh.length === 0 ? 1 : Math.max(1, Math.round(sum(rehearsed) / sum(fresh)));
  const share = fresh.length === 0 ? 0 : (times * sum(fresh)) / (times * sum(fresh) + sum(rehearsed));
  // A page in both had only regions held out, which say so themselves.
  const whole = [...validation].filter((name) => !training.has(name));
  return {
    split: { pages: [...whole, ...heldNames] },
    data: { validation: [...validation], repeated: fresh.map(({ name }) => name), times },
    notes: [
      `data from before: ${rehearsed.length} pages to train on, ${validation.size} held out as before`,
      `new data: ${fresh.length} pages to train on, ${heldNames.length} held out${
        rehearsed.length > 0 && fresh.length > 0
          ? `; ${Math.round(100 * share)} % of the patches are of new pages, the others rehearse old ones`
          : ''
      }`,
    ],
  };
}

/** The set with new pages as often as they are to be drawn. */
export function rehearsing(set: TrainingSet, before: Rehearsal | undefined): TrainingSet {
  if (before === undefined || before.times === 1) return set;
  const repeated = new Set(before.repeated);
  const again = set.pages.filter(({ name }) => repeated.has(name));
  // Behind the others, whose numbers the index of rare classes has.
  return { ...set, pages: [...set.pages, ...Array.from({ length: before.times - 1 }, () => again).flat()] };
}
