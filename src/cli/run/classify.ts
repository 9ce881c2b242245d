/** Networks of whole images on the command line: their classes for images, and their scores on labelled ones. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NdArray } from '../../array/ndarray.ts';
import type { ClassSample, RawClasses } from '../../dataset/classification/classes.ts';
import { holdsClasses } from '../../dataset/classification/names.ts';
import { readClasses } from '../../dataset/classification/read.ts';
import { DatasetError, FormatError, UsageError } from '../../errors.ts';
import { pickChannels } from '../../input/channels.ts';
import { type Page, pagesOf } from '../../input/planes.ts';
import { topKAccuracy } from '../../metrics/top-k.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { readImageFile } from '../../platform/node/image-files.ts';
import { modelFileOf } from '../../platform/node/model-files.ts';
import { openRuntime } from '../../platform/node/runtime.ts';
import { requireSameClasses } from '../../predict/average.ts';
import {
  type Classifier,
  type ClassifyOptions,
  classifyPages,
  isClassifierFile,
  meanProbabilities,
  openClassifier,
} from '../../predict/classifier.ts';
import type { EvaluateFlags } from '../commands/evaluate.ts';
import type { PredictFlags } from '../commands/predict.ts';
import { listImages } from '../image-list.ts';
import { withFlags } from '../option-words.ts';
import { stopSignal } from '../stop-signal.ts';
import { defaultOut } from './predict-out.ts';

type Device = PredictFlags['device'];

/** Whether a run or file names the class of whole images. What cannot be read says so where it is opened. */
export async function isClassifierModel(path: string, which: 'best' | 'last' = 'best'): Promise<boolean> {
  const file = await modelFileOf(path, which).catch(() => undefined);
  const bytes = file === undefined ? undefined : await readFile(file).catch(() => undefined);
  try {
    return bytes !== undefined && isClassifierFile(bytes, file);
  } catch {
    return false;
  }
}

interface Classified {
  readonly classes: readonly string[];
  readonly device: string;
  /** [images, classes] */
  readonly probabilities: NdArray<'float32'>;
}

/** The mean of what the networks give. @throws ModelError where their classes differ. */
async function classify(
  models: readonly string[],
  pages: readonly (Page & { readonly name: string })[],
  {
    which = 'best',
    device,
    ...options
  }: ClassifyOptions & { readonly which?: 'best' | 'last'; readonly device: Device },
): Promise<Classified> {
  const runtime = await openRuntime({ device });
  try {
    const opened: (Classifier & { readonly file: string })[] = [];
    for (const path of models) {
      const file = await modelFileOf(path, which);
      opened.push({ ...(await openClassifier(runtime, await readFile(file), { file })), file });
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

const VIEWS: { readonly [tta: number]: 1 | 10 } = { 1: 1, 10: 10 };

/** `--tta` for networks of whole images: 1 or 10 views; nothing for what the network was made for. */
function viewsOf(tta: number | undefined): Pick<ClassifyOptions, 'views'> {
  if (tta === undefined) return {};
  const views = VIEWS[tta];
  if (views === undefined) {
    throw new UsageError(`--tta ${tta} is for segmentation.`, {
      remedy: 'Networks of whole images take 1 or 10 views.',
    });
  }
  return { views };
}

/** `0.9873` to four digits, in a column. */
const digits = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(4));

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

interface Named {
  readonly image: string;
  readonly class: string;
  readonly probability: number;
}

/** The class of each image, printed and in `classes.csv` with the probabilities of all. */
export async function runClassify(
  models: readonly [string, ...string[]],
  images: string,
  flags: PredictFlags,
): Promise<void> {
  const { json = false, quiet = false } = flags;
  const ofPixels = (['dense', 'patchwise', 'median'] as const).find((name) => flags[name] !== undefined);
  if (ofPixels !== undefined) {
    throw new UsageError(
      `--${ofPixels} is for networks that give a class to pixels; this one names that of an image.`,
      {
        remedy: 'Leave it out.',
      },
    );
  }
  const listed = await listImages(images);
  const pages: (Page & { readonly name: string })[] = [];
  const failed: { readonly image: string; readonly reason: string }[] = [];
  for (const { path } of listed) {
    try {
      const found = pagesOf(await readImageFile(path));
      found.forEach((page, i) => {
        const named = { ...page, name: found.length > 1 ? `${path}[${i}]` : path };
        pages.push(flags.channel === undefined ? named : pickChannels(named, flags.channel));
      });
    } catch (cause) {
      if (listed.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
      process.stderr.write(`lamella: ${withFlags(cause.message)}\n`);
      failed.push({ image: path, reason: cause.message });
    }
  }
  const stop = stopSignal(() => process.stderr.write('\nStopping.\n'));
  try {
    const { classes, device, probabilities } = await classify(models, pages, {
      which: flags.model,
      device: flags.device,
      signal: stop.signal,
      ...viewsOf(flags.tta),
      ...(flags.batch === undefined ? {} : { batch: flags.batch }),
    });
    const rowOf = (n: number) => probabilities.data.subarray(n * classes.length, (n + 1) * classes.length);
    const results = pages.map(({ name }, n): Named => {
      const row = rowOf(n);
      const best = row.reduce((top, p, c) => (p > (row[top] as number) ? c : top), 0);
      return { image: name, class: classes[best] as string, probability: row[best] as number };
    });
    const out = flags.out ?? (await defaultOut(models));
    const file = join(out, 'classes.csv');
    const lines = results.map(({ image, class: own }, n) => [quoted(image), quoted(own), ...rowOf(n)].join(','));
    await atomicWrite(file, `${['image', 'class', ...classes.map(quoted)].join(',')}\n${lines.join('\n')}\n`);
    if (json) {
      const summary = { models, device, classes, out: file, images: results, ...(failed.length > 0 ? { failed } : {}) };
      process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    } else if (!quiet) {
      for (const { image, class: own, probability } of results) {
        process.stdout.write(`${image}: ${own} (${digits(probability)})\n`);
      }
      process.stdout.write(`${results.length} image${results.length === 1 ? '' : 's'}: ${file}\n`);
    }
    if (failed.length > 0) {
      throw new DatasetError(`${failed.length} of ${listed.length} images could not be classified, as said above.`, {
        remedy: 'Replace them, or take them out.',
      });
    }
  } finally {
    stop.release();
  }
}

/** Scores of networks on images whose class is known. */
interface TopK {
  readonly part: string;
  readonly images: number;
  readonly top1: number;
  /** NaN for five classes or fewer. */
  readonly top5: number;
  readonly perClass: readonly { readonly name: string; readonly images: number; readonly recall: number }[];
}

/** The test images of a data set; without such a part all of it. */
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
    // Files that only number their classes: the numbers are the network's.
    const index = found >= 0 || !/^\d+$/.test(own) ? found : label;
    if (index >= 0 && index < classes.length) return index;
    throw new DatasetError(`the class is "${own}", which the network does not have.`, {
      file: name,
      remedy: `It has ${classes.length} classes: ${classes.slice(0, 12).join(', ')}${classes.length > 12 ? ', ...' : ''}.`,
    });
  });
}

async function topKOf(models: readonly string[], data: string, skipBad: boolean): Promise<TopK> {
  const raw = await readClasses(nodeFiles, data, { skipBad });
  const { part, samples } = scoredPart(raw);
  const { classes, probabilities } = await classify(models, samples, { device: 'auto' });
  const labels = labelsFor(raw, samples, classes);
  const right = new Array<number>(classes.length).fill(0);
  const counts = new Array<number>(classes.length).fill(0);
  labels.forEach((label, n) => {
    const row = probabilities.data.subarray(n * classes.length, (n + 1) * classes.length);
    counts[label] = (counts[label] as number) + 1;
    if (row.every((p, c) => c === label || p < (row[label] as number))) right[label] = (right[label] as number) + 1;
  });
  return {
    part,
    images: samples.length,
    top1: topKAccuracy(probabilities, labels, 1),
    top5: classes.length > 5 ? topKAccuracy(probabilities, labels, 5) : Number.NaN,
    perClass: classes.map((name, c) => ({
      name,
      images: counts[c] as number,
      recall: (right[c] as number) / (counts[c] as number),
    })),
  };
}

/** Whether `evaluate` is asked for the classes of whole images. */
export async function evaluatesClasses(predictions: string, truth: string, metrics: EvaluateFlags['metrics']) {
  if (metrics === 'topk') return true;
  if (metrics !== 'auto') return false;
  const names = await nodeFiles.list(truth).catch(() => []);
  return holdsClasses(names) && (await isClassifierModel(predictions));
}

/** `evaluate <run> <data> --metrics topk`. */
export async function runEvaluateClasses(
  models: readonly string[],
  data: string,
  { json = false, skipBad = false }: Pick<EvaluateFlags, 'json' | 'skipBad'>,
): Promise<void> {
  const result = await topKOf(models, data, skipBad);
  const absent = result.perClass.filter((own) => own.images === 0).map(({ name }) => name);
  if (absent.length > 0) {
    const listed = `${absent.slice(0, 8).join(', ')}${absent.length > 8 ? ', ...' : ''}`;
    process.stderr.write(
      `note: ${data}: of the network's ${result.perClass.length} classes ${absent.length} have no image here (${listed}). Are these the images it was trained for?\n`,
    );
  }
  if (json) {
    process.stdout.write(`${JSON.stringify({ models, data, ...result }, null, 2)}\n`);
    return;
  }
  const { part, images, top1, top5, perClass } = result;
  const lines = [
    `${images} images (${part === 'test' ? 'the test part' : 'all of them'})`,
    `  top-1: ${digits(top1)} right, error ${(100 * (1 - top1)).toFixed(2)} %`,
    ...(Number.isNaN(top5) ? [] : [`  top-5: ${digits(top5)} right, error ${(100 * (1 - top5)).toFixed(2)} %`]),
  ];
  if (perClass.length <= 20) {
    lines.push('', 'class                       images    recall');
    for (const { name, images: count, recall } of perClass) {
      lines.push(`  ${name.padEnd(24)}  ${String(count).padEnd(8)}  ${digits(recall)}`);
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
