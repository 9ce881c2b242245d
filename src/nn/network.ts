import type { NdArray, Shape } from '../array/ndarray.ts';
import type { Random } from '../array/random.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';

/** Draws the first values of a parameter. */
export type Initialiser = (shape: Shape, random: Random) => NdArray<'float32'>;

/** A trainable tensor: an input of the graph until the network is exported, then a constant. */
export interface Parameter {
  readonly value: Value;
  readonly initialise: Initialiser;
  /** Weight decay applies to kernels, not to biases and normalisation. */
  readonly decay: boolean;
}

/** A dropout mask: an input of the training graph, drawn as Bernoulli(keep) / keep, absent in prediction. */
export interface DropoutMask {
  readonly value: Value;
  readonly keep: number;
}

/**
 * A graph builder that also collects parameters and dropout masks. Layers take it first and a value
 * second: `const y = conv2d(net, x, 64, { kernel: 3 })`.
 */
export class NetworkBuilder extends GraphBuilder {
  readonly parameters: Parameter[] = [];
  readonly masks: DropoutMask[] = [];
  /** Whether dropout is active. */
  readonly training: boolean;

  constructor(name: string, { training = false }: { training?: boolean } = {}) {
    super(name);
    this.training = training;
  }
}

/** A network built for one input shape, before a loss is put on it. */
export interface Network {
  readonly builder: NetworkBuilder;
  /** float32 [N, C, H, W] (or [N, ...] for a network of vectors). */
  readonly input: Value;
  /** float32 [N, classes, H', W'] before softmax; one channel means sigmoid. */
  readonly logits: Value;
  readonly parameters: readonly Parameter[];
  readonly masks: readonly DropoutMask[];
}
