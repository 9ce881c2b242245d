import { WINDOW_NAMES } from '../../models/sliding-window.ts';
import { declare } from '../declare.ts';
import { choice, row } from '../options.ts';
import { DATA, NETWORK, STRENGTHS, TRAINING } from '../train-settings.ts';
import { integer, pngFile } from '../values.ts';

export const command = declare({
  description: 'Draws a sheet of training patches as the network will see them, with the borders of their labels.',
  positionals: [{ name: '<folder>', help: 'images and labels' }],
  options: {
    out: row('-o, --out <file>', 'PNG file to write', pngFile, 'preview.png'),
    augment: choice('--augment <strength>', STRENGTHS, { after: ' (default: default, for windows turns)' }),
    patch: { ...TRAINING.patch, help: 'patch size, as side or width x height (default: 192)' },
    window: choice('--window <network>', WINDOW_NAMES, { before: 'draw the windows of a pixel classifier: ' }),
    foveation: { ...NETWORK.foveation, help: 'with --window: as in train' },
    cover: { ...NETWORK.cover, help: 'with --window: as in train' },
    count: row('--count <n>', 'number of patches', integer(1, 400), 8),
    seed: row('--seed <n>', 'random seed', integer(0), 0),
    classes: DATA.classes,
    ignore: DATA.ignore,
  },
  examples: [
    'augment ./data --out preview.png --augment strong',
    'augment ./data --out preview.png --window n4 --foveation 4 --cover 151',
  ],
});
