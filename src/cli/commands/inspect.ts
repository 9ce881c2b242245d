import { Command } from 'commander';
import { size } from '../values.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly size?: readonly [number, number];
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .summary('tell what an image, a folder or a model is')
    .description(
      `Tells what something is. An image: axes, dtype, pixel size, range of values. A folder: which images have which
labels, classes and their share. A model: layers, parameters, multiplications, receptive field, which tiles it takes.`,
    )
    .argument('<file|folder|model.onnx>', 'what to look at')
    .option('--size <px>', 'count the multiplications of a model for images of this size', size)
    .option('--json', 'print only JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  lamella inspect slice.tif\n  lamella inspect ./data\n  lamella inspect runs/a/best.onnx --json',
    )
    .action(async (path: string, flags: InspectFlags) => {
      const { runInspect } = await import('../run/inspect.ts');
      await runInspect(path, flags);
    });
}
