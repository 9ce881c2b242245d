import { DatasetError } from '../../errors.ts';
import { headerOf, type Table } from '../../measure/table.ts';
import type { InstanceScores } from '../../metrics/instances.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { describeVolumes } from '../../report/kit/volume-table.ts';
import { RESEARCH_ONLY, renderLungsReport } from '../../report/lungs/page.ts';
import { sumOfMatches } from '../../report/objects/counts.ts';
import { renderObjectsReport } from '../../report/objects/page.ts';
import { requireFreeFolder } from '../../workflows/out-folder.ts';
import type { MeasureFlags } from '../commands/measure.ts';
import { MeasureFiles } from './measure-files.ts';
import { type MeasureInputs, measureInputs } from './measure-inputs.ts';
import { measureFolderOfLungs } from './measure-lungs.ts';
import { type MeasureHooks, measureObjects, tablesOf } from './measure-objects.ts';

interface Outcome {
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
  readonly notes: readonly string[];
  /** For people, and as JSON. */
  readonly lines: readonly string[];
  readonly summary: Readonly<Record<string, unknown>>;
}

type Run = (
  path: string,
  inputs: MeasureInputs,
  how: MeasureHooks & { readonly flags: MeasureFlags; readonly files: MeasureFiles },
) => Promise<Outcome>;

const runObjects: Run = async (path, inputs, how) => {
  const { flags, files } = how;
  const { report, scores, failed } = await measureObjects(path, inputs, how);
  for (const [name, table] of tablesOf(report)) await files.table(name, table);
  await files.finish();
  if (flags.report) await files.write('report.html', renderObjectsReport(report));
  const matches = sumOfMatches(report.images);
  return {
    failed,
    notes: report.notes,
    lines: [
      ...(scores === undefined
        ? []
        : [
            `against the truth: ${matches.matched} of ${matches.truth} matched, ${matches.missed} missed, ${matches.merged} merged, ${matches.split} split, ${matches.spurious} spurious`,
            apLine(scores),
          ]),
      `${report.table.rows} objects in ${report.images.length} image${report.images.length === 1 ? '' : 's'}`,
    ],
    summary: {
      objects: report.table.rows,
      images: report.images,
      ...(scores === undefined ? {} : { matches, scores }),
    },
  };
};

function apLine({ perThreshold: [at] }: InstanceScores): string {
  const digits = (value = Number.NaN): string => value.toFixed(4);
  return `AP at IoU 0.5: ${digits(at?.averagePrecision)} of all objects together, ${digits(at?.imageMean)} as the mean of the images`;
}

const runLungs: Run = async (path, inputs, how) => {
  const { flags, files } = how;
  const { report, scores, failed } = await measureFolderOfLungs(path, inputs, how);
  await files.table('patients', report.perPatient);
  await files.table('slices', report.perSlice);
  if (flags.report) await files.write('report.html', renderLungsReport(report));
  return {
    failed,
    notes: report.notes,
    lines: [
      ...describeVolumes(scores),
      `lungs of ${report.perPatient.rows} patient${report.perPatient.rows === 1 ? '' : 's'} in ${report.perSlice.rows} slice${report.perSlice.rows === 1 ? '' : 's'}. ${RESEARCH_ONLY.split('.')[0]}.`,
    ],
    summary: {
      patients: rowsOf(report.perPatient),
      slices: rowsOf(report.perSlice),
      ...(scores.length === 0 ? {} : { scores }),
    },
  };
};

/** Rows of a table as objects; no value is null. */
function rowsOf({ columns, rows }: Table): readonly Readonly<Record<string, unknown>>[] {
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      columns.map((column) => {
        const value = column.values[row] as number | string;
        return [headerOf(column), typeof value === 'number' && !Number.isFinite(value) ? null : value];
      }),
    ),
  );
}

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
  await requireFreeFolder(nodeFiles, out, { ignore: WRITTEN, option: 'another --out' });
  const files = new MeasureFiles(out, flags.format);
  const measureAll = flags.task === 'lungs' ? runLungs : runObjects;
  const { failed, lines, summary, notes } = await measureAll(path, inputs, { flags, files, say, warn });
  if (json) {
    const all = {
      labels: inputs.labels,
      out,
      ...summary,
      written: files.written,
      notes,
      ...(failed.length === 0 ? {} : { failed }),
    };
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  } else {
    for (const note of notes.filter((line) => !line.startsWith('Left out: '))) say(`note: ${note}`);
    for (const line of lines) say(line);
    say(`${out}: ${files.written.join(', ')}`);
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
