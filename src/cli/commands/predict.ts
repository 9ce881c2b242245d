import { Command, Option } from 'commander';
import { DEVICE_NAMES, PROBABILITY_NAMES, RESULT_FORMATS } from '../choices.ts';
import { addOptions, CHECKPOINT } from '../options.ts';
import type { PredictFlags } from '../run/predict.ts';
import { channels, integer, number, oneOf, spacing } from '../values.ts';

export function predictCommand(): Command {
  const command = new Command('predict')
    .description(
      `Segments images of any size with a run's best model, with any ONNX segmentation model, or with the average of several.
Writes per image: probability/ (of the foreground class, or one map per class), label/ (the values of the training
labels, or class numbers), overlay/, and with --objects one number per object. Axes, pages and pixel size are those of
the input. Image classifiers print the class and all probabilities per image and write classes.csv. Unreadable images
are reported and skipped.`,
    )
    .argument('<run|model.onnx>', 'a run folder or an ONNX file')
    .argument(
      '<images...>',
      'an image, a volume, or a folder of images or DICOM series; put more models before it to average them',
    )
    .usage('[options] <run|model.onnx> [more models] <images>')
    .option('-o, --out <folder>', 'where to write (default: pred beside the run or model)')
    .addOption(
      new Option(
        '--tta <n>',
        'test-time augmentation over rotations and flips: 1 (none), 4 or 8; image classifiers: 1 or 10 views (default: 1, or 10 for networks trained on crops)',
      ).argParser((text) => Number(oneOf('1', '4', '8', '10')(text)) as 1 | 4 | 8 | 10),
    )
    .option(
      '--channel <list>',
      'channels of the image to use, by name or number from 0 (default: as in training)',
      channels,
    )
    .option('--tile <px>', 'maximum tile size (default: 640, or what the network needs)', integer(1))
    .addOption(
      new Option('--probability <kind>', PROBABILITY_NAMES.join(', '))
        .argParser(oneOf(...PROBABILITY_NAMES))
        .default('8bit'),
    )
    .option(
      '--threshold <p>',
      'probability threshold for the foreground class (default: 0.5)',
      number({ least: 0, most: 1 }),
    )
    .addOption(
      new Option(
        '--format <name>',
        'png, tiff, nifti or same: NIfTI for DICOM, NIfTI and NRRD, PNG for single pages of PNG',
      )
        .argParser(oneOf(...RESULT_FORMATS))
        .default('same'),
    )
    .option('--spacing <z,y,x>', "voxel size in mm; overrides the files' value", spacing)
    .option('--objects', 'write objects/: separated objects, numbered from 1, for lamella measure')
    .option('--no-labels', 'do not write label maps')
    .option('--no-overlay', 'do not write overlays')
    .option('--batch <n>', 'batch size: tiles per run of the network', integer(1))
    .addOption(new Option('--device <name>', DEVICE_NAMES.join(', ')).argParser(oneOf(...DEVICE_NAMES)).default('auto'))
    .option('--dense', 'patch classifiers: compute all pixels at once (default where possible)')
    .option('--patchwise', 'patch classifiers: compute one window after another (slow)')
    .option('--median <px>', 'smooth probabilities with a median filter of this radius', number({ least: 0, most: 50 }))
    .option('--json', 'print a JSON summary only')
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
