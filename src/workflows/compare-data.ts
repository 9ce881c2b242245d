/** The images that runs can be compared on: those that none of them was trained on. */

import { crc32 } from '../array/crc32.ts';
import type { ClassSample, RawClasses } from '../dataset/classification/classes.ts';
import { splitClasses } from '../dataset/classification/prepare.ts';
import { readClasses } from '../dataset/classification/read.ts';
import { scoredPart } from '../dataset/hold-out.ts';
import { findMapping, IGNORE, kindOf, type LabelMapping } from '../dataset/labels/labels.ts';
import { readDataset } from '../dataset/prepare.ts';
import { labelOptions, type RawDataset, type RawPage } from '../dataset/raw.ts';
import { allOf, counted, DatasetError, LamellaError, option, RunError } from '../errors.ts';
import type { Files } from '../files.ts';
import type { Page } from '../input/planes.ts';
import { readLabelled } from './data-before.ts';
import type { RunResults } from './read-run.ts';

/** A run folder with a model. */
export interface OpenedRun extends RunResults {
  readonly folder: string;
  readonly name: string;
}

/** A model that is no run: what it was trained on is not known, unless it is made of folds. */
export interface OpenedFile extends Pick<OpenedRun, 'name' | 'bytes' | 'file'> {
  readonly config?: undefined;
  /** Of a run of folds, one of them: its training images and those that it held out are what all were trained on. */
  readonly fold?: OpenedRun | undefined;
}

/** Images with ground truth that no compared run was trained on. */
export interface Common<T> {
  readonly items: readonly T[];
  /** For display: `5 images that all runs held out`. */
  readonly where: string;
  readonly notes: readonly string[];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Hash of the pixels; names may differ between folders. */
function keyOf({ data, width, height }: Page): string {
  return `${width}x${height}:${crc32(bytesOf(data))}`;
}

/** Reads each folder once. */
function once<T>(read: (folder: string) => Promise<T>): (folder: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (folder) => {
    const found = known.get(folder) ?? read(folder);
    known.set(folder, found);
    return found;
  };
}

function requireHeldOut(runs: readonly OpenedRun[]): void {
  const without = runs.find(({ config }) => config.validationImages.length === 0);
  if (without === undefined) return;
  throw new RunError('this run has no held-out images.', {
    file: without.folder,
    remedy: `Provide held-out images with ground truth as ${option('data')}.`,
  });
}

/**
 * Slices with ground truth for all runs.
 * @param folds one of each run of folds; with `data` only
 * @throws DatasetError, RunError if there are none.
 */
export async function commonPages(
  files: Files,
  runs: readonly OpenedRun[],
  folds: readonly OpenedRun[],
  data: string | undefined,
): Promise<Common<RawPage>> {
  const [run] = [...runs, ...folds];
  const as = run && kindOf(run.config.recipe.labels);
  const read = once((folder) => readDataset(files, folder, { as }));
  const readOf = ({ config }: OpenedRun): Promise<RawDataset> =>
    config.before === undefined && config.level === undefined
      ? read(config.folder)
      : readLabelled(files, config, { as });
  if (data !== undefined) {
    const { pages } = await readDataset(files, data, { as, level: run?.config.level });
    return untrained([...runs, ...folds], data, pages, async (run) => {
      const raw = await readOf(run);
      const trained = ownPages(run, raw, 'trainingImages');
      // Held out by one fold, and trained on by the others.
      return folds.includes(run) ? [...trained, ...ownPages(run, raw, 'validationImages')] : trained;
    });
  }
  requireHeldOut(runs);
  const held = await Promise.all(runs.map(async (run) => ownPages(run, await readOf(run), 'validationImages')));
  return heldByAll(runs, held, (page) => crc32(bytesOf(page.label.values)));
}

/** All images of a folder, for models that are no runs. */
export async function givenPages(
  files: Files,
  models: readonly OpenedFile[],
  data: string,
): Promise<Common<RawPage> & { readonly labels: LabelMapping }> {
  const raw = await readDataset(files, data);
  const { pages } = raw;
  const labels = findMapping(
    pages.map(({ label }) => label),
    labelOptions(raw),
  );
  return {
    items: pages,
    where: `${counted(pages.length, 'image', 'en')} of ${data}`,
    notes: models.map(unknown),
    labels,
  };
}

/** What is to be said of a model whose training images are not known. */
export const unknown = ({ name }: OpenedFile): string =>
  `Whether ${name} was trained on some of these images is unknown: it is no run.`;

/** The slices of a run that it trained on, or held out. @throws RunError for one that is no longer there */
export function ownPages(
  { config, folder }: Pick<OpenedRun, 'config' | 'folder'>,
  { pages }: RawDataset,
  which: 'trainingImages' | 'validationImages',
): readonly RawPage[] {
  const byName = new Map(pages.map((page) => [page.name, page]));
  return config[which].map((name) => {
    const page = byName.get(name);
    if (page !== undefined) {
      const [none = IGNORE] = config.recipe.labels.ignore;
      return which === 'validationImages' ? scoredPart(page, config.validationRegions, none) : page;
    }
    throw new RunError(`the image "${name}" of the run is no longer in ${config.folder}.`, {
      file: folder,
      remedy: `Put it back, or provide other images as ${option('data')}.`,
    });
  });
}

/** The given images that none of the runs was trained on. @throws DatasetError if there are none. */
async function untrained<T extends Page>(
  runs: readonly OpenedRun[],
  folder: string,
  given: readonly T[],
  trainedOn: (run: OpenedRun) => Promise<readonly T[]>,
): Promise<Common<T>> {
  const notes: string[] = [];
  const trained = new Set<string>();
  for (const run of runs) {
    try {
      for (const item of await trainedOn(run)) trained.add(keyOf(item));
    } catch (cause) {
      // If the training images are gone, overlap with the given ones cannot be checked.
      if (!(cause instanceof LamellaError)) throw cause;
      notes.push(
        `Whether ${run.name} was trained on some of these images is unknown: its training images no longer exist.`,
      );
    }
  }
  const items = given.filter((item) => !trained.has(keyOf(item)));
  if (items.length === 0) {
    throw new DatasetError(
      `${allOf(given.length, 'image')} ${given.length === 1 ? 'was' : 'were'} used to train one of the runs.`,
      {
        file: folder,
        remedy: 'Use images that none was trained on.',
      },
    );
  }
  const out = given.length - items.length;
  if (out > 0) notes.unshift(`${counted(out, 'image', 'en')} of ${folder} excluded: a run was trained on them.`);
  return { items, where: `${counted(items.length, 'image', 'en')} of ${folder}`, notes };
}

/** The images that all runs held out, with the same ground truth. @throws DatasetError if there are none. */
function heldByAll<T extends Page>(
  runs: readonly OpenedRun[],
  held: readonly (readonly T[])[],
  truthOf: (item: T) => number,
): Common<T> {
  const key = (item: T): string => `${keyOf(item)}:${truthOf(item)}`;
  const [first, ...others] = held as readonly [readonly T[], ...(readonly T[])[]];
  const keys = others.map((own) => new Set(own.map(key)));
  const items = first.filter((item) => keys.every((own) => own.has(key(item))));
  if (items.length === 0) {
    throw new DatasetError(`the runs ${runs.map(({ name }) => name).join(', ')} held out no image in common.`, {
      remedy: `Provide held-out images with ground truth as ${option('data')}, or train with the same ${option('split')} and ${option('seed')}.`,
    });
  }
  const most = Math.max(...runs.map(({ config }) => config.validationImages.length));
  const notes =
    items.length < most
      ? [`The runs held out different images; they are compared on the ${items.length} that all held out.`]
      : [];
  return { items, where: `${counted(items.length, 'image', 'en')} that all runs held out from training`, notes };
}

/**
 * Images with classes for all runs: the test part of the data, which is never trained on, otherwise the images that all
 * held out.
 */
export async function commonClasses(
  files: Files,
  runs: readonly OpenedRun[],
  data: string | undefined,
): Promise<Common<ClassSample>> {
  const read = once((folder) => readClasses(files, folder, { skipBad: true }));
  if (data !== undefined) {
    const { parts } = await read(data);
    const given = parts.test.length > 0 ? parts.test : [...parts.train, ...parts.validation];
    return untrained(runs, data, given, async (run) => splitOf(await read(run.config.folder), run).train);
  }
  const raws = await Promise.all(runs.map(({ config }) => read(config.folder)));
  const keysOf = (samples: readonly ClassSample[]): string =>
    samples.map((sample) => `${keyOf(sample)}:${sample.label}`).join();
  const first = raws[0] as RawClasses;
  const { test } = first.parts;
  if (test.length > 0 && raws.every((raw) => raw === first || keysOf(raw.parts.test) === keysOf(test))) {
    const chosenBy = runs.some(
      ({ config }) => 'names' in config.recipe.data.split && config.recipe.data.split.names[0] === 'test',
    );
    return {
      items: test,
      where: `${counted(test.length, 'image', 'en')}, the test part of the data`,
      notes: chosenBy ? ['At least one run selected its best model on these images, so its score is optimistic.'] : [],
    };
  }
  requireHeldOut(runs);
  const held = runs.map((run, i) => splitOf(raws[i] as RawClasses, run).validation);
  return heldByAll(runs, held, ({ label }) => label);
}

function splitOf(raw: RawClasses, { config: { recipe } }: OpenedRun) {
  return splitClasses(raw, recipe.seed, recipe.data.split);
}
