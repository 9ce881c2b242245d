/**
 * Suggested windows beside random ones: how many wrong pixels of held-out images the same number of corrected windows
 * holds, and what is still wrong on other images once the corrections are trained on.
 *
 *     npm run build && LAMELLA_DATA=... node scripts/suggest-study.mjs [--seeds 5] [--places 20] [--data nuclei,isbi,phase]
 *
 * The model is a filter bank trained on a sparse grid of pixels of a few images; random windows are drawn evenly over
 * all pixels. Suggested are the places that `lamella suggest` gives, the tenth at random among them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { predictImage, trainQuick } from '../dist/index.js';
import { openRuntime, readImageFile } from '../dist/platform/node/index.js';
import { candidatesOf, randomPlaces, rankPlaces, uncertaintyOf } from '../dist/predict/places.js';

const { values: args } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    places: { type: 'string', default: '20' },
    data: { type: 'string', default: 'nuclei,isbi,phase' },
  },
});
const data = process.env.LAMELLA_DATA ?? '../shared/data';
const NOT_ANNOTATED = 255;
/** Of the images to begin with one pixel in so many is annotated. */
const SPARSE = 97;

const nuclei = () =>
  readFileSync(join(data, 'nuclei/index.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .filter(([, , width, height, count]) => width === '256' && height === '256' && count >= 5)
    .map(([id]) => [`nuclei/images/${id}.png`, `nuclei/labels/${id}.png`]);
const SETS = {
  nuclei: { files: nuclei, fore: (v) => v > 0, start: 2, pool: 24, others: 12 },
  isbi: {
    files: () =>
      Array.from({ length: 24 }, (_, n) => [`isbi2012/train/image/${n}.png`, `isbi2012/train/label/${n}.png`]),
    fore: (v) => v === 0,
    start: 1,
    pool: 10,
    others: 4,
  },
  phase: {
    files: () => [1, 18, 26, 41, 46].map((n) => [`phase/set${n}_phase.tif`, `phase/set${n}_instances.png`]),
    fore: (v) => v > 0,
    start: 1,
    pool: 3,
    others: 1,
  },
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
function shuffled(list, seed) {
  const [draw, out] = [random(seed), [...list]];
  for (let i = out.length - 1; i > 0; i--) {
    const k = Math.floor(draw() * (i + 1));
    [out[i], out[k]] = [out[k], out[i]];
  }
  return out;
}

const grey = (values, height, width, name) => ({
  dtype: values instanceof Uint8Array ? 'uint8' : 'float32',
  shape: [height, width],
  data: values,
  axes: 'yx',
  spacing: {},
  source: name,
});
async function load([imageFile, labelFile], fore) {
  const image = await readImageFile(join(data, imageFile));
  const label = await readImageFile(join(data, labelFile), { palette: 'index' });
  const [height, width] = label.shape.slice(-2);
  // Grey, though some are stored as colour: their first channel.
  const values = Float32Array.from(image.data.subarray(0, height * width), Number);
  const truth = Uint8Array.from(label.data.subarray(0, height * width), (v) => (fore(v) ? 1 : 0));
  return { name: imageFile, height, width, image: grey(values, height, width, imageFile), truth };
}

const runtime = await openRuntime({ device: 'cpu' });
const OPTIONS = {
  ignore: [NOT_ANNOTATED],
  classes: [
    { name: 'other', values: [0] },
    { name: 'wanted', values: [1] },
  ],
};
const train = (samples, seed) =>
  trainQuick(
    runtime,
    samples.map(({ name, height, width, image, label }) => ({ name, image, label: grey(label, height, width, name) })),
    { ...OPTIONS, seed },
  );
const sparse = ({ truth }) => truth.map((value, p) => (p % SPARSE === 0 ? value : NOT_ANNOTATED));
const wrongOf = ({ data: p }, truth) =>
  truth.map((value, i) => ((p[truth.length + i] > p[i] ? 1 : 0) === value ? 0 : 1));
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Wrong pixels inside places, each counted once. */
function mended(places, pool, wrong) {
  const seen = pool.map(({ truth }) => new Uint8Array(truth.length));
  for (const { page, x, y, width, height } of places) {
    const stride = pool[page].width;
    for (let row = y; row < y + height; row++) seen[page].fill(1, row * stride + x, row * stride + x + width);
  }
  return sum(seen.map((own, page) => sum(own.map((inside, p) => inside & wrong[page][p]))));
}

/** The share of wrong pixels of other images after training on the corrected windows, too. */
async function after(start, places, pool, others, seed) {
  const corrected = pool.flatMap((page, i) => {
    const own = places.filter((place) => place.page === i);
    if (own.length === 0) return [];
    const label = new Uint8Array(page.truth.length).fill(NOT_ANNOTATED);
    for (const { x, y, width, height } of own) {
      for (let row = y; row < y + height; row++) {
        const from = row * page.width + x;
        label.set(page.truth.subarray(from, from + width), from);
      }
    }
    return [{ ...page, label }];
  });
  const model = await train([...start, ...corrected], seed);
  let [wrong, pixels] = [0, 0];
  for (const { image, truth } of others) {
    wrong += sum(wrongOf(await predictImage(model, image), truth));
    pixels += truth.length;
  }
  await model.program.dispose();
  return wrong / pixels;
}

console.log('data     seed  wrong in suggested  in random  ratio  then wrong elsewhere: suggested  random');
for (const name of args.data.split(',')) {
  const { files, fore, start: first, pool: held, others: rest } = SETS[name];
  const ratios = [];
  for (let seed = 1; seed <= Number(args.seeds); seed++) {
    const chosen = shuffled(files(), seed).slice(0, first + held + rest);
    const pages = await Promise.all(chosen.map((pair) => load(pair, fore)));
    const start = pages.slice(0, first).map((page) => ({ ...page, label: sparse(page) }));
    const [pool, others] = [pages.slice(first, first + held), pages.slice(first + held)];
    const model = await train(start, seed);
    const [wrong, candidates] = [[], []];
    for (const { image, truth, height, width } of pool) {
      const found = await predictImage(model, image);
      wrong.push(wrongOf(found, truth));
      candidates.push({
        image: image.source,
        height,
        width,
        candidates: candidatesOf(uncertaintyOf(found), [height, width]),
      });
    }
    await model.program.dispose();
    const count = Number(args.places);
    const suggested = rankPlaces(candidates, randomPlaces(pool, Math.floor(count / 10), { seed }), count);
    const drawn = randomPlaces(pool, suggested.length, { seed: 1000 + seed });
    const [own, chance] = [mended(suggested, pool, wrong), mended(drawn, pool, wrong)];
    ratios.push(own / chance);
    const errors = [await after(start, suggested, pool, others, seed), await after(start, drawn, pool, others, seed)];
    console.log(
      `${name.padEnd(9)}${String(seed).padEnd(6)}${String(own).padEnd(20)}${String(chance).padEnd(11)}${(own / chance).toFixed(2).padEnd(7)}${errors[0].toFixed(4).padStart(31)}  ${errors[1].toFixed(4)}`,
    );
  }
  console.log(
    `${name}: mean ratio ${(sum(ratios) / ratios.length).toFixed(2)} over ${ratios.length} seeds, ${args.places} windows`,
  );
}
await runtime.dispose();
