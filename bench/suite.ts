/**
 * `npm run bench`: everything against its peers, written to docs/benchmarks.md and docs/benchmarks.json.
 *
 *   npm run bench [-- --quick] [-- --only step] [-- --rounds 9] [-- --data folder] [-- --dry]
 *
 * --only takes a group (step, train, predict, scores, objects, elastic, read, browser, start) or a part of a
 * row's name. With --quick or --only the page in docs/ stays as it is; results are printed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, type Result } from './suite/compare.ts';
import { makeInputs } from './suite/inputs.ts';
import { peersPython } from './suite/python.ts';
import { type Machine, page } from './suite/report.ts';
import { comparisons } from './suite/rows.ts';

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      data: { type: 'string', default: '../shared/data/isbi2012/train' },
    },
  });
  const load = loadavg()[0] as number;
  const python = peersPython(console.log);
  const folder = mkdtempSync(join(tmpdir(), 'lamella-bench-'));
  try {
    const inputs = makeInputs(folder);
    if (python !== undefined) execFileSync(python, ['bench/peers/make_lzw.py', inputs.png, inputs.tiff]);
    const data = existsSync(values.data) ? values.data : undefined;
    const { only, quick } = values;
    const rows = comparisons(inputs, data).filter(
      (row) => (only === undefined || row.group === only || row.name.includes(only)) && (!quick || row.quick === true),
    );
    const results: Result[] = [];
    for (const row of rows) {
      try {
        const result = await compare(row, python, Number(values.rounds));
        results.push(result);
        console.log(line(result));
      } catch (cause) {
        console.log(`${row.name}: ${(cause as Error).message}`);
      }
    }
    const machine = machineOf(args, load);
    const text = page(machine, results);
    if (quick || only !== undefined) console.log(`\n${text}`);
    else {
      writeFileSync('docs/benchmarks.md', text);
      writeFileSync('docs/benchmarks.json', `${JSON.stringify({ machine, results }, null, 2)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function line({ name, ours, peer, ratio }: Result): string {
  const theirs = peer === undefined ? '' : `, peer ${peer.medianMs.toFixed(1)} ms, ratio ${ratio?.toFixed(2)}`;
  return `${name}: ${ours.medianMs.toFixed(1)} ms${theirs}`;
}

function machineOf(args: readonly string[], load: number): Machine {
  const versionOf = (name: string) =>
    (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;
  const processors = cpus();
  return {
    processor: (processors[0]?.model ?? 'unknown processor').trim(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    versions: { Node: process.version, 'onnxruntime-node': versionOf('onnxruntime-node') },
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench${args.length === 0 ? '' : ` -- ${args.join(' ')}`}`,
    load,
  };
}
