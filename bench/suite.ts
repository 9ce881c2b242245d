/**
 * `npm run bench`: everything against its peers, written to docs/benchmarks.md and docs/benchmarks.json.
 *
 *   npm run bench [-- --quick] [-- --only step] [-- --write] [-- --rounds 9] [-- --data folder]
 *
 * --only takes a group (step, train, predict, scores, objects, elastic, read, browser, start, scale, studio) or a part of a
 * row's name. With --quick or --only results are printed and the page in docs/ stays as it is; with --write the
 * rows that were measured take their places in it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, type Result } from './suite/compare.ts';
import { EXPORTER, type Inputs, makeInputs } from './suite/inputs.ts';
import { type PythonName, peersPython } from './suite/python.ts';
import { figure, type Machine, page, unitOf } from './suite/report.ts';
import { comparisons, FOREIGN } from './suite/rows.ts';
import { installTensorflow } from './suite/tensorflow.ts';

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
  const environments = new Map<PythonName, string | Error>();
  const python = (name: PythonName): string | Error => {
    const found = environments.get(name) ?? peersPython(name, console.log);
    environments.set(name, found);
    return found;
  };
  const folder = mkdtempSync(join(tmpdir(), 'lamella-bench-'));
  try {
    const inputs = makeInputs(folder);
    const data = existsSync(values.data) ? values.data : undefined;
    if (data === undefined)
      console.log(`The rows that train are left out: there is no folder ${values.data} (--data).`);
    const { only, quick } = values;
    const rows = comparisons(inputs, data);
    const asked = rows.filter(
      (row) => (only === undefined || row.group === only || row.name.includes(only)) && (!quick || row.quick === true),
    );
    if (asked.length === 0) {
      const groups = [...new Set(rows.map(({ group }) => group))].join(', ');
      throw new Error(`No row is called "${only}". There are ${groups}, or a part of a row's name.`);
    }
    if (asked.some(({ group }) => group === 'read')) makeLzw(python('core'), inputs);
    if (asked.some(({ task }) => task === 'foreignStep')) exportNetwork(python('zoo'), inputs);
    const machine = machineOf(args);
    const whole = !quick && only === undefined;
    const results: Result[] = [];
    const before = whole || values.write ? (earlier() ?? { machine, results: [] }) : undefined;
    const write = (kept: readonly Result[]) => {
      const order = rows.map(({ name }) => name);
      // Rows that stay keep the machine that they were measured on.
      const main = kept.length > 0 ? (before?.machine ?? machine) : machine;
      const own = main === machine ? results : results.map((result) => ({ ...result, machine }));
      const all = [...kept, ...own].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
      writeFileSync('docs/benchmarks.md', page(main, all, kept.length > 0));
      writeFileSync(JSON_FILE, `${JSON.stringify({ machine: main, results: all }, null, 2)}\n`);
    };
    const start = performance.now();
    for (const row of asked) {
      const result = await compare(row, { python, tensorflow: installTensorflow }, Number(values.rounds));
      results.push(result);
      console.log(`${minutes(performance.now() - start)} ${line(result)}`);
      // After every row, so that a run that is stopped has not been in vain.
      const measured = new Set(results.map(({ name }) => name));
      if (before !== undefined) write(before.results.filter(({ name }) => !measured.has(name)));
    }
    if (whole) write([]);
    else if (!values.write) console.log(`\n${page(machine, results)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The runs before. */
function earlier(): { readonly machine: Machine; readonly results: readonly Result[] } | undefined {
  return existsSync(JSON_FILE) ? JSON.parse(readFileSync(JSON_FILE, 'utf8')) : undefined;
}

function line({ name, ours, peer, ratio, budget, failures = [] }: Result): string {
  const mine = ours === undefined ? 'failed' : figure(ours.medianMs, unitOf(budget));
  const theirs = peer === undefined ? '' : `, peer ${figure(peer.medianMs, 'ms')}`;
  return [`${name}: ${mine}${theirs}${ratio === undefined ? '' : `, ratio ${ratio.toFixed(2)}`}`, ...failures].join(
    '; ',
  );
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** Without it the row that reads LZW fails, and only that. */
function makeLzw(python: string | Error, { png, tiff }: Inputs): void {
  if (python instanceof Error) return;
  try {
    execFileSync(python, ['bench/peers/make_lzw.py', png, tiff]);
  } catch (cause) {
    console.log((cause as Error).message);
  }
}

/** Without it the row of its step fails, and only that. */
function exportNetwork(python: string | Error, { folder }: Inputs): void {
  if (python instanceof Error) return;
  try {
    execFileSync(python, ['scripts/zoo/export.py', folder, '--only', FOREIGN, '--kinds', EXPORTER]);
  } catch (cause) {
    console.log((cause as Error).message);
  }
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
