import { counted } from '../../errors.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { writeComparison } from '../../workflows/compare.ts';
import type { command } from '../commands/compare.ts';
import type { Options, Positionals } from '../declare.ts';
import { pageLine, printJson, say } from '../print.ts';
import { countDisplay } from '../progress.ts';

export async function run(
  [runs]: Positionals<typeof command>,
  { json = false, quiet = false, ...options }: Options<typeof command>,
): Promise<void> {
  const display = countDisplay('scored');
  const { file, comparison } = await writeComparison(nodeHost, runs, {
    ...options,
    onProgress: json || quiet ? undefined : display.update,
  }).finally(display.stop);
  if (json) return printJson({ page: file, ...comparison });
  if (quiet) return;
  const width = Math.max(...comparison.runs.map(({ name }) => name.length)) + 2;
  say(
    `${comparison.metric} of ${counted(comparison.images.length, 'image')}`,
    ...comparison.runs.map(
      ({ name, score }) =>
        `  ${name.padEnd(width)}${score.value.toFixed(4)}  (${score.low.toFixed(4)} to ${score.high.toFixed(4)})`,
    ),
    ...comparison.seeds.map(
      ({ runs: places, network, mean, deviation, lowest, highest }) =>
        `  ${network}, ${counted(places.length, 'seed')}: mean ${mean.toFixed(4)}, deviation ${deviation.toFixed(4)} (${lowest.toFixed(4)} to ${highest.toFixed(4)})`,
    ),
    ...comparison.pairs.map(({ a, b, difference, adjustedP, verdict }) => {
      const [first, second] = [comparison.runs[a], comparison.runs[b]];
      const by = `${difference.value.toFixed(4)} (${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}), p ${adjustedP < 0.0001 ? '< 0.0001' : adjustedP.toFixed(4)}`;
      return `  ${second?.name} less ${first?.name}: ${by}: ${verdict === 'undecided' ? 'no significant difference' : verdict}`;
    }),
    ...comparison.notes.map((note) => `note: ${note}`),
    pageLine('page', file),
  );
}
