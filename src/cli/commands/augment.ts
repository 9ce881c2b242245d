import { Command, Option } from 'commander';
import { AUGMENT_NAMES } from '../choices.ts';
import { integer, integers, oneOf, pngFile, size } from '../values.ts';

export interface AugmentFlags {
  readonly out: string;
  readonly augment: (typeof AUGMENT_NAMES)[number];
  readonly patch: readonly [number, number];
  readonly count: number;
  readonly seed: number;
  readonly classes?: string;
  readonly ignore?: readonly number[];
}

export function augmentCommand(): Command {
  return new Command('augment')
    .summary('draw a sheet of what the network will see')
    .description('Draws a sheet of training patches as the network will see them, with the borders of their labels.')
    .argument('<folder>', 'images and labels')
    .option('-o, --out <file>', 'PNG file to write', pngFile, 'preview.png')
    .addOption(
      new Option('--augment <strength>', AUGMENT_NAMES.join(', '))
        .argParser(oneOf(...AUGMENT_NAMES))
        .default('default'),
    )
    .addOption(
      new Option('--patch <px>', 'side of a patch, or width x height').argParser(size).default([192, 192], '192'),
    )
    .option('--count <n>', 'how many patches', integer(1, 400), 8)
    .option('--seed <n>', 'which draw', integer(0), 0)
    .option('--classes <list>', 'name the classes, as in train')
    .option('--ignore <values>', 'label values that take no part', integers)
    .addHelpText('after', '\nExample:\n  lamella augment ./data --out preview.png --augment strong')
    .action(async (folder: string, flags: AugmentFlags) => {
      const { runAugment } = await import('../run/augment.ts');
      await runAugment(folder, flags);
    });
}
