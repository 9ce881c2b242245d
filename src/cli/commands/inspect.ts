import { Command } from 'commander';
import type { InspectFlags } from '../run/inspect.ts';
import { pngFile, size, spacing, svgFile } from '../values.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description(
      `Tells what something is. An image or volume: axes, dtype, pixel size, how it lies in the patient, range of
values, and a picture. A folder: which images have which labels, classes and their share; which DICOM series there are.
Nothing of a DICOM header that leads to a person is shown, but with --personal. A model: layers, parameters, multiplications, receptive field, which tiles it takes.`,
    )
    .argument('<file|folder|model.onnx|network>', 'what to look at')
    .option('--series <name>', 'of a folder with several DICOM series: look at this one')
    .option(
      '--picture <file.png>',
      'write the picture: the middle slice, and of a volume the planes across it',
      pngFile,
    )
    .option('--personal', 'of a DICOM file or series: show names, dates and numbers of its header too')
    .option('--spacing <z,y,x>', 'size of a voxel in mm, where the file does not say it or says it wrong', spacing)
    .option('--size <px>', 'count the multiplications of a model for images of this size', size)
    .option('--svg <file>', 'draw the network of a model, a run or a name', svgFile)
    .option('--json', 'print only JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  lamella inspect slice.tif\n  lamella inspect ./patient7 --picture patient7.png\n  lamella inspect ./data\n  lamella inspect runs/a/best.onnx --json\n  lamella inspect n4 --svg n4.svg',
    )
    .action(async (path: string, flags: InspectFlags) => {
      const { runInspect } = await import('../run/inspect.ts');
      await runInspect(path, flags);
    });
}
