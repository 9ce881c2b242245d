import { Command, Option } from 'commander';
import { METRIC_NAMES } from '../choices.ts';
import { integers, number, oneOf } from '../values.ts';

export interface EvaluateFlags {
  readonly metrics: (typeof METRIC_NAMES)[number];
  readonly classes?: string;
  readonly ignore?: readonly number[];
  readonly threshold: number;
  readonly json?: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .summary('score predictions against the truth')
    .description(
      `Scores predictions against the truth, file by file of the same name. isbi: pixel, Rand and warping error, V-Rand
and V-Info of probability maps, as the ISBI 2012 challenge scores them. overlap: Dice, IoU, precision and recall of
classes. instances: average precision and panoptic quality of objects. auto: as the files suggest.`,
    )
    .argument(
      '<predictions>',
      "a file or folder; of predict's folder its probability/ or label/ is taken, of a data set its labels",
    )
    .argument('<truth>', 'a file or folder of labels; of a data set its label folder is taken')
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
    .option('--json', 'print only JSON')
    .addHelpText(
      'after',
      `
Examples:
  lamella evaluate ./pred ./truth --metrics isbi
  lamella evaluate ./pred ./data --json > scores.json`,
    )
    .action(async (predictions: string, truth: string, flags: EvaluateFlags) => {
      const { runEvaluate } = await import('../run/evaluate.ts');
      await runEvaluate(predictions, truth, flags);
    });
}
