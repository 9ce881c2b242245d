/** The images that runs can be compared on: those that none of them was trained on. */

import { crc32 } from '../array/crc32.ts';
import type { ClassSample, RawClasses } from '../dataset/classification/classes.ts';
import { splitClasses } from '../dataset/classification/prepare.ts';
import { readClasses } from '../dataset/classification/read.ts';
import { scoredPart } from '../dataset/hold-out.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import { readDataset } from '../dataset/prepare.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import { DatasetError, LamellaError, option, RunError } from '../errors.ts';
import type { Files } from '../files.ts';
import type { RunResults } from './read-run.ts';

/** A run folder with a model. */
export interface OpenedRun extends RunResults {
  readonly folder: string;
  readonly name: string;
}

export interface CommonPages {
  readonly pages: readonly RawPage[];
  /** For display: `5 images that all runs held out`. */
  readonly where: string;
  readonly notes: readonly string[];
}

export interface CommonClasses {
  readonly samples: readonly ClassSample[];
  readonly where: string;
  readonly notes: readonly string[];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

interface Sized {
  readonly data: ArrayBufferView;
  readonly width: number;
  readonly height: number;
}

/** Hash of the pixels; names may differ between folders. */
function keyOf({ data, width, height }: Sized): string {
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

const noneInCommon = (runs: readonly OpenedRun[]): DatasetError =>
  new DatasetError(`the runs ${runs.map(({ name }) => name).join(', ')} held out no image in common.`, {
    remedy: `Provide held-out images with ground truth as ${option('data')}, or train with the same ${option('split')} and ${option('seed')}.`,
  });

function requireHeldOut(runs: readonly OpenedRun[]): void {
  const without = runs.find(({ config }) => config.validationImages.length === 0);
  if (without === undefined) return;
  throw new RunError('this run has no held-out images.', {
    file: without.folder,
    remedy: `Provide held-out images with ground truth as ${option('data')}.`,
  });
}

const counted = (n: number): string => `${n.toLocaleString('en')} ${n === 1 ? 'image' : 'images'}`;

/** Slices with ground truth for all runs. @throws DatasetError, RunError if there are none. */
export async function commonPages(
  files: Files,
  runs: readonly OpenedRun[],
  data: string | undefined,
): Promise<CommonPages> {
  const read = once((folder) => readDataset(files, folder));
  const notes: string[] = [];
  if (data !== undefined) {
    const { pages } = await read(data);
    const trained = new Set<string>();
    for (const run of runs) {
      const own = await ownPages(run, read, 'trainingImages').catch((cause: unknown) => notesOf(cause, run, notes));
      for (const page of own) trained.add(keyOf(page));
    }
    const kept = pages.filter((page) => !trained.has(keyOf(page)));
    return { ...keptOf(kept, pages, data, notes), pages: kept };
  }
  requireHeldOut(runs);
  const [first, ...others] = await Promise.all(runs.map((run) => ownPages(run, read, 'validationImages')));
  const key = (page: RawPage): string => `${keyOf(page)}:${crc32(bytesOf(page.label.values))}`;
  const held = others.map((pages) => new Set(pages.map(key)));
  const pages = (first as readonly RawPage[]).filter((page) => held.every((keys) => keys.has(key(page))));
  if (pages.length === 0) throw noneInCommon(runs);
  partlyHeld(runs, pages.length, notes);
  return { pages, where: `${counted(pages.length)} that all runs held out from training`, notes };
}

/** The slices of a run by name. */
async function ownPages(
  { config, folder }: OpenedRun,
  read: (folder: string) => Promise<RawDataset>,
  which: 'trainingImages' | 'validationImages',
): Promise<readonly RawPage[]> {
  const { pages } = await read(config.folder);
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

/** If the training images are gone, overlap with the given ones cannot be checked. */
function notesOf(cause: unknown, { name }: OpenedRun, notes: string[]): readonly never[] {
  if (!(cause instanceof LamellaError)) throw cause;
  notes.push(`Whether ${name} was trained on some of these images is unknown: its training images no longer exist.`);
  return [];
}

function keptOf(
  kept: readonly unknown[],
  all: readonly unknown[],
  folder: string,
  notes: readonly string[],
): { readonly where: string; readonly notes: readonly string[] } {
  const out = all.length - kept.length;
  if (kept.length === 0) {
    throw new DatasetError(`all ${all.length} images were used to train one of the runs.`, {
      file: folder,
      remedy: 'Use images that none was trained on.',
    });
  }
  const left = out === 0 ? [] : [`${counted(out)} of ${folder} excluded: a run was trained on them.`];
  return { where: `${counted(kept.length)} of ${folder}`, notes: [...left, ...notes] };
}

function partlyHeld(runs: readonly OpenedRun[], common: number, notes: string[]): void {
  const most = Math.max(...runs.map(({ config }) => config.validationImages.length));
  if (common < most)
    notes.push(`The runs held out different images; they are compared on the ${common} that all held out.`);
}

/**
 * Images with classes for all runs: the test part of the data, which is never trained on, otherwise the images that all
 * held out.
 */
export async function commonClasses(
  files: Files,
  runs: readonly OpenedRun[],
  data: string | undefined,
): Promise<CommonClasses> {
  const read = once((folder) => readClasses(files, folder, { skipBad: true }));
  const notes: string[] = [];
  if (data !== undefined) {
    const { parts } = await read(data);
    const given = parts.test.length > 0 ? parts.test : [...parts.train, ...parts.validation];
    const trained = new Set<string>();
    for (const run of runs) {
      const own = await read(run.config.folder)
        .then((raw) => splitOf(raw, run).train)
        .catch((cause: unknown) => notesOf(cause, run, notes));
      for (const sample of own) trained.add(keyOf(sample));
    }
    const kept = given.filter((sample) => !trained.has(keyOf(sample)));
    return { ...keptOf(kept, given, data, notes), samples: kept };
  }
  const raws = await Promise.all(runs.map(({ config }) => read(config.folder)));
  const keysOf = (samples: readonly ClassSample[]): string =>
    samples.map((sample) => `${keyOf(sample)}:${sample.label}`).join();
  const first = raws[0] as RawClasses;
  const { test } = first.parts;
  const chosenBy = runs.some(
    ({ config }) => 'names' in config.recipe.data.split && config.recipe.data.split.names[0] === 'test',
  );
  const same = test.length > 0 && raws.every((raw) => raw === first || keysOf(raw.parts.test) === keysOf(test));
  if (same) {
    if (chosenBy) notes.push('At least one run selected its best model on these images, so its score is optimistic.');
    return { samples: test, where: `${counted(test.length)}, the test part of the data`, notes };
  }
  requireHeldOut(runs);
  const [own, ...others] = runs.map((run, i) => splitOf(raws[i] as RawClasses, run).validation);
  const key = (sample: ClassSample): string => `${keyOf(sample)}:${sample.label}`;
  const held = others.map((samples) => new Set(samples.map(key)));
  const samples = (own as readonly ClassSample[]).filter((sample) => held.every((keys) => keys.has(key(sample))));
  if (samples.length === 0) throw noneInCommon(runs);
  partlyHeld(runs, samples.length, notes);
  return { samples, where: `${counted(samples.length)} that all runs held out from training`, notes };
}

function splitOf(raw: RawClasses, { config: { recipe } }: OpenedRun) {
  return splitClasses(raw, recipe.seed, recipe.data.split);
}
