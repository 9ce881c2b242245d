/** A network made ready to predict: what runs, and all that has to be known around it. */

import type { InputSpec } from '../dataset/normalise.ts';
import type { Program } from '../runtime/runtime.ts';
import type { TilingRule } from './tile-plan.ts';

/** From the numbers that the network gives to probabilities; `sigmoid` of several channels: each by itself. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

export interface SegmentationModel {
  readonly program: Program;
  /** Names of the tensors. Input float32 [N, channels, H, W], output float32 [N, classes, H', W']. */
  readonly inputName: string;
  readonly outputName: string;
  readonly input: InputSpec;
  /** Channels of the output. One channel stands for the second of two classes. */
  readonly outputs: number;
  readonly activation: Activation;
  /** Class 0 first; two where the output has one channel. */
  readonly classes: readonly string[];
  readonly rule: { readonly y: TilingRule; readonly x: TilingRule };
  /** Most images that one run takes. */
  readonly maxBatch: number;
  /** What had to be guessed or is not as one would wish, a sentence each. */
  readonly notes: readonly string[];
}
