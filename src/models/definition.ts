/** What a network's file says of it: everything that differs from one network to the next. */
import type { Shape4 } from '../array/ndarray.ts';
import type { LossSpec } from '../nn/losses/registry.ts';
import type { Network } from '../nn/network.ts';
import type { OptimizerSpec } from '../nn/optimizers/registry.ts';
import type { ScheduleSpec } from '../nn/schedules.ts';
import type { Sizes } from './sizes.ts';

/** Which network, in JSON: what stands in a run's configuration and in a model file. */
export interface NetworkSpec {
  readonly name: string;
  /** Channels of the image. */
  readonly channels: number;
  /** Channels of the logits: 1 is one foreground by sigmoid, n > 1 are n exclusive classes by softmax. */
  readonly numClasses: number;
}

/** Networks that name the class of a whole image take images of one size. */
export interface ImageNetworkSpec extends NetworkSpec {
  /** [height, width] of the image. */
  readonly input: readonly [number, number];
}

/** How a network is trained when nothing else is said. */
export interface TrainingDefaults {
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  /** Base rate, before the schedule's factor. */
  readonly learningRate: number;
  readonly schedule: ScheduleSpec;
  readonly batch: number;
  /** With another loss than its own. */
  readonly otherLoss?: Pick<TrainingDefaults, 'learningRate' | 'batch'>;
  /** How long a run is when nothing is said. */
  readonly minutes: number;
  /** The length in passes over the training images, instead of minutes. */
  readonly passes?: number;
  /** Side of the patches in pixels, where images are that large; 0 for networks of whole images. */
  readonly patch: number;
  /** The weight map that separates touching objects, where labels are instances; null for none. */
  readonly separation: { readonly w0: number; readonly sigma: number } | null;
  /** Gradients are scaled down to this global norm; null for not. */
  readonly clipNorm: number | null;
  /** Decay of the moving average of the weights, with which predictions are made; null for none. */
  readonly averageDecay: number | null;
}

/** What a choice by the data and the time depends on. */
export interface Circumstances {
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the logits: 1 for one foreground, else the number of classes. */
  readonly numClasses: number;
  /** Height and width of the smallest training image. */
  readonly image: readonly [number, number];
  /** Side of the patches, where the user gave it; else at most 256. */
  readonly patch?: number;
  /** Minutes of training; without it 15 are planned. */
  readonly minutes?: number;
  /** Floating-point operations per second that training reaches; default 80 GFLOP/s per core. */
  readonly flops?: number;
  readonly cores: number;
  /** Values that the user has set and that are not to be chosen. */
  readonly baseChannels?: number;
  readonly depth?: number;
}

export interface Choice<S extends NetworkSpec> {
  readonly spec: S;
  /** Side of the patches, a size that the network takes. */
  readonly patch: number;
  /** Why, for people. */
  readonly reason: string;
}

export interface NetworkDefinition<S extends NetworkSpec> {
  /** The subject of a sentence, for people: `A U-Net`. */
  readonly title: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** @param options training: whether dropout is active. */
  build(spec: S, shape: Shape4, options?: { training?: boolean }): Network;
  /** Sides of images that the network takes, and of what it returns; absent where it names the class of a whole image. */
  sizes?(spec: S): Sizes;
  /** Keys of the specification that the training options of the same name set. */
  readonly options: readonly string[];
  /** As it is published or mostly used, to be looked at without data; height and width of the image. */
  readonly typical: { readonly spec: S; readonly size: readonly [number, number] };
  readonly training: TrainingDefaults;
  /** Specification and patch by the data and the time; absent where the defaults serve all. */
  choose?(circumstances: Circumstances): Choice<S>;
  // Of networks of whole images
  /** The smallest side of the images that it can be built for; default 1. */
  readonly minSide?: number;
  /** Whether two classes have one output between them. */
  readonly singleOutput?: true;
  /** Trained on small turns, scalings and bends, which leave a digit the same digit. */
  readonly bends?: true;
  /**
   * Trained on crops of `side` pixels from images of `stored`, mirrored and with changed colours, and scored by ten views,
   * as in Krizhevsky et al. 2012; else the image is seen whole.
   */
  readonly crops?: { readonly side: number; readonly stored: number };
}
