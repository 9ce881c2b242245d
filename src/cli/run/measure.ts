import { counted, DatasetError, UsageError } from '../../errors.ts';
import { headerOf, type Table } from '../../measure/table.ts';
import type { InstanceScores } from '../../metrics/instances.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { describeVolumes } from '../../report/kit/volume-table.ts';
import { RESEARCH_ONLY } from '../../report/lungs/page.ts';
import { sumOfMatches } from '../../report/objects/counts.ts';
import type { FailedMap } from '../../workflows/measure/inputs.ts';
import type { LungsResult } from '../../workflows/measure/lungs.ts';
import { measureFolder } from '../../workflows/measure/measure.ts';
import type { ObjectsResult } from '../../workflows/measure/objects.ts';
import { measureParts, measureShare } from '../../workflows/measure/shards.ts';
import type { command } from '../commands/measure.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { say as print, printJson, warn } from '../print.ts';
import { asFinal, requireNoShare, shareOfStage } from '../shard.ts';
import { stoppable } from '../stop-signal.ts';

type MeasureFlags = Options<typeof command>;

/** A result for display and as JSON. */
interface Said {
  readonly lines: readonly string[];
  readonly summary: Readonly<Record<string, unknown>>;
}

function sayObjects({ report: { table, images }, scores, kinds }: ObjectsResult): Said {
  const count = `${counted(table.rows, 'object')} in ${counted(images.length, 'image')}`;
  if (scores === undefined) return { lines: [count], summary: { kind: kinds.labels, objects: table.rows, images } };
  const matches = sumOfMatches(images);
  const { matched, truth, missed, merged, split, spurious } = matches;
  return {
    lines: [
      `against the ground truth: ${matched} of ${truth} matched, ${missed} missed, ${merged} merged, ${split} split, ${spurious} spurious`,
      apLine(scores),
      count,
    ],
    summary: { kind: kinds.labels, truthKind: kinds.truth, objects: table.rows, images, matches, scores },
  };
}

function apLine({ perThreshold: [at] }: InstanceScores): string {
  const digits = (value = Number.NaN): string => value.toFixed(4);
  return `AP at IoU 0.5: ${digits(at?.averagePrecision)} of all objects together, ${digits(at?.imageMean)} as the mean of the images`;
}

function sayLungs({ report: { perPatient, perSlice }, scores }: LungsResult): Said {
  return {
    lines: [
      ...describeVolumes(scores),
      `lungs of ${counted(perPatient.rows, 'patient')} in ${counted(perSlice.rows, 'slice')}. ${RESEARCH_ONLY.split('.')[0]}.`,
    ],
    summary: {
      patients: rowsOf(perPatient),
      slices: rowsOf(perSlice),
      scores: scores.length === 0 ? undefined : scores,
    },
  };
}

/** Rows of a table as objects; missing values are null. */
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

const quoted = (text: string): string => (/^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command line that reproduces the result. */
function commandOf(path: string, { task, images, truth, ignore, as, spacing, unit, minSize }: MeasureFlags): string {
  const words = ['lamella', 'measure', quoted(path)];
  for (const [flag, value] of [
    ['--task', task === 'objects' ? undefined : task],
    ['--images', images],
    ['--truth', truth],
    ['--ignore', ignore?.join(',')],
    ['--spacing', spacing?.filter((size) => size !== undefined).join(',')],
    ['--unit', unit],
    ['--as', as],
    ['--min-size', minSize > 0 ? String(minSize) : undefined],
  ] as const) {
    if (value !== undefined) words.push(flag, quoted(value));
  }
  return words.join(' ');
}

export async function run(
  [path]: Positionals<typeof command>,
  { json = false, shard, stage, resume, ...flags }: MeasureFlags,
): Promise<void> {
  const say = json ? () => {} : print;
  const hooks = {
    onImage: say,
    onNote: (note: string) => say(withFlags(`note: ${note}`)),
    onFailure: ({ reason }: FailedMap) => warn(reason),
  };
  if (stage === 'count' || stage === 'values') {
    const work = { stage, shard: shareOfStage(stage, shard), resume };
    const measured = stoppable((signal) => measureShare(nodeHost, path, flags, { ...work, signal }, hooks));
    const { out, units, written, skipped } = await measured.catch((cause: unknown) => {
      throw asFinal(cause);
    });
    if (json) return printJson({ stage, out, units, written, skipped });
    const { k, n } = work.shard;
    return say(`share ${k} of ${n}: ${written} of ${counted(units, 'block')} written, ${skipped} were there: ${out}`);
  }
  if (shard !== undefined && stage === undefined) {
    throw new UsageError('--shard needs to know what is shared.', {
      remedy: 'Add --stage count, then --stage values.',
    });
  }
  if (stage !== undefined) requireNoShare(stage, shard);
  const options = { ...flags, command: commandOf(path, flags), words: withFlags };
  const result = await (stage === 'finish' ? measureParts : measureFolder)(nodeHost, path, options, hooks);
  const { out, written, failed, report } = result;
  const { lines, summary } = result.task === 'lungs' ? sayLungs(result) : sayObjects(result);
  if (json) {
    printJson({
      labels: result.labels,
      out,
      ...summary,
      written,
      notes: report.notes,
      failed: failed.length === 0 ? undefined : failed,
    });
  } else {
    for (const note of report.notes.filter((line) => !line.startsWith('Left out: '))) say(`note: ${note}`);
    for (const line of lines) say(line);
    say(`${out}: ${written.join(', ')}`);
  }
  if (failed.length > 0) {
    throw new DatasetError(
      `${failed.length} of ${result.count} label maps could not be measured; see the messages above.`,
      { remedy: 'Replace or remove them.' },
    );
  }
}
