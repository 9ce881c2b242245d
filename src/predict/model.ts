/** A network that is ready to predict: the program, and all information needed around it. */

import type { Shape, Shape4 } from '../array/ndarray.ts';
import type { InputSpec } from '../input/normalise.ts';
import type { WindowSpec } from '../input/window.ts';
import type { Program } from '../runtime/runtime.ts';
import type { PatchEvaluation } from './patch-model.ts';
import type { StripRule } from './strip-plan.ts';
import type { StripPrograms } from './strip-programs.ts';
import type { TilingRule } from './tile-plan.ts';

/** How outputs become probabilities; `sigmoid` with several channels: each independently. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

/** A network that gives only what lies at least `margin` pixels from the edges of a tile. */
export interface MiddleProgram extends Pick<Program, 'run'> {
  readonly margin: number;
}

/** What a network takes beyond its weights, about, in bytes. */
export interface ModelMemory {
  /** For each pixel of a tile. */
  readonly perPixel: number;
  /** When it is compiled for a shape. */
  readonly compiled: number;
}

/** What evaluates a network strip by strip. */
export interface StripForm {
  readonly rule: StripRule;
  /** @param shape of the frame; @param rows of a strip */
  open(shape: readonly [height: number, width: number], rows: number): Promise<StripPrograms>;
}

/** How tiles are cut along each axis; `z` only for networks that take volumes. */
export interface TileRules {
  readonly z?: TilingRule;
  readonly y: TilingRule;
  readonly x: TilingRule;
}

export interface SegmentationModel {
  readonly program: Program;
  /** The same for the middle of tiles [N, channels, H, W], for less work, if supported. */
  readonly middle?: (shape: Shape4) => Promise<MiddleProgram>;
  /** Announces the number of runs to come for an input shape, if supported: the program may optimise for it. */
  readonly prepare?: (shape: Shape, runs: number) => Promise<void>;
  /** The same strip by strip, if supported. */
  readonly strips?: StripForm;
  /** Names of the tensors. Input float32 [N, channels, H, W], output float32 [N, classes, H', W']. */
  readonly inputName: string;
  readonly outputName: string;
  readonly input: InputSpec;
  /** Channels of the output. A single channel is the second of two classes. */
  readonly outputs: number;
  readonly activation: Activation;
  /** Class 0 first; two if the output has one channel. */
  readonly classes: readonly string[];
  /** With z for a network of volumes, whose tensors are [N, channels, D, H, W]. */
  readonly rule: TileRules;
  /** Maximum number of images per run. */
  readonly maxBatch: number;
  /** For a network that classifies the central pixel of a window: the window, and how it is evaluated at all pixels. */
  readonly patches?: { readonly window: WindowSpec; readonly evaluation: PatchEvaluation };
  /** Undefined if unknown. */
  readonly memory?: ModelMemory;
  /** Guesses and caveats, one sentence each. */
  readonly notes: readonly string[];
}
