/** Networks that learn stars and flows: from label maps to objects. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import { makeMapBatch } from '../../src/augment/patch-targets.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { rawDataset } from '../../src/dataset/raw.ts';
import { Interrupted } from '../../src/errors.ts';
import { MAP_THRESHOLDS } from '../../src/evaluate/map-scorer.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { instanceScores, matchInstances } from '../../src/metrics/instances.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { parseDevices } from '../../src/platform/node/gradient-devices.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { resumeRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { openModel } from '../../src/predict/open.ts';
import { parseLog } from '../../src/train/log.ts';
import { prepareNumbered } from '../../src/train/tasks/maps/prepare.ts';
import { checkPackage } from '../../src/workflows/bioimageio/check.ts';
import { readPackage } from '../../src/workflows/bioimageio/package.ts';
import { writeComparison } from '../../src/workflows/compare.ts';
import { packageModel } from '../../src/workflows/export-model.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { predictMapsFolder } from '../../src/workflows/predict-maps.ts';
import { writeReport } from '../../src/workflows/report.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const SIDE = 72;
const UNKNOWN = 65_535;

const picture = (dtype: 'uint8' | 'uint16', data: Uint8Array | Uint16Array): Image =>
  ({ ...ndarray(dtype, [SIDE, SIDE], data as Uint8Array), axes: 'yx', spacing: {} }) as unknown as Image;

/** Bright discs, numbered, most of which touch others. */
function discs(seed: number): { readonly image: Image; readonly label: Image } {
  const random = stream(seed, 'discs');
  const label = new Uint16Array(SIDE * SIDE);
  let count = 0;
  for (let tries = 0; tries < 300 && count < 16; tries++) {
    const [cy, cx, r] = [random.integer(SIDE), random.integer(SIDE), 6 + 2 * random.uniform()];
    const own: number[] = [];
    for (let p = 0; p < label.length; p++) {
      if ((Math.floor(p / SIDE) - cy) ** 2 + ((p % SIDE) - cx) ** 2 < r * r) own.push(p);
    }
    const free = own.filter((p) => label[p] === 0);
    if (free.length < 0.9 * own.length) continue;
    count++;
    for (const p of free) label[p] = count;
  }
  const image = Uint8Array.from(label, (value) => (value > 0 ? 170 : 50) + random.integer(30));
  return { image: picture('uint8', image), label: picture('uint16', label) };
}

let root: string;
let data: string;
async function written(folder: string, pages: readonly { readonly image: Image; readonly label: Image }[]) {
  for (const part of ['images', 'labels']) await mkdir(join(folder, part), { recursive: true });
  for (const [i, { image, label }] of pages.entries()) {
    await writeFile(join(folder, 'images', `${i}.tif`), writeTiff(image));
    await writeFile(join(folder, 'labels', `${i}.tif`), writeTiff(label));
  }
  return folder;
}
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-separate-'));
  data = await written(
    join(root, 'data'),
    Array.from({ length: 6 }, (_, i) => discs(i)),
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
const newRun = (): string => join(root, `run-${runs++}`);
const SMALL = {
  baseChannels: 8,
  depth: 2,
  patch: [48, 48],
  batch: 2,
  split: { fraction: 0.2 },
  device: 'cpu',
  workers: 1,
} as const satisfies Partial<TrainRunOptions>;

/** The network is that of the model. */
const FROM = { baseChannels: undefined, depth: undefined } as const;

describe.each(['stars', 'flows'] as const)('%s', (separate) => {
  let out: string;
  const lines: string[] = [];
  beforeAll(async () => {
    out = newRun();
    const options = { ...SMALL, learningRate: 0.004, steps: 300, separate, out };
    await trainRun(data, options, { say: (line) => lines.push(line) });
  }, 300_000);

  test('the model says what it gives, and touching objects are found apart without further options', async () => {
    const metadata = readMetadata(readSignature(new Uint8Array(await readFile(join(out, 'best.onnx')))));
    expect(metadata).toMatchObject({ activation: 'none', maps: { by: separate } });
    expect(metadata?.classes.map(({ name }) => name)).toEqual(['background', 'foreground']);
    expect(lines.some((line) => line.startsWith('validation score: AP at IoU 0.5 of the objects that'))).toBe(true);

    // The threshold of the best validation, which predictions use.
    const threshold = metadata?.separation?.threshold as number;
    expect(MAP_THRESHOLDS[separate]).toContain(threshold);
    const log = (await readFile(join(out, 'log.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const best = log.filter(({ kind, best: isBest }) => kind === 'validation' && isBest).at(-1);
    expect(best.scores.threshold).toBe(threshold);

    const images = await written(join(root, `new-${separate}`), [discs(50), discs(51)]);
    const pred = join(root, `pred-${separate}`);
    await predictMapsFolder(nodeHost, [out], join(images, 'images'), { out: pred, device: 'cpu' });
    const matchings: ReturnType<typeof matchInstances>[] = [];
    // What is connected, of the true foreground.
    const parts: typeof matchings = [];
    for (const name of ['0', '1']) {
      const found = await readImageFile(join(pred, 'objects', `${name}.tif`));
      const truth = await readImageFile(join(images, 'labels', `${name}.tif`));
      const grid = (image: Image) => ndarray('int32', [SIDE, SIDE], Int32Array.from(image.data as Uint16Array));
      matchings.push(matchInstances(contingency(grid(truth), grid(found))));
      parts.push(matchInstances(contingency(grid(truth), connectedComponents(grid(truth)).labels)));
    }
    const objectsAt = async (set: number) => {
      const at = join(root, `pred-${separate}-${set}`);
      await predictMapsFolder(nodeHost, [out], join(images, 'images'), { out: at, device: 'cpu', threshold: set });
      return readFile(join(at, 'objects', '0.tif'));
    };
    const found = await readFile(join(pred, 'objects', '0.tif'));
    expect((await objectsAt(threshold)).equals(found)).toBe(true);
    expect((await objectsAt(threshold === 0.95 ? 0.05 : 0.95)).equals(found)).toBe(false);
    const ap = (pairs: typeof matchings) => instanceScores(pairs).perThreshold[0]?.averagePrecision as number;
    expect(ap(matchings)).toBeGreaterThan(ap(parts));
  });

  test('report and compare score its objects', async () => {
    const { data: report } = await writeReport(nodeHost, out, { device: 'cpu' });
    expect(report.scoreName).toBe('AP at IoU 0.5');
    const best = (await readFile(join(out, 'log.jsonl'), 'utf8'))
      .match(/"score":[\d.]+/g)
      ?.map((text) => +text.slice(8));
    expect(report.worst.length + report.sheet.length).toBeGreaterThan(0);
    expect(Number(report.sheet[0]?.score)).toBeCloseTo(Math.max(...(best as number[])), 2);
    const again = newRun();
    await cp(out, again, { recursive: true });
    const { comparison } = await writeComparison(nodeHost, [out, again], {
      device: 'cpu',
      out: join(root, 'compare.html'),
    });
    expect(comparison.metric).toBe('AP at IoU 0.5');
    await expect(writeReport(nodeHost, out, { device: 'cpu', tta: 8 })).rejects.toThrow(/turned ones are not averaged/);
  });

  test('what needs classes refuses it by name', async () => {
    const bytes = new Uint8Array(await readFile(join(out, 'best.onnx')));
    const runtime = await openRuntime({ device: 'cpu', threads: 1 });
    try {
      await expect(openModel(runtime, bytes)).rejects.toThrow(`the network gives ${separate}, not probabilities`);
    } finally {
      await runtime.dispose();
    }
    await expect(predictFolder(nodeHost, [out], data, { out: newRun() })).rejects.toThrow(`gives ${separate}`);
    const other = separate === 'stars' ? 'flows' : 'stars';
    await expect(
      trainRun(data, { ...SMALL, ...FROM, from: out, separate: other, steps: 2, out: newRun() }),
    ).rejects.toThrow(`, which gives ${separate}, does not go with \`separate: ${other}\`. Remove one of them.`);
    await expect(predictMapsFolder(nodeHost, [out], data, { separate: other, out: newRun() })).rejects.toThrow(
      `gives ${separate}, not ${other}`,
    );
  });

  test('as a package it says what it gives, and its objects are those of the run', async () => {
    const { bytes } = await packageModel(nodeHost, out, {});
    const file = `${newRun()}.zip`;
    await writeFile(file, bytes);
    const rdf = JSON.parse(new TextDecoder().decode(unzipSync(bytes)['rdf.yaml']));
    const [output] = rdf.outputs;
    const channels = separate === 'stars' ? 33 : 3;
    expect([output.id, output.axes[1].channel_names.length]).toEqual([separate, channels]);
    const threshold = rdf.config.lamella.separation.threshold;
    if (separate === 'stars') expect(rdf.config.stardist.thresholds).toEqual({ prob: threshold, nms: 0.4 });
    const objects = await Promise.all(
      [out, file].map(async (model) => {
        const pred = newRun();
        await predictMapsFolder(nodeHost, [model], join(data, 'images'), { out: pred, device: 'cpu' });
        return readFile(join(pred, 'objects', '0.tif'));
      }),
    );
    expect(objects[1]?.equals(objects[0] as Buffer)).toBe(true);
    const runtime = await openRuntime({ device: 'cpu', threads: 1 });
    const checked = await checkPackage(await readPackage(nodeHost.files, file), runtime).finally(() =>
      runtime.dispose(),
    );
    expect(checked).toMatchObject([{ passed: true }]);
  });

  test('is trained on: it begins with the weights and units of the model, whatever the new objects', async () => {
    const pages = [discs(60), discs(61), discs(62)];
    // Twice as large, for which a new network would have other units.
    const twice = ({ data: small }: Image): Image =>
      picture(
        'uint8',
        Uint8Array.from({ length: SIDE * SIDE }, (_, p) => {
          const [y, x] = [Math.floor(p / SIDE), p % SIDE];
          return small[(y >> 1) * SIDE + (x >> 1)] as number;
        }),
      );
    const large = await written(
      join(root, `large-${separate}`),
      pages.map(({ image, label }) => ({ image: twice(image), label: twice(label) })),
    );
    const on = newRun();
    const said: string[] = [];
    const options = { ...SMALL, ...FROM, from: out, learningRate: 1e-12, steps: 1, out: on };
    const { config } = await trainRun(large, options, { say: (line) => said.push(line) });
    expect(said.some((line) => line.endsWith('all weights are kept'))).toBe(true);
    const before = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')).recipe.maps;
    expect(config.recipe.maps).toEqual({ ...before, contextPx: config.recipe.maps?.contextPx });
    // A step that changes nothing: the same objects.
    const found = await Promise.all(
      [out, on].map(async (run, i) => {
        const pred = join(root, `on-${separate}-${i}`);
        await predictMapsFolder(nodeHost, [run], join(large, 'images'), { out: pred, device: 'cpu', threshold: 0.4 });
        return readFile(join(pred, 'objects', '0.tif'));
      }),
    );
    expect(found[1]?.equals(found[0] as Buffer)).toBe(true);
    const again = newRun();
    await trainRun(data, {
      ...SMALL,
      ...FROM,
      from: out,
      learningRate: 0.002,
      steps: 4,
      checkpointEvery: { steps: 2 },
      out: again,
    });
    await resumeRun(again, { device: 'cpu', workers: 1 });
  });

  test('resumed after any step it gives the same bits, with any number of threads', async () => {
    const common = { ...SMALL, separate, steps: 5, checkpointEvery: { steps: 2 } } as const;
    const whole = newRun();
    await trainRun(data, { ...common, out: whole });
    const parted = newRun();
    const controller = new AbortController();
    const going = trainRun(
      data,
      { ...common, workers: 0, out: parted },
      {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind === 'step' && event.step >= 3) controller.abort();
        },
      },
    );
    await expect(going).rejects.toThrow(Interrupted);
    await resumeRun(parted, { device: 'cpu', workers: 1 });
    const checkpoint = (run: string) => readFile(join(run, 'checkpoints', 'step-000000005.ckpt'));
    expect((await checkpoint(parted)).equals(await checkpoint(whole))).toBe(true);
  });
});

test('pixels to ignore have no object, no weight and no targets', () => {
  const { image, label } = discs(0);
  const hidden = Uint16Array.from(label.data as Uint16Array, (own, p) => (p % SIDE < 20 ? UNKNOWN : own));
  const pages = [{ image, label: picture('uint16', hidden) }, discs(1)];
  const raw = rawDataset(pages);
  const { train, mapping } = prepareNumbered(raw, {
    ignore: [UNKNOWN],
    balance: 0,
    split: { names: ['1'] },
  });
  expect(mapping).toMatchObject({ kind: 'instances', ignore: [UNKNOWN] });
  const [page] = train.pages;
  expect(page?.objects).toEqual(Int32Array.from(label.data as Uint16Array, (own, p) => (p % SIDE < 20 ? 0 : own)));
  const options = { seed: 0, patch: [SIDE, SIDE], batch: 1, outputMargin: 0, focusFraction: 0 } as const;
  const maps = { by: 'flows', contextPx: 0 } as const;
  const {
    weights: weight,
    targets,
    labels: classes,
  } = makeMapBatch(train, 0, { ...options, augment: augmentSettings(NO_AUGMENTATION), maps });
  const flows = targets as Float32Array;
  expect(classes.filter((value) => value === IGNORE).length).toBeGreaterThan(0);
  for (let p = 0; p < weight.length; p++) {
    expect(weight[p]).toBe(classes[p] === IGNORE ? 0 : 1);
    if (classes[p] === IGNORE) expect([flows[p], flows[2 * SIDE * SIDE + p]]).toEqual([0, 0]);
  }
});

test('two devices that share each batch give the losses of one, for flows', async () => {
  const common = { ...SMALL, separate: 'flows', steps: 6, batch: 4 } as const;
  const lossesOf = async (options: Partial<TrainRunOptions>): Promise<number[]> => {
    const out = newRun();
    await trainRun(data, { ...common, ...options, out });
    const log = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8'));
    return log.flatMap((line) => (line.kind === 'step' ? [line.loss] : []));
  };
  const alone = await lossesOf({});
  const shared = await lossesOf({ devices: parseDevices('cpu:0,cpu:1') });
  expect(shared).toHaveLength(6);
  // Sums in another order differ by some 1e-7, which Adam amplifies.
  expectAllClose(shared, alone, { rtol: 1e-4 });
});

describe('refused', () => {
  test.each([
    ['a task', { task: 'instances' }, /task.*does not go with/],
    ['a loss of classes', { loss: 'dice' }, /loss.*does not go with/],
    ['a network of volumes', { network: 'unet3d' }, /'unet3d' does not learn stars/],
    ['a network of windows', { network: 'n1' }, /'n1' does not learn stars/],
    ['an image classifier', { network: 'mlp' }, /separate.* does not apply to the network 'mlp'/],
    ['several devices', { devices: parseDevices('cpu:0,cpu:1') }, /^The distances of stars .* Use one device, or/],
  ] as const)('%s', async (_, others, message) => {
    await expect(trainRun(data, { ...SMALL, separate: 'stars', ...others, steps: 2, out: newRun() })).rejects.toThrow(
      message,
    );
  });

  test('labels that number nothing', async () => {
    const masks = [0, 1].map((i) => {
      const { image, label } = discs(i);
      return {
        image,
        label: picture(
          'uint16',
          Uint16Array.from(label.data as Uint16Array, (value) => (value > 0 ? 255 : 0)),
        ),
      };
    });
    const folder = await written(join(root, 'masks'), masks);
    await expect(trainRun(folder, { ...SMALL, separate: 'flows', steps: 2, out: newRun() })).rejects.toThrow(
      /one value besides the background/,
    );
  });
});
