import { declare } from '../declare.ts';
import { DEVICE, flag, OUTPUT, QUIET, row, text } from '../options.ts';
import { integer } from '../values.ts';

export const command = declare({
  description: `Scores the best model of each run, and networks of other programs, on held-out images and writes a page: scores with
bootstrap confidence intervals, paired tests, score against operations, parameters, MACs, memory, time, and energy where
the machine reports it.`,
  usage: '[options] <run|model.onnx> <run|model.onnx> ...',
  positionals: [
    {
      name: '<run|model.onnx...>',
      help: 'two or more run folders, ONNX files or BioImage.IO packages; files need --data',
    },
  ],
  options: {
    out: row('-o, --out <file>', 'page to write', String, 'compare.html'),
    data: text('--data <folder>', 'labelled images to score on (default: those that all runs held out)'),
    output: OUTPUT,
    seed: row('--seed <n>', 'random seed of the bootstrap and the tests', integer(0), 0),
    resamples: row('--resamples <n>', 'number of bootstrap samples', integer(100, 1_000_000), 10_000),
    device: DEVICE,
    json: flag('--json', 'print the comparison as JSON'),
    quiet: QUIET,
  },
  examples: [
    'compare runs/a runs/b',
    'compare runs/n4 runs/unet --data ./test --out line.html',
    'compare runs/a model.onnx --data ./test',
  ],
});
