import { declare } from '../declare.ts';
import { CHANNEL, CHECKPOINT, DEVICE, flag, OUTPUT, row, text } from '../options.ts';
import { integer, point } from '../values.ts';

export const command = declare({
  description: `Writes a page that explains one prediction: the first filters and their responses, feature maps of a layer, the
theoretical and effective receptive field, saliency, Grad-CAM, and the arithmetic of one pixel from the first convolution
to the probability. All values are cross-checked by independent computation.`,
  positionals: [
    { name: '<run|model.onnx>', help: 'a run folder or an ONNX file' },
    { name: '<image>', help: 'an image' },
  ],
  options: {
    at: row('--at <x,y>', 'pixel to explain, counted from 0 at the upper left (default: the centre)', point),
    channel: CHANNEL,
    layer: text('--layer <name>', 'layer for feature maps, Grad-CAM and arithmetic (default: the deepest)'),
    target: text('--class <name>', 'class to explain (default: the most probable)'),
    out: text('-o, --out <file>', 'page to write (default: explain.html beside the run or model)'),
    page: row('--page <n>', 'slice of a stack, counted from 0', integer(0), 0),
    maps: row('--maps <n>', 'maximum number of filters and feature maps', integer(1, 512), 32),
    output: OUTPUT,
    device: DEVICE,
    json: flag('--json', 'print the answer and the checks as JSON'),
    which: CHECKPOINT,
  },
  examples: ['explain runs/a slice.png --at 120,80', 'explain runs/mnist-1 seven.png --layer hidden1'],
});
