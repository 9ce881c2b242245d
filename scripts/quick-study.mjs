/**
 * The quick model beside a random forest on ilastik's kind of features: the same strokes, the same images, pixel error
 * and Dice of both.
 *
 *     npm run build && LAMELLA_DATA=... node scripts/quick-study.mjs --python .venv/bin/python [--set report] [--seeds 3]
 *
 * The environment needs numpy, scipy and scikit-learn. `--set choose` are other images, on which settings are chosen.
 * `--time` prints instead how long the first preview of 512 x 512 takes.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { predictImage, trainQuick } from '../dist/index.js';
import { openRuntime, readImageFile } from '../dist/platform/node/index.js';

const { values: args } = parseArgs({
  options: {
    python: { type: 'string' },
    set: { type: 'string', default: 'report' },
    seeds: { type: 'string', default: '3' },
    strokes: { type: 'string', default: '12' },
    time: { type: 'boolean', default: false },
  },
});
const data = process.env.LAMELLA_DATA ?? '../shared/data';
const NOT_ANNOTATED = 255;

const isbi = (n) => [`isbi2012/train/image/${n}.png`, `isbi2012/train/label/${n}.png`];
const nucleus = (id) => [`nuclei/images/${id}.png`, `nuclei/labels/${id}.png`];
const phase = (n) => [`phase/set${n}_phase.tif`, `phase/set${n}_instances.png`];
const kinds = readFileSync(join(data, 'nuclei/index.csv'), 'utf8').trim().split('\n').slice(1);
/** Dark images with stained nuclei of one size, at least five nuclei each. */
const dark = kinds
  .map((line) => line.split(','))
  .filter(([, kind, w, h, n]) => kind === 'gray_dark' && w === '256' && h === '256' && n >= 5);
const nuclei = (i) => nucleus(dark[i][0]);

/** Painted on the first, applied to both; `fore` says which labels are the class whose Dice is given. */
const CASES = {
  choose: [
    ['ISBI membranes', (v) => v === 0, isbi(2), isbi(6)],
    ['ISBI membranes', (v) => v === 0, isbi(18), isbi(22)],
    ['nuclei', (v) => v > 0, nuclei(0), nuclei(1)],
    ['nuclei', (v) => v > 0, nuclei(40), nuclei(41)],
    ['nuclei', (v) => v > 0, nuclei(80), nuclei(81)],
    ['phase cells', (v) => v > 0, phase(1), phase(18)],
  ],
  report: [
    ['ISBI membranes', (v) => v === 0, isbi(10), isbi(14)],
    ['ISBI membranes', (v) => v === 0, isbi(0), isbi(12)],
    ['nuclei', (v) => v > 0, nuclei(20), nuclei(21)],
    ['nuclei', (v) => v > 0, nuclei(60), nuclei(61)],
    ['nuclei', (v) => v > 0, nuclei(100), nuclei(101)],
    ['phase cells', (v) => v > 0, phase(26), phase(41)],
    ['phase cells', (v) => v > 0, phase(46), phase(26)],
  ],
};

/** mulberry32. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const LENGTH = 30;

/** Strokes one pixel wide that wander within their class, as a careful user paints. */
function paint(truth, height, width, seed, strokes) {
  const draw = random(seed);
  const painted = new Uint8Array(truth.length).fill(NOT_ANNOTATED);
  for (const c of [0, 1]) {
    for (let made = 0; made < strokes; ) {
      let at = Math.floor(draw() * truth.length);
      if (truth[at] !== c) continue;
      made++;
      let angle = draw() * 2 * Math.PI;
      let [y, x] = [Math.floor(at / width), at % width];
      for (let length = 0, tries = 0; length < LENGTH && tries < 200; tries++) {
        painted[at] = c;
        const [ny, nx] = [y + Math.sin(angle), x + Math.cos(angle)];
        const to = Math.round(ny) * width + Math.round(nx);
        const inside = ny >= 0 && nx >= 0 && Math.round(ny) < height && Math.round(nx) < width;
        if (inside && truth[to] === c) {
          [y, x, at] = [ny, nx, to];
          angle += (draw() - 0.5) * 0.6;
          length++;
        } else angle = draw() * 2 * Math.PI;
      }
    }
  }
  return painted;
}

async function load([imageFile, labelFile], fore) {
  const image = await readImageFile(join(data, imageFile));
  const label = await readImageFile(join(data, labelFile), { palette: 'index' });
  const [height, width] = label.shape.slice(-2);
  // Pages of this data are grey, some of them stored as colour.
  const channels = image.axes.includes('c') ? image.shape[image.axes.indexOf('c')] : 1;
  const interleaved = image.axes.endsWith('c');
  const grey = Float32Array.from({ length: height * width }, (_, p) =>
    Number(image.data[interleaved ? p * channels : p]),
  );
  const labels = label.data.subarray(0, height * width);
  return { name: imageFile, height, width, grey, truth: Uint8Array.from(labels, (v) => (fore(v) ? 1 : 0)) };
}

const asImage = ({ grey, height, width, name }) => ({
  dtype: 'float32',
  shape: [height, width],
  data: grey,
  axes: 'yx',
  spacing: {},
  source: name,
});
const asLabel = (painted, { height, width }) => ({
  dtype: 'uint8',
  shape: [height, width],
  data: painted,
  axes: 'yx',
  spacing: {},
});
const classesOf = ({ shape: [, height, width], data: p }) =>
  Uint8Array.from({ length: height * width }, (_, i) => (p[height * width + i] > p[i] ? 1 : 0));

/** Share of wrong pixels and Dice of class 1, of pixels that are not painted. */
function score(found, truth, painted) {
  let [wrong, counted, both, either] = [0, 0, 0, 0];
  for (let p = 0; p < truth.length; p++) {
    if (painted !== undefined && painted[p] !== NOT_ANNOTATED) continue;
    counted++;
    if (found[p] !== truth[p]) wrong++;
    both += found[p] & truth[p];
    either += found[p] + truth[p];
  }
  return { error: wrong / counted, dice: either === 0 ? 1 : (2 * both) / either };
}

/** `.npy`, version 1. */
function npy(values, height, width, descr) {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${height}, ${width}), }`.padEnd(117) + '\n';
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00v\x00', 'latin1'),
    Buffer.from(header),
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  ]);
}
const fromNpy = (file) => {
  const bytes = readFileSync(file);
  return new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8)));
};

const runtime = await openRuntime({ device: 'cpu' });
const QUICK = {
  ignore: [NOT_ANNOTATED],
  classes: [
    { name: 'other', values: [0] },
    { name: 'wanted', values: [1] },
  ],
};

if (args.time) {
  const sample = await load(isbi(10), (v) => v === 0);
  const label = asLabel(paint(sample.truth, sample.height, sample.width, 1, Number(args.strokes)), sample);
  for (let i = 0; i < 5; i++) {
    const [began, busy] = [performance.now(), process.cpuUsage()];
    const model = await trainQuick(runtime, [{ image: asImage(sample), label }], QUICK);
    const trained = performance.now();
    await predictImage(model, asImage(sample));
    const done = performance.now();
    const { user, system } = process.cpuUsage(busy);
    await model.program.dispose();
    console.log(
      `first preview after ${(done - began).toFixed(0)} ms: trained ${(trained - began).toFixed(0)}, predicted ${(done - trained).toFixed(0)}; CPU time of all threads ${((user + system) / 1000).toFixed(0)} ms`,
    );
  }
  await runtime.dispose();
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'quick-study-'));
const peer =
  args.python === undefined
    ? undefined
    : spawn(args.python, [join(import.meta.dirname, '../bench/peers/pixel_classifier.py')], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
const answers = peer && createInterface({ input: peer.stdout })[Symbol.asyncIterator]();

async function forest(first, second, painted, seed) {
  const file = (name) => join(folder, `${name}.npy`);
  for (const [name, one] of [
    ['first', first],
    ['second', second],
  ]) {
    writeFileSync(file(name), npy(one.grey, one.height, one.width, '<f4'));
  }
  writeFileSync(file('strokes'), npy(painted, first.height, first.width, '|u1'));
  const apply = [file('first'), file('second')];
  const out = [file('out1'), file('out2')];
  peer.stdin.write(`${JSON.stringify({ images: [apply[0]], strokes: [file('strokes')], apply, out, seed })}\n`);
  const answer = await answers.next();
  if (answer.done) throw new Error('The Python process ended.');
  return { maps: out.map(fromNpy), seconds: JSON.parse(answer.value).seconds };
}

const sums = new Map();
const add = (row, found) => {
  const held = sums.get(row) ?? { n: 0, error: 0, dice: 0, seconds: 0 };
  sums.set(row, {
    n: held.n + 1,
    error: held.error + found.error,
    dice: held.dice + found.dice,
    seconds: held.seconds + found.seconds,
  });
};
for (const [name, fore, one, other] of CASES[args.set]) {
  const [first, second] = [await load(one, fore), await load(other, fore)];
  for (let seed = 1; seed <= Number(args.seeds); seed++) {
    const painted = paint(first.truth, first.height, first.width, seed, Number(args.strokes));
    const began = performance.now();
    const model = await trainQuick(runtime, [{ image: asImage(first), label: asLabel(painted, first) }], {
      ...QUICK,
      seed,
    });
    const maps = [];
    for (const each of [first, second]) maps.push(classesOf(await predictImage(model, asImage(each))));
    await model.program.dispose();
    const found = { 'filter-bank': { maps, seconds: (performance.now() - began) / 1000 } };
    if (peer !== undefined) found['random forest'] = await forest(first, second, painted, seed);
    for (const [
      method,
      {
        maps: [here, there],
        seconds,
      },
    ] of Object.entries(found)) {
      add(`${name}|painted|${method}`, { ...score(here, first.truth, painted), seconds });
      add(`${name}|another|${method}`, { ...score(there, second.truth), seconds });
    }
  }
}
console.log(
  `${'data'.padEnd(16)}${'image'.padEnd(10)}${'method'.padEnd(16)}${'pixel error'.padEnd(13)}${'Dice'.padEnd(8)}seconds`,
);
for (const [row, { n, error, dice, seconds }] of sums) {
  const [name, image, method] = row.split('|');
  console.log(
    `${name.padEnd(16)}${image.padEnd(10)}${method.padEnd(16)}${(error / n).toFixed(4).padEnd(13)}${(dice / n).toFixed(3).padEnd(8)}${(seconds / n).toFixed(1)}`,
  );
}
peer?.stdin.end();
await runtime.dispose();
rmSync(folder, { recursive: true });
