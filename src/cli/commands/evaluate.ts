import { Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { LABEL_KINDS, METRIC_NAMES } from '../choices.ts';
import type { EvaluateFlags } from '../run/evaluate.ts';
import { integers, number, oneOf } from '../values.ts';

type Metric = (typeof METRIC_NAMES)[number];

/** The groups that hold what people ask for by its own name. */
const GROUPS_OF: Readonly<Record<string, readonly Metric[]>> = {
  ...Object.fromEntries(METRIC_NAMES.map((name) => [name, [name]])),
  ...named(['overlap'], 'dice', 'iou', 'miou', 'jaccard', 'precision', 'recall', 'accuracy'),
  ...named(['overlap', 'instances'], 'f1'),
  ...named(['instances'], 'ap', 'map', 'pq', 'sq', 'seg', 'objects'),
  ...named(['isbi'], 'vrand', 'vinfo', 'rand', 'warping', 'pixel'),
  ...named(['surface'], 'hd95', 'assd'),
  ...named(['topk'], 'top1', 'top5'),
};

function named(groups: readonly Metric[], ...names: readonly string[]): Record<string, readonly Metric[]> {
  return Object.fromEntries(names.map((name) => [name, groups]));
}

/** `Dice,AP` to the groups that hold them. */
function metrics(text: string): readonly Metric[] {
  const one = oneOf(...Object.keys(GROUPS_OF));
  const plain = (word: string) => word.trim().toLowerCase().replace(/[-_ ]/g, '');
  return [...new Set(text.split(',').flatMap((word) => GROUPS_OF[one(plain(word))] ?? []))];
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description(
      `Scores predictions against ground truth, matching files by name. isbi: pixel, Rand and warping error, V-Rand and
V-Info of probability maps, slice by slice as the ISBI 2012 challenge scores them. overlap: Dice, IoU, precision and
recall per class. instances: average precision and panoptic quality of objects. surface: HD95 and ASSD per class. topk:
top-1 and top-5 accuracy of image classifiers on the test images of a data set. auto: as the files suggest. Volumes are
scored in 3D.`,
    )
    .argument('<predictions>', 'a file or folder, such as the output of predict; for topk a run')
    .argument('<truth...>', 'a file or folder of labels, or a data set; for topk, preceded by more runs to average')
    .addOption(
      new Option(
        '--metrics <list>',
        `${METRIC_NAMES.join(', ')}, or single scores, which print their group: ${Object.keys(GROUPS_OF).slice(METRIC_NAMES.length).join(', ')}`,
      )
        .argParser(metrics)
        .default(['auto'], 'auto'),
    )
    .addOption(
      new Option(
        '--as <kind>',
        'what label values mean: objects (one per value) or classes (default: inferred from all files)',
      ).argParser(oneOf(...LABEL_KINDS)),
    )
    .option('--slices', 'score volumes slice by slice, not in 3D')
    .option('--classes <list>', 'class of each ground-truth value: membrane=0,inside=255')
    .option('--ignore <values>', 'values of the ground truth to ignore', integers)
    .option(
      '--threshold <p>',
      'probability above which a pixel is foreground; for probability maps, not for isbi (default: 0.5)',
      number({ least: 0, most: 1 }),
    )
    .option('--skip-bad', 'topk: skip unreadable images')
    .option('--json', 'print JSON only')
    .addHelpText(
      'after',
      `
Examples:
  lamella evaluate ./pred ./truth --metrics isbi
  lamella evaluate runs/mnist-1 ./mnist --metrics topk
  lamella evaluate ./pred ./data --json > scores.json`,
    )
    .action(async (predictions: string, rest: readonly string[], flags: EvaluateFlags) => {
      const truth = rest.at(-1) as string;
      const { evaluatesClasses, runEvaluateClasses } = await import('../run/classify.ts');
      if (await evaluatesClasses(predictions, truth, flags.metrics)) {
        return runEvaluateClasses([predictions, ...rest.slice(0, -1)], truth, flags);
      }
      if (rest.length > 1) {
        throw new UsageError(`${rest.length + 1} paths were given.`, {
          remedy: 'Pass predictions and their ground truth.',
        });
      }
      const { runEvaluate } = await import('../run/evaluate.ts');
      const groups = flags.metrics.filter((name) => name !== 'auto' && name !== 'topk');
      await runEvaluate(predictions, truth, flags, groups.length === 0 ? undefined : groups);
    });
}
