/** Features of annotated pixels for the perceptron of a filter bank: computed once, and all of them in every step. */

import { addTo } from '../../../array/lists.ts';
import { float32, int64, type NdArray, ndarray } from '../../../array/ndarray.ts';
import { stream } from '../../../array/random.ts';
import { IGNORE } from '../../../dataset/labels/labels.ts';
import type { TrainingPage, TrainingSet } from '../../../dataset/patch-position.ts';
import { writeOnnx } from '../../../graph/onnx/write.ts';
import {
  FILTER_REACH_PX,
  type FilterBankSpec,
  featureCount,
  featureGraph,
  pixelPerceptron,
} from '../../../models/filter-bank.ts';
import { fillWindow } from '../../../predict/window.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { State } from '../../train-step.ts';
import type { BatchSource } from './batch-source.ts';

/** So many pixels of a class are enough; of more, every n-th. */
const MOST_PER_CLASS = 10_000;
/** Sides of windows in which features may be computed, without what the filters see around them. */
const WINDOWS = [64, 128, 256, 512] as const;

/** Annotated pixels of all pages, chosen and described. */
export interface PixelSet {
  /** float32 [pixels, features], each feature with mean 0 and variance 1 over the pixels. */
  readonly features: NdArray<'float32'>;
  /** Class of each. */
  readonly labels: Int32Array;
  /** How much each counts: its class's weight, and for how many pixels it stands. */
  readonly weights: Float32Array;
  readonly scaling: FeatureScaling;
}

/** What the filters give on a part of a page, from its pixel (y, x) on: float32 [1, features, height, width]. */
export interface FilteredPart {
  readonly y: number;
  readonly x: number;
  readonly features: NdArray<'float32'>;
}

export interface PixelOptions {
  readonly seed: number;
  /** If the filters have seen all pages: by name of the page a part that all its annotated pixels lie in. */
  readonly filtered?: ReadonlyMap<string, FilteredPart> | undefined;
}

/** Mean and standard deviation of each feature before it was scaled. */
export interface FeatureScaling {
  readonly mean: Float64Array;
  readonly std: Float64Array;
}

/** A feature that is all but constant on the annotated pixels must not outweigh the others elsewhere. */
const LEAST_STD = 0.01;

/**
 * Pixels of every page in order, at most `most` of each class over all pages: every n-th of the class, its place within
 * each stretch of n drawn from the seed.
 */
export function choosePixels(
  pages: readonly Pick<TrainingPage, 'label'>[],
  classCount: number,
  { seed, most = MOST_PER_CLASS }: { readonly seed: number; readonly most?: number },
): { readonly pixels: readonly Int32Array[]; readonly shares: readonly number[] } {
  const counts = new Array<number>(classCount).fill(0);
  for (const { label } of pages) {
    for (let p = 0; p < label.length; p++) {
      const c = label[p] as number;
      if (c !== IGNORE) counts[c] = (counts[c] as number) + 1;
    }
  }
  const random = stream(seed, 'pixels');
  const kept = counts.map((count) => Math.min(count, most));
  const seen = new Array<number>(classCount).fill(0);
  const taken = new Array<number>(classCount).fill(0);
  /** Number, within its class, of the pixel that is taken next: one of each of as many stretches without overlap. */
  const next = (c: number): number => {
    const stretch = (counts[c] as number) / (kept[c] as number);
    const from = Math.floor((taken[c] as number) * stretch);
    return from + random.integer(Math.floor(((taken[c] as number) + 1) * stretch) - from);
  };
  const wanted = counts.map((count, c) => (count === 0 ? -1 : next(c)));
  const pixels = pages.map(({ label }) => {
    const chosen: number[] = [];
    for (let p = 0; p < label.length; p++) {
      const c = label[p] as number;
      if (c === IGNORE) continue;
      if (seen[c] === wanted[c]) {
        chosen.push(p);
        taken[c] = (taken[c] as number) + 1;
        wanted[c] = (taken[c] as number) < (kept[c] as number) ? next(c) : -1;
      }
      seen[c] = (seen[c] as number) + 1;
    }
    return Int32Array.from(chosen);
  });
  return { pixels, shares: counts.map((count, c) => (count === 0 ? 0 : count / (kept[c] as number))) };
}

/** The window of a page's grid that a pixel lies in. */
const windowOf = (pixel: number, width: number, inner: number): number =>
  Math.floor(Math.floor(pixel / width) / inner) * Math.ceil(width / inner) + Math.floor((pixel % width) / inner);

/** The side of windows with which the fewest pixels are computed: small ones for a few strokes, large ones for full pages. */
function sideOfWindows(
  pages: readonly Pick<TrainingPage, 'height' | 'width'>[],
  pixels: readonly Int32Array[],
): number {
  const longest = Math.max(...pages.map(({ height, width }) => Math.max(height, width)));
  const costs = WINDOWS.map((side): readonly [side: number, computed: number] => {
    const inner = Math.min(side, longest);
    const windows = pages.reduce(
      (sum, { width }, i) => sum + new Set(pixels[i]?.map((pixel) => windowOf(pixel, width, inner))).size,
      0,
    );
    return [inner, windows * (inner + 2 * FILTER_REACH_PX) ** 2];
  });
  return costs.reduce((best, next) => (next[1] < best[1] ? next : best))[0];
}

/** Copies the features of one pixel, which maps [1, features, ..] have at `at`, to a row of [pixels, features]. */
function takeFeatures(to: NdArray<'float32'>, row: number, { data }: NdArray<'float32'>, at: number): void {
  const count = to.shape[1] as number;
  const plane = data.length / count;
  for (let f = 0; f < count; f++) to.data[row * count + f] = data[f * plane + at] as number;
}

/** Describes pixels window by window, only where there are any. @param to [pixels of all pages, features] */
async function filterWindows(
  runtime: Runtime,
  spec: FilterBankSpec,
  pages: readonly TrainingPage[],
  pixels: readonly Int32Array[],
  to: NdArray<'float32'>,
): Promise<void> {
  const inner = sideOfWindows(pages, pixels);
  const side = inner + 2 * FILTER_REACH_PX;
  const program = await runtime.load(writeOnnx(featureGraph(spec, [side, side])));
  const window = float32([1, spec.channels, side, side]);
  try {
    let first = 0;
    for (const [i, page] of pages.entries()) {
      const own = pixels[i] as Int32Array;
      const across = Math.ceil(page.width / inner);
      const inWindows = new Map<number, number[]>();
      own.forEach((pixel, k) => {
        addTo(inWindows, windowOf(pixel, page.width, inner), k);
      });
      for (const [at, members] of inWindows) {
        const top = Math.floor(at / across) * inner - FILTER_REACH_PX;
        const left = (at % across) * inner - FILTER_REACH_PX;
        const size = { height: page.height, width: page.width, channels: spec.channels };
        fillWindow(window.data, page.image, size, { y: top, x: left }, { y: side, x: side });
        const inside = members.map((k) => {
          const pixel = own[k] as number;
          return (Math.floor(pixel / page.width) - top) * side + (pixel % page.width) - left;
        });
        const values = (await program.run({ image: window, pixels: int64(inside) })).features as NdArray<'float32'>;
        for (const [i, k] of members.entries()) takeFeatures(to, first + k, values, i);
      }
      first += own.length;
    }
  } finally {
    await program.dispose();
  }
}

/**
 * Describes annotated pixels by their features.
 * @throws DeviceError when the device fails.
 */
export async function describePixels(
  runtime: Runtime,
  spec: FilterBankSpec,
  set: TrainingSet,
  { filtered, ...options }: PixelOptions & { readonly most?: number },
): Promise<PixelSet> {
  const { pixels, shares } = choosePixels(set.pages, set.classCount, options);
  const total = pixels.reduce((sum, { length }) => sum + length, 0);
  const count = featureCount(spec);
  const features = float32([total, count]);
  const labels = new Int32Array(total);
  const weights = new Float32Array(total);
  let row = 0;
  for (const [i, { name, label, width }] of set.pages.entries()) {
    const part = filtered && (filtered.get(name) as FilteredPart);
    for (const pixel of pixels[i] as Int32Array) {
      const c = label[pixel] as number;
      labels[row] = c;
      weights[row] = (set.classWeights[c] as number) * (shares[c] as number);
      if (part !== undefined) {
        const [y, x] = [Math.floor(pixel / width) - part.y, (pixel % width) - part.x];
        takeFeatures(features, row, part.features, y * (part.features.shape[3] as number) + x);
      }
      row++;
    }
  }
  if (filtered === undefined) await filterWindows(runtime, spec, set.pages, pixels, features);
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / total;
  for (let i = 0; i < total; i++) weights[i] = (weights[i] as number) / mean;
  return { features, labels, weights, scaling: standardise(features.data, count) };
}

/** Scales each column to mean 0 and variance 1 in place. */
function standardise(values: Float32Array, count: number): FeatureScaling {
  const rows = values.length / count;
  const mean = new Float64Array(count);
  const std = new Float64Array(count);
  for (let i = 0; i < values.length; i++) mean[i % count] = (mean[i % count] as number) + (values[i] as number) / rows;
  for (let i = 0; i < values.length; i++) {
    const off = (values[i] as number) - (mean[i % count] as number);
    std[i % count] = (std[i % count] as number) + (off * off) / rows;
  }
  for (let f = 0; f < count; f++) std[f] = Math.max(LEAST_STD, Math.sqrt(std[f] as number));
  for (let i = 0; i < values.length; i++) {
    values[i] = ((values[i] as number) - (mean[i % count] as number)) / (std[i % count] as number);
  }
  return { mean, std };
}

/**
 * The weights of a perceptron on scaled features as those of the 1x1 convolutions of `filterBank` on features as they
 * are: W (x - mean) / std + b = (W / std) x + (b - W mean / std).
 */
export function unscaled(weights: State, { mean, std }: FeatureScaling): State {
  const names = Object.keys(weights).filter((name) => name.endsWith('/weight'));
  const convolutions = names.map((name) => {
    const { shape, data } = weights[name] as NdArray<'float32'>;
    return [name, float32([...shape, 1, 1], data)] as const;
  });
  // The only layer where there is no hidden one.
  const first = names.includes('hidden1/weight') ? 'hidden1' : 'output';
  const weight = weights[`${first}/weight`] as NdArray<'float32'>;
  const bias = weights[`${first}/bias`] as NdArray<'float32'>;
  const [units, count] = weight.shape as readonly [number, number];
  const scaled = new Float32Array(weight.data.length);
  const shifted = new Float32Array(units);
  for (let u = 0; u < units; u++) {
    let shift = bias.data[u] as number;
    for (let f = 0; f < count; f++) {
      const w = (weight.data[u * count + f] as number) / (std[f] as number);
      scaled[u * count + f] = w;
      shift -= w * (mean[f] as number);
    }
    shifted[u] = shift;
  }
  return {
    ...weights,
    ...Object.fromEntries(convolutions),
    [`${first}/weight`]: float32([units, count, 1, 1], scaled),
    [`${first}/bias`]: float32([units], shifted),
  };
}

/** Standard deviation of the noise that features, whose own is 1, get anew in every step. */
const FEATURE_NOISE = 0.7;
/** So many numbers are drawn once; each step begins at another of them. A prime, so that no column meets its own again. */
const NOISE_LENGTH = 65_537;

/** Adds normal noise, the same for the same seed and step. @returns a function that writes into `values` */
function noisy({ data }: NdArray<'float32'>, seed: number): (step: number, values: Float32Array) => void {
  const random = stream(seed, 'feature noise');
  const noise = new Float32Array(NOISE_LENGTH);
  for (let i = 0; i < NOISE_LENGTH; i++) noise[i] = FEATURE_NOISE * random.normal();
  return (step, values) => {
    let at = stream(seed, 'feature noise', step).integer(NOISE_LENGTH);
    for (let i = 0; i < values.length; at = 0) {
      const end = Math.min(values.length, i + NOISE_LENGTH - at);
      for (; i < end; i++, at++) values[i] = (data[i] as number) + (noise[at] as number);
    }
  };
}

/**
 * All annotated pixels, in every batch; the features of a batch are overwritten by the next one.
 * @throws DeviceError when the features cannot be computed.
 */
export async function openPixelSource(
  spec: FilterBankSpec,
  set: TrainingSet,
  runtime: Runtime,
  options: PixelOptions,
): Promise<BatchSource> {
  const { features, labels, weights, scaling } = await describePixels(runtime, spec, set, options);
  const [total] = features.shape as readonly [number, number];
  const target = { labels: ndarray('int32', [1, total], labels), pixelWeights: float32([1, total], weights) };
  const addNoise = noisy(features, options.seed);
  const samples = set.pages.map(({ name }) => name);
  return {
    build: () => pixelPerceptron(spec, total),
    async *batches(from) {
      // Once: the pages of new memory cost more than the noise.
      const image = float32(features.shape);
      for (let step = from; ; step++) {
        addNoise(step, image.data);
        yield { feeds: { ...target, image }, samples, size: 1 };
      }
    },
    exported: (trained) => unscaled(trained, scaling),
    close: async () => {},
  };
}
