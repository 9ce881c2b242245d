/** Training of networks of volumes. */

import { type NdArray, ndarray } from '../../../array/ndarray.ts';
import type { SampleOptions } from '../../../augment/sample.ts';
import type { TrainingSet } from '../../../dataset/patch-position.ts';
import { buildNetwork } from '../../../models/registry.ts';
import { openOwnModel } from '../../../predict/own.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { inputShape, type Recipe } from '../../config.ts';
import { exclude } from '../../excluded-batches.ts';
import { ratesOf } from '../../start-recipe.ts';
import type { StepBatch } from '../../train-step.ts';
import type { PagePredictor } from '../../validation-predictor.ts';
import type { VolumeTraining } from '../../volumes.ts';
import { type PatchSource, type PatchSourceOptions, sampledBatches } from '../segmentation/batch-source.ts';
import type { LabelledPages } from '../segmentation/setup.ts';
import { chooseVolumeRecipe, requireFits, requireVolumeSettings } from './choose-recipe.ts';
import { pagesOfVolumes } from './predict-pages.ts';
import { prepareVolumes, spacingOf } from './prepare.ts';

export const VOLUMES: VolumeTraining = {
  requireSettings: requireVolumeSettings,
  prepare: prepareVolumes,
  chooseRecipe: (data, settings, circumstances) =>
    chooseVolumeRecipe(data, { ...settings, ...spacingOf(circumstances.pages) }, circumstances),
  openSource: openVolumeSource,
  openPredictor,
};

/** Augmented patches of volumes, as `openPatchSource`. */
function openVolumeSource(recipe: Recipe, set: TrainingSet | undefined, place: PatchSourceOptions): PatchSource {
  const { model, patch, slices = 1, batch, seed } = recipe;
  const rateOf = recipe.start && ratesOf(recipe.start, recipe.learningRate);
  const isFrozen = (parameter: string): boolean => rateOf?.(parameter) === 0;
  const input = inputShape(recipe, batch);
  const output = [batch, ...input.slice(2)];
  const options: SampleOptions = {
    seed,
    patch,
    slices,
    batch,
    outputMargin: 0,
    focusFraction: recipe.data.focusFraction,
    augment: recipe.augment,
  };
  const requireFitting = (given: TrainingSet): void => requireFits(given, [slices, ...patch]);
  return {
    ...sampledBatches(set, options, place, { input, output, requireFits: requireFitting }),
    build: (images) => buildNetwork(model, inputShape(recipe, images), { training: true, isFrozen }),
    exported: (weights) => weights,
    exclude: (store) => (drawn, facts) =>
      exclude(store, middleSlices(drawn), facts, { patch, channels: model.channels, outputMargin: 0 }),
  };
}

/** The slice in the middle of each patch, as a batch of images, to be looked at. */
function middleSlices({ feeds, ...batch }: StepBatch): StepBatch {
  const middle = ({ dtype, shape, data }: NdArray): NdArray => {
    const [height, width] = shape.slice(-2) as [number, number];
    const depth = shape.at(-3) as number;
    const pixels = height * width;
    const planes = data.length / (depth * pixels);
    const out = ndarray(
      dtype,
      shape.filter((_, axis) => axis !== shape.length - 3),
      data.slice(0, planes * pixels),
    );
    for (let plane = 0; plane < planes; plane++) {
      const from = (plane * depth + (depth >> 1)) * pixels;
      (out.data as Uint8Array).set(data.subarray(from, from + pixels) as Uint8Array, plane * pixels);
    }
    return out;
  };
  return { ...batch, feeds: Object.fromEntries(Object.entries(feeds).map(([name, array]) => [name, middle(array)])) };
}

async function openPredictor(
  runtime: Runtime,
  bytes: Uint8Array,
  { raw, data }: LabelledPages,
): Promise<PagePredictor> {
  const model = await openOwnModel(runtime, bytes);
  const held = data.split.validation.map((i) => raw.pages[i] as (typeof raw.pages)[number]);
  const predict = pagesOfVolumes(model, raw.pages, held);
  return {
    async predict({ name, height, width, label }, source) {
      return {
        page: { name, height, width, label },
        probabilities: await predict(source),
        objects: source.label.values,
      };
    },
    dispose: () => model.program.dispose(),
  };
}
