import { declare } from '../declare.ts';
import { flag, JSON_ONLY, levelOf, row, text } from '../options.ts';
import { DATA } from '../train-settings.ts';
import { pngFile, size, spacing, svgFile } from '../values.ts';

export const command = declare({
  description: `Describes an image, folder or model. Image or volume: axes, dtype, pixel size, orientation, range of values, and a
preview. Folder: image/label pairs, classes and their fractions (with --classes and --ignore as train would see
them), DICOM series, OME-Zarr stores. Model: layers, parameters, MACs, receptive field, tile sizes. BioImage.IO package (zip or
folder): what it takes and gives, and its network. Personal data in DICOM headers
are shown with --personal only.`,
  positionals: [{ name: '<file|folder|model.onnx|network>', help: 'what to describe' }],
  options: {
    series: text('--series <name>', 'which of several DICOM series, or images in OME-Zarr, in a folder to describe'),
    level: levelOf(
      'which resolution of an image with several (OME-Zarr, TIFF, SVS) to describe, from 0, the full one (default: 0)',
    ),
    picture: row(
      '--picture <file.png>',
      'write a preview: the middle slice, or the three middle planes of a volume',
      pngFile,
    ),
    classes: DATA.classes,
    ignore: DATA.ignore,
    personal: flag('--personal', 'also show names, dates and numbers from DICOM headers'),
    spacing: row('--spacing <z,y,x>', "voxel size in mm; overrides the file's value", spacing),
    check: flag(
      '--check',
      'BioImage.IO packages: run their network on their test tensors, and say by how much it differs from what they publish',
    ),
    size: row('--size <px>', 'count MACs for images of this size', size),
    svg: row('--svg <file>', 'draw the network as SVG', svgFile),
    json: JSON_ONLY,
  },
  examples: [
    'inspect slice.tif',
    'inspect ./patient7 --picture patient7.png',
    'inspect ./data',
    'inspect ./strokes --ignore 0 --classes membrane=1,inside=2',
    'inspect runs/a/best.onnx --json',
    'inspect package.zip --check',
    'inspect n4 --svg n4.svg',
  ],
});
