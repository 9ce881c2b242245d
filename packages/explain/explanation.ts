/** A network's processing of one image in numbers: the content of the page of `lamella explain`. Plain data. */

import type { Point, Rectangle } from 'lamella/predict';

/** One number per pixel, [height, width]. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/**
 * What the network predicts: the class of a pixel in its surroundings, of the central pixel of a window, or of a whole
 * image.
 */
export type Question = 'pixel' | 'window' | 'image';

/** A layer with weights, or a pooling, with the nonlinearity and normalisation after it. */
export interface LayerSummary {
  readonly name: string;
  readonly op: string;
  /** Shape of its output, batch first. */
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly macs: number;
  /** Receptive field of one value on the input, height and width in pixels; undefined if it is the whole input. */
  readonly sees?: readonly [number, number];
  /** Mean over the channels if the output is a map; a vector as one row. */
  readonly mean: Plane;
}

/** The weights of one filter or unit of the first layer, for display as an image. */
export interface Filter {
  readonly channel: number;
  /** One plane per channel of the image; those of a dense layer have the view's size. */
  readonly planes: readonly Plane[];
  /** For a convolution: its response to this image. */
  readonly response?: Plane;
  /** For a dense layer: its value for this image. */
  readonly value?: number;
}

export interface Filters {
  readonly layer: string;
  readonly kernels: readonly Filter[];
  /** Number of filters of the layer. */
  readonly total: number;
}

export interface FeatureMap {
  readonly channel: number;
  readonly map: Plane;
}

export interface FeatureMaps {
  readonly layer: string;
  readonly shape: readonly number[];
  /** The strongest by mean magnitude, in the order of channels. */
  readonly maps: readonly FeatureMap[];
}

/** The receptive field of one value. */
export interface ReceptiveFieldView {
  /** `the output`, or a layer. */
  readonly of: string;
  /** From strides and kernels, in pixels of the view; undefined: the whole input. */
  readonly theoretical?: Rectangle;
  /** The square around its centre that contains 95 % of the gradient's magnitude, clipped to the theoretical one. */
  readonly effective?: Rectangle;
  /** Magnitude of the gradient at each pixel of the view, summed over the channels of the image. */
  readonly gradient?: Plane;
}

/** Evidence for a class: where changes of the input affect its score most. */
export interface Attribution {
  /** Largest magnitude of the gradient over the image's channels (Simonyan et al. 2013). */
  readonly saliency: Plane;
  /** ReLU(sum_k a_k A_k), with a_k the mean gradient of map A_k (Selvaraju et al. 2017); undefined without maps. */
  readonly gradCam?: { readonly layer: string; readonly map: Plane };
}

/** A value computed from its inputs in double precision, with the graph's own result. */
export interface Worked {
  readonly total: number;
  readonly graph: number;
  /** Largest difference between the two that float32 rounding explains. */
  readonly tolerance: number;
}

/** One value of a convolution: sum of products over a window, channel by channel. */
export interface ConvolutionStep extends Worked {
  readonly kind: 'convolution';
  readonly layer: string;
  /** Map and position of the value. */
  readonly channel: number;
  readonly at: Point;
  /** Origin of the window in the input maps, and the dilation of its taps. */
  readonly origin: Point;
  readonly dilation: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly kernel: readonly [number, number];
  /**
   * For a transposed convolution: its whole kernel. The window contains the inputs that contribute, the weights are
   * their taps, and `stride` is the spacing of the inputs.
   */
  readonly transposed?: { readonly kernel: readonly [number, number] };
  /** First input map that it reads, not 0 in grouped convolutions. */
  readonly firstChannel: number;
  /**
   * Values of the window and weights, [channels, kernel height, kernel width]; NaN where the window is in the padding.
   */
  readonly values: Float32Array;
  readonly weights: Float32Array;
  readonly bias: number;
}

/** One value of a dense layer. */
export interface DenseStep extends Worked {
  readonly kind: 'dense';
  readonly layer: string;
  readonly channel: number;
  readonly values: Float32Array;
  readonly weights: Float32Array;
  readonly bias: number;
}

/** An elementwise operation. */
export interface ElementStep extends Worked {
  readonly kind: 'element';
  readonly op: string;
  /** The formula with numbers, `max(0, -0.31)`. */
  readonly formula: string;
}

/** One value of a pooling. */
export interface PoolingStep extends Worked {
  readonly kind: 'pooling';
  readonly layer: string;
  readonly how: 'maximum' | 'mean';
  readonly channel: number;
  readonly at: Point;
  readonly origin: Point;
  readonly kernel: readonly [number, number];
  /** Undefined if the window is the whole map. */
  readonly stride?: readonly [number, number];
  /** [kernel height, kernel width]; NaN in the padding. */
  readonly values: Float32Array;
}

/** From scores to probabilities: exp(z_k) / sum_j exp(z_j), or 1 / (1 + exp(-z)). */
export interface ProbabilityStep {
  readonly kind: 'probability';
  readonly how: 'softmax' | 'sigmoid';
  readonly scores: readonly number[];
  /** Of the classes; a sigmoid of one score results in two. */
  readonly totals: readonly number[];
  readonly graph: readonly number[];
  readonly tolerance: number;
}

export type Step = ConvolutionStep | DenseStep | ElementStep | PoolingStep | ProbabilityStep;

/** A part of the network followed value by value. */
export interface Passage {
  /** `The first layer`, `The last layer`. */
  readonly name: string;
  readonly steps: readonly Step[];
}

/** A displayed result, confirmed by independent computation. */
export interface Check {
  readonly what: string;
  readonly shown: number;
  readonly expected: number;
  /** Largest difference that counts as equal, with its reason in `why`. */
  readonly tolerance: number;
  readonly why: string;
  readonly passed: boolean;
}

export interface Explanation {
  readonly question: Question;
  readonly image: { readonly name: string; readonly widthPx: number; readonly heightPx: number };
  /** The explained pixel in the image. */
  readonly at: Point;
  /**
   * The network's input: all planes described as in the view have its size. `box` is the part of the image that it
   * shows, `point` the pixel in it.
   */
  readonly view: {
    readonly widthPx: number;
    readonly heightPx: number;
    readonly box: Rectangle;
    readonly point: Point;
  };
  /** The view as the network's input, one plane per channel. */
  readonly input: readonly Plane[];
  /** Values of the image at the pixel, one per channel, in the file and in the network's input. */
  readonly pixel: { readonly file: readonly number[]; readonly input: readonly number[] };
  readonly classes: readonly string[];
  /** Index of the explained class. */
  readonly target: number;
  /** Per class, at the pixel or of the image. */
  readonly probabilities: readonly number[];
  /**
   * Of the explained class at every pixel of the view for which the network predicts one (otherwise NaN); undefined for
   * a single prediction.
   */
  readonly probabilityMap?: Plane;
  readonly parameters: number;
  /** MACs for this input. */
  readonly macs: number;
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerSummary[];
  readonly filters?: Filters;
  readonly features?: FeatureMaps;
  /** Of the output, and of the layer whose feature maps are shown. */
  readonly fields: readonly ReceptiveFieldView[];
  readonly attribution?: Attribution;
  readonly passages: readonly Passage[];
  readonly checks: readonly Check[];
  /** Caveats, one sentence each. */
  readonly notes: readonly string[];
}
