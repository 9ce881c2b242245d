// `npm run soak`: the tests of endurance in their long form. Builds, then runs test/soak with these numbers:
//   npm run soak                                     200 kills, 5,000 steps, 2,000 predictions, trainings by the clock, 5 GiB
//   npm run soak -- --kills 1000                     that many kills, and only those
//   npm run soak -- --steps 20000 --predictions 500 --minutes 5
//   npm run soak -- --gib 5                          a zip archive of that size, written and read
//   npm run soak -- --nodes 1                        a node of Slurm that goes down while a job runs there
import { execFileSync, spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const LONG = { kills: '200', steps: '5000', predictions: '2000', minutes: '3', gib: '5', nodes: '1' };
const FILES = {
  kills: 'soak/kill',
  steps: 'soak/leaks',
  predictions: 'soak/leaks',
  minutes: 'soak/time',
  gib: 'soak/zip',
  nodes: 'cluster/slurm',
};

const options = Object.fromEntries(Object.keys(LONG).map((name) => [name, { type: 'string' }]));
const { values } = parseArgs({ options });
for (const [name, value] of Object.entries(values)) {
  if (Number(value) > 0) continue;
  console.error(`--${name} ${value}: a number above 0 is expected.`);
  process.exit(2);
}
const asked = Object.keys(values);
const files = asked.length === 0 ? ['soak/', 'cluster/'] : [...new Set(asked.map((name) => `${FILES[name]}.test.ts`))];
const numbers = Object.entries({ ...LONG, ...values }).map(([name, value]) => [
  `LAMELLA_SOAK_${name.toUpperCase()}`,
  value,
]);

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--reporter=verbose', ...files.map((file) => `test/${file}`)],
  { stdio: 'inherit', env: { ...process.env, ...Object.fromEntries(numbers) } },
);
process.exitCode = status ?? 1;
