/** Scores and images of a report, added one by one so that few are in memory. */

import { type NdArray, ndarray } from '../../array/ndarray.ts';
import { BasisCounter, type ScoreBasis } from '../../evaluate/basis.ts';
import { ignoreMask, maskOf } from '../../evaluate/ignore-mask.ts';
import { MembraneScorer } from '../../evaluate/membranes.ts';
import { classComponents, ObjectScorer } from '../../evaluate/objects.ts';
import { diceOf, OverlapScorer } from '../../evaluate/overlap.ts';
import { argmaxClasses } from '../../metrics/argmax.ts';
import type { IgnoreOption } from '../../metrics/contingency.ts';
import { ERROR_CLASSES, type ErrorMap, errorMap } from '../../metrics/error-map.ts';
import type { InstanceScores } from '../../metrics/instances.ts';
import type { IsbiScores } from '../../metrics/isbi.ts';
import type { OverlapScores } from '../../metrics/overlap.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import { labelGrid } from '../../objects/grid.ts';
import { mapsOfRims, type SeparationSettings, separateObjects } from '../../objects/instances.ts';
import { markRims } from '../../objects/rims.ts';
import { vincentSoilleWatershed } from '../../objects/watershed.ts';
import {
  classPicture,
  crop,
  dataUri,
  errorPicture,
  imagePicture,
  type Picture,
  probabilityPicture,
  shrink,
} from '../kit/pictures.ts';
import { worstWindow } from '../kit/worst-window.ts';
import { PICTURE_KINDS, type PictureKind, type ReportCase, type ReportImage, type Series, score } from './data.ts';
import { ThresholdCounts } from './threshold-counts.ts';

/** One image with its ground truth and prediction. */
export interface EvaluatedPage {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** One grey plane or three RGB planes, in any range. */
  readonly planes: readonly Float32Array[];
  /** Class index of each pixel, `IGNORE` (255) if it is ignored. */
  readonly truth: Uint8Array;
  /** float32 [classes, height, width], or maps. */
  readonly probabilities: NdArray<'float32'>;
  /** Numbers of the ground-truth objects, 0 = none, if known; touching ones are then separated. */
  readonly objects?: Int32Array | Uint32Array;
}

/** Objects of an image, and the probability that they were found by. */
export interface FoundObjects {
  /** [height, width], 0 = background. */
  readonly labels: NdArray<'int32'>;
  readonly shown: Float32Array;
}

export interface ReportEvaluationOptions {
  readonly classNames: readonly string[];
  /**
   * `isbi`: cells separated by membranes, with the class of their interior. `overlap`: Dice and IoU. `objects`: classes
   * are background, object and border, and objects are separated with these settings; or objects are found in
   * the maps that the network gives instead of probabilities.
   */
  readonly kind:
    | { readonly name: 'isbi'; readonly inside: 0 | 1 }
    | {
        readonly name: 'overlap' /** Classes excluded from the means; default the background. */;
        readonly leaveOut?: readonly number[];
      }
    | { readonly name: 'objects'; readonly separation: SeparationSettings }
    | { readonly name: 'objects'; readonly find: (maps: NdArray<'float32'>) => FoundObjects };
  /** Number of images that will be added. */
  readonly total: number;
  /** Number of images on the sheet; default 6. */
  readonly sheet?: number;
  /** Number of worst cases, and of best cases; default 3. */
  readonly cases?: number;
}

/** The classes of `objects` besides the background. */
const [INSIDE, RIM] = [1, 2];

type ObjectsKind = Extract<ReportEvaluationOptions['kind'], { readonly name: 'objects' }>;

const separated = (maps: ReturnType<typeof mapsOfRims>, separation: SeparationSettings): FoundObjects => ({
  labels: separateObjects(maps, separation).labels,
  shown: maps.foreground.data,
});

/** Everything a report shows about the images. */
export interface ReportEvaluation {
  readonly imageCount: number;
  /** What the scores rest on. */
  readonly basis: ScoreBasis;
  readonly sheet: readonly ReportImage[];
  readonly worst: readonly ReportCase[];
  readonly best: readonly ReportCase[];
  /** Per image, in the given order. */
  readonly perImage: readonly { readonly name: string; readonly score: number }[];
  readonly isbi?: IsbiScores;
  /** Of all classes; of `objects` the background and the objects with their borders, which are no class of their own. */
  readonly overlap: OverlapScores;
  /** Scores of objects, if the ground-truth objects are numbered. */
  readonly instances?: InstanceScores;
  /** Whether objects were separated as in prediction; otherwise they are connected components. */
  readonly separated: boolean;
  /** Dice, precision and recall of the foreground of two classes over thresholds; otherwise empty. */
  readonly thresholds: readonly Series[];
}

/** A case with raw images; only those that remain at the end are encoded. */
interface Ranked {
  readonly rank: number;
  readonly order: number;
  readonly shown: Omit<ReportCase, 'pictures'>;
  readonly pictures: Readonly<Record<PictureKind, Picture>>;
}

/** One image, scored. */
interface Judged {
  /** The score for ranking images; default the mean Dice of the foreground classes. */
  readonly own?: number;
  /** Class of each pixel. */
  readonly predicted: Uint8Array;
  /** The probability that is shown. */
  readonly shown: Float32Array;
  readonly errors: ErrorMap;
}

/** Scores images one by one: `add` each, then `result`. */
export class Evaluator {
  readonly #options: ReportEvaluationOptions;
  readonly #membranes: MembraneScorer;
  readonly #overlap: OverlapScorer;
  readonly #objects = new ObjectScorer();
  readonly #thresholds = new ThresholdCounts();
  readonly #basis = new BasisCounter();
  readonly #perImage: { readonly name: string; readonly score: number }[] = [];
  readonly #sheet: ReportImage[] = [];
  #worst: Ranked[] = [];
  #best: Ranked[] = [];

  constructor(options: ReportEvaluationOptions) {
    this.#options = options;
    const { kind, classNames } = options;
    this.#membranes = new MembraneScorer(kind.name === 'isbi' ? kind.inside : 1);
    const leaveOut = kind.name === 'isbi' ? [] : kind.name === 'overlap' ? (kind.leaveOut ?? [0]) : [0];
    this.#overlap = new OverlapScorer(kind.name === 'objects' ? 2 : classNames.length, { leaveOut });
  }

  add(page: EvaluatedPage): void {
    const { classNames, kind } = this.#options;
    const { name, height, width, truth, probabilities } = page;
    const mask = ignoreMask(truth, [height, width]);
    const areStrokes = isOfStrokes(page, mask);
    this.#basis.add(truth, page.objects);
    const judged =
      kind.name === 'isbi'
        ? this.#judgeCells(page, kind.inside, mask)
        : kind.name === 'objects'
          ? this.#judgeObjects(page, kind, mask)
          : this.#judgeOverlap(page, mask, areStrokes);
    const { predicted, shown, errors } = judged;
    const overlap =
      kind.name === 'objects'
        ? this.#overlap.add(withoutRims(truth), withoutRims(predicted))
        : this.#overlap.add(truth, predicted);
    const own = judged.own ?? diceOf(overlap);
    if (this.#hasThresholds) this.#thresholds.add(truth, probabilities);

    const image = imagePicture(page.planes, height, width);
    const pictures: Readonly<Record<PictureKind, Picture>> = {
      image,
      truth: classPicture(truth, classNames.length, height, width),
      probability: probabilityPicture(shown, height, width),
      prediction: classPicture(predicted, classNames.length, height, width),
      errors: errorPicture(image, errors.classes.data),
    };
    const window = worstWindow(errors.classes.data, height, width);
    const common = { name, score: score(own) };
    const order = this.#perImage.length;
    this.#perImage.push({ name, score: own });
    if (this.#onSheet(order)) {
      this.#sheet.push({
        ...common,
        widthPx: width,
        heightPx: height,
        pictures: encoded(eachPicture(pictures, (picture) => shrink(picture))),
        errors: {
          ...(areStrokes ? {} : { splits: errors.splits, merges: errors.merges }),
          missedPixels: errors.pixels.missed,
          falsePixels: errors.pixels.false,
          pixels: Object.values(errors.pixels).reduce((a, b) => a + b),
        },
      });
    }
    const { x: xPx, y: yPx, width: widthPx, height: heightPx } = window;
    this.#rank({
      rank: Number.isNaN(own) ? 0 : own,
      order,
      shown: { ...common, widthPx, heightPx, xPx, yPx },
      pictures: eachPicture(pictures, (picture) => crop(picture, window)),
    });
  }

  /** Cells between membranes, at the threshold with the best score. */
  #judgeCells({ height, width, truth, probabilities }: EvaluatedPage, inside: 0 | 1, mask: IgnoreOption): Judged {
    const shape = [height, width];
    const pixels = height * width;
    const isInside = maskOf(truth, inside);
    const shown = probabilities.data.subarray(inside * pixels, (inside + 1) * pixels);
    const best = this.#membranes.add(truth, shown, [height, width]).vRandThinned;
    const threshold = Number.isNaN(best.threshold) ? 0.5 : best.threshold;
    const predicted = Uint8Array.from(shown, (p) => (p > threshold ? inside : 1 - inside));
    const membrane = Uint8Array.from(shown, (p) => (p > threshold ? 0 : 1));
    const cells = connectedComponents(ndarray('uint8', shape, isInside)).labels;
    const basins = vincentSoilleWatershed(ndarray('uint8', shape, membrane)).labels;
    return {
      own: best.value,
      predicted,
      shown,
      errors: errorsOfCells(cells, basins, { truth: isInside, membrane }, mask),
    };
  }

  /** Objects separated as in prediction; their borders are drawn like those of the ground truth, if it has any. */
  #judgeObjects(page: EvaluatedPage, kind: ObjectsKind, mask: IgnoreOption): Judged {
    const { height, width, probabilities, objects = new Int32Array(height * width) } = page;
    const { labels: found, shown } =
      'find' in kind ? kind.find(probabilities) : separated(mapsOfRims(probabilities), kind.separation);
    const actual = labelGrid(objects, [height, width]);
    const own = this.#objects.add(actual, found, mask);
    const predicted = Uint8Array.from(found.data, (label) => (label > 0 ? 1 : 0));
    if (!('find' in kind)) markRims(predicted, found.data, [height, width], { inside: INSIDE, rim: RIM });
    return { own, predicted, shown, errors: errorMap(actual, found, mask) };
  }

  /** Whether a threshold makes the classes, of which there are two. */
  get #hasThresholds(): boolean {
    return this.#options.classNames.length === 2 && this.#options.kind.name !== 'objects';
  }

  /** The most probable class per pixel. */
  #judgeOverlap(
    { height, width, truth, probabilities, objects }: EvaluatedPage,
    mask: IgnoreOption,
    areStrokes: boolean,
  ): Judged {
    const shape = [height, width];
    const pixels = height * width;
    const classes = this.#options.classNames.length;
    const predicted = argmaxClasses(probabilities).data;
    const actual = objects === undefined ? classComponents(truth, classes, shape) : labelGrid(objects, shape);
    const found = classComponents(predicted, classes, shape);
    if (objects !== undefined) this.#objects.add(actual, found, mask);
    return {
      predicted,
      shown: classes > 2 ? confidence(probabilities) : probabilities.data.subarray((classes - 1) * pixels),
      errors: withWrongClasses(errorMap(actual, found, mask), { truth, predicted, areStrokes }, mask),
    };
  }

  /** Evenly spaced over the images, in order. */
  #onSheet(order: number): boolean {
    const { total, sheet = 6 } = this.#options;
    if (total <= sheet) return true;
    return Array.from({ length: sheet }, (_, i) => Math.round((i * (total - 1)) / Math.max(1, sheet - 1))).includes(
      order,
    );
  }

  /** Keeps only the lowest and the highest. */
  #rank(item: Ranked): void {
    const { total, cases = 3 } = this.#options;
    // With few images, the same ones would be both worst and best.
    const each = Math.min(cases, Math.floor(total / 2));
    const by = (sign: number) => (a: Ranked, b: Ranked) => sign * (a.rank - b.rank) || a.order - b.order;
    this.#worst = [...this.#worst, item].sort(by(1)).slice(0, each);
    this.#best = [...this.#best, item].sort(by(-1)).slice(0, each);
  }

  /** @throws UsageError if no image was added. */
  result(): ReportEvaluation {
    const { kind } = this.#options;
    return {
      imageCount: this.#perImage.length,
      basis: this.#basis.result(),
      sheet: this.#sheet,
      worst: this.#worst.map(({ shown, pictures }) => ({ ...shown, pictures: encoded(pictures) })),
      best: this.#best.map(({ shown, pictures }) => ({ ...shown, pictures: encoded(pictures) })),
      perImage: this.#perImage,
      ...(kind.name === 'isbi' ? { isbi: this.#membranes.result() } : {}),
      overlap: this.#overlap.result(),
      separated: kind.name === 'objects',
      ...(this.#objects.count > 0 ? { instances: this.#objects.result() } : {}),
      thresholds: this.#hasThresholds ? this.#thresholds.series() : [],
    };
  }
}

function eachPicture<A, B>(of: Readonly<Record<PictureKind, A>>, change: (picture: A) => B): Record<PictureKind, B> {
  return Object.fromEntries(PICTURE_KINDS.map((kind) => [kind, change(of[kind])])) as Record<PictureKind, B>;
}

const encoded = (of: Readonly<Record<PictureKind, Picture>>): Record<PictureKind, string> => eachPicture(of, dataUri);

/** Borders as the objects that they belong to. */
const withoutRims = (classes: Uint8Array): Uint8Array => classes.map((value) => (value === RIM ? INSIDE : value));

/** The highest probability per pixel. */
function confidence({ shape, data }: NdArray<'float32'>): Float32Array<ArrayBuffer> {
  const [classes, height, width] = shape as readonly [number, number, number];
  const pixels = height * width;
  const out = new Float32Array(pixels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < classes; c++) out[p] = Math.max(out[p] as number, data[c * pixels + p] as number);
  }
  return out;
}

/**
 * Splits and merges between cells and thinned basins, so that a membrane's width is not an object error; missed and false
 * pixels between the unthinned masks.
 */
function errorsOfCells(
  cells: NdArray<'int32'>,
  basins: NdArray<'int32'>,
  masks: { readonly truth: Uint8Array; readonly membrane: Uint8Array },
  mask: IgnoreOption,
): ErrorMap {
  return repaint(errorMap(cells, basins, mask), mask, (p, kind) => {
    if (kind === ERROR_CLASSES.split || kind === ERROR_CLASSES.merged) return kind;
    if (masks.truth[p] !== masks.membrane[p]) return ERROR_CLASSES.correct;
    return masks.truth[p] === 1 ? ERROR_CLASSES.missed : ERROR_CLASSES.false;
  });
}

/** Whether less than half is annotated: what is connected is a stroke then, and no object that could be split or merged. */
function isOfStrokes({ objects }: EvaluatedPage, { ignore }: IgnoreOption): boolean {
  if (objects !== undefined || ignore === undefined) return false;
  let ignored = 0;
  for (const value of ignore.data) ignored += value;
  return 2 * ignored > ignore.data.length;
}

/** Objects in the right place but with another class are false. */
function withWrongClasses(
  errors: ErrorMap,
  { truth, predicted, areStrokes }: Record<'truth' | 'predicted', Uint8Array> & { readonly areStrokes: boolean },
  mask: IgnoreOption,
): ErrorMap {
  return repaint(errors, mask, (p, found) => {
    const kind = areStrokes && found >= ERROR_CLASSES.split ? ERROR_CLASSES.correct : found;
    return kind === ERROR_CLASSES.correct && truth[p] !== predicted[p] ? ERROR_CLASSES.false : kind;
  });
}

/** The map with each pixel reclassified; ignored pixels stay correct. */
function repaint(errors: ErrorMap, { ignore }: IgnoreOption, decide: (p: number, kind: number) => number): ErrorMap {
  const classes = errors.classes.data.map((kind, p) => (ignore?.data[p] === 1 ? kind : decide(p, kind)));
  const counts = [0, 0, 0, 0, 0];
  for (const [p, kind] of classes.entries()) if (ignore?.data[p] !== 1) counts[kind] = (counts[kind] as number) + 1;
  const pixels = Object.fromEntries(Object.entries(ERROR_CLASSES).map(([name, kind]) => [name, counts[kind]]));
  return { ...errors, classes: ndarray('uint8', errors.classes.shape, classes), pixels: pixels as ErrorMap['pixels'] };
}
