/** Reads predictions with their ground truth and divides them into the images that `evaluate` scores. */

import { alignLabels } from '../dataset/labels/align.ts';
import { type LabelKind, LabelKindSurvey } from '../dataset/labels/label-kind.ts';
import { type LabelPage, labelArrays, labelPages, requireLabels } from '../dataset/labels/labels.ts';
import { DatasetError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { dropAlpha } from '../image/convert.ts';
import { millimetres } from '../image/geometry.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ImageNotes } from '../image/notes.ts';
import { type Page, pagesOf } from '../input/planes.ts';
import type { MetricGroup } from './choices.ts';
import { type ListedImage, readListedImage } from './image-list.ts';

export interface EvaluateOptions {
  /** Default: inferred from the files. */
  readonly metrics?: readonly MetricGroup[];
  /** Which value of the ground truth is which class: `membrane=0,inside=255`. */
  readonly classes?: string;
  /** Values of the ground truth to ignore. */
  readonly ignore?: readonly number[];
  /** Probability threshold for foreground, 0..1. Default 0.5. */
  readonly threshold?: number;
  /**
   * Whether label values number objects or encode classes. Default: stated by the files, or inferred, with the reason.
   */
  readonly as?: LabelKind;
  /** Score volumes slice by slice, not in 3D. The ISBI scores always are. */
  readonly slices?: boolean;
}

/** One slice of ground truth and of its prediction, both in the values of their files. */
export interface ScoredSlice {
  readonly truth: LabelPage;
  readonly prediction: Page;
}

/** The unit that is scored: an image, or a volume at one time point. */
export interface Item {
  readonly name: string;
  readonly slices: readonly ScoredSlice[];
  /** Largest value of the prediction's dtype for integers; 1 for floats. */
  readonly fullScale: number;
  readonly isColour: boolean;
  /** [z, y, x], if all needed are known. */
  readonly spacingMm?: readonly [number, number, number];
}

/** The folder that `predict` writes separate objects into. */
export const OBJECTS = 'objects';

/** The part of a `predict` output folder that a group of scores needs. */
export async function partOf(files: WritableFiles, predictions: string, group: MetricGroup | 'auto'): Promise<string> {
  const order = {
    overlap: ['label', 'probability'],
    surface: ['label', 'probability'],
    instances: [OBJECTS, 'label', 'probability'],
    isbi: ['probability', 'label'],
    auto: ['probability', 'label'],
  }[group];
  for (const part of order) {
    const path = joinPath(predictions, part);
    if ((await files.kind(path)) === 'folder') return path;
  }
  return predictions;
}

/** Pairs predictions with ground truth by name; every prediction needs one, but not vice versa. */
function matched(
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
): readonly { readonly prediction: ListedImage; readonly truth: ListedImage }[] {
  const [onlyPrediction, onlyTruth] = [predictions[0] as ListedImage, truths[0] as ListedImage];
  if (predictions.length === 1 && truths.length === 1) return [{ prediction: onlyPrediction, truth: onlyTruth }];
  const byName = new Map(truths.map((item) => [item.name, item]));
  return predictions.map((prediction) => {
    const truth = byName.get(prediction.name);
    if (truth !== undefined) return { prediction, truth };
    const names = truths.slice(0, 3).map(({ name }) => `"${name}"`);
    throw new DatasetError(`there is no ground truth named "${prediction.name}".`, {
      file: prediction.path,
      remedy: `The ground truth has ${names.join(', ')}${truths.length > 3 ? ', ...' : ''}. Rename the files to match.`,
    });
  });
}

export interface ReadItems {
  readonly items: readonly Item[];
  readonly truth: LabelKindSurvey;
  readonly prediction: LabelKindSurvey;
  readonly hasVolumes: boolean;
}

/** What is needed to read the items. */
interface ReadItemsOptions extends Pick<EvaluateOptions, 'ignore' | 'slices'> {
  /** Collects the readers' remarks on predictions and ground truth. */
  readonly notes: ImageNotes;
}

export async function readItems(
  files: WritableFiles,
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
  { ignore = [], slices: bySlices = false, notes }: ReadItemsOptions,
): Promise<ReadItems> {
  const items: Item[] = [];
  const survey = { truth: new LabelKindSurvey({ ignore }), prediction: new LabelKindSurvey({ ignore }) };
  let hasVolumes = false;
  for (const { prediction, truth } of matched(predictions, truths)) {
    const image = dropAlpha(await readListedImage(files, prediction, { palette: 'index' }));
    const found = predictedPages(image);
    const label = alignLabels(await readListedImage(files, truth, { palette: 'index' }), image);
    const labels = labelPages(label);
    notes.add({ ...image, source: prediction.path });
    notes.add({ ...label, source: truth.path });
    requireSameSize(found, labels, prediction, truth);
    for (const map of labelArrays(label)) survey.truth.add(map, label.labelKind);
    requireLabels(labels, ignore);
    if (isWhole(image)) {
      requireLabels(labelPages(image), ignore);
      for (const map of labelArrays(image)) survey.prediction.add(map, image.labelKind);
    }
    // Either of the two may state that its pages form a volume.
    const depth = Math.max(sizes(image).slices, sizes(label).slices);
    if (depth > 1) hasVolumes = true;
    const step = bySlices || found.length % depth !== 0 ? 1 : depth;
    const isColour = labels.some((page) => page.colour);
    const fullScale = image.data instanceof Uint8Array ? 255 : image.data instanceof Uint16Array ? 65_535 : 1;
    for (let from = 0; from < found.length; from += step) {
      const slices = found.slice(from, from + step).map((page, i) => ({
        prediction: page,
        truth: labels[from + i] as LabelPage,
      }));
      const name = found.length > step ? `${prediction.name}[${from / step}]` : prediction.name;
      items.push({ name, slices, fullScale, isColour, spacingMm: spacingOf(label) ?? spacingOf(image) });
    }
  }
  return { items, hasVolumes, ...survey };
}

function requireSameSize(
  pages: readonly Page[],
  labels: readonly LabelPage[],
  prediction: ListedImage,
  truth: ListedImage,
): void {
  if (pages.length !== labels.length) {
    throw new DatasetError(
      `the prediction has ${pages.length} pages, its ground truth "${truth.path}" ${labels.length}.`,
      { file: prediction.path, remedy: 'Use a ground truth with the same number of pages.' },
    );
  }
  const [page, label] = [pages[0] as Page, labels[0] as LabelPage];
  if (page.height === label.height && page.width === label.width) return;
  throw new DatasetError(
    `the prediction is ${page.width} x ${page.height}, its ground truth "${truth.path}" is ${label.width} x ${label.height}.`,
    { file: prediction.path, remedy: 'Use a ground truth of the same size.' },
  );
}

function spacingOf(image: Image): Item['spacingMm'] {
  const y = millimetres(image.spacing.y);
  const x = millimetres(image.spacing.x);
  const z = sizes(image).slices > 1 ? millimetres(image.spacing.z) : 1;
  return y === undefined || x === undefined || z === undefined ? undefined : [z, y, x];
}

/** Labels saved as a colour image are one channel, like those of the ground truth; other channels are probabilities. */
function predictedPages(image: Image): readonly Page[] {
  if (image.channels?.join() !== 'red,green,blue' || !isWhole(image)) return pagesOf(image);
  return labelPages(image).map(({ values: data, height, width }) => ({ data, height, width, channels: 1 }));
}

/** Whether values may be labels: one channel, or colours, of integers, in any dtype. */
function isWhole(image: Image): boolean {
  const { channels } = sizes(image);
  if (channels !== 1 && channels !== 3) return false;
  const { data } = image;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return image.dtype !== 'float16';
  if (channels !== 1) return false;
  for (let p = 0; p < data.length; p++)
    if (!Number.isInteger(data[p]) || Math.abs(data[p] as number) > 0xffffffff) return false;
  return true;
}
