/** Reads predictions with their ground truth and divides them into the images that `evaluate` scores. */

import { annotate, keepLabels } from '../dataset/annotate.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import { type LabelKind, LabelKindSurvey } from '../dataset/labels/label-kind.ts';
import {
  type LabelOptions,
  type LabelPage,
  labelArrays,
  labelPages,
  requireLabels,
  stackLabels,
} from '../dataset/labels/labels.ts';
import { PaletteSurvey } from '../dataset/labels/palettes.ts';
import { rawPages } from '../dataset/raw.ts';
import { counted, DatasetError } from '../errors.ts';
import { folderName, type WritableFiles } from '../files.ts';
import { dropAlpha } from '../image/convert.ts';
import { millimetres } from '../image/geometry.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ImageNotes } from '../image/notes.ts';
import { displayMap, reorient } from '../image/orient.ts';
import { type Page, pagesOf } from '../input/planes.ts';
import { PROJECT_FILE } from '../project/project.ts';
import type { MetricGroup } from './choices.ts';
import { type ListedImage, readListedImage, unlabelledOf } from './image-list.ts';
import { differingSizes } from './pixel-sizes.ts';

export interface EvaluateOptions {
  /** Which resolution of ground truth in OME-Zarr to read; default: what was predicted, or 0, the full one. */
  readonly level?: number;
  /** Default: inferred from the files. */
  readonly metrics?: readonly MetricGroup[];
  /** Which value of the ground truth is which class: names in order of value, or `{ name: 'membrane', values: [0] }`. */
  readonly classes?: LabelOptions['classes'];
  /** Values of the ground truth to ignore. */
  readonly ignore?: readonly number[];
  /** Probability threshold for foreground, 0..1. Default 0.5. */
  readonly threshold?: number;
  /**
   * Whether label values number objects or encode classes. Default: stated by the files, or inferred, with the reason.
   */
  readonly as?: LabelKind;
  /** Bytes that the program may take: larger images are scored by region. Default: half of what is free. */
  readonly memory?: number;
  /** Called before something that takes much memory. */
  readonly onNote?: (note: string) => void;
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

/** The parts of a `predict` output folder that a group of scores needs, in order of preference. */
export const PARTS = {
  overlap: ['label', 'probability'],
  surface: ['label', 'probability'],
  instances: [OBJECTS, 'label', 'probability'],
  isbi: ['probability', 'label'],
  auto: ['probability', 'label'],
} as const satisfies { readonly [group in MetricGroup | 'auto']: readonly string[] };

export interface Match {
  readonly prediction: ListedImage;
  readonly truth: ListedImage;
}

/** Predicted images that are not scored, and why. */
export interface NotScored {
  readonly images: readonly string[];
  readonly reason: string;
}

/** `images/a` among names of a project's images that `a` stands for, where the folder is common to all predictions. */
function nameInProject(names: readonly string[], name: string): string {
  const ending = names.filter((own) => own === name || own.endsWith(`/${name}`) || name.endsWith(`/${own}`));
  return ending.length === 1 ? (ending[0] as string) : name;
}

/**
 * Pairs predictions with ground truth by name; every prediction needs one, but not vice versa. Predicted images of a
 * project without labels there are not scored.
 */
function matched(
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
): { readonly pairs: readonly Match[]; readonly unlabelled: readonly string[] } {
  const unlabelled = unlabelledOf(truths);
  const byName = new Map(truths.map((item) => [item.name, item]));
  const ofProject = truths[0]?.listed?.listing.project === undefined ? [] : [...byName.keys(), ...unlabelled];
  const nameOf = ({ name }: ListedImage): string => nameInProject(ofProject, name);
  const [onlyPrediction, onlyTruth] = [predictions[0] as ListedImage, truths[0] as ListedImage];
  if (predictions.length === 1 && truths.length === 1 && !unlabelled.includes(nameOf(onlyPrediction))) {
    return { pairs: [{ prediction: onlyPrediction, truth: onlyTruth }], unlabelled: [] };
  }
  const left: string[] = [];
  const pairs = predictions.flatMap((prediction): readonly Match[] => {
    const truth = byName.get(nameOf(prediction));
    if (truth !== undefined) return [{ prediction, truth }];
    if (unlabelled.includes(nameOf(prediction))) {
      left.push(nameOf(prediction));
      return [];
    }
    const names = truths.slice(0, 3).map(({ name }) => `"${name}"`);
    throw new DatasetError(`there is no ground truth named "${prediction.name}".`, {
      file: prediction.path,
      remedy: `The ground truth has ${names.join(', ')}${truths.length > 3 ? ', ...' : ''}. Rename the files to match.`,
    });
  });
  if (pairs.length > 0) return { pairs, unlabelled: left };
  throw new DatasetError(
    `the project has no labels for training of the predicted images: ${left.slice(0, 3).join(', ')}.`,
    {
      file: folderName(onlyPrediction.path),
      remedy: 'Annotate one of them, or predict images that are annotated.',
    },
  );
}

const holdsOut = ({ truth }: Match): boolean => truth.annotated?.regions.some(({ held }) => held) === true;

/**
 * What is scored: where regions of predicted images are held out these alone, as in training; otherwise all that is
 * annotated.
 */
export function scoredPairs(
  predictions: readonly ListedImage[],
  truths: readonly ListedImage[],
): { readonly pairs: readonly Match[]; readonly regionsAlone: boolean; readonly notScored: readonly NotScored[] } {
  const { pairs, unlabelled } = matched(predictions, truths);
  const held = pairs.filter(holdsOut);
  const regionsAlone = held.length > 0;
  const trained = regionsAlone ? pairs.filter((pair) => !held.includes(pair)) : [];
  const notScored = [
    { images: unlabelled, reason: `no labels for training in ${PROJECT_FILE}` },
    { images: trained.map(({ truth }) => truth.name), reason: 'only regions of others are held out' },
  ];
  return {
    pairs: regionsAlone ? held : pairs,
    regionsAlone,
    notScored: notScored.filter(({ images }) => images.length > 0),
  };
}

export interface ReadItems {
  readonly items: readonly Item[];
  readonly truth: LabelKindSurvey;
  readonly prediction: LabelKindSurvey;
  /** Values of colours in both. */
  readonly palettes: PaletteSurvey;
  readonly hasVolumes: boolean;
  /** Number of held-out regions, if they alone are scored. */
  readonly regions?: number;
  readonly notScored: readonly NotScored[];
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
  const palettes = new PaletteSurvey();
  let hasVolumes = false;
  let regions = 0;
  const { pairs, regionsAlone, notScored } = scoredPairs(predictions, truths);
  for (const { prediction, truth } of pairs) {
    const { image, label, labels } = await readPair(files, { prediction, truth }, regionsAlone);
    const found = predictedPages(image);
    notes.add({ ...image, source: prediction.path });
    notes.add({ ...label, source: truth.path });
    notes.add({ source: truth.path, notes: differingSizes(label, image, 'the prediction') });
    requireSameSize(found, labels, prediction, truth);
    if (regionsAlone) regions += truth.annotated?.regions.filter(({ held }) => held).length ?? 0;
    const { slices: depthOfLabel } = sizes(label);
    for (let z = 0; z < labels.length; z += depthOfLabel) {
      survey.truth.add(stackLabels(labels.slice(z, z + depthOfLabel)), label.labelKind);
    }
    requireLabels(labels, ignore);
    for (const page of labels) palettes.add(page);
    if (isWhole(image)) {
      const pages = labelPages(image);
      requireLabels(pages, ignore);
      for (const page of pages) palettes.add(page);
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
  return { items, palettes, hasVolumes, ...survey, notScored, ...(regionsAlone && { regions }) };
}

/**
 * A prediction and its labels on one grid, that of the prediction; where a project has regions of the image, that of the
 * image as it is looked at, in which regions are drawn.
 * @param regionsAlone whether only regions that are held out are scored
 */
async function readPair(
  files: WritableFiles,
  { prediction, truth }: Match,
  regionsAlone: boolean,
): Promise<{ readonly image: Image; readonly label: Image; readonly labels: readonly LabelPage[] }> {
  const predicted = dropAlpha(await readListedImage(files, prediction, { palette: 'index' }));
  const label = await readListedImage(files, truth, { palette: 'index' });
  const { annotated } = truth;
  if (annotated === undefined) {
    const aligned = alignLabels(label, predicted);
    return { image: predicted, label: aligned, labels: labelPages(aligned) };
  }
  const { image, notAnnotated, regions } = annotated;
  const shown = await readListedImage(files, image);
  const map = displayMap(shown);
  const upright = (turned: Image): Image => (map === undefined ? turned : reorient(turned, map));
  const raw = { folder: image.path, pages: rawPages(shown, label, image.name), notes: [] };
  const { pages } = annotate(raw, { notAnnotated, regions: { [image.name]: regions } });
  const held = regions.filter((region) => region.held);
  const scored = regionsAlone
    ? pages.map((page) => {
        const own = held.filter(({ slice = page.page }) => slice === page.page);
        return keepLabels(page, 'within', own, notAnnotated);
      })
    : pages;
  return {
    image: upright(alignLabels(predicted, shown)),
    label: upright(alignLabels(label, shown)),
    labels: scored.map((page) => page.label),
  };
}

function requireSameSize(
  pages: readonly Page[],
  labels: readonly LabelPage[],
  prediction: ListedImage,
  truth: ListedImage,
): void {
  if (pages.length !== labels.length) {
    throw new DatasetError(
      `the prediction has ${counted(pages.length, 'page')}, its ground truth "${truth.path}" ${labels.length}.`,
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
  if (sizes(image).channels !== 3 || !isWhole(image)) return pagesOf(image);
  return labelPages(image).map(({ values: data, height, width }) => ({ data, height, width, channels: 1 }));
}

/** Whether values may be labels: one channel, or colours, of integers, in any dtype. */
function isWhole(image: Image): boolean {
  const { channels } = sizes(image);
  // Three that are no colours are probabilities of three classes.
  if (channels !== 1 && (channels !== 3 || image.channels?.join() !== 'red,green,blue')) return false;
  const { data } = image;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return image.dtype !== 'float16';
  if (channels !== 1) return false;
  for (let p = 0; p < data.length; p++)
    if (!Number.isInteger(data[p]) || Math.abs(data[p] as number) > 0xffffffff) return false;
  return true;
}
