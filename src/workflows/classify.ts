/** Image classifiers: the class of each image of a folder, and scores on labelled images. */

import type { NdArray } from '../array/ndarray.ts';
import type { ClassSample, RawClasses } from '../dataset/classification/classes.ts';
import { readClasses } from '../dataset/classification/read.ts';
import { DatasetError, FormatError } from '../errors.ts';
import { type LabelScores, labelScores } from '../evaluate/classes.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { ChannelChoice } from '../input/channels.ts';
import { type InputPages, inputPages } from '../input/network-input.ts';
import { requireSameClasses } from '../predict/average.ts';
import {
  type Classifier,
  type ClassifyOptions,
  classifyPages,
  isClassifierFile,
  meanProbabilities,
  openClassifier,
} from '../predict/classifier.ts';
import type { DeviceName } from '../runtime/runtime.ts';
import type { Host } from './host.ts';
import { readImageFile } from './image-files.ts';
import { listImages } from './image-list.ts';
import { modelFileOf } from './model-files.ts';
import type { FailedFile } from './predict.ts';
import { defaultOut } from './prediction-file.ts';

/** Whether a run or file is an image classifier. Unreadable files are reported when they are opened. */
export async function isClassifierModel(
  files: WritableFiles,
  path: string,
  which: 'best' | 'last' = 'best',
): Promise<boolean> {
  try {
    const file = await modelFileOf(files, path, which);
    return isClassifierFile(await files.read(file), file);
  } catch {
    return false;
  }
}

export interface Classified {
  readonly classes: readonly string[];
  readonly device: string;
  /** [images, classes] */
  readonly probabilities: NdArray<'float32'>;
}

/** The mean of the networks' probabilities. @throws ModelError if their classes differ. */
async function classify(
  host: Host,
  models: readonly string[],
  pages: InputPages['pages'],
  {
    which = 'best',
    device,
    ...options
  }: ClassifyOptions & { readonly which?: 'best' | 'last'; readonly device?: DeviceName | 'auto' } = {},
): Promise<Classified> {
  const runtime = await host.openRuntime(device);
  try {
    const opened: (Classifier & { readonly file: string })[] = [];
    for (const path of models) {
      const file = await modelFileOf(host.files, path, which);
      opened.push({ ...(await openClassifier(runtime, await host.files.read(file), { file })), file });
    }
    requireSameClasses(opened);
    const given: NdArray<'float32'>[] = [];
    for (const model of opened) given.push(await classifyPages(model, pages, options));
    const { classes } = opened[0] as Classifier;
    return { classes, device: runtime.device, probabilities: meanProbabilities(given) };
  } finally {
    await runtime.dispose();
  }
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export interface ClassifyFolderOptions extends ClassifyOptions {
  /** Where to write `classes.csv`; default: `pred` in the run, or beside the model. */
  readonly out?: string;
  readonly device?: DeviceName | 'auto';
  /** For a run folder: its best model (default) or its last. */
  readonly which?: 'best' | 'last';
  /** Channels of the images to use, by name or by number from 0; default: as in training. */
  readonly channel?: ChannelChoice;
}

export interface ClassifiedFolder {
  /** The table of all classes' probabilities. */
  readonly file: string;
  readonly device: string;
  readonly classes: readonly string[];
  readonly images: readonly { readonly image: string; readonly class: string; readonly probability: number }[];
  /** Images that could not be read. */
  readonly failed: readonly FailedFile[];
}

/**
 * The class of each image of a path, by one classifier or the mean of several; all probabilities go to `classes.csv`.
 * @throws reading errors for a single image; among several, unreadable images are skipped and returned as `failed`.
 *   ModelError if the networks' classes differ.
 */
export async function classifyFolder(
  host: Host,
  models: readonly [string, ...string[]],
  images: string,
  { out, channel, ...options }: ClassifyFolderOptions = {},
  { onFailure }: { readonly onFailure?: (failed: FailedFile) => void } = {},
): Promise<ClassifiedFolder> {
  const { files } = host;
  const listed = await listImages(files, images);
  const pages: InputPages['pages'][number][] = [];
  const failed: FailedFile[] = [];
  for (const { path } of listed) {
    try {
      pages.push(...inputPages(await readImageFile(files, path), { name: path, channel }).pages);
    } catch (cause) {
      if (listed.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
      failed.push({ image: path, reason: cause.message });
      onFailure?.({ image: path, reason: cause.message });
    }
  }
  const { classes, device, probabilities } = await classify(host, models, pages, options);
  const rowOf = (n: number) => probabilities.data.subarray(n * classes.length, (n + 1) * classes.length);
  const results = pages.map(({ name }, n) => {
    const row = rowOf(n);
    const best = row.reduce((top, p, c) => (p > (row[top] as number) ? c : top), 0);
    return { image: name, class: classes[best] as string, probability: row[best] as number };
  });
  const file = joinPath(out ?? (await defaultOut(files, models)), 'classes.csv');
  const lines = results.map(({ image, class: own }, n) => [quoted(image), quoted(own), ...rowOf(n)].join(','));
  await files.write(file, `${['image', 'class', ...classes.map(quoted)].join(',')}\n${lines.join('\n')}\n`);
  return { file, device, classes, images: results, failed };
}

/** Scores on images whose class is known. */
export interface TopK extends Pick<LabelScores, 'images' | 'top1' | 'top5' | 'perClass'> {
  readonly part: string;
}

/** The test images of a data set; without a test part all of it. */
function scoredPart({ parts }: RawClasses): { readonly part: string; readonly samples: readonly ClassSample[] } {
  return parts.test.length > 0
    ? { part: 'test', samples: parts.test }
    : { part: 'all', samples: [...parts.train, ...parts.validation] };
}

/** Labelled images by the classes of the network. @throws DatasetError for a class that it does not have. */
function labelsFor(raw: RawClasses, samples: readonly ClassSample[], classes: readonly string[]): number[] {
  return samples.map(({ name, label }) => {
    const own = raw.classNames[label] as string;
    const found = classes.indexOf(own);
    // Files may only number their classes, in the network's order.
    const index = found >= 0 || !/^\d+$/.test(own) ? found : label;
    if (index >= 0 && index < classes.length) return index;
    throw new DatasetError(`the network does not have the class "${own}".`, {
      file: name,
      remedy: `It has ${classes.length} classes: ${classes.slice(0, 12).join(', ')}${classes.length > 12 ? ', ...' : ''}.`,
    });
  });
}

/**
 * Scores image classifiers, or the mean of several, on the test part of a data set; without a test part on all of it.
 * @param skipBad whether to skip unreadable images
 * @throws DatasetError for a class that the network does not have; ModelError if the networks' classes differ.
 */
export async function scoreClassifiers(
  host: Host,
  models: readonly string[],
  data: string,
  { skipBad = false }: { readonly skipBad?: boolean } = {},
): Promise<TopK> {
  const raw = await readClasses(host.files, data, { skipBad });
  const { part, samples } = scoredPart(raw);
  const { classes, probabilities } = await classify(host, models, samples);
  const labels = labelsFor(raw, samples, classes);
  const { confusion: _, perImage: __, ...scores } = labelScores(probabilities, labels, classes);
  return { part, ...scores };
}
