import { Command, Option } from 'commander';
import { DEVICE_NAMES } from '../choices.ts';
import { addOptions, CHECKPOINT } from '../options.ts';
import type { ExplainFlags } from '../run/explain.ts';
import { channels, integer, oneOf, point } from '../values.ts';

export function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      `Writes a page that explains one prediction: the first filters and their responses, feature maps of a layer, the
theoretical and effective receptive field, saliency, Grad-CAM, and the arithmetic of one pixel from the first convolution
to the probability. All values are cross-checked by independent computation.`,
    )
    .argument('<run|model.onnx>', 'a run folder or an ONNX file')
    .argument('<image>', 'an image')
    .option('--at <x,y>', 'pixel to explain, counted from 0 at the upper left (default: the centre)', point)
    .option(
      '--channel <list>',
      'channels of the image to use, by name or number from 0 (default: as in training)',
      channels,
    )
    .option('--layer <name>', 'layer for feature maps, Grad-CAM and arithmetic (default: the deepest)')
    .option('--class <name>', 'class to explain (default: the most probable)')
    .option('-o, --out <file>', 'page to write (default: explain.html beside the run or model)')
    .option('--page <n>', 'slice of a stack, counted from 0', integer(0), 0)
    .option('--maps <n>', 'maximum number of filters and feature maps', integer(1, 512), 32)
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--json', 'print the answer and the checks as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  lamella explain runs/a slice.png --at 120,80\n  lamella explain runs/mnist-1 seven.png --layer hidden1',
    )
    .action(async (model: string, image: string, flags: ExplainFlags) => {
      const { runExplain } = await import('../run/explain.ts');
      await runExplain(model, image, flags);
    });
  return addOptions(command, { checkpoint: CHECKPOINT });
}
