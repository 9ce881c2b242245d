import { Command } from 'commander';
import { addOptions, row, valuesOf } from '../options.ts';
import { integer, number, size } from '../values.ts';

const OPTIONS = {
  seed: row('--seed <n>', 'random seed', integer(0), 0),
  size: row('--size <px>', 'image size, as side or width x height', size, [256, 256], '256'),
  slices: row('--slices <n>', 'number of slices', integer(1), 16),
  cell: row('--cell <px>', 'mean distance between cell centres', number({ least: 8 }), 40),
  organelles: row('--organelles <x>', 'amount of organelles: 0 none, 1 as in nerve tissue', number({ least: 0 }), 1),
  noise: row('--noise <x>', 'amount of shot noise: 0 none, 1 as in a micrograph', number({ least: 0 }), 1),
};

export function phantomCommand(): Command {
  const command = new Command('phantom')
    .description(
      `Creates a synthetic serial-section electron micrograph of nerve tissue with its labels (255 inside a cell, 0
membrane) as folder/image/*.png and folder/label/*.png. The same seed gives the same stack.`,
    )
    .argument('<folder>', 'where to write; must be empty or not exist yet');
  return addOptions(command, OPTIONS)
    .addHelpText(
      'after',
      '\nExamples:\n  lamella phantom ./data\n  lamella phantom ./data --size 512 --slices 24 --seed 3',
    )
    .action(async (folder: string) => {
      const { nodeFiles } = await import('../../platform/node/files.ts');
      const { requireFreeFolder } = await import('../../workflows/out-folder.ts');
      const { writeSlices } = await import('../phantom-files.ts');
      const { phantom } = await import('../../phantom/phantom.ts');
      await requireFreeFolder(nodeFiles, folder);
      const {
        seed,
        slices,
        size: [height, width],
        cell,
        organelles,
        noise,
      } = valuesOf(command, OPTIONS);
      const stack = phantom({ seed, height, width, depth: slices, cellPx: cell, organelles, noise });
      await writeSlices(folder, stack, [...Array(slices).keys()]);
      process.stdout.write(
        `${slices} slices of ${width} x ${height} in ${folder}: image/ and label/ (255 inside, 0 membrane), seed ${seed}\nNext: npx lamella train ${folder}\n`,
      );
    });
}
