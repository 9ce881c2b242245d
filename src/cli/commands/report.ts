import { Command, Option } from 'commander';
import { DEVICE_NAMES } from '../choices.ts';
import type { ReportFlags } from '../run/report.ts';
import { oneOf, spacing } from '../values.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description(
      `Predicts the held-out images of a run with its best model and writes report.html: scores, images with ground truth,
prediction and errors, curves, configuration, machine and times, in one file without external resources.`,
    )
    .argument('<run>', 'a run folder')
    .option('-o, --out <file>', 'where to write (default: report.html in the run)')
    .option('--data <folder>', 'where the data are now, if they were moved')
    .option('--spacing <z,y,x>', 'voxel size in mm, or y,x of a pixel, for surface distances', spacing)
    .addOption(
      new Option('--tta <n>', 'test-time augmentation over rotations and flips: 1 (none), 4 or 8')
        .argParser((text) => Number(oneOf('1', '4', '8')(text)) as 1 | 4 | 8)
        .default(1),
    )
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .addHelpText('after', '\nExample:\n  lamella report runs/a')
    .action(async (run: string, flags: ReportFlags) => {
      const { runReport } = await import('../run/report.ts');
      await runReport(run, flags);
    });
}
