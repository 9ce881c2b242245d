import type { TrainingSet } from '../dataset/patch-position.ts';
import { makeSample, type SampleOptions } from './sample.ts';

/** The samples of one step, stacked into a batch. */
export interface Batch {
  readonly step: number;
  /** float32 [batch, channels, height, width]. */
  readonly images: Float32Array;
  /** Class indices [batch, output height, output width], 255 = ignored. */
  readonly labels: Uint8Array;
  /** Loss weights [batch, output height, output width]. */
  readonly weights: Float32Array;
  /** What networks of stars or flows learn instead of the classes, [batch, channels, output height, output width]. */
  readonly targets?: Float32Array;
  /** Slice and position of each sample. */
  readonly names: readonly string[];
}

/** Samples the batch of a step: identical for identical arguments, in any thread and at any time. */
export function makeBatch(set: TrainingSet, step: number, options: SampleOptions): Batch {
  const { batch, patch, outputMargin } = options;
  const inputSize = set.channels * patch[0] * patch[1];
  const outputSize = (patch[0] - 2 * outputMargin) * (patch[1] - 2 * outputMargin);
  const images = new Float32Array(batch * inputSize);
  const labels = new Uint8Array(batch * outputSize);
  const weights = new Float32Array(batch * outputSize);
  const names: string[] = [];
  for (let index = 0; index < batch; index++) {
    const sample = makeSample(set, step, index, options);
    images.set(sample.image, index * inputSize);
    labels.set(sample.label, index * outputSize);
    weights.set(sample.weight, index * outputSize);
    names.push(sample.name);
  }
  return { step, images, labels, weights, names };
}
