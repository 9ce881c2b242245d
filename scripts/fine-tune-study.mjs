// Whether training on from a network of other images is worth it, with few images and little time:
//
//   node scripts/fine-tune-study.mjs DATA OUT [--minutes 5] [--seeds 0,1,2]
//
// DATA holds `nuclei`, as docs/results.md names its source. A network is trained on the grey images of other sizes than
// 256 x 256, which are of other microscopes; then, for each seed, on 10 images of 256 x 256 from it and from scratch, for
// the same time. All are scored on the 20 images of 256 x 256 that follow. Prints a table; what is there in OUT is kept, so
// that it goes on where it was stopped. Run it on a machine that does nothing else.
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readDataset } from '../dist/dataset/prepare.js';
import { nodeFiles } from '../dist/platform/node/files.js';
import { lamella, writePages } from './study.mjs';

const SIDE = 256;
const IMAGES = 10;
const HELD = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '5' }, seeds: { type: 'string', default: '0,1,2' } },
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

/** Trains a run unless it is there, complete. */
function train(folder, run, seed, ...from) {
  if (existsSync(at(run, 'report.html'))) return;
  const length = ['--minutes', values.minutes, '--seed', seed, '--val', '0', '--task', 'instances'];
  lamella('train', at(folder), '--out', at(run), ...length, ...from, '--quiet');
}

/** The scores of a run on the held-out images, computed once. */
async function scored(run) {
  const file = at(`${run}.json`);
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'));
  await rm(at(`${run}-predicted`), { recursive: true, force: true });
  lamella('predict', at(run), at('held/images'), '--out', at(`${run}-predicted`), '--objects', '--quiet');
  const found = JSON.parse(lamella('evaluate', at(`${run}-predicted`), at('held/labels'), '--json'));
  const scores = { AP: found.instances.perThreshold[0].averagePrecision, Dice: found.overlap.meanDice };
  await writeFile(file, JSON.stringify(scores));
  return scores;
}

train('before', 'start', '0');
const rows = [{ run: 'start', seed: '', ...(await scored('start')) }];
for (const seed of values.seeds.split(',')) {
  for (const [kind, from] of [
    ['on', ['--from', at('start')]],
    ['scratch', []],
  ]) {
    const run = `${kind}-${seed}`;
    train('few', run, seed, ...from);
    rows.push({ run: kind, seed, ...(await scored(run)) });
    console.log(JSON.stringify(rows.at(-1)));
  }
}
console.table(rows);
