import { beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import type { NdArray } from '../../src/array/ndarray.ts';
import { type RawDataset, rawDataset } from '../../src/dataset/raw.ts';
import { DeviceError, type Facts } from '../../src/errors.ts';
import { page } from '../../src/image/convert.ts';
import type { Image } from '../../src/image/image.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openSampler } from '../../src/platform/node/sampler.ts';
import { openModel } from '../../src/predict/open.ts';
import { type PageRegion, predictPage } from '../../src/predict/predict.ts';
import { planRegion } from '../../src/predict/tile-plan.ts';
import { outOfMemory } from '../../src/runtime/session-errors.ts';
import { loadCheckpoint } from '../../src/train/checkpoint.ts';
import { type Recipe, recipeHash } from '../../src/train/config.ts';
import { type DataLine, parseLog } from '../../src/train/log.ts';
import { continueTraining, startTraining } from '../../src/train/run.ts';
import { openSession, recipeFor, type SessionPlace } from '../../src/train/session.ts';
import { readStart } from '../../src/train/start.ts';
import type { Store } from '../../src/train/store.ts';
import type { ValidationMetric } from '../../src/train/validate.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { memoryStore } from '../support/memory-store.ts';

const cells = phantom({ width: 48, height: 48, depth: 4, cellPx: 20, seed: 3 });
const SETTINGS = { baseChannels: 4, depth: 2, patch: [32, 32], batch: 1, seed: 5 } as const;

/** The phantom with the labels of some pages corrected: what was inside is outside. */
function revision(corrected: readonly number[], pages = 4): RawDataset {
  return rawDataset(
    Array.from({ length: pages }, (_, z) => {
      const label = page(cells.label, z) as Image<'uint8'>;
      const data = label.data.map((v, p) => (corrected.includes(z) && p % 48 < 24 ? 255 - v : v));
      return { name: `page ${z}`, image: page(cells.image, z), label: { ...label, data } };
    }),
  );
}

const placeOf = (store: Store, workers = 0): SessionPlace => ({
  store,
  clock: { nowMs: () => performance.now() },
  openRuntime: (layout) => openRuntime({ device: 'cpu', ...(layout === undefined ? {} : { layout }) }),
  openSampler: (set, options) => openSampler(set, options, { workers }),
  cores: 2,
  machine: {},
  checkpointEvery: { steps: 4 },
});
const logOf = async (store: Store) => parseLog(new TextDecoder().decode(await store.read('log.jsonl')));
const dataLines = async (store: Store) => (await logOf(store)).filter((line): line is DataLine => line.kind === 'data');

let recipe: Recipe;
let metric: ValidationMetric | undefined;
beforeAll(() => {
  ({ recipe, metric } = recipeFor(revision([]), SETTINGS, { cores: 2 }));
});
const finalState = async (store: Store) => (await loadCheckpoint(store, recipeHash(recipe))).checkpoint?.state;

describe('an open session', () => {
  const whole = memoryStore();
  beforeAll(async () => {
    const session = await openSession(recipe, placeOf(whole), { metric });
    await session.setData(revision([]));
    await session.steps(3);
    await session.setData(revision([0, 1]));
    await session.steps(4);
    await session.setData(revision([0, 1]));
    expect(session.state()).toMatchObject({ step: 7, trainingPages: expect.arrayContaining(['page 0']) });
    const { best, steps } = await session.finish({ steps: 5 });
    expect([steps, best?.step]).toEqual([12, 12]);
    await session.close();
  });

  test('logs each revision of its data once, with the step that it came at', async () => {
    const lines = await dataLines(whole);
    expect(lines.map(({ step, revision }) => [step, revision])).toEqual([
      [0, 0],
      [3, 1],
    ]);
    expect(lines[0]?.fingerprint).not.toBe(lines[1]?.fingerprint);
    const steps = (await logOf(whole)).filter((line) => line.kind === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(steps[2]?.learningRate).toBeCloseTo((3 / 50) * recipe.learningRate, 12);
    expect(steps[11]?.learningRate).toBeLessThan((steps[8]?.learningRate as number) / 2);
    expect(readStart({ name: 'best', bytes: (await whole.read('best.onnx')) as Uint8Array }).model.name).toBe('unet');
  });

  test('logs what a revision adds, which later revisions do not repeat', async () => {
    const [first, second] = await dataLines(whole);
    expect(first?.newest).toBeUndefined();
    expect(second?.newest?.map(({ page, pixels }) => [page, pixels.length])).toEqual([
      ['page 0', 256],
      ['page 1', 256],
    ]);
    // Half of every row was corrected.
    for (const pixel of second?.newest?.[0]?.pixels ?? []) expect(pixel % 48).toBeLessThan(24);
  });

  test('replays to the same bits from its log, with the sampling in threads', async () => {
    const again = memoryStore();
    const session = await openSession(recipe, placeOf(again, 2), { metric });
    const revisions = [revision([]), revision([0, 1])];
    for (const { step, revision: number } of await dataLines(whole)) {
      await session.steps(step - session.state().step);
      await session.setData(revisions[number] as RawDataset);
    }
    await session.steps(7 - session.state().step);
    await session.finish({ steps: 5 });
    await session.close();
    expect(await finalState(again)).toEqual(await finalState(whole));
    expect(await dataLines(again)).toEqual(await dataLines(whole));
  });

  test('killed after a checkpoint, opened again and gone through from there: the same bits and log', async () => {
    const store = memoryStore();
    const killed = await openSession(recipe, placeOf(store), { metric });
    await killed.setData(revision([]));
    await killed.steps(3);
    await killed.setData(revision([0, 1]));
    await killed.steps(3); // checkpoint at 4; steps 5 and 6 are lost
    const resumed = await openSession(recipe, placeOf(store), { metric });
    expect(resumed.state().step).toBe(4);
    await resumed.setData(revision([0, 1]));
    await resumed.steps(3);
    await resumed.finish({ steps: 5 });
    await resumed.close();
    await killed.close().catch(() => undefined);
    expect(await finalState(store)).toEqual(await finalState(whole));
    expect(await dataLines(store)).toEqual(await dataLines(whole));
  });

  test('killed while it is finished: what is left of the plan is done', async () => {
    const store = memoryStore();
    const controller = new AbortController();
    const onEvent = (event: { readonly kind: string; readonly step: number }) =>
      event.step === 10 && controller.abort();
    const killed = await openSession(recipe, placeOf(store), { metric, hooks: { signal: controller.signal, onEvent } });
    await killed.setData(revision([]));
    await killed.steps(3);
    await killed.setData(revision([0, 1]));
    await killed.steps(4);
    await expect(killed.finish({ steps: 5 })).rejects.toThrow('stopped after step 10 of 12');
    await killed.close();
    const resumed = await openSession(recipe, placeOf(store), { metric });
    await resumed.setData(revision([0, 1]));
    await resumed.finish();
    await resumed.close();
    expect(await finalState(store)).toEqual(await finalState(whole));
  });

  test('a run is the same loop with one revision and a plan from the start', async () => {
    const store = memoryStore();
    const place = { ...placeOf(store), beganMs: 0 };
    const { config } = await startTraining(
      revision([]),
      { ...SETTINGS, steps: 4 },
      { folder: 'memory', created: '' },
      place,
    );
    expect(await dataLines(store)).toEqual([
      { kind: 'data', step: 0, revision: 0, fingerprint: config.recipe.data.fingerprint },
    ]);
    await continueTraining(config, revision([]), place);
    expect(await dataLines(store)).toHaveLength(1);
  });
});

describe('the preview of a session', () => {
  const { image, label } = phantom({ width: 150, height: 110, depth: 3, cellPx: 20, seed: 3 });
  const data = rawDataset([{ name: 'stack', image, label }]);
  const { recipe: small, metric: score } = recipeFor(data, { ...SETTINGS, depth: 1 }, { cores: 2 });
  const store = memoryStore();
  const [shown] = data.pages as readonly [RawDataset['pages'][number]];
  const crop = (whole: NdArray, { y, x, height, width }: PageRegion): number[] =>
    Array.from({ length: 2 * height * width }, (_, i) => {
      const [c, row, column] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      return Number(whole.data[(c * 110 + y + row) * 150 + x + column]);
    });

  test('a region is the whole page as the saved model gives it, wherever it lies, before and after steps', async () => {
    const session = await openSession(small, placeOf(store), { metric: score });
    await session.setData(data);
    await session.steps(2);
    const early = await session.predict(shown, { y: 0, x: 0, height: 8, width: 8 });
    await session.finish({ steps: 3 });
    const model = await openModel(await openRuntime({ device: 'cpu' }), (await store.read('last.onnx')) as Uint8Array);
    const whole = await predictPage(model, shown);
    for (const region of [
      { y: 0, x: 0, height: 8, width: 8 },
      { y: 51, x: 67, height: 30, width: 30 },
      { y: 80, x: 120, height: 30, width: 30 },
      { y: 3, x: 0, height: 1, width: 150 },
      { y: 0, x: 0, height: 110, width: 150 },
    ]) {
      const part = await session.predict(shown, region);
      expect(part.shape).toEqual([2, region.height, region.width]);
      expectAllClose(part.data as Float32Array, crop(whole, region), { rtol: 0, atol: 1e-6 });
    }
    expectAllClose((await session.predict(shown)).data as Float32Array, [...whole.data].map(Number), {
      rtol: 0,
      atol: 1e-6,
    });
    const late = await session.predict(shown, { y: 0, x: 0, height: 8, width: 8 });
    expect(Math.max(...late.data.map((v, i) => Math.abs(Number(v) - Number(early.data[i]))))).toBeGreaterThan(1e-4);
    await expect(session.predict(shown, { y: 100, x: 0, height: 20, width: 8 })).rejects.toThrow(
      /region of 8 x 20 at x 0, y 100 does not lie in the image of 150 x 110/,
    );
    await session.close();
  });

  test.each([
    ['at all pixels at once', {}],
    ['window by window', { foveation: 2 }],
  ])('of a network of windows is that of its model, %s', async (_, options) => {
    const settings = {
      ...SETTINGS,
      baseChannels: undefined,
      depth: undefined,
      patch: undefined,
      network: 'n1',
    } as const;
    const { recipe: windows } = recipeFor(data, { ...settings, ...options }, { cores: 2 });
    const session = await openSession(windows, placeOf(memoryStore()));
    await session.setData(data);
    const region = { y: 40, x: 3, height: 4, width: 9 };
    const early = await session.predict(shown, region);
    await session.steps(3);
    const part = await session.predict(shown, region);
    const model = await openModel(await openRuntime({ device: 'cpu' }), await session.model());
    const whole = await predictPage(model, shown);
    expectAllClose(part.data as Float32Array, crop(whole, region), { rtol: 0, atol: 1e-6 });
    expect(Math.max(...part.data.map((v, i) => Math.abs(Number(v) - Number(early.data[i]))))).toBeGreaterThan(1e-6);
    await session.close();
  });

  test('small tiles of a region put together are the same pixels', () => {
    const rule = { multiple: 16, offset: 0, minimum: 16, halo: 44, margin: 0, exact: true };
    for (const [from, to] of [
      [0, 40],
      [13, 500],
      [960, 1000],
    ] as const) {
      const plan = planRegion(1000, { from, to }, rule, { tile: 256 });
      expect(plan?.side).toBeLessThanOrEqual(256);
      let next: number = from;
      for (const tile of plan?.tiles ?? []) {
        expect(tile.from).toBe(next);
        next = tile.to;
        const [start, end] = [-32, 1072 - 32]; // the frame: 32 px of border on each side, to a multiple of 16
        expect((tile.origin - start) % 16).toBe(0);
        expect(tile.origin <= tile.from - 44 || tile.origin === start).toBe(true);
        expect(tile.origin + (plan?.side ?? 0) >= tile.to + 44 || tile.origin + (plan?.side ?? 0) === end).toBe(true);
      }
      expect(next).toBe(to);
    }
  });
});

describe('bad input to a session', () => {
  test('no data, data that vanish or change their size: refused, and it goes on with what it has', async () => {
    const session = await openSession(recipe, placeOf(memoryStore()), { metric });
    await expect(session.steps(1)).rejects.toThrow(/There are no data to train on/);
    await session.setData(revision([]));
    await session.steps(1);
    await expect(session.setData({ ...revision([]), pages: [] })).rejects.toThrow(/no labelled pages any more/);
    const smaller = phantom({ width: 40, height: 48, depth: 1, seed: 3 });
    const resized = rawDataset([{ name: 'page 0', image: page(smaller.image, 0), label: page(smaller.label, 0) }]);
    await expect(session.setData(resized)).rejects.toThrow(/page 0: the page is 40 x 48 now, and was 48 x 48 before/);
    await expect(session.finish()).rejects.toThrow(/no plan to finish by/);
    await session.steps(1);
    expect(session.state().step).toBe(2);
    await session.close();
  });

  test('networks that learn from more than patches: refused before any data are set', async () => {
    const all = /'filter-bank' learns from all annotated pixels at once; .*Use trainQuick/;
    expect(() => recipeFor(revision([]), { network: 'filter-bank' }, { cores: 2 })).toThrow(all);
    const bank = { ...recipe, model: { name: 'filter-bank', channels: 1, numClasses: 2 } } as Recipe;
    await expect(openSession(bank, placeOf(memoryStore()))).rejects.toThrow(all);
    const whole = { ...recipe, model: { name: 'mlp', channels: 1, numClasses: 2, input: [4, 4] } } as Recipe;
    await expect(openSession(whole, placeOf(memoryStore()))).rejects.toThrow(/'mlp' classifies whole images/);
  });

  test('a store that holds a session with another recipe, and a session that a run cannot go on with', async () => {
    const store = memoryStore();
    const session = await openSession(recipe, placeOf(store));
    await session.close();
    await expect(openSession({ ...recipe, seed: 6 }, placeOf(store))).rejects.toThrow(/session with another recipe/);
    const config = JSON.parse(new TextDecoder().decode(await store.read('config.json')));
    await expect(continueTraining(config, revision([]), { ...placeOf(store), beganMs: 0 })).rejects.toThrow(
      /open session, which has no plan/,
    );
  });

  /** A place whose device cannot compile anything for want of memory. */
  function withoutMemory(facts: Facts): SessionPlace {
    const place = placeOf(memoryStore());
    const compile = async () => {
      throw new DeviceError('std::bad_alloc', { facts });
    };
    return {
      ...place,
      async openRuntime() {
        const runtime = await place.openRuntime();
        return { ...runtime, compile, dispose: () => runtime.dispose() };
      },
    };
  }

  test('too little memory for the step: a smaller network and patch with figures', async () => {
    const large = { ...recipe, model: { ...recipe.model, baseChannels: 32 }, patch: [256, 256] } as Recipe;
    const opening = (): Promise<unknown> => openSession(large, withoutMemory({ code: 'out-of-memory' }));
    await expect(opening()).rejects.toMatchObject({ facts: { code: 'out-of-memory', smaller: { baseChannels: 16 } } });
    await expect(opening()).rejects.toThrow(
      /too little memory for a step of the network 'unet' with patches of 256 x 256, batch 1, which needs about (\d+) MB\. Use `baseChannels: 16` \(about \d+ MB\) or `patch: 128` \(about \d+ MB\)/,
    );
  });

  test('too little memory for the least step: nothing smaller is proposed, down to which it was', async () => {
    const smallest = { ...recipe, batch: 1, model: { ...recipe.model, baseChannels: 4 }, patch: [32, 32] } as Recipe;
    const place = withoutMemory({ code: 'out-of-memory', isFinal: true });
    const cause: unknown = await openSession(smallest, place).catch((found) => found);
    expect(cause).toMatchObject({
      facts: { code: 'out-of-memory', isFinal: true },
      remedy: 'Close other programs, or use a machine with more memory.',
    });
    expect(cause).not.toHaveProperty('facts.smaller');
  });

  test('ONNX Runtime says in several ways that memory is missing', () => {
    for (const text of [
      'std::bad_alloc',
      'Failed to allocate memory for requested buffer of size 5',
      'Out of memory',
    ]) {
      expect(outOfMemory(new Error(text), 'cpu')).toEqual({ code: 'out-of-memory' });
      expect(outOfMemory(new Error(text), 'wasm')).toEqual({ code: 'out-of-memory', isFinal: true });
    }
    expect(outOfMemory(new Error('Non-zero status code returned while running Conv'), 'wasm')).toBeUndefined();
  });
});

test('a session of a project with one class more than the model that it begins with keeps the rows of the others', async () => {
  const declared = (names: readonly string[]): Pick<RawDataset, 'declared'> => ({
    declared: { classes: names.map((name, i) => ({ name, values: [i] })) },
  });
  const project = (names: readonly string[], valueAt: (label: number, p: number) => number): RawDataset => {
    const raw = rawDataset(
      Array.from({ length: 4 }, (_, z) => {
        const label = page(cells.label, z) as Image<'uint8'>;
        return {
          name: `page ${z}`,
          image: page(cells.image, z),
          label: { ...label, data: label.data.map((v, p) => valueAt(v, p)) },
        };
      }),
    );
    return { ...raw, ...declared(names) };
  };
  const modelAtFirst = async (of: Recipe, place: SessionPlace): Promise<Uint8Array> => {
    const session = await openSession(of, place);
    const bytes = await session.model();
    await session.close();
    return bytes;
  };
  const two = project(['background', 'nucleus'], (v) => Number(v > 0));
  const bytes = await modelAtFirst(recipeFor(two, SETTINGS, { cores: 2 }).recipe, placeOf(memoryStore()));
  const from = { name: 'runs/1', bytes };
  const more = project(['background', 'rim', 'nucleus'], (v, p) => (v === 0 ? 0 : p % 48 < 24 ? 1 : 2));
  const { recipe: widened, notes } = recipeFor(more, { patch: [32, 32], seed: 6 }, { cores: 2, from });
  expect(notes).toContain('last layer: background, nucleus kept; rim new');
  const store = memoryStore();
  const rowsOf = (file: Uint8Array) => {
    const { weights } = readStart({ name: 'model', bytes: file });
    const [weight, bias] = [weights['output/weight'], weights['output/bias']] as [
      NdArray<'float32'>,
      NdArray<'float32'>,
    ];
    return Array.from(bias.data, (value, k) => [...weight.data.subarray(4 * k, 4 * k + 4), value]);
  };
  const [background, nucleus] = rowsOf(bytes);
  const expected = [background, [0, 0, 0, 0, 0], nucleus];
  expect(rowsOf(await modelAtFirst(widened, { ...placeOf(store), from }))).toEqual(expected);
  // Opened again it has the model that it keeps.
  expect(rowsOf(await modelAtFirst(widened, placeOf(store)))).toEqual(expected);
});
