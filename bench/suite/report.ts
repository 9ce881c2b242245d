/** Results as the page docs/benchmarks.md. */
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
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const lines = [
    '# Benchmarks',
    '',
    `    ${machine.command}`,
    '',
    'Both sides run in turn, A B A B, on one machine, with as many threads as it has cores; each peer in its faster setting.',
    "Times are medians (minimum to maximum) of the rounds after a warm-up. The ratio is our median divided by the peer's, so",
    'below 1 we are faster.',
    '',
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; ${versions.join(', ')}; ${machine.date}; load: cores that other programs kept busy just before or after a measurement.`,
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

function failuresOf(results: readonly Result[]): readonly string[] {
  const lines = results.flatMap(({ name, failures = [] }) => failures.map((failure) => `- ${name}: ${failure}`));
  return lines.length === 0 ? [] : ['Failed:', '', ...lines, ''];
}

/** If more cores than this are busy around a measurement, its ratio measures other programs rather than us. */
const BUSY = 0.3;

function itemOf({ name, ours, peer, failures = [], ratio, goal, limitMs, load }: Result): string {
  const reached =
    limitMs !== undefined && ours !== undefined
      ? ours.medianMs <= limitMs
      : ratio !== undefined && goal !== undefined
        ? ratio <= goal
        : undefined;
  const judgement = failures.length > 0 ? 'failed' : load > BUSY ? 'not judged' : verdict(reached);
  const wanted = limitMs !== undefined ? `<= ${limitMs} ms` : goal === undefined ? undefined : `<= ${goal}`;
  const why = [
    ...(ratio === undefined ? [] : [`ratio ${ratio.toFixed(2)}`]),
    ...(wanted === undefined ? [] : [`goal ${wanted}`]),
  ].join(', ');
  const peerFailed = peer === undefined && ours !== undefined && failures.length > 0;
  const measured = [
    `ours ${ours === undefined ? 'failed' : timesOf(ours)}`,
    ...(peer !== undefined || peerFailed ? [`peer ${peer === undefined ? 'failed' : timesOf(peer)}`] : []),
    `load ${load.toFixed(1)}`,
  ];
  return `- ${name}: ${judgement}${why === '' ? '' : ` (${why})`};\n  ${measured.join(', ')}`;
}

function memoryRow({ name, ours, peer, memoryRatio }: Result): readonly string[] {
  if (memoryRatio === undefined || ours === undefined || peer === undefined) return [];
  const cells = [
    name,
    ours.peakMiB.toFixed(0),
    peer.peakMiB.toFixed(0),
    memoryRatio.toFixed(2),
    '<= 1',
    verdict(memoryRatio <= 1),
  ];
  return [`| ${cells.join(' | ')} |`];
}

function verdict(reached: boolean | undefined): string {
  return reached === undefined ? 'measured' : reached ? 'reached' : 'missed';
}

function timesOf({ medianMs, minMs, maxMs }: Times): string {
  const digits = medianMs < 10 ? 2 : medianMs < 100 ? 1 : 0;
  const [median, least, most] = [medianMs, minMs, maxMs].map((ms) => ms.toFixed(digits));
  return `${median} ms (${least} to ${most})`;
}
