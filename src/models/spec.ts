/** Which network, in JSON: what stands in a run's configuration and in a model file. */

interface Common {
  /** Channels of the image. */
  readonly channels: number;
  /** Channels of the logits: 1 is one foreground by sigmoid, n > 1 are n exclusive classes by softmax. */
  readonly numClasses: number;
}

/** The network of Ronneberger et al. 2015 to the letter, with its defaults 64 and 0.5. */
export interface Unet2015Spec extends Common {
  readonly name: 'unet2015';
  /** Channels of the first level, doubled at each level below; default 64. */
  readonly baseChannels?: number;
  /** Dropout rate at the end of the contracting path; default 0.5. */
  readonly dropout?: number;
}

/** U-Net with padded convolutions: the output has the size of the input. */
export interface UnetSpec extends Common {
  readonly name: 'unet';
  /** Channels of the first level, doubled at each level below; default 32. */
  readonly baseChannels?: number;
  /** How often the image is halved; default 4. */
  readonly depth?: number;
  /**
   * `none` (default); `weight`: weights are standardised, which costs next to nothing; `instance`: every
   * image and channel to mean 0, variance 1, which makes tiles inexact.
   */
  readonly norm?: 'none' | 'weight' | 'instance';
  /** Adds each level's input (by a 1x1 convolution where channels differ) to its output; default false. */
  readonly residual?: boolean;
  /** How the decoder doubles the size after a 1x1 convolution; default `nearest`. Neither leaves a checkerboard. */
  readonly upsampling?: 'nearest' | 'linear';
  /** Channels of a level never exceed this; default 512. */
  readonly maxChannels?: number;
  /** Dropout rate in the lowest level; default 0. */
  readonly dropout?: number;
}

/** Networks that name the class of a whole image take images of one size. */
interface Classifier extends Common {
  /** [height, width] of the image. */
  readonly input: readonly [number, number];
}

/** One layer and a sign: Rosenblatt 1958. Several classes have one output each. */
export interface PerceptronSpec extends Classifier {
  readonly name: 'perceptron';
}

/** Dense layers with a nonlinearity between. */
export interface MlpSpec extends Classifier {
  readonly name: 'mlp';
  /** Units of each hidden layer; default [512, 512]. */
  readonly hidden?: readonly number[];
  /** Default `relu`. */
  readonly activation?: HiddenActivation;
  /** Dropout rate after each hidden layer; default 0. */
  readonly dropout?: number;
}

/** The network of Krizhevsky et al. 2012, to the letter with its defaults and an input of 224 or 227. */
export interface AlexNetSpec extends Classifier {
  readonly name: 'alexnet';
  /** Channels and hidden units are multiplied by this; default 1. */
  readonly scale?: number;
  /** Dropout rate of the first two dense layers; default 0.5. */
  readonly dropout?: number;
}

/** Between dense layers. */
export type HiddenActivation = 'relu' | 'tanh' | 'sigmoid';

export type ClassifierSpec = PerceptronSpec | MlpSpec | AlexNetSpec;
/** The networks that classify the pixel in the middle of a window. */
export type WindowName = 'n1' | 'n2' | 'n3' | 'n4';

/** The pixel classifiers of Ciresan et al. 2012: `n4` to the letter, the others with fewer stages. */
export interface SlidingWindowSpec<N extends WindowName = WindowName> extends Common {
  readonly name: N;
  /** Maps of every convolution; default 48. */
  readonly baseChannels?: number;
}

type WindowSpecs = { [N in WindowName]: SlidingWindowSpec<N> }[WindowName];

export type ModelSpec = Unet2015Spec | UnetSpec | ClassifierSpec | WindowSpecs;
export type ModelName = ModelSpec['name'];
