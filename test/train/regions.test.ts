/** Regions of nnU-Net's data sets, which overlap: trained together, each by itself, and painted over each other. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import { regionGraph } from '../../src/models/region-graph.ts';
import { byRegion } from '../../src/nn/losses/regions.ts';
import { type LossName, lossOf } from '../../src/nn/losses/registry.ts';
import type { Network } from '../../src/nn/network.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseConfig } from '../../src/train/config.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { runGraph } from '../support/run-graph.ts';

/** The second is shown as class 1, though it lies upon the first: values do not have the order of painting. */
const REGIONS = [
  { name: 'whole', classes: [1, 2, 3], shownAs: 2 },
  { name: 'core', classes: [1, 3], shownAs: 1 },
  { name: 'enhancing', classes: [3], shownAs: 3 },
] as const;

const random = stream(4, 'regions');
const LOGITS = float32(
  [2, 4, 3, 5],
  Float32Array.from({ length: 120 }, () => 2 * random.normal()),
);
const LABELS = Int32Array.from({ length: 30 }, (_, p) => (p === 7 ? 255 : p % 4));
const WEIGHTS = Float32Array.from({ length: 30 }, (_, p) => (p === 7 ? 0 : 1 + (p % 3)));
const at = (n: number, c: number, p: number): number => LOGITS.data[(n * 4 + c) * 15 + p] as number;
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

describe('the loss of regions', () => {
  const value = async (name: LossName): Promise<number> => {
    const b = new GraphBuilder('loss');
    const logits = b.input('logits', 'float32', LOGITS.shape);
    const target = { labels: b.input('labels', 'int32', [2, 3, 5]), weights: b.input('weights', 'float32', [2, 3, 5]) };
    const loss = byRegion(lossOf({ name }), REGIONS)(b, logits, target);
    const feeds = { logits: LOGITS, labels: ndarray('int32', [2, 3, 5], LABELS), weights: float32([2, 3, 5], WEIGHTS) };
    return ((await runGraph(b.build([b.output(loss, 'loss')]), feeds)).loss as NdArray).data[0] as number;
  };
  /** Of each region: p, whether it is there, and the weight, of every pixel. */
  const pixels = REGIONS.map(({ classes, shownAs }) =>
    Array.from({ length: 30 }, (_, i) => {
      const [n, p] = [Math.floor(i / 15), i % 15];
      const isThere = (classes as readonly number[]).includes(LABELS[i] as number);
      return { p: sigmoid(at(n, shownAs, p)), t: Number(isThere), w: WEIGHTS[i] as number };
    }),
  );
  const sum = (own: (typeof pixels)[number], of: (x: { p: number; t: number; w: number }) => number): number =>
    own.reduce((all, each) => all + of(each), 0);
  const entropy = pixels.map(
    (own) => sum(own, ({ p, t, w }) => -w * Math.log(t === 1 ? p : 1 - p)) / sum(own, ({ w }) => w),
  );
  const overlap = pixels.map(
    (own) =>
      1 -
      (2 * sum(own, ({ p, t, w }) => w * p * t) + 1) /
        (sum(own, ({ p, w }) => w * p) + sum(own, ({ t, w }) => w * t) + 1),
  );
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

  it('is the mean over them of the loss of each by itself, whatever the class 0', async () => {
    expect(await value('ce')).toBeCloseTo(mean(entropy), 5);
    expect(await value('dice')).toBeCloseTo(mean(overlap), 5);
    expect(await value('dice-ce')).toBeCloseTo(mean(entropy) + mean(overlap), 5);
  });
});

describe('the classes of regions', () => {
  it('are those of the last region that is more probable than not, and add up to 1', async () => {
    const b = new GraphBuilder('head');
    const logits = b.input('logits', 'float32', LOGITS.shape);
    const graph = regionGraph({ builder: b, logits } as unknown as Network, REGIONS);
    const { data } = (await runGraph(graph, { logits: LOGITS })).probabilities as NdArray;
    const found = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const [n, p] = [Math.floor(i / 15), i % 15];
      const own = [0, 1, 2, 3].map((c) => Number(data[(n * 4 + c) * 15 + p]));
      expect(own.reduce((a, c) => a + c)).toBeCloseTo(1, 6);
      // As nnU-Net: one region after the other over those before.
      let painted = 0;
      for (const { shownAs } of REGIONS) if (sigmoid(at(n, shownAs, p)) > 0.5) painted = shownAs;
      expect(own.indexOf(Math.max(...own))).toBe(painted);
      found.add(painted);
    }
    expect(found.size).toBe(4);
  });
});

describe('a data set with regions', () => {
  const SIDE = 64;
  const root = mkdtempSync(join(tmpdir(), 'lamella-regions-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const data = join(root, 'Dataset001_Nested');
  const BRIGHTNESS = [30, 150, 90, 210];
  /** Discs within each other. */
  const truth = (n: number): Uint8Array =>
    Uint8Array.from({ length: SIDE * SIDE }, (_, p) => {
      const [cx, cy] = [26 + 3 * n, 36 - 2 * n];
      const r = Math.hypot((p % SIDE) - cx, Math.floor(p / SIDE) - cy);
      return r < 8 ? 3 : r < 14 ? 1 : r < 21 ? 2 : 0;
    });
  const picture = (values: Uint8Array): Image<'uint8'> => ({
    dtype: 'uint8',
    ...{ shape: [SIDE, SIDE], axes: 'yx', data: values as Uint8Array<ArrayBuffer>, spacing: {}, channels: ['grey'] },
  });
  const image = (n: number): Image<'uint8'> => {
    const noise = stream(Math.round(2 * n), 'noise');
    return picture(Uint8Array.from(truth(n), (v) => (BRIGHTNESS[v] as number) + 12 * noise.normal()));
  };
  const SETTINGS = {
    ...{
      steps: 200,
      augment: 'none',
      batch: 2,
      seed: 1,
      workers: 0,
      device: 'cpu',
      baseChannels: 8,
      depth: 2,
      patch: [48, 48],
    },
    ...{ split: { fraction: 0.25 } },
  } as const satisfies Partial<TrainRunOptions>;
  const said: string[] = [];
  const run = join(root, 'run');
  const configOf = (folder: string) => parseConfig(readFileSync(join(folder, 'config.json')), folder);
  const model = (folder: string) =>
    readMetadata(readSignature(new Uint8Array(readFileSync(join(folder, 'last.onnx')))));

  beforeAll(async () => {
    const json = {
      channel_names: { 0: 'grey' },
      labels: { background: 0, whole: [1, 2, 3], core: [1, 3], enhancing: 3 },
      ...{ regions_class_order: [2, 1, 3], numTraining: 4, file_ending: '.png' },
    };
    const { files } = nodeHost;
    await files.write(join(data, 'dataset.json'), JSON.stringify(json));
    for (let n = 0; n < 4; n++) {
      await files.write(join(data, 'imagesTr', `${n}_0000.png`), writePng(image(n)));
      await files.write(join(data, 'labelsTr', `${n}.png`), writePng(picture(truth(n))));
    }
    await trainRun(data, { ...SETTINGS, out: run }, { say: (line) => said.push(line) });
  }, 120_000);

  it('is trained on its regions, and predicted in its values, by their order', async () => {
    expect(said).toContain(
      'regions: whole, core, enhancing, trained together, each by a sigmoid, and painted over each other in this order',
    );
    expect(configOf(run).recipe.labels.regions).toEqual(
      REGIONS.map(({ name, classes: values, shownAs }) => ({ name, values, shownAs })),
    );
    expect(model(run)).toMatchObject({ activation: 'regions', network: { numClasses: 4 } });
    await nodeHost.files.write(join(root, 'new.png'), writePng(image(1.5)));
    const out = join(root, 'pred');
    const options = { out, device: 'cpu', overlay: false, probability: 'float' } as const;
    const { images, classes } = await predictFolder(nodeHost, [run], join(root, 'new.png'), options);
    expect(classes).toEqual(['background', 'core only', 'whole only', 'enhancing']);
    const labels = (await readImageFile(nodeHost.files, images[0]?.label as string)).data;
    const expected = truth(1.5);
    for (const { classes: own, name } of REGIONS) {
      const isIn = (value: number | bigint | undefined) => (own as readonly number[]).includes(Number(value));
      let [both, all] = [0, 0];
      for (let p = 0; p < expected.length; p++) {
        const [a, b] = [isIn(labels[p]), isIn(expected[p])];
        both += Number(a && b);
        all += Number(a) + Number(b);
      }
      expect((2 * both) / all, name).toBeGreaterThan(0.9);
    }
  });

  it('has classes alone where they are given, or where the network cannot have regions', async () => {
    const given = join(root, 'given');
    const classes = [
      { name: 'rest', values: [0] },
      { name: 'whole', values: [1, 2, 3] },
    ];
    await trainRun(data, { ...SETTINGS, steps: 2, classes, out: given });
    expect(configOf(given).recipe.labels.regions).toBeUndefined();
    const windows = join(root, 'windows');
    const lines: string[] = [];
    const n1 = { steps: 2, network: 'n1', seed: 1, workers: 0, device: 'cpu' } as const;
    await trainRun(data, { ...n1, out: windows }, { say: (line) => lines.push(line) });
    expect(configOf(windows).recipe.labels.regions).toBeUndefined();
    expect(lines).toContain('regions: whole, core, enhancing are not trained together here, but as classes');
  });
});
