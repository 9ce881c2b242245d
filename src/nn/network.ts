import type { NdArray, Shape } from '../array/ndarray.ts';
import type { Random } from '../array/random.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';

/** Samples the initial values of a parameter. */
export type Initialiser = (shape: Shape, random: Random) => NdArray<'float32'>;

/** A trainable tensor: an input of the graph until the network is exported, then a constant. */
export interface Parameter {
  readonly value: Value;
  readonly initialise: Initialiser;
  /** Weight decay applies to kernels, not to biases and normalisation. */
  readonly decay: boolean;
}

/** A dropout mask: an input of the training graph, sampled as Bernoulli(keep) / keep, absent in prediction. */
export interface DropoutMask {
  readonly value: Value;
  readonly keep: number;
}

/** A running average of what a layer sees, which steps update without a gradient: an input of the graph in training. */
export interface Statistic {
  readonly value: Value;
  readonly initial: NdArray;
  /** Its value after the step; undefined in prediction. */
  readonly next?: Value;
}

/**
 * A graph builder that also collects parameters and dropout masks. Layers take it first and a value second: `const y =
 * conv2d(net, x, 64, { name: 'conv1' })`. Parameters are named after the scope in which they are created:
 * `encoder1/conv1/weight`.
 */
export class NetworkBuilder extends GraphBuilder {
  readonly parameters: Parameter[] = [];
  readonly masks: DropoutMask[] = [];
  /** Whether dropout is active. */
  readonly training: boolean;
  #path = '';

  constructor(name: string, { training = false }: { training?: boolean } = {}) {
    super(name);
    this.training = training;
  }

  override scoped<T>(scope: string, body: () => T): T {
    const outer = this.#path;
    this.#path = `${outer}${scope}/`;
    try {
      return super.scoped(scope, body);
    } finally {
      this.#path = outer;
    }
  }

  /** A new trainable tensor. `decay`: whether weight decay applies to it. */
  parameter(name: string, shape: Shape, initialise: Initialiser, { decay }: { decay: boolean }): Value {
    const value = this.input(`${this.#path}${name}`, 'float32', shape);
    this.parameters.push({ value, initialise, decay });
    return value;
  }

  /** A new dropout mask of the given shape; `keep` is the probability that an element is kept. */
  mask(shape: Shape, keep: number): Value {
    const value = this.input(`${this.#path}mask`, 'float32', shape);
    this.masks.push({ value, keep });
    return value;
  }

  /** The finished network, from `input` to `logits`. */
  finish(input: Value, logits: Value, statistics: readonly Statistic[] = []): Network {
    return { builder: this, input, logits, parameters: this.parameters, masks: this.masks, statistics };
  }
}

/** A network built for one input shape, without a loss. */
export interface Network {
  readonly builder: NetworkBuilder;
  /** float32 [N, C, H, W] (or [N, ...] for a network of vectors). */
  readonly input: Value;
  /** float32 [N, classes, H', W'] before softmax; one channel means sigmoid. */
  readonly logits: Value;
  readonly parameters: readonly Parameter[];
  readonly masks: readonly DropoutMask[];
  readonly statistics: readonly Statistic[];
}
