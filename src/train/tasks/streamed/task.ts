/** A segmentation run on images that are read by region, with the same result as on images in memory. */

import { reachPx } from '../../../augment/field.ts';
import { type BoxReader, placeSamples } from '../../../augment/placed.ts';
import { hasRim } from '../../../dataset/labels/labels.ts';
import type { TrainingPage } from '../../../dataset/patch-position.ts';
import { labelOptions } from '../../../dataset/raw.ts';
import { cutStreamed, type StreamedCut, type StreamedPart } from '../../../dataset/streamed/cut.ts';
import { type ObjectWeighing, readWeighed } from '../../../dataset/streamed/object-weights.ts';
import { openStreamed } from '../../../dataset/streamed/open.ts';
import type { StreamedDataset } from '../../../dataset/streamed/page.ts';
import {
  annotatedPixels,
  type PreparedPage,
  type PreparedStream,
  prepareStreamed,
  samplePages,
} from '../../../dataset/streamed/prepare.ts';
import { surveyLabels } from '../../../dataset/streamed/survey.ts';
import { option, UsageError } from '../../../errors.ts';
import { isOfVolumes, type NetworkName, networkNamed } from '../../../models/registry.ts';
import { isWindowName } from '../../../models/sliding-window.ts';
import { megabytes } from '../../../predict/memory.ts';
import { rehearsing, splitBeside } from '../../before.ts';
import type { Recipe } from '../../config.ts';
import { startInput, startLabels } from '../../start-data.ts';
import type { StreamedPlace, StreamedTraining } from '../../streamed.ts';
import type { TrainingTask } from '../../task.ts';
import { chooseMetric } from '../../validate.ts';
import { chooseRecipe, chooseSeparation, type TrainSettings } from '../segmentation/choose-recipe.ts';
import { openSetup } from '../segmentation/setup.ts';
import { inputOfStart } from '../segmentation/start-network.ts';
import { basisNotes, DEFAULT_SPLIT, isUnscorable, lengthOf, startNotes } from '../segmentation/task.ts';
import { chooseBalance } from '../segmentation/window-recipe.ts';
import { streamedPredictor } from './predictor.ts';

const READ_FIRST = 'images do not fit into memory: all of them are read part by part before the first step';

/** What images may take of the memory that is free. */
const FREE_SHARE = 3 / 4;

/** @param memoryNow bytes that this process has and that it could still get */
export function streamedTraining(memoryNow: () => { readonly used: number; readonly free: number }): StreamedTraining {
  return {
    async open(files, folder, { memory, ...options }) {
      const { used, free } = memoryNow();
      const bytes = memory === undefined ? FREE_SHARE * free : memory - used;
      if (bytes > 0) return openStreamed(files, folder, { ...options, bytes });
      throw new UsageError(
        `Too little memory: ${megabytes(memory as number)} are allowed, but the program takes ${megabytes(used)}.`,
        { remedy: `Set ${option('memory')} to at least ${megabytes(2 * used)}.` },
      );
    },
    newTask,
    sameTask,
  };
}

/** What needs images in memory, as the setting that asks for it; undefined if nothing does. */
function settingOfWhole(network: NetworkName, { separate, task, slices }: TrainSettings): string | undefined {
  if (isOfVolumes(network) || isWindowName(network) || network === 'filter-bank') return option('network', network);
  if (separate !== undefined) return option('separate', separate);
  if (task === 'lungs') return option('task', task);
  return slices === undefined ? undefined : option('slices', slices);
}

/** Of objects, and of cells and membranes, which need whole images to be found. */
const BY_CLASSES = {
  metric: { kind: 'dice' },
  reason:
    'validation score: mean Dice over the foreground classes, since AP of objects is of images that fit into memory',
} as const;

async function newTask(
  raw: StreamedDataset,
  settings: TrainSettings,
  place: StreamedPlace,
  { start, before }: NonNullable<Parameters<StreamedTraining['newTask']>[3]> = {},
): Promise<TrainingTask> {
  const { classes, ignore, task, seed = 0, split: choice = DEFAULT_SPLIT } = settings;
  const network = (start?.model.name ?? settings.network ?? 'unet') as NetworkName;
  const asks = settingOfWhole(network, settings);
  if (asks !== undefined || task === 'lungs') {
    throw new UsageError(`${asks} does not go with images that do not fit into memory yet.`, {
      file: raw.folder,
      remedy: `Remove it, or set ${option('memory')} to more, so that they are held in memory.`,
    });
  }
  place.say(READ_FIRST);
  const labels = await surveyLabels(raw.pages);
  const items = raw.pages.map((page, i) => ({ ...page, label: labels.values[i] }));
  const beside = before && splitBeside({ pages: items }, choice, before, seed);
  const split = beside?.split ?? choice;
  const meaning = labelOptions(raw, { task, classes, ignore });
  const infer = () => labels.mapping(meaning);
  const mapping = await (start === undefined ? infer() : startLabels(start, labels.values, meaning, infer));
  const samples = start && (await samplePages(raw.pages, settings.channel));
  const input = start && samples && startInput(start, samples, settings.channel);
  const taken = start && samples && inputOfStart(start, samples, settings);
  const separation = chooseSeparation(mapping, { ...settings, network });
  const prepared = await prepareStreamed(raw, labels, {
    ...{ seed, split, mapping, input, separation },
    balance: chooseBalance({ ...settings, network }),
    channel: settings.channel,
    channels: taken?.channels,
    normalisation: taken?.normalisation ?? settings.normalisation,
  });
  const { data, fingerprint } = prepared;
  const common = taskOf(prepared, place);
  return {
    ...common,
    notes: [...common.notes, ...(beside?.notes ?? []), ...startNotes(start, input), ...(taken?.notes ?? [])],
    length: lengthOf(network),
    choosesBySpeed:
      start === undefined && settings.baseChannels === undefined && networkNamed(network).choose !== undefined,
    chooseRecipe: (circumstances) =>
      chooseRecipe(data, settings, {
        ...circumstances,
        ...{ fingerprint, split, separation, start },
        trained: place.maps?.trainedLabels,
        before: beside?.data,
        pages: [],
      }),
  };
}

async function sameTask(raw: StreamedDataset, recipe: Recipe, place: StreamedPlace): Promise<TrainingTask> {
  const { seed, data, labels, input, model } = recipe;
  place.say(READ_FIRST);
  const prepared = await prepareStreamed(raw, await surveyLabels(raw.pages), {
    seed,
    split: data.split,
    balance: data.balance,
    mapping: labels,
    input: input as Extract<Recipe['input'], { readonly pixelMm?: unknown }>,
    separation: data.separation,
  });
  return {
    ...taskOf(prepared, place),
    length: lengthOf(model.name as NetworkName),
    chooseRecipe: () => ({ recipe, notes: [] }),
  };
}

function taskOf(prepared: PreparedStream, place: StreamedPlace): Omit<TrainingTask, 'length' | 'chooseRecipe'> {
  const { data, train, validation, weighing, fingerprint } = prepared;
  const holds = (c: number): boolean => validation.some(({ counts }) => (counts[c] as number) > 0);
  const sum = (pixelsOf: (page: PreparedPage) => number): number =>
    validation.reduce((all, page) => all + pixelsOf(page), 0);
  const pixels = sum(({ counts }) => annotatedPixels(counts));
  const isNumbered = data.mapping.kind === 'instances';
  const basis = {
    images: validation.length,
    pixels,
    ofPixels: sum(({ page }) => page.height * page.width),
    ...(isNumbered && { objects: sum(({ objects }) => objects?.annotated ?? 0) }),
  };
  const on = { pixels, ...(hasRim(data.mapping) && { objects: sum(({ objects }) => objects?.foreground ?? 0) }) };
  return {
    notes: [...data.notes, ...basisNotes(data, basis, holds)],
    annotatedFraction: data.annotatedFraction,
    readByRegion: true,
    trainingNames: data.train.pages.map(({ name }) => name),
    validationNames: data.validation.map(({ name }) => name),
    fingerprint,
    // Without pages, of which cells and membranes are told by their pieces: V-Rand is of whole images.
    chooseMetric() {
      if (isUnscorable(data, holds)) return undefined;
      return hasRim(data.mapping) ? BY_CLASSES : chooseMetric([], data.mapping);
    },
    async openSetup(recipe, metric, options) {
      const { set, parts } = await cutStreamed(data.train, train, reachPx(recipe.patch, recipe.augment), weighing);
      const reader = boxReader(parts, weighing);
      const repeated = rehearsing(set, recipe.data.before);
      return openSetup(recipe, metric, {
        pages: { raw: { folder: '', pages: [], notes: [] }, data: { ...data, train: repeated } },
        maps: place.maps,
        openSampler: (drawn, sampling) => place.openSampler(drawn, sampling, placeSamples(drawn, sampling, reader)),
        streamed: {
          on,
          openPredictor: (runtime, bytes) => streamedPredictor(runtime, bytes, validation),
        },
        ...options,
      });
    },
  };
}

function boxReader(parts: StreamedCut['parts'], weighing: ObjectWeighing | undefined): BoxReader {
  const partOf = (page: TrainingPage) => parts.get(page) as StreamedPart;
  return {
    async read(page, box) {
      const part = partOf(page);
      const [image, labelled] = await Promise.all([
        part.readImage(box),
        weighing === undefined ? { label: await part.readLabel(box) } : readWeighed(part, box, weighing, part.sizes),
      ]);
      return { image, ...labelled };
    },
    readLabel: (page, box) => partOf(page).readLabel(box),
  };
}
