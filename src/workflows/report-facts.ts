/** A run's configuration and log as facts of the report. */

import { describeClasses } from '../dataset/labels/labels.ts';
import type { OpenedModel } from '../predict/own.ts';
import { shortName } from '../report/kit/short-name.ts';
import { type FactRows, score, type TrainingLog } from '../report/run/data.ts';
import { patchText, type Recipe, type RunConfig } from '../train/config.ts';
import type { LogLine } from '../train/log.ts';
import { totalSteps } from '../train/plan.ts';
import { describeLoss, describeNetwork, describeOptimizer, describeSchedule } from './recipe-words.ts';

/** `1 h 2 min`, `3 min 4 s`, `5.6 s`, `70 ms`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(s) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(s) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1.94 million`, `512`. */
export function formatCount(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toPrecision(3)} million` : count.toLocaleString('en');
}

/** Names without their common folders. */
export function shortNames(names: readonly string[]): readonly string[] {
  const folders = names.map((name) => name.split('/').slice(0, -1));
  let shared = folders[0]?.length ?? 0;
  for (const folder of folders) {
    let same = 0;
    while (same < Math.min(shared, folder.length) && folder[same] === folders[0]?.[same]) same++;
    shared = same;
  }
  return names.map((name) => name.split('/').slice(shared).join('/'));
}

function listed(names: readonly string[]): string {
  const short = shortNames(names).map((name) => shortName(name));
  if (short.length <= 4) return short.join(', ');
  return `${short.slice(0, 3).join(', ')} and ${short.length - 3} more`;
}

export function trainingOf(lines: readonly LogLine[]): TrainingLog | undefined {
  const steps = lines.filter((line) => line.kind === 'step');
  const validations = lines.filter((line) => line.kind === 'validation');
  if (steps.length === 0) return undefined;
  const series = <L extends LogLine>(name: string, from: readonly L[], value: (line: L) => number | undefined) => ({
    name,
    points: from.map((line) => [line.step, score(value(line))] as const),
  });
  const metric = validations[0]?.metric;
  const best = validations.filter((line) => line.best).at(-1);
  const others = Object.keys(validations[0]?.scores ?? {}).filter(
    (name) => name !== metric && /^(V-|Dice|IoU)/.test(name),
  );
  return {
    loss: series('loss', steps, (line) => line.loss),
    learningRate: series('learning rate', steps, (line) => line.learningRate),
    ...(metric !== undefined && {
      validation: {
        ...series(metric, validations, (line) => line.score),
        ...(best !== undefined && Number.isFinite(best.score) && { best: { step: best.step, value: best.score } }),
      },
      others: others.map((name) => series(name, validations, (line) => line.scores[name])),
    }),
  };
}

/** Number of steps, and milliseconds of training, of its validation, and of both. */
export function timesOf(lines: readonly LogLine[]) {
  const sum = (kind: LogLine['kind']): number =>
    lines.reduce((ms, line) => (line.kind === kind && 'ms' in line ? ms + line.ms : ms), 0);
  const [trainingMs, validationMs] = [sum('step'), sum('validation')];
  const steps = lines.filter((line) => line.kind === 'step').length;
  return { steps, trainingMs, validationMs, totalMs: trainingMs + validationMs };
}

/** The times of the log; together they are the training time at the top of the report. */
export function timeFacts(lines: readonly LogLine[]): FactRows {
  const { steps, trainingMs, validationMs, totalMs } = timesOf(lines);
  const each = steps === 0 ? '' : `, ${formatMs(trainingMs / steps)} each`;
  return [
    ['Training steps', `${formatMs(trainingMs)}${each}`],
    ['Validation between them', formatMs(validationMs)],
    ['Training in total', formatMs(totalMs)],
  ];
}

export function dataFacts({ folder, trainingImages, validationImages, recipe }: RunConfig): FactRows {
  const { channels, normalisation } = recipe.input;
  const scope = normalisation.scope === 'image' ? 'per image' : 'of the training images';
  const what = {
    percentile: `percentiles ${normalisation.percentiles.join(' and ')} ${scope}`,
    zscore:
      normalisation.scope === 'image'
        ? 'mean and standard deviation per image'
        : normalisation.numbers
            .map(([mean, std]) => `(x - ${+mean.toPrecision(4)}) / ${+std.toPrecision(4)}`)
            .join(', '),
    operations: `by the operations of a package: ${normalisation.operations?.map(({ id }) => id).join(', ')}`,
    range: `the range ${normalisation.numbers.map((pair) => pair.join('..')).join(', ')}`,
  }[normalisation.kind];
  return [
    ['Folder', folder],
    ['Trained on', `${trainingImages.length} (${listed(trainingImages)})`],
    ['Held out', validationImages.length === 0 ? 'none' : `${validationImages.length} (${listed(validationImages)})`],
    ['Classes', `${describeClasses(recipe.labels)} (${recipe.labels.kind})`],
    ['Channels', String(channels.count)],
    ['Normalisation', what],
  ];
}

/** The active augmentations. */
function describeAugment(augment: Recipe['augment']): string {
  const parts = [
    augment.flip ? 'flips' : '',
    augment.turn ? '90° rotations' : '',
    augment.warpFraction > 0 && augment.rotateDegrees > 0 ? `rotation to ${augment.rotateDegrees}°` : '',
    augment.warpFraction > 0 && augment.scale > 1 ? `scale to ${augment.scale}` : '',
    augment.warpFraction > 0 && augment.elasticSigmaPx > 0 ? `elastic deformation (${augment.elasticSigmaPx} px)` : '',
    augment.intensityFraction > 0 ? 'brightness, contrast, gamma, noise, blur' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'none' : parts.join(', ');
}

export function networkFacts({ recipe, plan }: RunConfig, model: OpenedModel): FactRows {
  const { signature, rule } = model;
  return [
    ['Network', describeNetwork(recipe)],
    ['Parameters', formatCount(signature.storedElements)],
    [
      'Receptive field',
      rule.y.exact
        ? `${Math.max(rule.y.halo, rule.y.margin)} pixels to each side${rule.z ? `, ${rule.z.halo} slices before and after` : ''}`
        : 'the whole image',
    ],
    ['Patch, batch size', `${patchText(recipe)}, ${recipe.batch}`],
    ['Steps', totalSteps(plan).toLocaleString('en')],
    ['Loss', describeLoss(recipe)],
    ['Optimizer', describeOptimizer(recipe)],
    ['Schedule', describeSchedule(recipe)],
    ['Augmentation', describeAugment(recipe.augment)],
    ['Random seed', String(recipe.seed)],
  ];
}

export function machineFacts({ machine, lamella }: RunConfig): FactRows {
  const shown: readonly (readonly [string, unknown])[] = [
    ['Device', machine.description],
    ['Processor', machine.processor],
    ['Cores', machine.cores],
    ['Memory', machine.memoryGiB === undefined ? undefined : `${machine.memoryGiB} GiB`],
    ['System', machine.system],
    ['Node.js', machine.node],
    ['Lamella', lamella === '' ? undefined : lamella],
  ];
  return shown.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
}
