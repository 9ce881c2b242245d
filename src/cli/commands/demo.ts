import { Command } from 'commander';
import { integer, number } from '../values.ts';

export interface DemoFlags {
  readonly minutes: number;
  readonly seed: number;
}

export function demoCommand(): Command {
  return new Command('demo')
    .summary('phantom, train, predict, evaluate and report in one go')
    .description(
      'Makes a synthetic EM stack, trains on most of its slices, segments and scores the others, and writes the report.\nEnds in about three minutes on two cores.',
    )
    .argument('[folder]', 'where to write', './demo')
    .option('--minutes <x>', 'time for the training', number({ above: 0 }), 2.3)
    .option('--seed <n>', 'seed of data and training', integer(0), 1)
    .addHelpText('after', '\nExample:\n  lamella demo ./demo')
    .action(async (folder: string, flags: DemoFlags) => {
      const { runDemo } = await import('../run/demo.ts');
      await runDemo(folder, flags);
    });
}
