import { declare } from '../declare.ts';
import { DEVICE, JSON_ONLY, row } from '../options.ts';
import { integer, oneOf, size } from '../values.ts';

export const command = declare({
  description: `Measures on this machine what is claimed. dense: a pixel classifier that sees one window classifies all pixels of
an image at once, and window by window, timed on a sample and extrapolated.`,
  positionals: [
    { name: '<what>', help: 'what to measure: dense', parse: oneOf('dense') },
    { name: '[network]', help: 'n1, n2, n3, n4, a run folder or an ONNX file', byDefault: 'n4' },
  ],
  options: {
    size: row('--size <px>', 'image size, as side or width x height', size, [512, 512], '512'),
    sample: row('--sample <n>', 'number of windows to run one by one', integer(1), 1024),
    device: DEVICE,
    json: JSON_ONLY,
  },
  examples: ['bench dense', 'bench dense runs/n4 --size 1024 --json'],
});
