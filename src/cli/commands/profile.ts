import { declare } from '../declare.ts';
import { DEVICE, JSON_ONLY, row } from '../options.ts';
import { integer, size } from '../values.ts';

export const command = declare({
  description: `Runs a network on noise and lists output, parameters, MACs, memory and time per layer. A patch classifier is profiled
on one window, or with --size on all pixels of an image at once.`,
  positionals: [{ name: '<run|model.onnx|network>', help: 'a run folder, an ONNX file or the name of a network' }],
  options: {
    size: row('--size <px>', 'side of the image, or width x height (default: 256, or what the network needs)', size),
    runs: row('--runs <n>', 'number of runs to average, after one warm-up run', integer(1, 1000), 5),
    device: DEVICE,
    json: JSON_ONLY,
  },
  examples: ['profile alexnet', 'profile runs/a --size 512 --json'],
});
