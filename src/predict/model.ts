/** A network made ready to predict: what runs, and all that has to be known around it. */

import type { Shape } from '../array/ndarray.ts';
import type { InputSpec } from '../input/normalise.ts';
import type { WindowSpec } from '../input/window.ts';
import type { Program } from '../runtime/runtime.ts';
import type { Evaluation } from './patch-model.ts';
import type { TilingRule } from './tile-plan.ts';

/** From the numbers that the network gives to probabilities; `sigmoid` of several channels: each by itself. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

export interface SegmentationModel {
  readonly program: Program;
  /** Told, where there is such a way, that so many runs of an input shape are to come: the program may get faster. */
  readonly prepare?: (shape: Shape, runs: number) => Promise<void>;
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
  /** Of a network that classifies the pixel in the middle of a window: the window, and how all pixels are computed. */
  readonly patches?: { readonly window: WindowSpec; readonly evaluation: Evaluation };
  /** What had to be guessed or is not as one would wish, a sentence each. */
  readonly notes: readonly string[];
}
