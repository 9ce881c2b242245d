import { Command, Option } from 'commander';
import { DEVICE_NAMES, PROBABILITY_NAMES, RESULT_FORMATS } from '../choices.ts';
import { addOptions, CHECKPOINT } from '../options.ts';
import type { PredictFlags } from '../run/predict.ts';
import { channels, integer, number, oneOf, spacing } from '../values.ts';

export function predictCommand(): Command {
  const command = new Command('predict')
    .description(
      `Segments images of any size with a run's best model or any ONNX segmentation model, or with several whose
probabilities are averaged. Writes for each image
probability/ (of the last class, or one map a class), label/ (values of the training labels, or class numbers), overlay/,
and with --objects a number for each object;
pages, axes and pixel size stay those of the input. Of a network of whole images, the class of each image and the
probabilities of all classes are printed and written as classes.csv. An image that cannot be read is named, and the
others go on.`,
    )
    .argument('<run|model.onnx>', 'a run folder or an ONNX file')
    .argument(
      '<images...>',
      'an image, a volume, or a folder of images or DICOM series; before it there may be more models, to average with',
    )
    .usage('[options] <run|model.onnx> [more models] <images>')
    .option('-o, --out <folder>', 'where to write (default: pred beside the run or model)')
    .addOption(
      new Option(
        '--tta <n>',
        'average over turns and flips: 1 (none), 4 or 8; of whole images over 1 or 10 views (default: 1, and 10 for networks trained on crops)',
      ).argParser((text) => Number(oneOf('1', '4', '8', '10')(text)) as 1 | 4 | 8 | 10),
    )
    .option(
      '--channel <list>',
      'channels of the image to use, by name or number from 0 (default: as in training)',
      channels,
    )
    .option('--tile <px>', 'largest side of a tile (default: 640, or what the network needs)', integer(1))
    .addOption(
      new Option('--probability <kind>', PROBABILITY_NAMES.join(', '))
        .argParser(oneOf(...PROBABILITY_NAMES))
        .default('8bit'),
    )
    .option('--threshold <p>', 'where the last of two classes begins (default: 0.5)', number({ least: 0, most: 1 }))
    .addOption(
      new Option(
        '--format <name>',
        'png, tiff, nifti or same: NIfTI for DICOM, NIfTI and NRRD, PNG for single pages of PNG',
      )
        .argParser(oneOf(...RESULT_FORMATS))
        .default('same'),
    )
    .option('--spacing <z,y,x>', 'size of a voxel in mm, where the files do not say it or say it wrong', spacing)
    .option('--objects', 'write objects/: separate objects, numbered from 1, for lamella measure')
    .option('--no-labels', 'do not write label maps')
    .option('--no-overlay', 'do not write overlays')
    .option('--batch <n>', 'tiles in one run of the network', integer(1))
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--dense', 'networks that see one window: compute every pixel at once (default where it can be)')
    .option('--patchwise', 'networks that see one window: compute one window after another, slowly')
    .option('--median <px>', 'smooth probabilities by a median filter of this radius', number({ least: 0, most: 50 }))
    .option('--json', 'print only JSON: what was written')
    .option('--quiet', 'print warnings and errors only')
    .addHelpText(
      'after',
      `
Examples:
  lamella predict runs/a ./new-images --out ./pred
  lamella predict runs/nuclei ./new-images --out ./pred --objects
  lamella predict runs/lungs ./patient7 --out ./pred
  lamella predict runs/a slice.tif --tta 8 --probability float
  lamella predict runs/n4 slice.tif --dense --median 2
  lamella predict runs/a runs/b runs/c ./new-images
  lamella predict model.onnx ./images --device webgpu --json`,
    )
    .action(async (model: string, more: readonly string[], flags: PredictFlags) => {
      const [{ isClassifierModel }, { nodeFiles }] = await Promise.all([
        import('../../workflows/classify.ts'),
        import('../../platform/node/files.ts'),
      ]);
      const paths = [model, ...more.slice(0, -1)] as const;
      const images = more.at(-1) as string;
      if (await isClassifierModel(nodeFiles, model, flags.checkpoint)) {
        const { runClassify } = await import('../run/classify.ts');
        return runClassify(paths, images, flags);
      }
      const { runPredict } = await import('../run/predict.ts');
      await runPredict(paths, images, flags);
    });
  return addOptions(command, { checkpoint: CHECKPOINT });
}
