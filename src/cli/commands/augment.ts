import { Command, Option } from 'commander';
import type { WindowName } from '../../models/spec.ts';
import { AUGMENT_NAMES, WINDOW_NAMES } from '../choices.ts';
import { integer, integers, number, oneOf, pngFile, size } from '../values.ts';

export interface AugmentFlags {
  readonly out: string;
  readonly augment?: (typeof AUGMENT_NAMES)[number];
  readonly patch?: readonly [number, number];
  readonly window?: WindowName;
  readonly foveation?: number;
  readonly cover?: number;
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
      new Option('--augment <strength>', `${AUGMENT_NAMES.join(', ')} (default: default, of windows turns)`).argParser(
        oneOf(...AUGMENT_NAMES),
      ),
    )
    .option('--patch <px>', 'side of a patch, or width x height (default: 192)', size)
    .addOption(
      new Option('--window <network>', `the windows of a pixel classifier: ${WINDOW_NAMES.join(', ')}`).argParser(
        oneOf(...WINDOW_NAMES),
      ),
    )
    .option('--foveation <px>', 'with --window: as in train', number({ least: 0 }))
    .option('--cover <px>', 'with --window: as in train', integer(3))
    .option('--count <n>', 'how many patches', integer(1, 400), 8)
    .option('--seed <n>', 'which draw', integer(0), 0)
    .option('--classes <list>', 'name the classes, as in train')
    .option('--ignore <values>', 'label values that take no part', integers)
    .addHelpText(
      'after',
      `
Examples:
  lamella augment ./data --out preview.png --augment strong
  lamella augment ./data --out preview.png --window n4 --foveation 4 --cover 151`,
    )
    .action(async (folder: string, flags: AugmentFlags) => {
      const { runAugment } = await import('../run/augment.ts');
      await runAugment(folder, flags);
    });
}
