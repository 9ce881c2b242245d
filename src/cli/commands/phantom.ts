import { Command, Option } from 'commander';
import { integer, number, size } from '../values.ts';

export interface PhantomFlags {
  readonly seed: number;
  readonly size: readonly [number, number];
  readonly slices: number;
  readonly cell: number;
  readonly organelles: number;
  readonly noise: number;
}

export function phantomCommand(): Command {
  return new Command('phantom')
    .summary('make a synthetic EM stack with labels')
    .description(
      'Makes a synthetic serial-section electron micrograph of nerve tissue with its labels (255 inside a cell, 0\nmembrane) as folder/image/*.png and folder/label/*.png. The same seed gives the same stack.',
    )
    .argument('<folder>', 'where to write; must be empty or not there yet')
    .option('--seed <n>', 'which stack', integer(0), 0)
    .addOption(new Option('--size <px>', 'side, or width x height').argParser(size).default([256, 256], '256'))
    .option('--slices <n>', 'how many', integer(1), 16)
    .option('--cell <px>', 'mean distance of cell centres', number({ least: 8 }), 40)
    .option('--organelles <x>', 'how many: 0 none, 1 as in nerve tissue', number({ least: 0 }), 1)
    .option('--noise <x>', 'shot noise: 0 none, 1 as in a micrograph', number({ least: 0 }), 1)
    .addHelpText(
      'after',
      '\nExamples:\n  lamella phantom ./data\n  lamella phantom ./data --size 512 --slices 24 --seed 3',
    )
    .action(async (folder: string, flags: PhantomFlags) => {
      const { runPhantom } = await import('../run/phantom.ts');
      await runPhantom(folder, flags);
    });
}
