import { Command, Option } from 'commander';
import { LABEL_KINDS, MEASURE_FORMATS, MEASURE_TASKS } from '../choices.ts';
import type { MeasureFlags } from '../run/measure.ts';
import { listOf, number, oneOf, spacing } from '../values.ts';

export function measureCommand(): Command {
  return new Command('measure')
    .description(
      `Measures what predict wrote, or any label maps. objects: every object of each image, in the units of its pixel size.
lungs: volume, area and density of the lungs in CT, left and right, per slice and per patient. Writes tables,
a report, and the objects for other programs. Unreadable files are reported and skipped.`,
    )
    .argument('<out>', 'a folder that predict wrote, label maps, or a data set with labels')
    .option('-o, --out <folder>', 'where to write (default: measures/ in it, or beside the label maps)')
    .addOption(
      new Option('--task <name>', MEASURE_TASKS.join(', ')).argParser(oneOf(...MEASURE_TASKS)).default('objects'),
    )
    .option('--images <path>', 'images that belong to the label maps (default: those that were predicted)')
    .option('--truth <path>', 'ground truth to compare with: label maps of the same names')
    .addOption(
      new Option(
        '--as <kind>',
        'what label values mean: objects (one per value) or classes (objects are connected components) (default: inferred, and printed)',
      ).argParser(oneOf(...LABEL_KINDS)),
    )
    .addOption(new Option('--labels <kind>').argParser(oneOf('auto', ...LABEL_KINDS)).hideHelp())
    .option('--spacing <z,y,x>', "voxel size, or y,x of a pixel; overrides the files' value", spacing)
    .option('--unit <name>', 'unit of --spacing, such as µm (lungs: mm)')
    .addOption(
      new Option('--format <list>', `any of ${MEASURE_FORMATS.join(', ')}`)
        .argParser(listOf(...MEASURE_FORMATS))
        .default(['csv'], 'csv'),
    )
    .option('--min-size <px>', 'drop objects with fewer pixels', number({ least: 0 }), 0)
    .option('--no-report', 'do not write the report')
    .option('--json', 'print a JSON summary only')
    .addHelpText(
      'after',
      `
Examples:
  lamella predict runs/nuclei ./images --out pred --objects && lamella measure pred
  lamella measure pred --truth ./labels --format csv,parquet,roi,geojson
  lamella measure ./masks --images ./images --spacing 0.325 --unit µm
  lamella measure out --task lungs`,
    )
    .action(async (path: string, flags: MeasureFlags) => {
      const { runMeasure } = await import('../run/measure.ts');
      await runMeasure(path, flags);
    });
}
