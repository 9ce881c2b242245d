import { MAP_KINDS } from '../../objects/object-maps.ts';
import { PRECISIONS, PROBABILITIES, RESULT_FORMATS, SEGMENT_FORMATS, SHARD_STAGES } from '../../workflows/choices.ts';
import { declare } from '../declare.ts';
import {
  CHANNEL,
  CHECKPOINT,
  choice,
  DEVICE,
  flag,
  JSON_SUMMARY,
  levelOf,
  NO_PATIENT,
  no,
  OUTPUT,
  QUIET,
  row,
  text,
  under,
} from '../options.ts';
import { shard } from '../shard.ts';
import { bytes, integer, length, number, oneNumberOf, oneOf, spacing } from '../values.ts';

export const command = declare({
  description: `Segments images of any size with a run's best model, with any ONNX segmentation model or BioImage.IO package, or with
the average of several.
Writes per image: probability/ (of the foreground class, or one map per class), label/ (the values of the training
labels, or class numbers), overlay/, and with --objects one number per object. Axes, pages and pixel size are those of
the input. Image classifiers print the class and all probabilities per image and write classes.csv. Unreadable images
are reported and skipped.`,
  usage: '[options] <run|model.onnx> [more models] <images>',
  positionals: [
    { name: '<run|model.onnx>', help: 'a run folder, an ONNX file or a BioImage.IO package' },
    {
      name: '<images...>',
      help: 'an image, a volume, an OME-Zarr store, or a folder of images or DICOM series; put more models before it to average them',
    },
  ],
  options: {
    out: text('-o, --out <folder>', 'where to write (default: pred beside the run or model)'),
    tta: row(
      '--tta <n>',
      'test-time augmentation over rotations and flips: 1 (none), 4 or 8; image classifiers: 1 or 10 views (default: 1, or 10 for networks trained on crops)',
      oneNumberOf(1, 4, 8, 10),
    ),
    channel: CHANNEL,
    level: levelOf(
      'which resolution of images with several (OME-Zarr, TIFF, SVS) to use, from 0, the full one (default: that whose pixels are nearest in size to those of the training images)',
    ),
    pixelSize: row(
      '--pixel-size <length>',
      'of images with several resolutions use that whose pixels are nearest to this in size, such as 0.5um; instead of --level',
      length,
    ),
    resample: flag(
      '--resample',
      'predict images at the pixel size of the training images where theirs is more than a quarter larger or smaller, and scale the result back',
    ),
    tile: row('--tile <px>', 'maximum tile size (default: as the memory allows)', integer(1)),
    memory: row(
      '--memory <size>',
      'memory that the program may take, such as 600MB: larger images in TIFF and OME-Zarr are predicted by region (default: 1.5 GB for tiles, or a quarter of what is free, and half of it for an image)',
      bytes,
    ),
    probability: row('--probability <kind>', PROBABILITIES.join(', '), oneOf(...PROBABILITIES), '8bit'),
    threshold: row(
      '--threshold <p>',
      'probability threshold for the foreground class, or of --separate (default: 0.5, or as a package says or was best in training)',
      number({ least: 0, most: 1 }),
    ),
    format: row(
      '--format <name>',
      'png, tiff, nifti, hdf5 (as ilastik exports), zarr (of TIFF and OME-Zarr) or same: NIfTI for DICOM, NIfTI and NRRD, PNG for single pages of PNG; label maps and objects with names: dicom-seg (of DICOM series), seg-nrrd (3D Slicer)',
      oneOf(...RESULT_FORMATS, ...SEGMENT_FORMATS),
      'same',
    ),
    patient: NO_PATIENT,
    spacing: row('--spacing <z,y,x>', "voxel size in mm; overrides the files' value", spacing),
    objects: flag('--objects', 'write objects/: separated objects, numbered from 1, for lamella measure'),
    labels: no('--no-labels', 'do not write label maps'),
    overlay: no('--no-overlay', 'do not write overlays'),
    batch: row('--batch <n>', 'batch size: tiles per run of the network', integer(1)),
    output: OUTPUT,
    device: DEVICE,
    precision: choice('--precision <name>', PRECISIONS, {
      after:
        ': with int8 the CPU computes convolutions in 8 bits, calibrated on the images of the run (as export --int8; default: float32)',
    }),
    dense: flag('--dense', 'patch classifiers: compute all pixels at once (default where possible)'),
    patchwise: flag('--patchwise', 'patch classifiers: compute one window after another (slow)'),
    median: row(
      '--median <px>',
      'smooth probabilities with a median filter of this radius',
      number({ least: 0, most: 50 }),
    ),
    json: JSON_SUMMARY,
    quiet: QUIET,
    which: CHECKPOINT,
    ...under('Networks that give stars or flows:', {
      separate: choice('--separate <by>', MAP_KINDS, {
        before: 'write objects/ alone, by what the network gives instead of classes: ',
        after:
          ' (stars: a probability and distances along rays, as StarDist; flows: flows and a cell probability, as Cellpose)',
      }),
      overlap: row(
        '--overlap <part>',
        'stars: drop a polygon that shares more than this part of the smaller area with a more probable one (default: 0.4, or as a package says)',
        number({ least: 0, most: 1 }),
      ),
      flowError: row(
        '--flow-error <e>',
        'flows: drop objects whose own flows differ by more than this mean square; 0: none (default: 0.4, or as a package says)',
        number({ least: 0, most: 4 }),
      ),
    }),
    ...under('Several jobs:', {
      shard: row(
        '--shard <k/n>',
        'do the k-th of n equal shares, such as 3/64; auto/64 in the jobs of an array of Slurm, Kubernetes, PBS, SGE, LSF, AWS Batch or Google Batch',
        shard,
      ),
      stage: choice('--stage <name>', SHARD_STAGES, {
        before: 'what this job does: ',
        after:
          ' (scan makes the plan; objects separates them, when all shares are predicted; finish writes what needs all shares; default: predict)',
      }),
      resume: flag('--resume', 'skip what is there and not damaged'),
    }),
  },
  examples: [
    'predict runs/a ./new-images --out ./pred',
    'predict runs/nuclei ./new-images --out ./pred --objects',
    'predict runs/lungs ./patient7 --out ./pred',
    'predict runs/a slice.tif --tta 8 --probability float',
    'predict runs/n4 slice.tif --dense --median 2',
    'predict runs/a ./new-images --precision int8',
    'predict runs/a runs/b runs/c ./new-images',
    'predict runs/a slide.ome.zarr --out ./pred --memory 600MB',
    'predict runs/lungs ./patient7 --out ./pred --format dicom-seg',
    'predict model.onnx ./images --device webgpu --json',
    'predict stardist.onnx ./images --separate stars',
    'predict runs/a slide.ome.zarr --out ./pred --shard 3/64',
  ],
});
