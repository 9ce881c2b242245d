// How far strokes go against complete labels, with the same images and the same time:
//
//   node scripts/strokes-study.mjs DATA OUT [--minutes 5] [--seed 0] [--only isbi,nuclei,phase]
//
// DATA holds isbi2012/train, nuclei and phase, as docs/results.md names their sources; OUT is made anew. For each set the
// strokes of `strokes.mjs` (1 % of the pixels; 40 strokes per class on four slices, 40 per class on two nuclei images,
// 40 per class on one phase image) and the complete labels of the same images train for the same time, on all of these
// images, and are scored on images that neither saw. Prints a table; run it on a machine that does nothing else.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readDataset } from '../dist/dataset/prepare.js';
import { nodeFiles } from '../dist/platform/node/files.js';
import { writeStrokes } from './strokes.mjs';
import { lamella, writePages } from './study.mjs';

/** Fluorescence images of one size; the held-out ones follow in order. */
const NUCLEI_SIDE = 256;
const NUCLEI_HELD = 20;

const SETS = {
  isbi: {
    folder: 'isbi2012/train',
    // Of 24 slices the last four are scored, as in docs/results.md.
    choose: () => ({ train: [0, 6, 13, 19], held: [20, 21, 22, 23] }),
    options: { brushWidth: 3 },
    args: [],
    output: [],
    scores: (e) => ({ 'V-Rand': e.isbi.vRandThinned.value, 'pixel error': e.isbi.pixelError.value }),
  },
  nuclei: {
    folder: 'nuclei',
    choose(pages) {
      const same = pages.flatMap(({ height, width }, i) =>
        height === NUCLEI_SIDE && width === NUCLEI_SIDE ? [i] : [],
      );
      return { train: same.slice(0, 2), held: same.slice(2, 2 + NUCLEI_HELD) };
    },
    options: { brushWidth: 7, task: 'instances' },
    args: ['--task', 'instances'],
    output: ['--objects'],
    scores: (e) => ({ 'AP at 0.5': e.instances.perThreshold[0].averagePrecision, Dice: e.overlap.meanDice }),
  },
  phase: {
    folder: 'phase',
    choose: (pages) => ({ train: [0], held: pages.map((_, i) => i).slice(1) }),
    options: { brushWidth: 7, task: 'instances' },
    args: ['--task', 'instances'],
    output: ['--objects'],
    scores: (e) => ({ 'AP at 0.5': e.instances.perThreshold[0].averagePrecision, Dice: e.overlap.meanDice }),
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string', default: Object.keys(SETS).join() },
  },
});
const [data, out] = positionals;
if (out === undefined) throw new Error('usage: node scripts/strokes-study.mjs DATA OUT [options]');
if (existsSync(out)) throw new Error(`${out} exists; name a new folder`);

const rows = [];
for (const name of values.only.split(',')) {
  const { folder, choose, options, args, output, scores } = SETS[name];
  const { pages } = await readDataset(nodeFiles, join(data, folder));
  const { train, held } = choose(pages);
  const at = (part) => join(out, name, part);
  const lines = await writeStrokes(join(data, folder), join(out, name), {
    ...options,
    slices: train,
    seed: Number(values.seed),
  });
  for (const line of lines) console.log(line);
  await writePages(pages, held, at('held'));
  for (const part of ['strokes', 'full']) {
    const run = at(`run-${part}`);
    const length = ['--minutes', values.minutes, '--seed', values.seed, '--val', '0'];
    lamella('train', at(part), '--out', run, ...length, ...args, '--quiet');
    lamella('predict', run, at('held/images'), '--out', at(`predicted-${part}`), ...output, '--quiet');
    const found = JSON.parse(lamella('evaluate', at(`predicted-${part}`), at('held/labels'), '--json'));
    rows.push({ set: name, labels: part, images: train.length, scored: held.length, ...scores(found) });
    console.log(JSON.stringify(rows.at(-1)));
  }
}
console.table(rows);
