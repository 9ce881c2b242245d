import { Command } from 'commander';
import type { InspectFlags } from '../run/inspect.ts';
import { pngFile, size, spacing, svgFile } from '../values.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description(
      `Describes an image, folder or model. Image or volume: axes, dtype, pixel size, orientation, range of values, and a
preview. Folder: image/label pairs, classes and their fractions, DICOM series. Model: layers, parameters, MACs,
receptive field, tile sizes. Personal data in DICOM headers are shown with --personal only.`,
    )
    .argument('<file|folder|model.onnx|network>', 'what to describe')
    .option('--series <name>', 'which of several DICOM series in a folder to describe')
    .option(
      '--picture <file.png>',
      'write a preview: the middle slice, or the three middle planes of a volume',
      pngFile,
    )
    .option('--personal', 'also show names, dates and numbers from DICOM headers')
    .option('--spacing <z,y,x>', "voxel size in mm; overrides the file's value", spacing)
    .option('--size <px>', 'count MACs for images of this size', size)
    .option('--svg <file>', 'draw the network as SVG', svgFile)
    .option('--json', 'print JSON only')
    .addHelpText(
      'after',
      '\nExamples:\n  lamella inspect slice.tif\n  lamella inspect ./patient7 --picture patient7.png\n  lamella inspect ./data\n  lamella inspect runs/a/best.onnx --json\n  lamella inspect n4 --svg n4.svg',
    )
    .action(async (path: string, flags: InspectFlags) => {
      const { runInspect } = await import('../run/inspect.ts');
      await runInspect(path, flags);
    });
}
