/** A model from a few strokes within a second: the perceptron of a filter bank, trained in memory. */

import { type LabelledImage, type RawDataset, rawDataset } from '../dataset/raw.ts';
import { Interrupted, TrainingError } from '../errors.ts';
import type { FilterBankSpec } from '../models/filter-bank.ts';
import { scheduleOf } from '../nn/schedules.ts';
import { type OpenedModel, openOwnModel } from '../predict/own.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { memoryStore } from './memory-store.ts';
import { RUN_FILES } from './store.ts';
import { type TrainSettings, withWarmUp } from './tasks/segmentation/choose-recipe.ts';
import type { PixelOptions } from './tasks/segmentation/pixel-source.ts';
import { newSegmentationTask } from './tasks/segmentation/task.ts';
import type { State } from './train-step.ts';

/** What may be set of a quick model; the rest is chosen from the data. */
export interface QuickOptions
  extends Pick<
    TrainSettings,
    'seed' | 'steps' | 'classes' | 'ignore' | 'channel' | 'normalisation' | 'task' | 'balance' | 'hidden'
  > {
  /** Looked at before every step. */
  readonly signal?: AbortSignal;
}

/** Opened on the runtime that trained it; `program.dispose()` frees it. */
export interface QuickModel extends OpenedModel {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
}

/**
 * Trains the network `filter-bank` on the annotated pixels of images in memory: fixed filters describe each pixel, and
 * a small perceptron learns its class, with all pixels in every step. Nothing is held out and nothing is kept but the
 * model; `lamella train --network filter-bank` makes a run of the same.
 *
 * @param samples images with their labels, or their slices; labels are class numbers; `ignore` names the value of pixels that are not annotated
 * @throws DatasetError when no two classes are annotated, or an image and its labels differ in size; UsageError for
 *   options that do not fit; DeviceError; TrainingError when it diverged; Interrupted when `signal` is aborted
 *
 * @example
 *   const model = await trainQuick(runtime, [{ image, label }], { ignore: [0] });
 *   const probabilities = await predictImage(model, image);
 */
export async function trainQuick(
  runtime: Runtime,
  samples: readonly LabelledImage[] | RawDataset,
  options: QuickOptions = {},
): Promise<QuickModel> {
  const { bytes } = await learnQuick(runtime, samples, options);
  return openOwnModel(runtime, bytes);
}

/** What `trainQuick` learns, before it is opened. */
export interface LearnedQuick extends Pick<QuickModel, 'bytes'> {
  readonly spec: FilterBankSpec;
  /** By parameter. */
  readonly weights: State;
}

/**
 * @param options with what the filters give on the samples, if they have seen them
 * @throws as `trainQuick`
 */
export async function learnQuick(
  runtime: Runtime,
  samples: readonly LabelledImage[] | RawDataset,
  { signal, filtered, ...given }: QuickOptions & Pick<PixelOptions, 'filtered'>,
): Promise<LearnedQuick> {
  const settings: TrainSettings = { ...given, network: 'filter-bank', split: { fraction: 0 } };
  const openSampler = () => {
    throw new TrainingError('The filter bank is trained on pixels, not on patches.', { step: 0 });
  };
  const raw = 'pages' in samples ? samples : rawDataset(samples);
  const task = newSegmentationTask(raw, settings, { openSampler });
  const steps = given.steps ?? ('steps' in task.length ? task.length.steps : 0);
  const recipe = withWarmUp(task.chooseRecipe({ cores: 1, minutes: undefined }).recipe, steps);
  const provenance = { images: new Set(raw.pages.map(({ file }) => file)).size, seed: recipe.seed };
  const setup = await task.openSetup(recipe, undefined, { runtime, provenance, filtered });
  try {
    const { trainStep, step } = setup;
    await trainStep.writeState(step.initialState(recipe.seed));
    const factor = scheduleOf(recipe.schedule);
    const batches = setup.batches(0);
    for (let at = 0; at < steps; at++) {
      if (signal?.aborted === true) throw new Interrupted('Training was stopped.');
      const { value: batch } = await batches.next();
      const { loss, weightsFinite } = await trainStep.run(batch, at, recipe.learningRate * factor(at, steps));
      if (!Number.isFinite(loss) || !weightsFinite) {
        throw new TrainingError(`the loss or the weights are not finite at step ${at}.`, {
          step: at,
          remedy: 'Check the values of these images.',
        });
      }
    }
    const store = memoryStore('the quick model');
    const state = await trainStep.readState();
    await setup.saveModel(store)(RUN_FILES.last, state, steps);
    const bytes = (await store.read(RUN_FILES.last)) as Uint8Array;
    return { bytes, spec: recipe.model as FilterBankSpec, weights: setup.weightsOf(state) };
  } finally {
    await setup.close();
  }
}
