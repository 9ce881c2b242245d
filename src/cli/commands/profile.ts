import { Command, Option } from 'commander';
import { DEVICE_NAMES } from '../choices.ts';
import type { ProfileFlags } from '../run/profile.ts';
import { integer, oneOf, size } from '../values.ts';

export function profileCommand(): Command {
  return new Command('profile')
    .description(
      `Runs a network on noise and lists output, parameters, MACs, memory and time per layer. A patch classifier is profiled
on one window, or with --size on all pixels of an image at once.`,
    )
    .argument('<run|model.onnx|network>', 'a run folder, an ONNX file or the name of a network')
    .option('--size <px>', 'side of the image, or width x height (default: 256, or what the network needs)', size)
    .option('--runs <n>', 'number of runs to average, after one warm-up run', integer(1, 1000), 5)
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--json', 'print JSON only')
    .addHelpText('after', '\nExamples:\n  lamella profile alexnet\n  lamella profile runs/a --size 512 --json')
    .action(async (what: string, flags: ProfileFlags) => {
      const { runProfile } = await import('../run/profile.ts');
      await runProfile(what, flags);
    });
}
