/** What a network does to one image, in numbers: what the page of `lamella explain` shows. Plain data. */

import type { Box, Point } from 'lamella/predict';

/** One number a pixel, [height, width]. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** What the network was asked: the class of a pixel in its surroundings, of the pixel in the middle of a window, or of a whole image. */
export type Question = 'pixel' | 'window' | 'image';

/** A layer with weights, or a pooling, with the nonlinearity and normalisation behind it. */
export interface LayerSummary {
  readonly name: string;
  readonly op: string;
  /** Of its result, batch first. */
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly macs: number;
  /** What one number of it sees of the input, height and width in pixels; absent where it sees all of it. */
  readonly sees?: readonly [number, number];
  /** Mean over the channels, where its result is a map; a vector as one row. */
  readonly mean: Plane;
}

/** The weights of one filter or unit of the first layer, as a picture of what it looks for. */
export interface Filter {
  readonly channel: number;
  /** A plane a channel of the image; those of a dense layer have the view's size. */
  readonly planes: readonly Plane[];
  /** Of a convolution: what it made of this image. */
  readonly response?: Plane;
  /** Of a dense layer: its number for this image. */
  readonly value?: number;
}

export interface Filters {
  readonly layer: string;
  readonly kernels: readonly Filter[];
  /** How many the layer has. */
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

/** What one number depends on. */
export interface ReceptiveFieldView {
  /** `the output`, or a layer. */
  readonly of: string;
  /** From the strides and kernels on the way, in pixels of the view; absent: all of the input. */
  readonly theoretical?: Box;
  /** The square around its middle that holds 95 % of the gradient's magnitude, cut to the theoretical one. */
  readonly effective?: Box;
  /** Magnitude of the gradient at each pixel of the view, summed over the channels of the image. */
  readonly gradient?: Plane;
}

/** Evidence for a class: where a change of the input changes its score most. */
export interface Attribution {
  /** Largest magnitude of the gradient over the image's channels (Simonyan et al. 2013). */
  readonly saliency: Plane;
  /** ReLU(sum_k a_k A_k), a_k the mean gradient of map A_k (Selvaraju et al. 2017); absent without maps. */
  readonly gradCam?: { readonly layer: string; readonly map: Plane };
}

/** A number worked out from those before it, in double precision, beside the one in the graph. */
export interface Worked {
  readonly total: number;
  readonly graph: number;
  /** Largest difference between the two that rounding to float32 explains. */
  readonly tolerance: number;
}

/** One number of a convolution: sum of products over a window, channel by channel. */
export interface ConvolutionStep extends Worked {
  readonly kind: 'convolution';
  readonly layer: string;
  /** Which of its maps, and where in it. */
  readonly channel: number;
  readonly at: Point;
  /** Where the window begins in the maps before, and how far its taps are apart. */
  readonly origin: Point;
  readonly dilation: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly kernel: readonly [number, number];
  /**
   * Of a transposed convolution: its whole kernel. The window holds what reaches the place, the weights are the taps by which
   * it does, and `stride` is how far apart the numbers before are spread.
   */
  readonly transposed?: { readonly kernel: readonly [number, number] };
  /** First of the maps before that it reads, not 0 in grouped convolutions. */
  readonly firstChannel: number;
  /** Values of the window and weights, [channels, kernel height, kernel width]; NaN where the window lies in the padding. */
  readonly values: Float32Array;
  readonly weights: Float32Array;
  readonly bias: number;
}

/** One number of a dense layer. */
export interface DenseStep extends Worked {
  readonly kind: 'dense';
  readonly layer: string;
  readonly channel: number;
  readonly values: Float32Array;
  readonly weights: Float32Array;
  readonly bias: number;
}

/** An operation on one number at a time. */
export interface ElementStep extends Worked {
  readonly kind: 'element';
  readonly op: string;
  /** As it is computed here, `max(0, -0.31)`. */
  readonly formula: string;
}

/** One number of a pooling. */
export interface PoolingStep extends Worked {
  readonly kind: 'pooling';
  readonly layer: string;
  readonly how: 'maximum' | 'mean';
  readonly channel: number;
  readonly at: Point;
  readonly origin: Point;
  readonly kernel: readonly [number, number];
  /** Absent where the window is the whole map. */
  readonly stride?: readonly [number, number];
  /** [kernel height, kernel width]; NaN in the padding. */
  readonly values: Float32Array;
}

/** From scores to probabilities: exp(z_k) / sum_j exp(z_j), or 1 / (1 + exp(-z)). */
export interface ProbabilityStep {
  readonly kind: 'probability';
  readonly how: 'softmax' | 'sigmoid';
  readonly scores: readonly number[];
  /** Of the classes; a sigmoid of one score gives those of two. */
  readonly totals: readonly number[];
  readonly graph: readonly number[];
  readonly tolerance: number;
}

export type Step = ConvolutionStep | DenseStep | ElementStep | PoolingStep | ProbabilityStep;

/** A part of the network followed number by number. */
export interface Passage {
  /** `The first layer`, `The last layer`. */
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Something shown, found again in another way. */
export interface Check {
  readonly what: string;
  readonly shown: number;
  readonly expected: number;
  /** Largest difference that counts as the same, with its reason in `why`. */
  readonly tolerance: number;
  readonly why: string;
  readonly passed: boolean;
}

export interface Explanation {
  readonly question: Question;
  readonly image: { readonly name: string; readonly widthPx: number; readonly heightPx: number };
  /** The pixel that is explained, in the image. */
  readonly at: Point;
  /**
   * What the network was given of the image: all planes that are called of the view have its size. `box` is the part
   * of the image that it shows, `point` the pixel in it.
   */
  readonly view: { readonly widthPx: number; readonly heightPx: number; readonly box: Box; readonly point: Point };
  /** The view as the network sees it, a plane a channel. */
  readonly input: readonly Plane[];
  /** Values of the image at the pixel, a number a channel, in the file and as the network sees them. */
  readonly pixel: { readonly file: readonly number[]; readonly input: readonly number[] };
  readonly classes: readonly string[];
  /** Index of the class that is explained. */
  readonly target: number;
  /** Of the classes, at the pixel or of the image. */
  readonly probabilities: readonly number[];
  /** Of the explained class at every pixel of the view where the network gives one (else NaN); absent for one answer. */
  readonly probabilityMap?: Plane;
  readonly parameters: number;
  /** Multiplications with addition for this input. */
  readonly macs: number;
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerSummary[];
  readonly filters?: Filters;
  readonly features?: FeatureMaps;
  /** Of the output, and of the layer that the feature maps are of. */
  readonly fields: readonly ReceptiveFieldView[];
  readonly attribution?: Attribution;
  readonly passages: readonly Passage[];
  readonly checks: readonly Check[];
  /** What is not as one would wish, a sentence each. */
  readonly notes: readonly string[];
}
