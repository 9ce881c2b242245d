/** Scores and pictures of the images that a report shows, taken one by one so that few are in memory. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { contingency } from '../metrics/contingency.ts';
import { ERROR_CLASSES, errorMap } from '../metrics/error-map.ts';
import { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from '../metrics/instances.ts';
import { type IsbiScores, type IsbiSliceScores, isbiScores, isbiSliceScores } from '../metrics/isbi.ts';
import {
  type ConfusionMatrix,
  confusionMatrix,
  type OverlapScores,
  overlapScores,
  sumOfConfusions,
} from '../metrics/overlap.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { vincentSoilleWatershed } from '../objects/watershed.ts';
import { PICTURE_KINDS, type PictureKind, type ReportCase, type ReportImage, type Series, score } from './data.ts';
import {
  classPicture,
  crop,
  dataUri,
  errorPicture,
  imagePicture,
  type Picture,
  probabilityPicture,
  shrink,
} from './pictures.ts';
import { ThresholdCounts } from './threshold-counts.ts';
import { worstWindow } from './worst-window.ts';

/** One image with its truth and its prediction. */
export interface EvaluatedPage {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** One grey plane, or three of colour, in any values. */
  readonly planes: readonly Float32Array[];
  /** Class index of each pixel; `ignore` takes no part. */
  readonly truth: Uint8Array;
  /** float32 [classes, height, width]. */
  readonly probabilities: NdArray<'float32'>;
  /** Numbers of the true objects, 0 = none, where each has its own: touching ones are then told apart. */
  readonly objects?: Int32Array;
}

export interface EvaluateOptions {
  readonly classNames: readonly string[];
  /**
   * `isbi`: cells parted by membranes, with the class that is their inside. `overlap`: Dice and IoU.
   */
  readonly kind: { readonly name: 'isbi'; readonly inside: 0 | 1 } | { readonly name: 'overlap' };
  /** How many images will be added. */
  readonly total: number;
  /** Class index in the truth that takes no part; default 255. */
  readonly ignore?: number;
  /** Images on the sheet; default 6. */
  readonly sheet?: number;
  /** Worst and best cases, of each as many; default 3. */
  readonly cases?: number;
}

/** Everything about the images that goes into a report. */
export interface Evaluation {
  readonly imageCount: number;
  readonly sheet: readonly ReportImage[];
  readonly worst: readonly ReportCase[];
  readonly best: readonly ReportCase[];
  /** By image, in the order given. */
  readonly perImage: readonly { readonly name: string; readonly score: number }[];
  readonly isbi?: IsbiScores;
  readonly overlap: OverlapScores;
  /** Where the true objects have numbers: connected pixels of the prediction against them. */
  readonly instances?: InstanceScores;
  /** Dice, precision and recall of the second of two classes over thresholds; else empty. */
  readonly thresholds: readonly Series[];
}

interface Ranked {
  readonly shown: ReportCase;
  readonly order: number;
}

/** Takes images one by one: `add` each, then `result`. */
export class Evaluator {
  readonly #options: EvaluateOptions;
  readonly #slices: IsbiSliceScores[] = [];
  readonly #confusions: ConfusionMatrix[] = [];
  readonly #matchings: InstanceMatching[] = [];
  readonly #thresholds = new ThresholdCounts();
  readonly #perImage: { readonly name: string; readonly score: number }[] = [];
  readonly #sheet: ReportImage[] = [];
  #worst: Ranked[] = [];
  #best: Ranked[] = [];

  constructor(options: EvaluateOptions) {
    this.#options = options;
  }

  add(page: EvaluatedPage): void {
    const { classNames, kind, ignore = 255 } = this.#options;
    const { name, height, width, truth, probabilities } = page;
    const pixels = height * width;
    const shape = [height, width];
    const ignored = truth.includes(ignore) ? truth.map((value) => (value === ignore ? 1 : 0)) : undefined;
    const mask = ignored === undefined ? {} : { ignore: ndarray('uint8', shape, ignored) };

    let predicted = argmax(probabilities);
    let own: number;
    let errors: ReturnType<typeof errorMap>;
    let shown = probabilities.data.subarray((classNames.length === 2 ? 1 : 0) * pixels).subarray(0, pixels);
    if (kind.name === 'isbi') {
      const inside = truth.map((value) => (value === kind.inside ? 1 : 0));
      shown = probabilities.data.subarray(kind.inside * pixels, (kind.inside + 1) * pixels);
      const slice = isbiSliceScores(ndarray('uint8', shape, inside), ndarray('float32', shape, shown), mask);
      this.#slices.push(slice);
      const { vRandThinned } = isbiScores([slice]);
      own = vRandThinned.value;
      // The prediction is shown at the threshold that is best for the score, as it is judged there.
      const threshold = Number.isNaN(vRandThinned.threshold) ? 0.5 : vRandThinned.threshold;
      const other = 1 - kind.inside;
      predicted = Uint8Array.from(shown, (p) => (p > threshold ? kind.inside : other));
      const membrane = ndarray(
        'uint8',
        shape,
        Uint8Array.from(shown, (p) => (p > threshold ? 0 : 1)),
      );
      const cells = connectedComponents(ndarray('uint8', shape, inside)).labels;
      errors = pixelAndObjectErrors(
        cells,
        vincentSoilleWatershed(membrane).labels,
        inside,
        predicted,
        kind.inside,
        mask,
      );
    } else {
      const confusion = confusionMatrix(
        ndarray('uint8', shape, truth),
        ndarray('uint8', shape, predicted),
        classNames.length,
        { ignoreValue: ignore },
      );
      const scores = overlapScores(confusion, { leaveOut: [0] });
      own = Number.isNaN(scores.meanDice) ? 1 : scores.meanDice;
      const objects =
        page.objects === undefined
          ? components(truth, classNames.length, shape)
          : ndarray('int32', shape, page.objects);
      const segments = components(predicted, classNames.length, shape);
      errors = errorMap(objects, segments, mask);
      if (page.objects !== undefined) this.#matchings.push(matchInstances(contingency(objects, segments, mask)));
      if (classNames.length > 2) shown = confidence(probabilities);
    }
    this.#confusions.push(
      confusionMatrix(ndarray('uint8', shape, truth), ndarray('uint8', shape, predicted), classNames.length, {
        ignoreValue: ignore,
      }),
    );
    if (classNames.length === 2) this.#thresholds.add(truth, probabilities);

    const image = imagePicture(page.planes, height, width);
    const pictures: Readonly<Record<PictureKind, Picture>> = {
      image,
      truth: classPicture(truth, classNames.length, height, width),
      probability: probabilityPicture(shown, height, width),
      prediction: classPicture(predicted, classNames.length, height, width),
      errors: errorPicture(image, errors.classes.data),
    };
    const window = worstWindow(errors.classes.data, height, width);
    const uris = (change: (picture: Picture) => Picture) =>
      Object.fromEntries(PICTURE_KINDS.map((key) => [key, dataUri(change(pictures[key]))])) as Record<
        PictureKind,
        string
      >;
    const common = { name, score: score(own) };
    const order = this.#perImage.length;
    this.#perImage.push({ name, score: own });
    if (this.#onSheet(order)) {
      this.#sheet.push({
        ...common,
        widthPx: width,
        heightPx: height,
        pictures: uris((picture) => shrink(picture)),
        errors: {
          splits: errors.splits,
          merges: errors.merges,
          missedPixels: errors.pixels.missed,
          falsePixels: errors.pixels.false,
          pixels: Object.values(errors.pixels).reduce((a, b) => a + b),
        },
      });
    }
    const shownCase = {
      ...common,
      widthPx: window.width,
      heightPx: window.height,
      xPx: window.x,
      yPx: window.y,
      pictures: uris((picture) => crop(picture, window)),
    };
    this.#rank({ shown: shownCase, order });
  }

  /** Evenly over the images, in their order. */
  #onSheet(order: number): boolean {
    const { total, sheet = 6 } = this.#options;
    if (total <= sheet) return true;
    return Array.from({ length: sheet }, (_, i) => Math.round((i * (total - 1)) / Math.max(1, sheet - 1))).includes(
      order,
    );
  }

  /** Keeps the lowest and the highest only. */
  #rank(item: Ranked): void {
    const { total, cases = 3 } = this.#options;
    // With few images the same ones would be worst and best.
    const each = Math.min(cases, Math.floor(total / 2));
    const by = (sign: number) => (a: Ranked, b: Ranked) =>
      sign * ((a.shown.score ?? 0) - (b.shown.score ?? 0)) || a.order - b.order;
    this.#worst = [...this.#worst, item].sort(by(1)).slice(0, each);
    this.#best = [...this.#best, item].sort(by(-1)).slice(0, each);
  }

  /** @throws UsageError when no image was added. */
  result(): Evaluation {
    const { kind, classNames } = this.#options;
    return {
      imageCount: this.#perImage.length,
      sheet: this.#sheet,
      worst: this.#worst.map(({ shown }) => shown),
      best: this.#best.map(({ shown }) => shown),
      perImage: this.#perImage,
      ...(kind.name === 'isbi' ? { isbi: isbiScores(this.#slices) } : {}),
      overlap: overlapScores(sumOfConfusions(this.#confusions), { leaveOut: kind.name === 'isbi' ? [] : [0] }),
      ...(this.#matchings.length > 0 ? { instances: instanceScores(this.#matchings) } : {}),
      thresholds: classNames.length === 2 ? this.#thresholds.series() : [],
    };
  }
}

function argmax({ shape, data }: NdArray<'float32'>): Uint8Array<ArrayBuffer> {
  const [classes, height, width] = shape as readonly [number, number, number];
  const pixels = height * width;
  const out = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) {
    let best = data[p] as number;
    for (let c = 1; c < classes; c++) {
      const value = data[c * pixels + p] as number;
      if (value > best) {
        best = value;
        out[p] = c;
      }
    }
  }
  return out;
}

/** The highest probability at each pixel. */
function confidence({ shape, data }: NdArray<'float32'>): Float32Array<ArrayBuffer> {
  const [classes, height, width] = shape as readonly [number, number, number];
  const pixels = height * width;
  const out = new Float32Array(pixels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < classes; c++) out[p] = Math.max(out[p] as number, data[c * pixels + p] as number);
  }
  return out;
}

/** Objects of the classes 1, 2, ...: connected pixels of one class. */
function components(labels: Uint8Array, classes: number, shape: readonly number[]): NdArray<'int32'> {
  const known = labels.map((value) => (value < classes ? value : 0));
  return connectedComponents(ndarray('uint8', shape, known), { by: 'value' }).labels;
}

/**
 * Splits and merges between cells and thinned basins, so that the width of a membrane is no error of objects; missed
 * and false pixels between the masks as they are.
 */
function pixelAndObjectErrors(
  cells: NdArray<'int32'>,
  basins: NdArray<'int32'>,
  inside: Uint8Array,
  predicted: Uint8Array,
  insideClass: number,
  mask: { readonly ignore?: NdArray<'uint8'> },
): ReturnType<typeof errorMap> {
  const objects = errorMap(cells, basins, mask);
  const classes = objects.classes.data.slice();
  const pixels = { ...objects.pixels, correct: 0, missed: 0, false: 0 };
  for (let p = 0; p < classes.length; p++) {
    const value = classes[p];
    if (value === ERROR_CLASSES.split || value === ERROR_CLASSES.merged) continue;
    const truth = inside[p] === 1;
    const found = predicted[p] === insideClass;
    const kind =
      mask.ignore?.data[p] === 1 || truth === found ? 'correct' : truth ? ('missed' as const) : ('false' as const);
    classes[p] = ERROR_CLASSES[kind];
    pixels[kind]++;
  }
  return { ...objects, classes: ndarray('uint8', objects.classes.shape, classes), pixels };
}
