/** A segmentation run on images that are read by region, with the same result as on images in memory. */

import { placeSamples, type ReadBox } from '../../../augment/placed.ts';
import type { LabelMapping } from '../../../dataset/labels/labels.ts';
import { openStreamed } from '../../../dataset/streamed/open.ts';
import type { StreamedDataset } from '../../../dataset/streamed/page.ts';
import { type PreparedStream, prepareStreamed } from '../../../dataset/streamed/prepare.ts';
import { option, UsageError } from '../../../errors.ts';
import { isOfVolumes, type NetworkName, networkNamed } from '../../../models/registry.ts';
import { isWindowName } from '../../../models/sliding-window.ts';
import { megabytes } from '../../../predict/memory.ts';
import type { Recipe } from '../../config.ts';
import type { StartModel } from '../../start.ts';
import type { StreamedPlace, StreamedTraining } from '../../streamed.ts';
import type { TrainingTask } from '../../task.ts';
import { chooseMetric } from '../../validate.ts';
import { chooseRecipe, chooseSeparation, type TrainSettings } from '../segmentation/choose-recipe.ts';
import { openSetup } from '../segmentation/setup.ts';
import { basisNotes, DEFAULT_SPLIT, isUnscorable, lengthOf } from '../segmentation/task.ts';
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
  if (task !== undefined && task !== 'semantic') return option('task', task);
  return slices === undefined ? undefined : option('slices', slices);
}

async function newTask(
  raw: StreamedDataset,
  settings: TrainSettings,
  place: StreamedPlace,
  start?: StartModel,
): Promise<TrainingTask> {
  const { network: name = 'unet', classes, ignore, task, seed = 0, split = DEFAULT_SPLIT } = settings;
  const network = name as NetworkName;
  const asks = start === undefined ? settingOfWhole(network, settings) : option('from');
  if (asks !== undefined || task === 'instances' || task === 'lungs') {
    throw new UsageError(`${asks} does not go with images that do not fit into memory yet.`, {
      file: raw.folder,
      remedy: `Remove it, or set ${option('memory')} to more, so that they are held in memory.`,
    });
  }
  place.say(READ_FIRST);
  const separationOf = (mapping: LabelMapping) => chooseSeparation(mapping, { ...settings, network });
  const prepared = await prepareStreamed(raw, {
    ...{ seed, split, classes, ignore, task },
    balance: chooseBalance({ ...settings, network }),
    channel: settings.channel,
    normalisation: settings.normalisation,
    weighsBorders: (mapping) => separationOf(mapping).w0 > 0,
  });
  const { data, fingerprint } = prepared;
  return {
    ...taskOf(prepared, place),
    length: lengthOf(network),
    choosesBySpeed: settings.baseChannels === undefined && networkNamed(network).choose !== undefined,
    chooseRecipe: (circumstances) =>
      chooseRecipe(data, settings, {
        ...circumstances,
        fingerprint,
        split,
        separation: separationOf(data.mapping),
        pages: [],
      }),
  };
}

async function sameTask(raw: StreamedDataset, recipe: Recipe, place: StreamedPlace): Promise<TrainingTask> {
  const { seed, data, labels, input, model } = recipe;
  place.say(READ_FIRST);
  const prepared = await prepareStreamed(raw, {
    seed,
    split: data.split,
    balance: data.balance,
    mapping: labels,
    input: input as Extract<Recipe['input'], { readonly pixelMm?: unknown }>,
    weighsBorders: () => data.separation.w0 > 0,
  });
  return {
    ...taskOf(prepared, place),
    length: lengthOf(model.name as NetworkName),
    chooseRecipe: () => ({ recipe, notes: [] }),
  };
}

function taskOf(prepared: PreparedStream, place: StreamedPlace): Omit<TrainingTask, 'length' | 'chooseRecipe'> {
  const { data, train, validation, fingerprint } = prepared;
  const holds = (c: number): boolean => validation.some(({ counts }) => (counts[c] as number) > 0);
  const pixels = data.validation.reduce((sum, { height, width }) => sum + height * width, 0);
  const basis = { images: validation.length, pixels, ofPixels: pixels };
  const read: ReadBox = async (page, box) => {
    const own = train[data.train.pages.indexOf(page)] as (typeof train)[number];
    const [image, label] = await Promise.all([own.readImage(box), own.readLabel(box)]);
    return { image, label };
  };
  return {
    notes: [...data.notes, ...basisNotes(data, basis, holds)],
    annotatedFraction: data.annotatedFraction,
    readByRegion: true,
    trainingNames: data.train.pages.map(({ name }) => name),
    validationNames: data.validation.map(({ name }) => name),
    fingerprint,
    // Without pages, of which cells and membranes are told by their pieces: V-Rand is of whole images.
    chooseMetric: () => (isUnscorable(data, holds) ? undefined : chooseMetric([], data.mapping)),
    openSetup: (recipe, metric, options) =>
      openSetup(recipe, metric, {
        pages: { raw: { folder: '', pages: [], notes: [] }, data },
        openSampler: (set, sampling) => place.openSampler(set, sampling, placeSamples(set, sampling, read)),
        streamed: {
          on: { pixels },
          openPredictor: (runtime, bytes) => streamedPredictor(runtime, bytes, validation),
        },
        ...options,
      }),
  };
}
