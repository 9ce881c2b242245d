/** Opens the step of a recipe: on one device, or with its gradient distributed over several. */

import { UsageError } from '../errors.ts';
import type { NetworkFile } from '../models/definition.ts';
import type { Loss } from '../nn/losses/loss.ts';
import { type LossSpec, lossOf } from '../nn/losses/registry.ts';
import type { Network } from '../nn/network.ts';
import { optimizerOf } from '../nn/optimizers/registry.ts';
import type { ProfileRequest, Runtime } from '../runtime/runtime.ts';
import type { Recipe } from './config.ts';
import type { MapPlace } from './map-networks.ts';
import type { GradientDevices } from './parallel.ts';
import { ratesOf } from './start-recipe.ts';
import { type StepOptions, type TrainingStep, trainingStep } from './step.ts';
import { explainMemory } from './too-large.ts';
import type { TrainStep } from './train-step.ts';
import { trainStep as trainStepOf } from './train-step.ts';

/** Where a step runs. */
export interface StepPlace extends MapPlace {
  readonly runtime: Runtime;
  readonly profile?: ProfileRequest;
  /** Devices that share each batch; undefined to use only the runtime. */
  readonly devices?: GradientDevices;
  /** For a network that a file holds: the file. */
  readonly file?: NetworkFile | undefined;
}

function lossIn(recipe: Recipe, training: MapPlace['maps']): Loss {
  if (!recipe.maps && !recipe.labels.regions) return lossOf(recipe.loss as LossSpec);
  if (training !== undefined) return training.loss(recipe);
  throw new UsageError('Regions are trained by lamella train only.');
}

export interface OpenedStep {
  readonly step: TrainingStep;
  readonly trainStep: TrainStep;
  /** Of the step as executed: a different one changes the last bits. */
  readonly fingerprint: string | undefined;
  close(): Promise<void>;
}

/**
 * @param build the network for a given number of images
 * @throws UsageError if the batch or the loss cannot be distributed; DeviceError if a graph does not compile.
 */
export async function openTrainStep(
  recipe: Recipe,
  build: (batch: number) => Network,
  { runtime, profile, devices, file, maps }: StepPlace,
  extra: Pick<StepOptions, 'measureNorm'> = {},
): Promise<OpenedStep> {
  const { batch, seed, exact } = recipe;
  const options: StepOptions = {
    ...extra,
    clipNorm: recipe.clipNorm ?? undefined,
    averageDecay: recipe.averageDecay ?? undefined,
    rateOf: recipe.start && ratesOf(recipe.start, recipe.learningRate),
  };
  const optimizer = optimizerOf(recipe.optimizer);
  const network = build(batch);
  const loss = lossIn(recipe, maps);
  const step = trainingStep(network, loss, optimizer, options);
  if (devices !== undefined) {
    const parts = { options, loss, optimizer, step, profile, hasStatistics: network.statistics.length > 0 };
    return { step, ...(await devices.openStep(recipe, build, runtime, parts)) };
  }
  const explained = (cause: unknown): never => {
    throw explainMemory(cause, recipe, file);
  };
  const program = await runtime.compile(step.graph, { state: step.state, exact, profile }).catch(explained);
  const { fingerprint } = program;
  const trainStep = trainStepOf(program, step, seed);
  return {
    step,
    // ONNX Runtime takes most of its memory in the first run.
    trainStep: { ...trainStep, run: (...args) => trainStep.run(...args).catch(explained) },
    fingerprint,
    close: () => program.dispose(),
  };
}
