import { declare } from '../declare.ts';
import { DEVICE, flag, QUIET, row, text } from '../options.ts';
import { integer } from '../values.ts';

export const command = declare({
  description: `Scores the best model of each run on held-out images and writes a page: scores with bootstrap confidence intervals,
paired tests, score against operations, parameters, MACs, memory, time, and energy where the machine reports it.`,
  positionals: [{ name: '<runs...>', help: 'two or more run folders' }],
  options: {
    out: row('-o, --out <file>', 'page to write', String, 'compare.html'),
    data: text('--data <folder>', 'labelled images to score on (default: those that all runs held out)'),
    seed: row('--seed <n>', 'random seed of the bootstrap and the tests', integer(0), 0),
    resamples: row('--resamples <n>', 'number of bootstrap samples', integer(100, 1_000_000), 10_000),
    device: DEVICE,
    json: flag('--json', 'print the comparison as JSON'),
    quiet: QUIET,
  },
  examples: ['compare runs/a runs/b', 'compare runs/n4 runs/unet --data ./test --out line.html'],
});
