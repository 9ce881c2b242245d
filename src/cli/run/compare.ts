import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeHost } from '../../platform/node/host.ts';
import { writeComparison } from '../../workflows/compare.ts';
import type { DEVICE_NAMES } from '../choices.ts';
import { countDisplay } from '../progress.ts';

export interface CompareFlags {
  readonly out: string;
  readonly data?: string;
  readonly seed: number;
  readonly resamples: number;
  readonly device: (typeof DEVICE_NAMES)[number];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function runCompare(runs: readonly string[], flags: CompareFlags): Promise<void> {
  const { out, data, seed, resamples, device, json = false, quiet = false } = flags;
  let display: ReturnType<typeof countDisplay> | undefined;
  const { file, comparison } = await writeComparison(nodeHost, runs, {
    out,
    seed,
    resamples,
    device,
    data,
    onProgress: (done, total) => {
      if (json || quiet) return;
      display ??= countDisplay('scored', { stream: process.stderr });
      display.update(done, total);
      if (done === total) display.stop();
    },
  }).catch((cause: unknown) => {
    display?.stop();
    throw cause;
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ page: file, ...comparison }, null, 2)}\n`);
    return;
  }
  if (quiet) return;
  const width = Math.max(...comparison.runs.map(({ name }) => name.length)) + 2;
  const lines = [
    `${comparison.metric} of ${comparison.images.length} images`,
    ...comparison.runs.map(
      ({ name, score }) =>
        `  ${name.padEnd(width)}${score.value.toFixed(4)}  (${score.low.toFixed(4)} to ${score.high.toFixed(4)})`,
    ),
    ...comparison.seeds.map(
      ({ runs: places, network, mean, deviation, lowest, highest }) =>
        `  ${network}, ${places.length} seeds: mean ${mean.toFixed(4)}, deviation ${deviation.toFixed(4)} (${lowest.toFixed(4)} to ${highest.toFixed(4)})`,
    ),
    ...comparison.pairs.map(({ a, b, difference, adjustedP, verdict }) => {
      const [first, second] = [comparison.runs[a], comparison.runs[b]];
      const by = `${difference.value.toFixed(4)} (${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}), p ${adjustedP < 0.0001 ? '< 0.0001' : adjustedP.toFixed(4)}`;
      return `  ${second?.name} less ${first?.name}: ${by}: ${verdict === 'undecided' ? 'no difference shown' : verdict}`;
    }),
    ...comparison.notes.map((note) => `note: ${note}`),
    `page: ${file}  (${pathToFileURL(resolve(file)).href})`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
