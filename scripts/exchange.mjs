// What Lamella does with the models, labels and images of other programs, by the tests that show it.
//
//   node scripts/exchange.mjs [--table TEXT]
//
// Runs the tests that `exchange/rows.mjs` names, with their peers (programs of others, installed on first use), prints a
// table for each of its lists, and fails where a test failed, was skipped or is not there. Networks of the field and the
// cases of ONNX have scripts of their own: zoo.mjs, zoo-commands.mjs, onnx-cases.mjs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TABLES } from './exchange/rows.mjs';

const { values } = parseArgs({ options: { table: { type: 'string', default: '' } } });
const root = fileURLToPath(new URL('..', import.meta.url));
const tables = Object.entries(TABLES).filter(([title]) => title.includes(values.table));
if (tables.length === 0) {
  throw new Error(`No table has "${values.table}" in its title. There are: ${Object.keys(TABLES).join('; ')}.`);
}
const files = [...new Set(tables.flatMap(([, rows]) => rows.flatMap(([, ...shown]) => shown.map(([file]) => file))))];

/** Full names of tests and how each ended, by file. */
function run() {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-exchange-'));
  try {
    const report = join(folder, 'report.json');
    const options = ['run', ...files, '--reporter=json', `--outputFile=${report}`];
    spawnSync(join(root, 'node_modules/.bin/vitest'), options, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return new Map(testResults.map(({ name, assertionResults }) => [relative(root, name), assertionResults]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const found = run();

/** How the tests of a part of a name ended: `3 passed`, or what is wrong. */
function outcomeOf([file, part]) {
  const own = (found.get(file) ?? []).filter(({ fullName }) => fullName.includes(part));
  const passed = own.filter(({ status }) => status === 'passed').length;
  if (own.length === 0) return { isShown: false, text: `no test "${part}" in ${file}` };
  const isShown = passed === own.length;
  return { isShown, text: isShown ? `${passed} passed` : `${own.length - passed} of ${own.length} not passed` };
}

let missing = 0;
for (const [title, rows] of tables) {
  console.log(`\n## ${title}\n\n| what | tests |\n| --- | --- |`);
  for (const [what, ...shown] of rows) {
    const outcomes = shown.map(outcomeOf);
    if (!outcomes.every(({ isShown }) => isShown)) missing++;
    const cells = shown.map(([file], i) => `${file.replace(/^test\/|\.test\.ts$/g, '')}: ${outcomes[i].text}`);
    console.log(`| ${what} | ${cells.join('; ')} |`);
  }
}
const count = tables.reduce((sum, [, rows]) => sum + rows.length, 0);
console.log(`\n${count - missing} of ${count} rows are shown`);
process.exitCode = missing > 0 ? 1 : 0;
