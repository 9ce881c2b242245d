import { LABEL_KINDS } from '../../dataset/labels/label-kind.ts';
import { MEASURE_FORMATS, MEASURE_STAGES, MEASURE_TASKS } from '../../workflows/choices.ts';
import { declare } from '../declare.ts';
import { choice, flag, JSON_SUMMARY, levelOf, no, row, text, under } from '../options.ts';
import { shard } from '../shard.ts';
import { bytes, integerList, listOf, number, oneOf, spacing } from '../values.ts';

export const command = declare({
  description: `Measures what predict wrote, or any label maps. objects: every object of each image, in the units of its pixel size.
lungs: volume, area and density of the lungs in CT, left and right, per slice and per patient. Writes tables,
a report, and the objects for other programs. Unreadable files are reported and skipped.`,
  positionals: [{ name: '<out>', help: 'a folder that predict wrote, label maps, or a data set with labels' }],
  options: {
    out: text('-o, --out <folder>', 'where to write (default: measures/ in it, or beside the label maps)'),
    task: row('--task <name>', MEASURE_TASKS.join(', '), oneOf(...MEASURE_TASKS), 'objects'),
    images: text('--images <path>', 'images that belong to the label maps (default: those that were predicted)'),
    truth: text('--truth <path>', 'ground truth to compare with: label maps of the same names'),
    level: levelOf(
      'which resolution of images and labels with several to use (default: what was predicted, or 0, the full one)',
    ),
    ignore: row('--ignore <values>', 'label values to ignore', integerList),
    as: {
      ...row(
        '--as <kind>',
        'what label values mean: objects (one per value) or classes (objects are connected components) (default: inferred, and printed)',
        oneOf(...LABEL_KINDS),
      ),
      former: '--labels <kind>',
    },
    spacing: row('--spacing <z,y,x>', "voxel size, or y,x of a pixel; overrides the files' value", spacing),
    unit: text('--unit <name>', 'unit of --spacing, such as µm (lungs: mm)'),
    format: row('--format <list>', `any of ${MEASURE_FORMATS.join(', ')}`, listOf(...MEASURE_FORMATS), ['csv'], 'csv'),
    minSize: row('--min-size <px>', 'drop objects with fewer pixels', number({ least: 0 }), 0),
    memory: row(
      '--memory <size>',
      'memory that the program may take, such as 600MB: larger label maps in TIFF and OME-Zarr are measured by region (default: half of what is free)',
      bytes,
    ),
    report: no('--no-report', 'do not write the report'),
    json: JSON_SUMMARY,
    ...under('Several jobs:', {
      shard: row(
        '--shard <k/n>',
        'do the k-th of n equal shares, such as 3/64, or auto/64 in the jobs of an array',
        shard,
      ),
      stage: choice('--stage <name>', MEASURE_STAGES, {
        before: 'what this job does: ',
        after: ' (count pixels in all shares, then measure values in all shares; finish writes the tables of both)',
      }),
      resume: flag('--resume', 'skip what is there and not damaged'),
    }),
  },
  examples: [
    'predict runs/nuclei ./images --out pred --objects && lamella measure pred',
    'measure pred --truth ./labels --format csv,parquet,roi,geojson',
    'measure ./masks --images ./images --spacing 0.325 --unit µm',
    'measure slide-nuclei.ome.tif --images slide.ome.tif --as objects --memory 600MB',
    'measure out --task lungs',
    'measure slide.ome.zarr --as objects --out m --stage count --shard 3/64',
  ],
});
