import { Command, Option } from 'commander';
import { LABEL_KINDS, MEASURE_FORMATS, MEASURE_TASKS } from '../choices.ts';
import { listOf, number, oneOf, spacing } from '../values.ts';

export interface MeasureFlags {
  readonly out?: string;
  readonly task: (typeof MEASURE_TASKS)[number];
  readonly images?: string;
  readonly truth?: string;
  readonly labels: (typeof LABEL_KINDS)[number];
  readonly spacing?: readonly [number | undefined, number, number];
  readonly unit?: string;
  readonly format: readonly (typeof MEASURE_FORMATS)[number][];
  readonly minSize: number;
  readonly report: boolean;
  readonly json?: boolean;
}

export function measureCommand(): Command {
  return new Command('measure')
    .summary('measure objects or lungs, with tables and a page')
    .description(
      `Measures what predict wrote, or any label maps. objects: every object of each image, in the units of its pixel size.
lungs: volume, area and density of the lungs in CT, left and right apart, each slice and each patient. Writes tables,
a page, and the objects for other programs. A file that cannot be read is named, and the others go on.`,
    )
    .argument('<out>', 'a folder that predict wrote, label maps, or a data set with labels')
    .option('-o, --out <folder>', 'where to write (default: measures in it, or beside label maps)')
    .addOption(
      new Option('--task <name>', MEASURE_TASKS.join(', ')).argParser(oneOf(...MEASURE_TASKS)).default('objects'),
    )
    .option('--images <path>', 'the images of the label maps (default: those that were predicted)')
    .option('--truth <path>', 'label maps to compare with, of the same names')
    .addOption(
      new Option(
        '--labels <kind>',
        'objects: each value is one; classes: connected pixels are one; auto: as the values suggest',
      )
        .argParser(oneOf(...LABEL_KINDS))
        .default('auto'),
    )
    .option(
      '--spacing <z,y,x>',
      'size of a voxel, or y,x of a pixel, where the files do not say it or say it wrong',
      spacing,
    )
    .option('--unit <name>', 'unit of --spacing, such as µm (lungs: mm)')
    .addOption(
      new Option('--format <list>', `any of ${MEASURE_FORMATS.join(', ')}`)
        .argParser(listOf(...MEASURE_FORMATS))
        .default(['csv'], 'csv'),
    )
    .option('--min-size <px>', 'leave out objects of fewer pixels', number({ least: 0 }), 0)
    .option('--no-report', 'do not write the page')
    .option('--json', 'print only JSON: counts and what was written')
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
