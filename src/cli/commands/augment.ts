import { Command } from 'commander';
import { WINDOW_NAMES } from '../../models/sliding-window.ts';
import { AUGMENT_NAMES } from '../choices.ts';
import { withFlags } from '../option-words.ts';
import { addOptions, choice, row, valuesOf } from '../options.ts';
import { DATA, NETWORK, TRAINING } from '../train-settings.ts';
import { integer, pngFile } from '../values.ts';

const OPTIONS = {
  out: row('-o, --out <file>', 'PNG file to write', pngFile, 'preview.png'),
  augment: choice('--augment <strength>', AUGMENT_NAMES, { after: ' (default: default, for windows turns)' }),
  patch: { ...TRAINING.patch, help: 'patch size, as side or width x height (default: 192)' },
  window: choice('--window <network>', WINDOW_NAMES, { before: 'draw the windows of a pixel classifier: ' }),
  foveation: { ...NETWORK.foveation, help: 'with --window: as in train' },
  cover: { ...NETWORK.cover, help: 'with --window: as in train' },
  count: row('--count <n>', 'number of patches', integer(1, 400), 8),
  seed: row('--seed <n>', 'random seed', integer(0), 0),
  classes: { ...DATA.classes, help: 'class names, as in train' },
  ignore: DATA.ignore,
};

export function augmentCommand(): Command {
  const command = new Command('augment')
    .description('Draws a sheet of training patches as the network will see them, with the borders of their labels.')
    .argument('<folder>', 'images and labels');
  return addOptions(command, OPTIONS)
    .addHelpText(
      'after',
      `
Examples:
  lamella augment ./data --out preview.png --augment strong
  lamella augment ./data --out preview.png --window n4 --foveation 4 --cover 151`,
    )
    .action(async (folder: string) => {
      const { nodeHost } = await import('../../platform/node/host.ts');
      const { drawAugmentation } = await import('../../workflows/augment.ts');
      const options = valuesOf(command, OPTIONS);
      const { notes, words } = await drawAugmentation(nodeHost, folder, options);
      for (const note of notes) process.stdout.write(`${withFlags(note)}\n`);
      process.stdout.write(
        `${options.count} patches, each before and after (${words}), with labels and loss weights: ${options.out}\n`,
      );
    });
}
