import { Command, Option } from 'commander';
import { DEVICE_NAMES } from '../choices.ts';
import type { CompareFlags } from '../run/compare.ts';
import { integer, oneOf } from '../values.ts';

export function compareCommand(): Command {
  return new Command('compare')
    .description(
      `Judges the best model of each run on images that none of them was trained on, and writes a page: scores with
confidence intervals by bootstrap over images, paired tests, the chart of score over operations with parameters as
area, parameters, multiplications, memory, time, and energy where the machine tells it.`,
    )
    .argument('<runs...>', 'two run folders or more')
    .option('-o, --out <file>', 'page to write', 'compare.html')
    .option('--data <folder>', 'images with truth to judge on (default: those that all runs held out)')
    .option('--seed <n>', 'seed of the bootstrap and the tests', integer(0), 0)
    .option('--resamples <n>', 'samples of the bootstrap', integer(100, 1_000_000), 10_000)
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--json', 'print the comparison as JSON')
    .option('--quiet', 'print warnings and errors only')
    .addHelpText(
      'after',
      '\nExamples:\n  lamella compare runs/a runs/b\n  lamella compare runs/n4 runs/unet --data ./test --out line.html',
    )
    .action(async (runs: readonly string[], flags: CompareFlags) => {
      const { runCompare } = await import('../run/compare.ts');
      await runCompare(runs, flags);
    });
}
