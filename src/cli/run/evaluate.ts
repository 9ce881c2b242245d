/** `lamella evaluate`: calls the workflow and prints its scores. */

import { backgroundOf, describeMapping } from '../../dataset/labels/labels.ts';
import { counted, UsageError } from '../../errors.ts';
import { describeBasis } from '../../evaluate/basis.ts';
import {
  CLASS_SCORES,
  DISTANCE_SCORES,
  MEMBRANE_SCORES,
  OBJECT_SCORES,
  OBJECT_TOTALS,
  OVERLAP_TOTALS,
  scoreRows,
} from '../../metrics/scores.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { evaluate } from '../../workflows/evaluate.ts';
import type { Evaluation } from '../../workflows/evaluation.ts';
import type { command } from '../commands/evaluate.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { printJson, say } from '../print.ts';
import { evaluatesClasses, runEvaluateClasses } from './classify.ts';

export async function run(
  [predictions, rest]: Positionals<typeof command>,
  { json = false, skipBad, metrics, ...options }: Options<typeof command>,
): Promise<void> {
  const truth = rest.at(-1) as string;
  if (await evaluatesClasses(predictions, truth, metrics)) {
    return runEvaluateClasses([predictions, ...rest.slice(0, -1)], truth, { json, skipBad });
  }
  if (rest.length > 1) {
    throw new UsageError(`${rest.length + 1} paths were given.`, {
      remedy: 'Pass predictions and their ground truth.',
    });
  }
  const groups = metrics.filter((name) => name !== 'auto' && name !== 'topk');
  const asked = groups.length === 0 ? undefined : groups;
  const { mapping, ...evaluation } = await evaluate(nodeHost, predictions, truth, {
    ...options,
    metrics: asked,
    onNote: json ? undefined : (note) => say(withFlags(`note: ${note}`)),
  });
  if (json) return printJson({ predictions, truth, ...evaluation, labels: mapping }, roundedThresholds);
  const notes = evaluation.notes.map((note) => `note: ${note}`);
  say(
    ...notes,
    describeMapping(mapping),
    ...describeKinds(evaluation),
    formatEvaluation(evaluation, backgroundOf(mapping).length > 0),
  );
}

/** The challenge accumulates its thresholds, which results in 0.7999999999999999 instead of 0.8. */
const roundedThresholds = (key: string, value: unknown): unknown =>
  key === 'threshold' && typeof value === 'number' ? Number(value.toPrecision(12)) : value;

/** The interpretation of label values, and the option to change it if it is a guess. */
function describeKinds({ labelKinds, metrics }: Pick<Evaluation, 'labelKinds' | 'metrics'>): readonly string[] {
  return (
    [
      ['ground truth', labelKinds.truth],
      ['predictions', labelKinds.prediction],
    ] as const
  ).flatMap(([name, finding]) => {
    if (finding === undefined || (finding.evidence === 'mask' && !metrics.includes('instances'))) return [];
    const other = finding.kind === 'objects' ? 'classes' : 'objects';
    const guessed = finding.evidence === 'clear' || finding.evidence === 'unclear';
    return [`${name}: ${finding.kind} (${finding.reason})${guessed ? `; otherwise use --as ${other}` : ''}`];
  });
}

const digits = (value: number, count = 4): string => (Number.isNaN(value) ? '-' : value.toFixed(count));

/** The scores as a table for display. */
function formatEvaluation(
  {
    images,
    basis,
    regions,
    notScored,
    volumes,
    isbi,
    overlap,
    instances,
    surface,
    classes,
  }: Omit<Evaluation, 'mapping' | 'labelKinds' | 'metrics' | 'notes'>,
  hasBackground: boolean,
): string {
  const what = volumes === undefined ? 'image' : volumes === '3D' ? 'volume' : 'slice';
  const lines = [
    `${counted(images, what)}${volumes === undefined ? '' : `, scored ${volumes === '3D' ? 'in 3D' : volumes}`}`,
    `scored: ${describeBasis(basis, regions)}`,
    ...notScored.map(({ images: names, reason }) => `not scored: ${names.join(', ')} (${reason})`),
  ];
  const table = (head: string, columns: readonly string[], rows: readonly (readonly [string, readonly string[]])[]) => {
    const widths = columns.map((label, c) => Math.max(label.length, ...rows.map(([, cells]) => cells[c]?.length ?? 0)));
    const line = (name: string, cells: readonly string[]): string =>
      `${name.padEnd(26)}${cells.map((cell, c) => `  ${cell.padEnd(widths[c] as number)}`).join('')}`.trimEnd();
    lines.push('', line(head, columns), ...rows.map(([name, cells]) => line(`  ${name}`, cells)));
  };
  if (isbi !== undefined) {
    table(
      'ISBI 2012',
      ['score', 'at p >', 'precision', 'recall'],
      scoreRows(MEMBRANE_SCORES).map(({ key, label, digits: places }) => {
        const found = isbi[key];
        const detail = 'precision' in found ? [digits(found.precision), digits(found.recall)] : [];
        return [label, [digits(found.value, places), digits(found.threshold, 1), ...detail]];
      }),
    );
  }
  if (overlap !== undefined) {
    const rows = scoreRows(CLASS_SCORES);
    table(
      'class',
      rows.map(({ label }) => label),
      [
        ...overlap.perClass.map(
          (scores, c) => [classes[c] ?? `class ${c}`, rows.map(({ key }) => digits(scores[key]))] as const,
        ),
        [
          hasBackground ? 'mean of the foreground' : 'mean of the classes',
          rows.map(({ mean }) => (mean === undefined ? '' : digits(overlap[mean]))),
        ],
      ],
    );
    lines.push(`  ${OVERLAP_TOTALS.pixelAccuracy.label.padEnd(24)}  ${digits(overlap.pixelAccuracy)}`);
  }
  if (instances !== undefined) {
    const rows = scoreRows(OBJECT_SCORES);
    lines.push('', `objects: ${instances.truthCount} true, ${instances.predictionCount} predicted`);
    table(
      'IoU',
      rows.map(({ label }) => label),
      instances.perThreshold.map((at) => [at.iouThreshold.toFixed(2), rows.map(({ key }) => digits(at[key]))]),
    );
    for (const { key, label } of scoreRows(OBJECT_TOTALS))
      lines.push(`  ${label.padEnd(24)}  ${digits(instances[key])}`);
  }
  if (surface !== undefined) {
    const rows = scoreRows(DISTANCE_SCORES);
    table(
      `distances in ${surface.unit}`,
      [...rows.map(({ label }) => label), 'images', 'on one side only'],
      surface.perClass.map(({ name, images: count, oneSided, ...found }) => [
        name,
        [...rows.map(({ key, digits: places }) => digits(found[key], places)), String(count), String(oneSided)],
      ]),
    );
  }
  return lines.join('\n');
}
