import { Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { METRIC_NAMES } from '../choices.ts';
import { integers, number, oneOf } from '../values.ts';

export interface EvaluateFlags {
  readonly metrics: (typeof METRIC_NAMES)[number];
  readonly classes?: string;
  readonly ignore?: readonly number[];
  readonly threshold: number;
  readonly json?: boolean;
  readonly skipBad?: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .summary('score predictions against the truth')
    .description(
      `Scores predictions against the truth, file by file of the same name. isbi: pixel, Rand and warping error, V-Rand
and V-Info of probability maps, as the ISBI 2012 challenge scores them. overlap: Dice, IoU, precision and recall of
classes. instances: average precision and panoptic quality of objects. topk: of a run or model of whole images, how
often the class is right or among the five most probable, on the test images of a data set. auto: as the files suggest.`,
    )
    .argument(
      '<predictions>',
      "a file or folder; of predict's folder its probability/ or label/ is taken, of a data set its labels; for topk a run",
    )
    .argument('<truth...>', 'a file or folder of labels, or a data set; for topk, before it more runs to average')
    .addOption(
      new Option('--metrics <name>', METRIC_NAMES.join(', ')).argParser(oneOf(...METRIC_NAMES)).default('auto'),
    )
    .option('--classes <list>', 'which value of the truth is which class: membrane=0,inside=255')
    .option('--ignore <values>', 'values of the truth that take no part', integers)
    .option(
      '--threshold <p>',
      'where a probability becomes foreground, for overlap and instances',
      number({ least: 0, most: 1 }),
      0.5,
    )
    .option('--skip-bad', 'topk: leave out images that cannot be read')
    .option('--json', 'print only JSON')
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
        throw new UsageError(`${rest.length + 1} paths are given.`, { remedy: 'Give predictions and their truth.' });
      }
      const { runEvaluate } = await import('../run/evaluate.ts');
      await runEvaluate(predictions, truth, { ...flags, metrics: flags.metrics === 'topk' ? 'auto' : flags.metrics });
    });
}
