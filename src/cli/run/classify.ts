/** Image classifiers on the command line: their classes for images, and their scores on labelled ones. */

import { holdsClasses } from '../../dataset/classification/names.ts';
import { counted, DatasetError, UsageError } from '../../errors.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { nodeHost } from '../../platform/node/host.ts';
import type { ClassifyOptions } from '../../predict/classifier.ts';
import { classifyFolder, isClassifierModel, scoreClassifiers } from '../../workflows/classify.ts';
import type { command as evaluate } from '../commands/evaluate.ts';
import type { command as predict } from '../commands/predict.ts';
import type { Options } from '../declare.ts';
import { printJson, say, warn } from '../print.ts';
import { stoppable } from '../stop-signal.ts';

/** `--tta` for image classifiers: 1 or 10 views; default as in the model file. */
function viewsOf(tta: number | undefined): Pick<ClassifyOptions, 'views'> {
  if (tta === undefined || tta === 1 || tta === 10) return { views: tta };
  throw new UsageError(`--tta ${tta} is for segmentation.`, { remedy: 'Image classifiers support 1 or 10 views.' });
}

/** A number to four digits, such as `0.9873`, in a column. */
const digits = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(4));

/** The class of each image, printed and in `classes.csv` with the probabilities of all. */
export async function runClassify(
  models: readonly [string, ...string[]],
  images: string,
  flags: Options<typeof predict>,
): Promise<void> {
  const { json = false, quiet = false, out, which, device, batch, channel } = flags;
  const ofPixels = (['dense', 'patchwise', 'median', 'resample'] as const).find((name) => flags[name] !== undefined);
  if (ofPixels !== undefined) {
    throw new UsageError(`--${ofPixels} is for segmentation; this network is an image classifier.`, {
      remedy: 'Omit it.',
    });
  }
  const options = { out, which, device, batch, channel, ...viewsOf(flags.tta) };
  const result = await stoppable((signal) =>
    classifyFolder(nodeHost, models, images, { ...options, signal }, { onFailure: ({ reason }) => warn(reason) }),
  );
  const { file, images: results, failed, ...rest } = result;
  if (json) {
    printJson({ models, ...rest, out: file, images: results, failed: failed.length === 0 ? undefined : failed });
  } else if (!quiet) {
    for (const { image, class: own, probability } of results) say(`${image}: ${own} (${digits(probability)})`);
    say(`${counted(results.length, 'image')}: ${file}`);
  }
  if (failed.length > 0) {
    throw new DatasetError(`${counted(failed.length, 'image')} could not be classified; the reasons are given above.`, {
      remedy: 'Replace or remove them.',
    });
  }
}

/** Whether `evaluate` is run for image classification. */
export async function evaluatesClasses(
  predictions: string,
  truth: string,
  metrics: Options<typeof evaluate>['metrics'],
) {
  if (metrics.includes('topk')) return true;
  if (!metrics.includes('auto')) return false;
  const names = await nodeFiles.list(truth).catch(() => []);
  return holdsClasses(names) && (await isClassifierModel(nodeFiles, predictions));
}

/** `evaluate <run> <data> --metrics topk`. */
export async function runEvaluateClasses(
  models: readonly string[],
  data: string,
  { json = false, skipBad = false }: Pick<Options<typeof evaluate>, 'json' | 'skipBad'>,
): Promise<void> {
  const result = await scoreClassifiers(nodeHost, models, data, { skipBad });
  const absent = result.perClass.filter((own) => own.images === 0).map(({ name }) => name);
  if (absent.length > 0) {
    const listed = `${absent.slice(0, 8).join(', ')}${absent.length > 8 ? ', ...' : ''}`;
    process.stderr.write(
      `note: ${data}: of the network's ${result.perClass.length} classes ${absent.length} have no image here (${listed}). Are these the images it was trained for?\n`,
    );
  }
  if (json) return printJson({ models, data, ...result });
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
  say(...lines);
}
