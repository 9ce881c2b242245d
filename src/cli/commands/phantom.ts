import { declare } from '../declare.ts';
import { row } from '../options.ts';
import { integer, number, size } from '../values.ts';

export const command = declare({
  description: `Creates a synthetic serial-section electron micrograph of nerve tissue with its labels (255 inside a cell, 0
membrane) as folder/image/*.png and folder/label/*.png. The same seed gives the same stack.`,
  positionals: [{ name: '<folder>', help: 'where to write; must be empty or not exist yet' }],
  options: {
    seed: row('--seed <n>', 'random seed', integer(0), 0),
    size: row('--size <px>', 'image size, as side or width x height', size, [256, 256], '256'),
    depth: row('--slices <n>', 'number of slices', integer(1), 16),
    cellPx: row('--cell <px>', 'mean distance between cell centres', number({ least: 8 }), 40),
    organelles: row('--organelles <x>', 'amount of organelles: 0 none, 1 as in nerve tissue', number({ least: 0 }), 1),
    noise: row('--noise <x>', 'amount of shot noise: 0 none, 1 as in a micrograph', number({ least: 0 }), 1),
  },
  examples: ['phantom ./data', 'phantom ./data --size 512 --slices 24 --seed 3'],
});
