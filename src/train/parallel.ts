/**
 * Data-parallel training: each device has the network and computes the gradient of its part of the batch; their
 * weighted mean is the gradient of the batch, and there is a single update.
 *
 *     L = sum_x w(x) l(x) / sum_x w(x)   =>   dL = sum_k (W_k / W) dL_k,   W_k the sum of weights of part k
 */

import { float32, type NdArray, ndarray } from '../array/ndarray.ts';
import { option, UsageError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import { drawMasks } from '../nn/dropout-masks.ts';
import type { Loss } from '../nn/losses/loss.ts';
import { LOSSES, type LossName } from '../nn/losses/registry.ts';
import type { Network } from '../nn/network.ts';
import type { Optimizer } from '../nn/optimizers/optimizer.ts';
import type { ProfileRequest, Program, Runtime } from '../runtime/runtime.ts';
import type { Recipe } from './config.ts';
import { gradientGraph, gradientName, type StepOptions, type TrainingStep, updateGraph } from './step.ts';
import type { State, StepBatch, TrainStep } from './train-step.ts';

/** A device with the compiled gradient for part of a batch. */
export interface GradientWorker {
  /** `cpu:1`. */
  readonly device: string;
  /** @throws DeviceError if it is gone. */
  run(feeds: { readonly [input: string]: NdArray }): Promise<{ readonly [output: string]: NdArray }>;
  close(): Promise<void>;
}

/** What a shared step is made of, beside its recipe. */
export interface SharedParts {
  readonly options: StepOptions;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly step: TrainingStep;
  /** Of the update. */
  readonly profile?: ProfileRequest | undefined;
  readonly hasStatistics: boolean;
}

/** A step whose gradient is distributed. */
export interface SharedStep {
  readonly trainStep: TrainStep;
  readonly fingerprint: string | undefined;
  close(): Promise<void>;
}

/** Devices, or other processes, that share each batch; implemented in `platform/`. */
export interface GradientDevices {
  readonly names: readonly string[];
  /**
   * Opens the step of a recipe with its gradient distributed over them; the update is on `runtime`.
   * @throws UsageError if the batch, the loss or batch normalisation cannot be distributed; DeviceError if a graph does
   * not compile.
   */
  openStep(
    recipe: Recipe,
    build: (batch: number) => Network,
    runtime: Runtime,
    parts: SharedParts,
  ): Promise<SharedStep>;
}

/** `openStep` of devices that each have a worker. */
export async function openParallelStep(
  names: readonly string[],
  open: (graph: Graph, options: { readonly exact: boolean }) => Promise<readonly GradientWorker[]>,
  recipe: Recipe,
  build: (batch: number) => Network,
  runtime: Runtime,
  { options, loss, optimizer, step, profile, hasStatistics }: SharedParts,
): Promise<SharedStep> {
  const { exact, seed } = recipe;
  const share = shareOf(recipe, names, hasStatistics);
  const { graph, state } = updateGraph(step.parameters, optimizer, options);
  const program = await runtime.compile(graph, { state, exact, profile });
  const workers = await open(gradientGraph(build(share), loss, options), { exact });
  return {
    trainStep: parallelTrainStep(program, workers, step, seed),
    // What the workers lower, in their own threads, is not visible here.
    fingerprint: program.fingerprint,
    async close() {
      for (const worker of workers) await worker.close();
      await program.dispose();
    },
  };
}

/**
 * Images per device.
 * @throws UsageError if the batch, the loss or batch normalisation cannot be distributed
 */
export function shareOf({ batch, loss, maps }: Recipe, devices: readonly string[], hasStatistics: boolean): number {
  if (hasStatistics) {
    throw new UsageError(
      'Batch normalisation cannot be trained on several devices, as each sees a part of the batch.',
      { remedy: `Use ${option('batchNorm', 'fixed')}, or one device.` },
    );
  }
  if (maps?.by === 'stars') {
    throw new UsageError(
      `The distances of stars weigh by how many pixels of objects a batch has, so ${devices.length} devices cannot share it.`,
      { remedy: `Use one device, or ${option('separate', 'flows')}.` },
    );
  }
  if (maps === undefined && !LOSSES[loss.name as LossName].mean) {
    const means = (Object.keys(LOSSES) as LossName[]).filter((name) => LOSSES[name].mean);
    throw new UsageError(
      `The loss '${loss.name}' is not a mean over images, so ${devices.length} devices cannot share it.`,
      {
        remedy: `Use ${option('loss', means.join(', '))}, or one device.`,
      },
    );
  }
  if (batch % devices.length !== 0) {
    throw new UsageError(`A batch of ${batch} cannot be divided evenly among ${devices.length} devices.`, {
      remedy: `Use ${option('batch', Math.ceil(batch / devices.length) * devices.length)}.`,
    });
  }
  return batch / devices.length;
}

/** The rows of part `k` of `shares` of an array whose first axis is the batch axis. */
export function rowsOf({ dtype, shape, data }: NdArray, k: number, shares: number): NdArray {
  const rows = (shape[0] as number) / shares;
  const size = data.length / shares;
  return ndarray(dtype, [rows, ...shape.slice(1)], data.slice(k * size, (k + 1) * size));
}

/**
 * Steps with a distributed gradient. Dropout is sampled for the whole batch, so the result is that of one device except
 * for the order of summation.
 * @param update of all parameters, with the state
 */
function parallelTrainStep(
  update: Program,
  workers: readonly GradientWorker[],
  { masks, parameters, trained }: TrainingStep,
  seed: number,
): TrainStep {
  const names = parameters.map(({ value }) => value.name);
  const weightsOf = async (): Promise<State> => {
    const state = await update.readState();
    return Object.fromEntries(names.map((name) => [name, state[name] as NdArray]));
  };
  return {
    async run({ feeds }: StepBatch, step, learningRate) {
      const weights = await weightsOf();
      const all = { ...feeds, ...drawMasks(masks, seed, step) };
      const results = await Promise.all(
        workers.map((worker, k) => {
          const own = Object.entries(all).map(([name, array]) => [name, rowsOf(array, k, workers.length)]);
          return worker.run({ ...weights, ...Object.fromEntries(own) });
        }),
      );
      const shares = weightsOfParts(feeds, workers.length);
      const gradients = Object.fromEntries(
        trained.map(({ value: { name } }) => [gradientName(name), weighted(results, gradientName(name), shares)]),
      );
      const outputs = await update.run({ ...gradients, learningRate: float32([], [learningRate]) });
      const norm = outputs.gradientNorm?.data[0] as number | undefined;
      return {
        loss: weighted(results, 'loss', shares).data[0] as number,
        weightsFinite: Number.isFinite((outputs.weightSum as NdArray).data[0]),
        gradientNorm: norm,
      };
    },
    readState: (names) => update.readState(names),
    writeState: (state) => update.writeState(state),
  };
}

/** W_k / W of the parts of a batch; all 0 if nothing in it counts. */
export function weightsOfParts({ pixelWeights }: StepBatch['feeds'], parts: number): readonly number[] {
  const counts = Array.from({ length: parts }, (_, k) => {
    const own = rowsOf(pixelWeights as NdArray, k, parts).data as Float32Array;
    return own.reduce((sum, weight) => sum + weight, 0);
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total > 0 ? count / total : 0));
}

/** Adds up the parts' arrays, each times its share, in order. */
export function weightedSum(parts: readonly Float32Array[], shares: readonly number[], sum: Float32Array): void {
  parts.forEach((data, k) => {
    const share = shares[k] as number;
    for (let i = 0; i < data.length; i++) sum[i] = (sum[i] as number) + share * (data[i] as number);
  });
}

function weighted(
  results: readonly { readonly [output: string]: NdArray }[],
  name: string,
  shares: readonly number[],
): NdArray<'float32'> {
  const [first] = results as readonly [{ readonly [output: string]: NdArray }];
  const mean = float32((first[name] as NdArray).shape);
  const parts = results.map((result) => (result[name] as NdArray<'float32'>).data);
  weightedSum(parts, shares, mean.data);
  return mean;
}
