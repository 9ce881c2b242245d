/** Results as the page docs/benchmarks.md. */
import type { Budget } from '../../apps/studio/test/budgets.ts';
import type { Result, Times } from './compare.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly versions: { readonly [name: string]: string };
  readonly date: string;
  readonly command: string;
}

/** @param separately whether results come from several runs (`--only` with `--write`) */
export function page(machine: Machine, results: readonly Result[], separately = false): string {
  const lines = [
    '# Benchmarks',
    '',
    `    ${machine.command}`,
    '',
    'Both sides run in turn, A B A B, on one machine, with as many threads as it has cores; each peer in its faster setting.',
    "Times are medians (minimum to maximum) of the rounds after a warm-up. The ratio is our median divided by the peer's, so",
    'below 1 we are faster. Goals of Studio are for a laptop, its gates for two shared cores with graphics in software; the',
    'tests hold the gates.',
    '',
    `${placeOf(machine)}; load: cores that other programs kept busy just before or after a measurement.`,
    '',
    ...(separately
      ? [
          'They were measured in several runs. A load above 0.3 means that other programs were running: such ratios are rough, and not judged.',
          '',
        ]
      : []),
    ...results.map(itemOf),
    '',
    '| peak memory, MiB | ours | peer | ratio | goal | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...results.flatMap(memoryRow),
    '',
    'Peers:',
    '',
    ...[...new Set(results.flatMap(({ peer }) => (peer?.about ? [`- ${peer.about}`] : [])))],
    '',
    ...failuresOf(results),
    'Prediction: many images of one size, with networks that both sides compiled for it beforehand, in the same tiles, with',
    'nothing mirrored around the image. A single image of 512 x 512 with the defaults takes us longer (docs/performance.md).',
    '',
    'TensorFlow.js can train the network with WebGL, WebGPU and plain JavaScript; without a GPU, WebGL was the fastest at 8',
    'channels of 32x32. Its WebAssembly backend has no gradient of the weights of a 2-D convolution.',
    '',
  ];
  return lines.join('\n');
}

function placeOf({ processor, cores, memoryGiB, system, versions, date }: Machine): string {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; ${names.join(', ')}; ${date}`;
}

function failuresOf(results: readonly Result[]): readonly string[] {
  const lines = results.flatMap(({ name, failures = [] }) => failures.map((failure) => `- ${name}: ${failure}`));
  return lines.length === 0 ? [] : ['Failed:', '', ...lines, ''];
}

/** If more cores than this are busy around a measurement, its ratio measures other programs rather than us. */
const BUSY = 0.3;

/** Unit of our figure. */
export const unitOf = (budget: Budget | undefined): string =>
  budget === undefined || budget.unit === 'ratio' ? 'ms' : budget.unit;

/** A limit, and what is held to it. */
interface Limit {
  readonly value: number | undefined;
  readonly goal: number;
  readonly gate?: number;
  readonly unit: string;
}

function limitsOf({ ours, ratio, goal, limitMs, budget }: Result): readonly Limit[] {
  const limits: Limit[] = [];
  if (limitMs !== undefined) limits.push({ value: ours?.medianMs, goal: limitMs, unit: ' ms' });
  else if (goal !== undefined) limits.push({ value: ratio, goal, unit: '' });
  if (budget !== undefined) {
    const isRatio = budget.unit === 'ratio';
    const unit = isRatio ? '' : ` ${budget.unit}`;
    limits.push({ value: isRatio ? ratio : ours?.medianMs, goal: budget.goal, gate: budget.gate, unit });
  }
  return limits;
}

function itemOf(result: Result): string {
  const { name, ours, peer, failures = [], ratio, budget, load, machine } = result;
  const limits = limitsOf(result);
  const known = limits.filter((limit) => limit.value !== undefined) as (Limit & { readonly value: number })[];
  const reached = known.length === 0 ? undefined : known.every(({ value, goal }) => value <= goal);
  const isWithin =
    known.some(({ gate }) => gate !== undefined) && known.every(({ value, goal, gate = goal }) => value <= gate);
  // Bytes do not depend on what else runs.
  const isRough = load > BUSY && unitOf(budget) === 'ms';
  const judgement = failures.length > 0 ? 'failed' : isRough ? 'not judged' : verdict(reached, isWithin);
  const why = [
    ...(ratio === undefined ? [] : [`ratio ${ratio.toFixed(2)}`]),
    ...limits.flatMap(({ goal, gate, unit }) => [
      `goal <= ${rounded(goal)}${unit}`,
      ...(gate === undefined || gate === goal ? [] : [`gate <= ${rounded(gate)}${unit}`]),
    ]),
  ].join(', ');
  const peerFailed = peer === undefined && ours !== undefined && failures.length > 0;
  const measured = [
    `ours ${ours === undefined ? 'failed' : timesOf(ours, unitOf(budget))}`,
    ...(peer !== undefined || peerFailed ? [`peer ${peer === undefined ? 'failed' : timesOf(peer, 'ms')}`] : []),
    `load ${load.toFixed(1)}`,
    ...(machine === undefined ? [] : [`on ${placeOf(machine)}`]),
  ];
  return `- ${name}: ${judgement}${why === '' ? '' : ` (${why})`};\n  ${measured.join(', ')}`;
}

function memoryRow({ name, ours, peer, memoryRatio, memoryGoal = 1 }: Result): readonly string[] {
  if (memoryRatio === undefined || ours === undefined || peer === undefined) return [];
  const cells = [
    name,
    ours.peakMiB.toFixed(0),
    peer.peakMiB.toFixed(0),
    memoryRatio.toFixed(2),
    `<= ${memoryGoal}`,
    verdict(memoryRatio <= memoryGoal),
  ];
  return [`| ${cells.join(' | ')} |`];
}

/** @param isWithin what the tests hold us to, where that is more than the goal */
function verdict(reached: boolean | undefined, isWithin = false): string {
  if (reached === undefined) return 'measured';
  return reached ? 'reached' : isWithin ? 'within the gate' : 'missed';
}

const digitsFor = (value: number): number => (value < 10 ? 2 : value < 100 ? 1 : 0);
const rounded = (value: number): number => Number(value.toFixed(2));
export const figure = (value: number, unit: string): string => `${value.toFixed(digitsFor(value))} ${unit}`;

function timesOf({ medianMs, minMs, maxMs }: Times, unit: string): string {
  const [least, most] = [minMs, maxMs].map((ms) => ms.toFixed(digitsFor(medianMs)));
  return minMs === maxMs ? figure(medianMs, unit) : `${figure(medianMs, unit)} (${least} to ${most})`;
}
