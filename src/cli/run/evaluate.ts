/** `lamella evaluate`: calls the workflow and prints its scores. */

import { describeMapping } from '../../dataset/labels/labels.ts';
import { UsageError } from '../../errors.ts';
import { describeBasis } from '../../evaluate/basis.ts';
import { CLASS_SCORE_LABELS } from '../../metrics/overlap.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { type Evaluation, evaluate } from '../../workflows/evaluate.ts';
import type { command } from '../commands/evaluate.ts';
import type { Options, Positionals } from '../declare.ts';
import { counted, printJson, say } from '../print.ts';
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
  const { mapping, ...evaluation } = await evaluate(nodeHost, predictions, truth, { ...options, metrics: asked });
  if (json) return printJson({ predictions, truth, ...evaluation, labels: mapping }, roundedThresholds);
  const notes = evaluation.notes.map((note) => `note: ${note}`);
  say(...notes, describeMapping(mapping), ...describeKinds(evaluation), formatEvaluation(evaluation));
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
function formatEvaluation({
  images,
  basis,
  volumes,
  isbi,
  overlap,
  instances,
  surface,
  classes,
}: Omit<Evaluation, 'mapping' | 'labelKinds' | 'metrics' | 'notes'>): string {
  const what = volumes === undefined ? 'image' : volumes === '3D' ? 'volume' : 'slice';
  const lines = [
    `${counted(images, what)}${volumes === undefined ? '' : `, scored ${volumes === '3D' ? 'in 3D' : volumes}`}`,
    `scored: ${describeBasis(basis)}`,
  ];
  if (isbi !== undefined) {
    lines.push('', 'ISBI 2012                   score     at p >  precision  recall');
    for (const [name, score, places] of [
      ['V-Rand (thinned)', isbi.vRandThinned, 4],
      ['V-Info (thinned)', isbi.vInfoThinned, 4],
      ['V-Rand', isbi.vRand, 4],
      ['V-Info', isbi.vInfo, 4],
      ['warping error', isbi.warpingError, 6],
      ['Rand error', isbi.randError, 4],
      ['pixel error', isbi.pixelError, 4],
    ] as const) {
      const detail = 'precision' in score ? `  ${digits(score.precision).padEnd(9)}  ${digits(score.recall)}` : '';
      lines.push(
        `  ${name.padEnd(24)}  ${digits(score.value, places).padEnd(8)}  ${digits(score.threshold, 1).padEnd(6)}${detail}`,
      );
    }
  }
  if (overlap !== undefined) {
    const line = (name: string, cells: readonly string[]): string =>
      `${name.padEnd(26)}${cells.map((cell) => `  ${cell.padEnd(9)}`).join('')}`.trimEnd();
    lines.push(
      '',
      line(
        'class',
        CLASS_SCORE_LABELS.map(([, label]) => label),
      ),
    );
    overlap.perClass.forEach((scores, c) => {
      const cells = CLASS_SCORE_LABELS.map(([key]) => digits(scores[key]));
      lines.push(line(`  ${classes[c] ?? `class ${c}`}`, cells));
    });
    lines.push(line('  mean of the foreground', [digits(overlap.meanDice), digits(overlap.meanIou)]));
    lines.push(`  ${'pixel accuracy'.padEnd(24)}  ${digits(overlap.pixelAccuracy)}`);
  }
  if (instances !== undefined) {
    lines.push('', `objects: ${instances.truthCount} true, ${instances.predictionCount} predicted`);
    lines.push('  IoU     AP        F1        PQ        mean AP of images');
    for (const at of instances.perThreshold) {
      lines.push(
        `  ${at.iouThreshold.toFixed(2)}    ${digits(at.averagePrecision)}    ${digits(at.f1)}    ${digits(at.panopticQuality)}    ${digits(at.imageMean)}`,
      );
    }
    lines.push(`  mean AP ${digits(instances.meanAveragePrecision)}, SEG ${digits(instances.seg)}`);
  }
  if (surface !== undefined) {
    lines.push('', `distances in ${surface.unit}              HD95      ASSD      images  on one side only`);
    for (const { name, hd95, assd, images: count, oneSided } of surface.perClass) {
      lines.push(
        `  ${name.padEnd(24)}  ${digits(hd95, 3).padEnd(8)}  ${digits(assd, 3).padEnd(8)}  ${String(count).padEnd(6)}  ${oneSided}`,
      );
    }
  }
  return lines.join('\n');
}
