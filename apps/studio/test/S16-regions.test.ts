/**
 * S16: of a large image only three regions are annotated. Training sees these, without false rims where they end, and the
 * score is that of the one held out.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Image, predictImage, writePng } from 'lamella';
import { nodeFiles, openModelFile, studioHost } from 'lamella/node';
import { type Box, createEngine, type Region, type StudioTrainOptions } from 'lamella/studio';
import { expect, it } from 'vitest';
import { makeSample } from '../../../src/augment/sample.ts';
import { IGNORE } from '../../../src/dataset/labels/labels.ts';
import type { TrainingPage } from '../../../src/dataset/patch-position.ts';
import { prepareDataset, readDataset } from '../../../src/dataset/prepare.ts';
import { rawDataset } from '../../../src/dataset/raw.ts';
import { scorerFor } from '../../../src/evaluate/scorer.ts';
import type { ModelMetadata } from '../../../src/models/metadata.ts';
import { separationSettings } from '../../../src/predict/objects.ts';
import { parseConfig } from '../../../src/train/config.ts';
import { parseLog } from '../../../src/train/log.ts';
import { sameSegmentationTask } from '../../../src/train/tasks/segmentation/task.ts';
import { openPainter } from '../../../test/studio/painter.ts';

const SIDE = 2048;
const PATCH = 256;
const DRAWS = 100;
/** The last one is held out. */
const BOXES: readonly Box[] = [
  [210, 300, 256, 256],
  [900, 1210, 256, 256],
  [1500, 610, 256, 256],
];
const HELD = BOXES[2] as Box;
const SETTINGS = { seed: 1, patch: [PATCH, PATCH], baseChannels: 4, depth: 2, batch: 1, learningRate: 0.01 };
const STEPS = 40;

const isWithin = ([left, top, width, height]: Box, x: number, y: number): boolean =>
  x >= left && x < left + width && y >= top && y < top + height;

/** Pairs of touching cells of 20 x 20 pixels, with gaps of 8 between the pairs; 0 between cells. */
function cellAt(x: number, y: number): number {
  const [column, row] = [Math.floor(x / 48), Math.floor(y / 28)];
  if (y % 28 >= 20 || x % 48 >= 40) return 0;
  return 1 + 2 * (row * Math.ceil(SIDE / 48) + column) + (x % 48 < 20 ? 0 : 1);
}
const pixels = <A extends Uint8Array | Uint16Array>(array: A, value: (x: number, y: number) => number): A => {
  for (let p = 0; p < array.length; p++) array[p] = value(p % SIDE, Math.floor(p / SIDE));
  return array;
};
const imageOf = (data: Uint8Array | Uint16Array): Image => ({
  dtype: data instanceof Uint8Array ? 'uint8' : 'uint16',
  axes: 'yx',
  shape: [SIDE, SIDE],
  data,
  spacing: {},
});
const picture = imageOf(
  pixels(new Uint8Array(SIDE * SIDE), (x, y) => (cellAt(x, y) > 0 ? 150 : 60) + ((31 * x + 17 * y + x * y) % 41)),
);

it('S16 regions: three on an image of 2048 x 2048', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lamella-regions-'));
  const engine = createEngine(studioHost(root));
  const state = await engine.create('cells');
  const classes = [
    { name: 'background', value: 0 },
    { name: 'cell', value: 'rest' as const },
  ];
  const project = await engine.change({ task: 'objects', classes });
  const painter = await openPainter(engine, { ...state, project });
  await painter.add((await engine.addFiles([{ path: 'a.png', content: writePng(picture) }])).images);
  const layer = painter.annotations.layer('a');
  for (const [left, top, width, height] of BOXES) {
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) if (cellAt(x, y) > 0) layer.fill(0, y, x, x + 1, cellAt(x, y));
    }
  }
  painter.annotations.setRegions(
    'a',
    BOXES.map(
      (box, i): Region => ({ id: i + 1, shape: { box }, complete: true, origin: 'painted', held: box === HELD }),
    ),
  );
  painter.history.commit('cells');
  await painter.history.settled();
  const folder = join(root, 'cells');
  const trained = async (from: StudioTrainOptions['from'] = 'scratch') => {
    const settings = from === 'scratch' ? SETTINGS : { seed: 1 };
    const { run } = await engine.train({ steps: from === 'scratch' ? STEPS : 2, settings, from });
    const config = parseConfig(await readFile(join(folder, run, 'config.json')), run);
    const log = parseLog(await readFile(join(folder, run, 'log.jsonl'), 'utf8'));
    const losses = log.flatMap((line) => (line.kind === 'step' ? line.loss : []));
    const validations = log.flatMap((line) => (line.kind === 'validation' ? { ...line, ms: 0 } : []));
    return { run, config, losses, validations };
  };
  const first = await trained();
  const { recipe, validationRegions } = first.config;
  expect(Object.values(validationRegions ?? {}).map((own) => own.map(({ id }) => id))).toEqual([[3]]);

  // What the steps are drawn from.
  const raw = await readDataset(nodeFiles, folder, { as: 'objects' });
  const openSampler = () => {
    throw new Error('Nothing is drawn here.');
  };
  const { pages } = sameSegmentationTask(raw, recipe, { openSampler });
  let holding = 0;
  for (let step = 0; step < DRAWS; step++) {
    const options = { seed: 1, patch: recipe.patch, batch: 1, outputMargin: 0, augment: recipe.augment };
    const { label } = makeSample(pages.data.train, step, 0, { ...options, focusFraction: recipe.data.focusFraction });
    if (label.some((value) => value !== IGNORE)) holding++;
  }
  console.log(`S16: ${holding} of ${DRAWS} patches hold labels`);
  expect(holding).toBeGreaterThanOrEqual(0.95 * DRAWS);

  // Where a label is known, it is that of the whole image: an object that a region cuts has no rim there.
  const rim = recipe.labels.classes.findIndex(({ values }) => values === 'rim');
  expect(rim).toBeGreaterThan(0);
  const whole = { name: 'a', image: picture, label: imageOf(pixels(new Uint16Array(SIDE * SIDE), cellAt)) };
  const { mapping, input } = { mapping: recipe.labels, input: recipe.input };
  const truth = prepareDataset(rawDataset([whole]), { mapping, input, split: { fraction: 0 } }).train.pages[0];
  const counts = { known: 0, rims: 0, wrong: 0, elsewhere: 0 };
  const look = ({ label, width, origin = [0, 0] }: TrainingPage, boxes: readonly Box[]): void => {
    for (let p = 0; p < label.length; p++) {
      const [x, y] = [(p % width) + (origin[1] as number), Math.floor(p / width) + (origin[0] as number)];
      if (label[p] === IGNORE) continue;
      counts.known++;
      if (label[p] === rim) counts.rims++;
      if (label[p] !== truth?.label[y * SIDE + x]) counts.wrong++;
      if (!boxes.some((box) => isWithin(box, x, y))) counts.elsewhere++;
    }
  };
  for (const page of pages.data.train.pages) look(page, BOXES.slice(0, 2));
  const area = 256 * 256;
  expect(counts).toMatchObject({ wrong: 0, elsewhere: 0 });
  expect(counts.rims).toBeGreaterThan(500);
  expect(counts.known).toBeGreaterThan(0.95 * 2 * area);

  // Scored is the region that is held out, and nothing else.
  Object.assign(counts, { known: 0, rims: 0 });
  for (const page of pages.data.validation) look(page, [HELD]);
  expect(counts).toMatchObject({ wrong: 0, elsewhere: 0 });
  expect(counts.known).toBeGreaterThan(0.95 * area);
  const model = await openModelFile(join(folder, first.run), { device: 'cpu' });
  const separation = separationSettings(model.metadata as ModelMetadata);
  const scorer = scorerFor({ kind: 'ap' }, [], { separation });
  const [page] = pages.data.validation as [TrainingPage];
  scorer.add({ page, probabilities: await predictImage(model, picture), objects: raw.pages[0]?.label.values });
  await model.close();
  const best = first.validations.findLast((line) => line.best);
  console.log(`S16: ${best?.metric} ${best?.score.toFixed(4)} in the region that is held out`);
  expect(best?.score).toBeGreaterThan(0.1);
  expect(scorer.result().scores).toEqual(best?.scores);
  const [left, top] = HELD;
  for (let y = top; y < top + 256; y++) layer.fill(0, y, left, left + 128, 0);
  painter.history.commit('other labels where it is scored');
  await painter.history.settled();
  const second = await trained();
  expect(second.losses).toEqual(first.losses);
  expect(second.validations.length).toBe(first.validations.length);
  expect(second.validations).not.toEqual(first.validations);

  // A run that goes on from it holds out the same region, and trains on the others.
  const { config } = await trained({ run: 'runs/1' });
  expect(config.validationRegions).toEqual(validationRegions);
  expect([config.trainingImages, config.validationImages]).toEqual([['images/a.png'], ['images/a.png']]);

  await engine.dispose();
  await rm(root, { recursive: true });
});
