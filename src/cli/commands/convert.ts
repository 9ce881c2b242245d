import { declare } from '../declare.ts';
import { flag, JSON_SUMMARY, levelOf, NO_PATIENT, QUIET, row, text } from '../options.ts';
import { DATA } from '../train-settings.ts';
import { integer } from '../values.ts';

export const command = declare({
  description: `Converts an image or volume to OME-Zarr (.zarr, sharded, with lower resolutions), to labels in the OME-Zarr of their image
(cells.zarr/labels/nuclei), to tiled OME-TIFF with lower resolutions (.ome.tif), or to .tif, .png, .nii, .nii.gz
and .h5, as ilastik has it.
Values stay as they are. From OME-Zarr and TIFF to OME-Zarr and OME-TIFF memory does not grow with the image.
Labels of any kind that train reads become a DICOM segmentation of their series (.dcm, with --of), a segmentation of
3D Slicer (.seg.nrrd), or with --of a label image.
With --nnunet a folder of images and labels, as train reads it, becomes a data set of nnU-Net.`,
  positionals: [
    {
      name: '<image>',
      help: 'an image file, an OME-Zarr store or its address, a folder of one DICOM series, or a data set',
    },
    { name: '<out>', help: 'where to write; its extension is the format' },
  ],
  options: {
    level: levelOf('which resolution of the image to convert, from 0, the full one (default: 0)'),
    series: text('--series <name>', 'which of several DICOM series, or images in OME-Zarr, in a folder to convert'),
    labels: flag('--labels', 'values are labels: lower resolutions take one of the pixels, not their mean'),
    levels: row('--levels <n>', 'number of resolutions to write (default: down to 512 pixels)', integer(1, 32)),
    of: text('--of <image>', 'the image, or the folder of the DICOM series, that labels are of'),
    classes: DATA.classes,
    ignore: DATA.ignore,
    patient: NO_PATIENT,
    nnunet: flag('--nnunet', 'write a data set of nnU-Net: imagesTr, labelsTr, dataset.json'),
    overwrite: flag('--overwrite', 'replace the file or store that is there'),
    quiet: QUIET,
    json: JSON_SUMMARY,
  },
  examples: [
    'convert slide.svs slide.ome.zarr',
    'convert nuclei.tif slide.ome.zarr/labels/nuclei',
    'convert slide.ome.zarr slide.ome.tif --level 1',
    'convert pred/label/p7.nii.gz p7-seg.dcm --of ./patient7 --classes background,lung',
    'convert rois.zip nuclei.tif --of cells.tif',
    'convert pred/label/cells.tif cells.h5',
    'convert ./my-data --nnunet Dataset001_Cells',
  ],
});
