import { Argument, Command, Option } from 'commander';
import { DEVICE_NAMES } from '../choices.ts';
import { integer, oneOf, size } from '../values.ts';

export interface BenchFlags {
  readonly size: readonly [number, number];
  readonly sample: number;
  readonly device: (typeof DEVICE_NAMES)[number];
  readonly json?: boolean;
}

export function benchCommand(): Command {
  return new Command('bench')
    .summary('measure on this machine what is claimed')
    .description(
      `Measures on this machine what is claimed. dense: a network that sees one window gives a class to every pixel of
an image, all at once, and one window after another, of which a sample is run and the rest reckoned from it.`,
    )
    .addArgument(new Argument('<what>', 'what to measure: dense').argParser(oneOf('dense')))
    .argument('[network]', 'n1, n2, n3, n4, a run folder or an ONNX file', 'n4')
    .addOption(
      new Option('--size <px>', 'side of the image, or width x height').argParser(size).default([512, 512], '512'),
    )
    .option('--sample <n>', 'windows to run one after another', integer(1), 1024)
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--json', 'print only JSON')
    .addHelpText('after', '\nExamples:\n  lamella bench dense\n  lamella bench dense runs/n4 --size 1024 --json')
    .action(async (_what: 'dense', network: string, flags: BenchFlags) => {
      const { runBenchDense } = await import('../run/bench-dense.ts');
      await runBenchDense(network, flags);
    });
}
