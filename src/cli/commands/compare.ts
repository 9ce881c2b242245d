import { Command, Option } from 'commander';
import { DEVICE_NAMES } from '../choices.ts';
import type { CompareFlags } from '../run/compare.ts';
import { integer, oneOf } from '../values.ts';

export function compareCommand(): Command {
  return new Command('compare')
    .description(
      `Scores the best model of each run on held-out images and writes a page: scores with bootstrap confidence intervals,
paired tests, score against operations, parameters, MACs, memory, time, and energy where the machine reports it.`,
    )
    .argument('<runs...>', 'two or more run folders')
    .option('-o, --out <file>', 'page to write', 'compare.html')
    .option('--data <folder>', 'labelled images to score on (default: those that all runs held out)')
    .option('--seed <n>', 'random seed of the bootstrap and the tests', integer(0), 0)
    .option('--resamples <n>', 'number of bootstrap samples', integer(100, 1_000_000), 10_000)
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
