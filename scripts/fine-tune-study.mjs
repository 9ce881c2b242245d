// Whether training on from a network of other images is worth it, with few images and little time:
//
//   node scripts/fine-tune-study.mjs DATA OUT [--minutes 5] [--seeds 0,1,2] [--start unet.onnx | --folders]
//
// DATA holds `nuclei`, as docs/results.md names its source. A network is trained on the grey images of other sizes than
// 256 x 256, which are of other microscopes; then, for each seed, on 10 images of 256 x 256 from it and from scratch, for
// the same time, one beside the other, each on a processor core of its own. All are scored on the 20 images of 256 x 256
// that follow. `--start`: the network of another program that is trained on, in the place of Lamella's own; its input are
// values divided by 255. bench/peers/nuclei_network.py trains one in PyTorch on OUT/before, which `--folders` writes with the
// others and then ends. Prints a table; what is there in OUT is kept, so that it goes on where it was stopped, with the same
// start and time. Run it on a machine that does nothing else.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readDataset } from '../dist/dataset/prepare.js';
import { nodeFiles } from '../dist/platform/node/files.js';
import { cli, lamella, writePages } from './study.mjs';

const SIDE = 256;
const IMAGES = 10;
const HELD = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '5' },
    seeds: { type: 'string', default: '0,1,2' },
    start: { type: 'string' },
    folders: { type: 'boolean', default: false },
  },
});
const [data, out] = positionals;
if (out === undefined) throw new Error('usage: node scripts/fine-tune-study.mjs DATA OUT [options]');
const at = (...names) => join(out, ...names);

const { pages } = await readDataset(nodeFiles, join(data, 'nuclei'));
const grey = pages.flatMap(({ channels }, i) => (channels === 1 ? [i] : []));
const isOfSide = (i) => pages[i].height === SIDE && pages[i].width === SIDE;
const own = grey.filter(isOfSide);
const parts = {
  before: grey.filter((i) => !isOfSide(i)),
  few: own.slice(0, IMAGES),
  held: own.slice(IMAGES, IMAGES + HELD),
};
for (const [part, indices] of Object.entries(parts)) {
  if (!existsSync(at(part))) await writePages(pages, indices, at(part));
}
if (values.folders) process.exit();
const { start = at('start') } = values;
const network = values.start && createHash('sha256').update(readFileSync(values.start)).digest('hex');
const setting = JSON.stringify({ minutes: values.minutes, start: network ?? 'own' });
if (!existsSync(at('study.json'))) writeFileSync(at('study.json'), setting);
if (readFileSync(at('study.json'), 'utf8') !== setting)
  throw new Error(`${out} has another start or time: use a new folder.`);

const isTrained = (run) => existsSync(at(run, 'report.html'));
const command = (folder, run, seed) => {
  const length = ['--minutes', values.minutes, '--seed', seed, '--val', '0', '--task', 'instances'];
  return ['train', at(folder), '--out', at(run), ...length, '--quiet'];
};
const run = promisify(execFile);
/** Runs a command on one core. */
const onCore = (core, args) => run('taskset', ['-c', String(core), process.execPath, cli, ...args]);

/** The scores of a model on the held-out images, computed once. */
async function scored(name, model = at(name)) {
  const file = at(`${name}.json`);
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'));
  await rm(at(`${name}-predicted`), { recursive: true, force: true });
  lamella('predict', model, at('held/images'), '--out', at(`${name}-predicted`), '--objects', '--quiet');
  const found = JSON.parse(lamella('evaluate', at(`${name}-predicted`), at('held/labels'), '--json'));
  const scores = { AP: found.instances.perThreshold[0].averagePrecision, Dice: found.overlap.meanDice };
  await writeFile(file, JSON.stringify(scores));
  return scores;
}

if (values.start === undefined && !isTrained('start')) lamella(...command('before', 'start', '0'));
const rows = [{ run: 'start', seed: '', ...(await scored('start', start)) }];
for (const seed of values.seeds.split(',')) {
  const pair = { on: ['--from', start], scratch: [] };
  const training = Object.entries(pair).map(async ([kind, from], core) => {
    if (!isTrained(`${kind}-${seed}`)) await onCore(core, [...command('few', `${kind}-${seed}`, seed), ...from]);
  });
  await Promise.all(training);
  for (const kind of Object.keys(pair)) {
    rows.push({ run: kind, seed, ...(await scored(`${kind}-${seed}`)) });
    console.log(JSON.stringify(rows.at(-1)));
  }
}
console.table(rows);
