/**
 * Old and new data of a run that trains on from another. What that run held out stays held out, so that its scores can
 * be compared; its training data are rehearsed beside the new ones, since a network that sees only new data forgets.
 */

import { overlapsSome, type RegionsByPage } from '../dataset/hold-out.ts';
import type { TrainingSet } from '../dataset/patch-position.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import { type RegionNumbers, type SplitChoice, type SplitItem, splitItems } from '../dataset/split.ts';
import { counted } from '../errors.ts';

/** The data of a run; JSON, so that a resumed run reads them again. */
export interface RunData {
  /** Where they were. */
  readonly folder: string;
  /** Which resolution of the images was read, if not the full one. */
  readonly level?: number;
  readonly trainingImages: readonly string[];
  readonly validationImages: readonly string[];
  /** By name of a validation image: the regions that alone are scored, if not the whole image is. */
  readonly validationRegions?: RegionsByPage;
  /** By name of a training image: its regions that were trained on, by this run or one that it trains on from. */
  readonly trainingRegions?: RegionsByPage;
  /** Of a run that trains on from another: the data of that, which it rehearses. */
  readonly before?: RunData;
}

/** Pages of old and new data, as far as it matters here. */
interface JointData {
  readonly pages: readonly (SplitItem & Pick<RawPage, 'name' | 'annotation'>)[];
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

/** The name in the joint data of a page of the run before. */
function nameBefore({ pages }: JointData): (name: string) => string {
  const elsewhere = pages.some(({ name }) => name.startsWith(PREFIX));
  return (name) => (elsewhere ? `${PREFIX}${name}` : name);
}

/** Names in the joint data of what the run before trained on and held out. */
export function namesBefore(
  raw: JointData,
  { trainingImages, validationImages }: RunData,
): { readonly training: ReadonlySet<string>; readonly validation: ReadonlySet<string> } {
  const there = new Set(raw.pages.map(({ name }) => name));
  const named = (names: readonly string[]): ReadonlySet<string> =>
    new Set(names.map(nameBefore(raw)).filter((name) => there.has(name)));
  return { training: named(trainingImages), validation: named(validationImages) };
}

/**
 * Regions of the run before: those that it held out are held out again, and those that it was trained on are not scored,
 * even if they are held out by now.
 */
function regionsBefore(
  raw: JointData,
  { validationRegions = {}, trainingRegions = {} }: RunData,
): { readonly regions: RegionNumbers; readonly unscored: RegionNumbers } {
  const joint = nameBefore(raw);
  const pageOf = new Map(raw.pages.map((page) => [page.name, page]));
  type Regions = RegionsByPage[string];
  const pick = (before: RegionsByPage, isMeant: (region: Regions[number], known: Regions) => boolean): RegionNumbers =>
    Object.fromEntries(
      Object.entries(before).flatMap(([name, known]) => {
        const now = pageOf.get(joint(name))?.annotation?.regions ?? [];
        const numbers = now.filter((region) => isMeant(region, known)).map(({ id }) => id);
        return numbers.length === 0 ? [] : [[joint(name), numbers]];
      }),
    );
  const regions = pick(validationRegions, ({ id }, known) => known.some((own) => own.id === id));
  return { regions, unscored: pick(trainingRegions, (region, known) => region.held && overlapsSome(region, known)) };
}

/**
 * What is held out: of old pages and regions those that were, of new pages as `choice` says, but none where regions are
 * held out.
 * @returns also lines that tell old and new data apart
 */
export function splitBeside(
  raw: JointData,
  choice: SplitChoice,
  before: RunData,
  seed: number,
): { readonly split: SplitChoice; readonly data: Rehearsal; readonly notes: readonly string[] } {
  const { training, validation } = namesBefore(raw, before);
  const added = raw.pages.filter(({ name }) => !training.has(name) && !validation.has(name));
  const byRegions =
    'fraction' in choice && raw.pages.some(({ annotation }) => annotation?.regions.some(({ held }) => held));
  const held = added.length === 0 || byRegions ? [] : splitItems(added, choice, { seed }).validation;
  const heldNames = held.map((i) => (added[i] as (typeof added)[number]).name);
  const root = ({ height, width }: SplitItem): number => Math.sqrt(height * width);
  const sum = (pages: readonly SplitItem[]): number => pages.reduce((total, page) => total + root(page), 0);
  const fresh = added.filter(({ name }) => !heldNames.includes(name));
  const rehearsed = raw.pages.filter(({ name }) => training.has(name));
  const times = fresh.length === 0 ? 1 : Math.max(1, Math.round(sum(rehearsed) / sum(fresh)));
  const share = fresh.length === 0 ? 0 : (times * sum(fresh)) / (times * sum(fresh) + sum(rehearsed));
  // A page in both had only regions held out, which say so themselves.
  const whole = [...validation].filter((name) => !training.has(name));
  const { regions, unscored } = regionsBefore(raw, before);
  const notScored = Object.entries(unscored).map(([name, numbers]) => `${numbers.join(', ')} of ${name}`);
  return {
    split: {
      pages: [...whole, ...heldNames],
      ...(Object.keys(regions).length > 0 && { regions }),
      ...(notScored.length > 0 && { unscored }),
    },
    data: { validation: [...validation], repeated: fresh.map(({ name }) => name), times },
    notes: [
      `data from before: ${counted(rehearsed.length, 'page')} to train on, ${validation.size} held out as before`,
      `new data: ${counted(fresh.length, 'page')} to train on, ${heldNames.length} held out${
        rehearsed.length > 0 && fresh.length > 0
          ? `; ${Math.round(100 * share)} % of the patches are of new pages, the others rehearse old ones`
          : ''
      }`,
      ...(notScored.length > 0
        ? [`held-out regions that the model was trained on are not scored: ${notScored.join('; ')}`]
        : []),
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
