import { nodeHost } from '../../platform/node/host.ts';
import { type LayerTime, type NetworkProfile, profileNetwork } from '../../workflows/profile.ts';
import type { command } from '../commands/profile.ts';
import type { Options, Positionals } from '../declare.ts';
import { printJson, say } from '../print.ts';

const big = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(2)} G`
    : value >= 1e6
      ? `${(value / 1e6).toFixed(2)} M`
      : value >= 1e3
        ? `${(value / 1e3).toFixed(1)} k`
        : value === 0
          ? ''
          : String(value);

function tableOf(layers: readonly LayerTime[], { total }: Pick<NetworkProfile, 'total'>): string {
  const cells = [...layers, { ...total, name: 'total', op: '', output: [], share: 1 }].map(
    ({ name, op, output, parameters, macs, bytes, ms, share }) => [
      name,
      output.length === 0 ? '' : op,
      output.join(' x '),
      parameters === 0 ? '' : parameters.toLocaleString('en'),
      big(macs),
      bytes === 0 ? '' : `${big(bytes)}B`,
      ms.toFixed(2),
      `${(100 * share).toFixed(1)} %`,
    ],
  );
  const lines = [['layer', 'op', 'output', 'parameters', 'MACs', 'memory', 'ms', 'share'], ...cells];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export async function run(
  [what]: Positionals<typeof command>,
  { json = false, ...options }: Options<typeof command>,
): Promise<void> {
  const profile = await profileNetwork(nodeHost, what, options);
  if (json) return printJson(profile);
  const { network, dense, input, device, runs, runMs, peakBytes, layers, total } = profile;
  const gflops = (2 * total.macs) / (runMs * 1e6);
  say(
    `${network}${dense ? ', at every pixel at once' : ''}: input ${input.join(' x ')}; ${device}`,
    '',
    tableOf(layers, profile),
    '',
    `one run takes ${runMs.toFixed(2)} ms (mean of ${runs}), ${gflops.toFixed(1)} GFLOP/s; peak memory ${big(peakBytes)}B, weights included`,
  );
}
