import { float32, type NdArray, ndarray } from '../array/ndarray.ts';
import type { Batch } from '../augment/batch.ts';
import type { ClassBatch } from '../augment/class-batch.ts';
import { drawMasks } from '../nn/dropout-masks.ts';
import type { Program } from '../runtime/runtime.ts';
import type { TrainingStep } from './step.ts';

/** Tensors by name. */
export type State = { readonly [name: string]: NdArray };

/** The input of one step. */
export interface StepBatch {
  /** Inputs of the step's graph, by name. */
  readonly feeds: { readonly [name: string]: NdArray };
  /** Names of the images, for messages. */
  readonly samples: readonly string[];
  /** Number of images. */
  readonly size: number;
}

export interface StepResult {
  /** Loss of the batch, with the weights before the step. */
  readonly loss: number;
  /** Whether all weights are finite after the step. */
  readonly weightsFinite: boolean;
  readonly gradientNorm?: number;
}

/** One optimisation step on a device, which keeps its state. */
export interface TrainStep {
  /** @param step counted from 0 */
  run(batch: StepBatch, step: number, learningRate: number): Promise<StepResult>;
  /** @param names of state inputs; default: all */
  readState(names?: readonly string[]): Promise<State>;
  writeState(state: State): Promise<void>;
}

/** Runs a compiled training step; dropout is sampled from the seed and the step. */
export function trainStep(program: Program, { masks }: TrainingStep, seed: number): TrainStep {
  return {
    async run({ feeds }, step, learningRate) {
      const outputs = await program.run({
        ...feeds,
        ...drawMasks(masks, seed, step),
        learningRate: float32([], [learningRate]),
      });
      const loss = (outputs.loss as NdArray).data[0] as number;
      const norm = outputs.gradientNorm?.data[0] as number | undefined;
      const weightsFinite = Number.isFinite((outputs.weightSum as NdArray).data[0]);
      return { loss, weightsFinite, gradientNorm: norm };
    },
    readState: (names) => program.readState(names),
    writeState: (state) => program.writeState(state),
  };
}

/**
 * The step's inputs for a sampled batch.
 * @param input shape of the images, [N, channels, height, width], or volumes, [N, channels, depth, height, width]
 * @param output shape of the labels, [N, height, width], or [N] for image classification
 */
export function feedsOf(
  { images, labels, weights, names, targets }: Omit<Batch, 'step'> | (ClassBatch & { readonly targets?: undefined }),
  input: readonly number[],
  output: readonly number[],
): StepBatch {
  return {
    feeds: {
      image: float32(input, images),
      labels:
        targets === undefined
          ? ndarray('int32', output, Int32Array.from(labels))
          : float32([output[0] as number, targets.length / weights.length, ...output.slice(1)], targets),
      pixelWeights: float32(output, weights),
    },
    samples: names,
    size: names.length,
  };
}
