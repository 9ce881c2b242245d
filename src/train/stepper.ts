import { float32, type NdArray, ndarray } from '../array/ndarray.ts';
import { drawMasks } from '../nn/dropout-masks.ts';
import type { Program } from '../runtime/runtime.ts';
import type { StepBatch, Stepper } from './loop.ts';
import type { TrainingStep } from './step.ts';

/** Drives a compiled training step; dropout is drawn from the seed and the step. */
export function stepper(program: Program, { masks }: TrainingStep, seed: number): Stepper {
  return {
    async run({ feeds }, step, learningRate) {
      const outputs = await program.run({
        ...feeds,
        ...drawMasks(masks, seed, step),
        learningRate: float32([], [learningRate]),
      });
      const loss = (outputs.loss as NdArray).data[0] as number;
      const norm = outputs.gradientNorm?.data[0] as number | undefined;
      return { loss, ...(norm === undefined ? {} : { gradientNorm: norm }) };
    },
    readState: () => program.readState(),
    writeState: (state) => program.writeState(state),
  };
}

/** One drawn sample. */
interface Drawn {
  readonly name: string;
  readonly image: Float32Array;
  readonly label: Uint8Array;
  readonly weight: Float32Array;
}

/**
 * The step's inputs for some samples.
 * @param input [N, channels, height, width]
 * @param output [N, height, width] of the labels
 */
export function batchOf(
  samples: readonly Drawn[],
  input: readonly [number, number, number, number],
  output: readonly [number, number, number],
): StepBatch {
  const image = float32(input);
  const labels = ndarray('int32', output);
  const pixelWeights = float32(output);
  samples.forEach((sample, i) => {
    image.data.set(sample.image, i * sample.image.length);
    labels.data.set(sample.label, i * sample.label.length);
    pixelWeights.data.set(sample.weight, i * sample.weight.length);
  });
  return { feeds: { image, labels, pixelWeights }, samples: samples.map(({ name }) => name), size: samples.length };
}
