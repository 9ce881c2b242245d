/** The definition of a network: everything that differs from one network to the next. */
import type { NdArray, Shape4, Shape5 } from '../array/ndarray.ts';
import type { LossSpec } from '../nn/losses/registry.ts';
import type { Network } from '../nn/network.ts';
import type { OptimizerSpec } from '../nn/optimizers/registry.ts';
import type { ScheduleSpec } from '../nn/schedules.ts';
import type { SizeConstraints } from './sizes.ts';

/** Which network, in JSON, as stored in a run's configuration and in a model file. */
export interface NetworkSpec {
  readonly name: string;
  /** Channels of the image. */
  readonly channels: number;
  /** Channels of the logits: 1 is one foreground class by sigmoid, n > 1 are n exclusive classes by softmax. */
  readonly numClasses: number;
}

/** Image classifiers have a fixed input size. */
export interface ImageNetworkSpec extends NetworkSpec {
  /** [height, width] of the image. */
  readonly input: readonly [number, number];
}

/** How a network is trained by default. */
export interface TrainingDefaults {
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  /** Base rate, before the schedule's factor. */
  readonly learningRate: number;
  readonly schedule: ScheduleSpec;
  readonly batch: number;
  /** Replaces these values for any other loss. */
  readonly otherLoss?: Pick<TrainingDefaults, 'learningRate' | 'batch'>;
  /** Default duration of a run. */
  readonly minutes: number;
  /** Duration in steps, instead of minutes. */
  readonly steps?: number;
  /** Duration in epochs, instead of minutes. */
  readonly passes?: number;
  /** Side of the patches in pixels, where images are that large; 0 for image classifiers. */
  readonly patch: number;
  /** The weight map that separates touching objects if labels are instances; null for none. */
  readonly separation: { readonly w0: number; readonly sigma: number } | null;
  /** Gradients are scaled down to this global norm; null to disable clipping. */
  readonly clipNorm: number | null;
  /** Decay of the moving average of the weights, which is saved and scored; null: the weights themselves. */
  readonly averageDecay: number | null;
}

/** What an automatic choice depends on. */
export interface Circumstances {
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the logits: 1 for one foreground class, otherwise the number of classes. */
  readonly numClasses: number;
  /** Height and width of the smallest training image. */
  readonly image: readonly [number, number];
  /** Side of the patches, if the user set it; otherwise at most 256. */
  readonly patch?: number;
  /** Minutes of training; default 15. */
  readonly minutes?: number;
  /** Floating-point operations per second that training was measured to reach; default 80 GFLOP/s per core. */
  readonly flops?: number | undefined;
  readonly cores: number;
  /** Fraction of the training pixels that are annotated; default 1. */
  readonly annotated?: number;
  /** Values that the user has set, which are not chosen automatically. */
  readonly baseChannels?: number;
  readonly depth?: number;
}

export interface Choice<S extends NetworkSpec> {
  readonly spec: S;
  /** Side of the patches, a size that the network supports. */
  readonly patch: number;
  /** Why, for display. */
  readonly reason: string;
}

/** A file of another program that holds a network. */
export interface NetworkFile {
  /** @param spec that of the file, or with other numbers of channels and classes */
  build(spec: NetworkSpec, shape: Shape4, options?: Omit<BuildOptions, 'file'>): Network;
  /** The file with other weights, ending in probabilities. */
  write(
    spec: NetworkSpec,
    weights: { readonly [parameter: string]: NdArray },
    metadata: { readonly [key: string]: string },
  ): Uint8Array;
}

export interface BuildOptions {
  /** Whether dropout is active, and batch normalisation uses the batch if it is trained. Default false. */
  readonly training?: boolean;
  /** For a network that a file holds: the file. */
  readonly file?: NetworkFile | undefined;
  /** Which parameters are not trained; batch normalisation of theirs keeps its statistics. Default: none. */
  readonly isFrozen?: (parameter: string) => boolean;
}

export interface NetworkDefinition<S extends NetworkSpec> {
  /** The subject of a sentence, for display: `A U-Net`. */
  readonly title: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** @param shape [N, C, H, W]; [N, C, D, H, W] for networks of volumes */
  build(spec: S, shape: Shape4 | Shape5, options?: BuildOptions): Network;
  /** Image sides that the network accepts and returns; undefined for image classifiers. */
  sizes?(spec: S): SizeConstraints;
  /** Numbers of slices that it accepts and returns; undefined for networks of images. */
  depths?(spec: S): SizeConstraints;
  /** Keys of the specification that are set by the training options of the same name. */
  readonly options: readonly string[];
  /** The published or most common form, to be shown without data, with the height and width of its image, or its volume. */
  readonly typical: { readonly spec: S; readonly size: readonly [number, number]; readonly slices?: number };
  readonly training: TrainingDefaults;
  /** Chooses specification and patch from the data and the time; undefined if the defaults always apply. */
  choose?(circumstances: Circumstances): Choice<S>;
  // Image classifiers only
  /** The smallest image side that it can be built for; default 1. */
  readonly minSide?: number;
  /** Whether two classes share a single output. */
  readonly singleOutput?: true;
  /** Augmentation by small rotations, scalings and elastic deformations, which preserve the identity of a digit. */
  readonly bends?: true;
  /**
   * Trained on crops of `side` pixels from images of `stored` pixels, mirrored and with changed colours, and scored by
   * ten views, as in Krizhevsky et al. 2012; if undefined, the whole image is used.
   */
  readonly crops?: { readonly side: number; readonly stored: number };
}
