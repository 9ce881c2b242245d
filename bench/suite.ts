/**
 * `npm run bench`: everything against its peers, written to docs/benchmarks.md and docs/benchmarks.json.
 *
 *   npm run bench [-- --quick] [-- --only step] [-- --write] [-- --rounds 9] [-- --data folder]
 *
 * --only takes a group (step, train, predict, scores, objects, elastic, read, browser, start) or a part of a
 * row's name. With --quick or --only results are printed and the page in docs/ stays as it is; with --write the
 * rows that were measured take their places in it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, type Result } from './suite/compare.ts';
import { makeInputs } from './suite/inputs.ts';
import { peersPython } from './suite/python.ts';
import { type Machine, page } from './suite/report.ts';
import { comparisons } from './suite/rows.ts';

const JSON_FILE = 'docs/benchmarks.json';

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      write: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      data: { type: 'string', default: '../shared/data/isbi2012/train' },
    },
  });
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
    const machine = machineOf(args);
    const whole = !quick && only === undefined;
    if (whole || values.write) {
      const order = comparisons(inputs, data).map(({ name }) => name);
      const kept = whole ? [] : earlier().filter(({ name }) => !results.some((result) => result.name === name));
      const all = [...kept, ...results].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
      writeFileSync('docs/benchmarks.md', page(machine, all, kept.length > 0));
      writeFileSync(JSON_FILE, `${JSON.stringify({ machine, results: all }, null, 2)}\n`);
    } else console.log(`\n${page(machine, results)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rows of the runs before. */
function earlier(): readonly Result[] {
  if (!existsSync(JSON_FILE)) return [];
  return (JSON.parse(readFileSync(JSON_FILE, 'utf8')) as { results: readonly Result[] }).results;
}

function line({ name, ours, peer, ratio }: Result): string {
  const theirs = peer === undefined ? '' : `, peer ${peer.medianMs.toFixed(1)} ms, ratio ${ratio?.toFixed(2)}`;
  return `${name}: ${ours.medianMs.toFixed(1)} ms${theirs}`;
}

function machineOf(args: readonly string[]): Machine {
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
  };
}
