import { DatasetError } from '../../errors.ts';
import { sumOfMatches } from '../../report/objects-counts.ts';
import { renderObjectsReport } from '../../report/objects-page.ts';
import type { MeasureFlags } from '../commands/measure.ts';
import { requireFreeFolder } from '../out-folder.ts';
import { MeasureFiles } from './measure-files.ts';
import { measureInputs } from './measure-inputs.ts';
import { measureObjects, tablesOf } from './measure-objects.ts';

/** What `measure` makes: a folder that holds nothing else may be written to again. */
const WRITTEN = [
  ...['objects', 'images', 'patients', 'slices'].flatMap((name) => [`${name}.csv`, `${name}.parquet`]),
  ...['report.html', 'coco.json', 'coco-rle.json', 'labels', 'nifti', 'roi', 'geojson'],
];

export async function runMeasure(path: string, flags: MeasureFlags): Promise<void> {
  const { json = false } = flags;
  const say = (line: string): void => {
    if (!json) process.stdout.write(`${line}\n`);
  };
  const warn = (line: string): void => {
    process.stderr.write(`lamella: ${line}\n`);
  };
  const inputs = await measureInputs(path, flags);
  const out = flags.out ?? inputs.out;
  await requireFreeFolder(out, { ignore: WRITTEN, option: 'another --out' });
  const files = new MeasureFiles(out, flags.format);
  const { report, scores, failed } = await measureObjects(path, inputs, { flags, files, say, warn });
  for (const [name, table] of tablesOf(report)) await files.table(name, table);
  await files.finish();
  if (flags.report) await files.write('report.html', renderObjectsReport(report));
  const sum = sumOfMatches(report.images);
  if (json) {
    const summary = {
      labels: inputs.labels,
      out,
      objects: report.table.rows,
      images: report.images,
      ...(scores === undefined ? {} : { matches: sum, scores }),
      written: files.written,
      notes: report.notes,
      ...(failed.length === 0 ? {} : { failed }),
    };
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  } else {
    for (const note of report.notes.filter((line) => !line.startsWith('Left out: '))) say(`note: ${note}`);
    if (scores !== undefined) {
      say(
        `against the truth: ${sum.matched} of ${sum.truth} matched, ${sum.missed} missed, ${sum.merged} merged, ${sum.split} split, ${sum.spurious} spurious`,
      );
      say(`AP at IoU 0.5: ${(scores.perThreshold[0]?.averagePrecision ?? Number.NaN).toFixed(4)}`);
    }
    say(`${report.table.rows} objects in ${report.images.length} images: ${out} (${files.written.join(', ')})`);
  }
  if (failed.length > 0) {
    throw new DatasetError(
      `${failed.length} of ${inputs.items.length} label maps could not be measured, as said above.`,
      {
        remedy: 'Replace them, or take them out.',
      },
    );
  }
}
