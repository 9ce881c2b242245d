import { Argument, Command } from 'commander';
import { addOptions, DEVICE, JSON_ONLY, row, valuesOf } from '../options.ts';
import { integer, oneOf, size } from '../values.ts';

const OPTIONS = {
  size: row('--size <px>', 'image size, as side or width x height', size, [512, 512], '512'),
  sample: row('--sample <n>', 'number of windows to run one by one', integer(1), 1024),
  device: DEVICE,
  json: JSON_ONLY,
};

export function benchCommand(): Command {
  const command = new Command('bench')
    .description(
      `Measures on this machine what is claimed. dense: a pixel classifier that sees one window classifies all pixels of
an image at once, and window by window, timed on a sample and extrapolated.`,
    )
    .addArgument(new Argument('<what>', 'what to measure: dense').argParser(oneOf('dense')))
    .argument('[network]', 'n1, n2, n3, n4, a run folder or an ONNX file', 'n4');
  return addOptions(command, OPTIONS)
    .addHelpText('after', '\nExamples:\n  lamella bench dense\n  lamella bench dense runs/n4 --size 1024 --json')
    .action(async (_what: 'dense', network: string) => {
      const { runBenchDense } = await import('../run/bench-dense.ts');
      await runBenchDense(network, valuesOf(command, OPTIONS));
    });
}
