import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImage } from '../../src/image/read.ts';
import { type Page, pagesOf } from '../../src/input/planes.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictPage } from '../../src/predict/predict.ts';
import { Contest } from '../../src/studio/contest.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import type { LiveData } from '../../src/studio/live-data.ts';
import type { LiveModel } from '../../src/studio/live-models.ts';
import { objectsOf, previewOf, tilesOf, withMargin } from '../../src/studio/preview.ts';
import { openPainter, type Painter } from './painter.ts';

type Preview = Extract<EngineEvent, { kind: 'preview' }>;

const SIDE = 96;
const { image, label } = phantom({ width: SIDE, height: SIDE, depth: 1, cellPx: 24, seed: 3 });

describe('tiles', () => {
  it('cover what is visible, the centre first, on a grid that stays', () => {
    const tiles = tilesOf({ rect: { x: 200.5, y: -20, width: 700, height: 600 } }, { width: 1000, height: 500 });
    expect(tiles[0]).toEqual({ x: 512, y: 0, width: 256, height: 256 });
    expect(new Set(tiles.map(({ x, y }) => `${x},${y}`))).toEqual(
      new Set(['0,0', '256,0', '512,0', '768,0', '0,256', '256,256', '512,256', '768,256']),
    );
    expect(tiles.find(({ x, y }) => x === 768 && y === 256)).toEqual({ x: 768, y: 256, width: 232, height: 244 });
    expect(tilesOf({ rect: { x: 2000, y: 0, width: 10, height: 10 } }, { width: 1000, height: 500 })).toEqual([]);
    const many = tilesOf({ rect: { x: 0, y: 0, width: 8192, height: 8192 } }, { width: 8192, height: 8192 });
    expect(many.length).toBeLessThanOrEqual(48);
    expect(many.reduce((sum, { width, height }) => sum + width * height, 0)).toBe(8192 ** 2);
  });

  it('say the likeliest class by what is painted for it, its probability and the doubt', () => {
    const probabilities = float32([3, 1, 3], [0.75, 0.2, 0.09, 0.2, 0.5, 0.09, 0.05, 0.3, 0.82]);
    const classes = [
      { name: 'background', label: 4 },
      { name: 'cell', label: 1 },
    ];
    const { classes: found, probability, uncertainty } = previewOf(probabilities, classes);
    // The third is the border between objects, which counts as the first.
    expect([...found]).toEqual([4, 1, 4]);
    expect([...probability]).toEqual([191, 128, 209]);
    expect([...uncertainty]).toEqual([115, 204, 69]);
  });
});

describe('objects of a window', () => {
  const classes = [
    { name: 'background', label: 0 },
    { name: 'cell', label: 1 },
  ];

  it('are separated by the border that a network says, which belongs to them', () => {
    const cell = [0.9, 0.8, 0.1, 0.8, 0.9, 0];
    const border = [0, 0, 0.8, 0.1, 0, 0];
    const background = cell.map((value, i) => 1 - value - (border[i] as number));
    const { dtype, shape, data } = objectsOf(float32([3, 1, 6], [...background, ...cell, ...border]), classes);
    expect([dtype, shape]).toEqual(['uint32', [1, 6]]);
    const [a, , , b] = data;
    expect([...data]).toEqual([a, a, expect.any(Number), b, b, 0]);
    expect(new Set(data)).toEqual(new Set([0, 1, 2]));
  });

  it('are separated at necks where there is no such class', () => {
    const rows = ['0111011100', '0111111100', '0111011100'];
    const cell = [...rows.join('')].map((digit) => (digit === '1' ? 0.9 : 0.1));
    const { data } = objectsOf(float32([2, 3, 10], [...cell.map((value) => 1 - value), ...cell]), classes);
    expect(data[12]).toBeGreaterThan(0);
    expect(data[16]).toBeGreaterThan(0);
    expect(data[12]).not.toBe(data[16]);
  });

  it('are looked at with what lies around them, within the page', () => {
    const size = { width: 400, height: 150 };
    expect(withMargin({ x: 100, y: 20, width: 128, height: 128 }, size)).toEqual({
      x: 36,
      y: 0,
      width: 256,
      height: 150,
    });
  });
});

describe('a contest of two models', () => {
  /** One piece of 4 x 1 pixels, where 9 is not annotated. */
  const data = (values: readonly number[]): LiveData => ({
    classes: [
      { name: 'no', label: 0 },
      { name: 'yes', label: 1 },
    ],
    declared: {},
    painted: [1, 1],
    pieces: [{ key: 'a/0', page: {} as Page, pageName: 'a', box: [0, 0, 4, 1], labels: Uint8Array.from(values) }],
    labelOf: (value) => (value === 9 ? undefined : value),
    pages: () => Promise.reject(new Error('No page is read.')),
  });
  const model = (kind: LiveModel['kind'], says: readonly number[]): LiveModel => ({
    kind,
    step: 1,
    predict: async (): Promise<NdArray<'float32'>> => float32([2, 1, 4], [...says.map((p) => 1 - p), ...says]),
    close: async () => undefined,
  });
  const right = [1, 1, 0, 0];
  const wrong = [0, 1, 0, 1];

  it('is won by two successive edits that a model predicted better, before it learned from them', async () => {
    const contest = new Contest();
    const painted = [data([9, 9, 9, 9]), data([1, 9, 9, 9]), data([1, 9, 9, 0]), data([1, 1, 0, 0])];
    const judge = (i: number, quick: readonly number[], network: readonly number[]) =>
      contest.judge(painted[i], painted[i + 1] as LiveData, model('quick', quick), model('network', network));
    await judge(0, wrong, right);
    expect(contest.networkIsBetter).toBe(false);
    await judge(1, wrong, right);
    expect(contest.networkIsBetter).toBe(true);
    // One edit does not turn it.
    await judge(2, right, wrong);
    expect(contest.networkIsBetter).toBe(true);
  });

  it('is not decided by edits that both predict alike', async () => {
    const contest = new Contest();
    for (let i = 0; i < 4; i++) {
      await contest.judge(data([9, 9, 9, 9]), data(right), model('quick', right), model('network', right));
    }
    expect(contest.networkIsBetter).toBe(false);
  });
});

describe('a network that learns while it is painted', () => {
  let root: string;
  let engine: Engine;
  let painter: Painter;
  let events: EngineEvent[];

  async function begin(task: 'classes' | 'objects', shown = page(image, 0)): Promise<void> {
    root = await mkdtemp(join(tmpdir(), 'lamella-live-'));
    engine = createEngine(studioHost(root));
    events = [];
    engine.subscribe((event) => events.push(event));
    const state = await engine.create('cells');
    const project = await engine.change({
      task,
      classes: [
        { name: 'background', value: 0 },
        task === 'classes' ? { name: 'cell', value: 1 } : { name: 'cell', value: 'rest' },
      ],
    });
    painter = await openPainter(engine, { ...state, project });
    const { images } = await engine.addFiles([{ path: 'a.png', content: writePng(shown) }]);
    await painter.add(images);
    const [height, width] = shown.shape as readonly [number, number];
    await engine.setView({ image: 'a', page: 0, rect: { x: 0, y: 0, width, height } });
  }
  afterEach(async () => {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  });
  /** A stroke on what is a cell, and one on what is not. */
  async function paintBoth(): Promise<void> {
    await painter.stroke('a', 1, [
      [10, 10],
      [30, 20],
    ]);
    await painter.stroke('a', 0, [
      [60, 70],
      [80, 80],
    ]);
  }

  it('goes on when labels change, and gives its weights to a run', async () => {
    await begin('classes');
    await paintBoth();
    await engine.setLive({ on: true, model: 'network' });
    const last = () => events.findLast((event) => event.kind === 'preview');
    await expect.poll(() => last()?.model).toBe('network');
    const { step } = last() as Preview;
    await painter.stroke('a', 1, [
      [40, 40],
      [60, 40],
    ]);
    await expect.poll(() => last()?.step ?? 0).toBeGreaterThan(step + 25);
    expect(events.findLast((event) => event.kind === 'step')).toMatchObject({ loss: expect.any(Number) });
    expect(events.filter((event) => event.kind === 'problem')).toEqual([]);

    // Where it is unsure can be asked before anything is trained.
    const places = await engine.places(4);
    expect(places.map(({ image: id, rect }) => [id, rect.width, rect.height])).toContainEqual(['a', SIDE, SIDE]);
    const trained = await engine.train({ steps: 3, settings: { batch: 1 }, from: 'live' });
    expect(trained).toMatchObject({ run: 'runs/1', steps: 3, stopped: false });
    expect(await readdir(join(root, 'cells/runs/1'))).toContain('start.onnx');
    // It goes on behind it.
    const seen = events.length;
    await expect.poll(() => events.slice(seen).some((event) => event.kind === 'step')).toBe(true);
    await engine.setLive({ on: false, model: 'network' });
  });

  it('takes the quick model to what was painted while it was off, before it is used', async () => {
    await begin('classes');
    await paintBoth();
    await engine.setLive({ on: true, model: 'quick' });
    await expect.poll(() => events.some((event) => event.kind === 'preview')).toBe(true);
    await engine.setLive({ on: false, model: 'quick' });
    const exported = async () => {
      const { content } = await engine.export({ formats: ['quick'] });
      return Buffer.from(content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer()));
    };
    const before = await exported();
    expect((await exported()).equals(before)).toBe(true);
    await painter.stroke('a', 1, [
      [40, 40],
      [60, 40],
    ]);
    const after = await exported();
    expect(after.equals(before)).toBe(false);
    expect((await exported()).equals(after)).toBe(true);
  });

  it('S18: shows what the whole page is predicted as by the same weights', async () => {
    const large = page(phantom({ width: 300, height: 270, depth: 1, cellPx: 24, seed: 4 }).image, 0);
    await begin('classes', large);
    await painter.stroke('a', 1, [
      [20, 20],
      [200, 60],
    ]);
    await painter.stroke('a', 0, [
      [260, 100],
      [280, 250],
    ]);
    const tiles: Preview[] = [];
    engine.subscribe((event) => {
      if (event.kind !== 'preview') return;
      if (event.step !== tiles[0]?.step) tiles.length = 0;
      tiles.push(event);
      // It learns no further, so that its weights are those of the tiles.
      if (tiles.length === 4) void engine.setPainting(true);
    });
    await engine.setLive({ on: true, model: 'network' });
    await expect.poll(() => tiles.length).toBe(4);
    await engine.train({ steps: 1, settings: { batch: 1 }, from: 'live' });

    const runtime = await studioHost(root).openRuntime();
    const model = await openModel(runtime, await readFile(join(root, 'cells/runs/1/start.onnx')));
    const [shown] = pagesOf(await readImage(writePng(large), 'a.png')) as [Page];
    const whole = await predictPage(model, shown);
    let [furthest, compared] = [0, 0];
    for (const { view, classes, probability, uncertainty } of tiles) {
      const { x, y, width, height } = view.rect;
      for (let p = 0; p < classes.length; p++, compared++) {
        const at = (y + Math.floor(p / width)) * 300 + x + (p % width);
        const [zero, one] = [whole.data[at] as number, whole.data[300 * 270 + at] as number];
        const most = Math.max(zero, one);
        // Bytes: nothing is lost but what rounding loses.
        const off = Math.max(
          Math.abs((probability[p] as number) - 255 * most),
          Math.abs((uncertainty[p] as number) - 255 * (1 - Math.abs(zero - one))),
        );
        furthest = Math.max(furthest, (off - 0.5) / 255);
        if (Math.abs(zero - one) > 2e-6) expect(classes[p]).toBe(Number(one > zero));
      }
      expect(classes.length).toBe(width * height);
    }
    expect(compared).toBe(300 * 270);
    expect(furthest).toBeLessThan(1e-6);
    await runtime.dispose();
  });

  it('is updated once while it is off, by the quick model', async () => {
    await begin('classes');
    await paintBoth();
    const previews = () => events.filter((event) => event.kind === 'preview');
    expect(previews()).toEqual([]);
    await engine.updateLive();
    await expect.poll(() => previews().length).toBe(1);
    expect(previews()[0]).toMatchObject({ model: 'quick', step: 1 });
    // Nothing more comes of another stroke, until it is asked for again.
    await painter.stroke('a', 1, [
      [40, 40],
      [60, 40],
    ]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(previews().length).toBe(1);
    await engine.updateLive();
    await expect.poll(() => previews().length).toBe(2);
    expect(previews()[1]).toMatchObject({ model: 'quick', step: 2 });
    expect(events.filter((event) => event.kind === 'step')).toEqual([]);
  });

  it('separates objects, whose borders are shown as background', async () => {
    await begin('objects');
    const view = { image: 'a', page: 0, rect: { x: 0, y: 0, width: 20, height: 20 } };
    await expect(engine.previewObjects(view)).rejects.toThrow('There is no preview yet');
    const layer = painter.annotations.layer('a');
    for (let p = 0; p < SIDE * SIDE; p++) {
      const [x, y] = [p % SIDE, Math.floor(p / SIDE)];
      if (x < 48) layer.fill(0, y, x, x + 1, label.data[p] === 0 ? 0 : 1 + Math.floor(x / 24));
    }
    painter.history.commit('objects');
    await painter.history.settled();
    await engine.setLive({ on: true, model: 'auto' });
    await expect.poll(() => events.filter((event) => event.kind === 'step').length).toBeGreaterThan(2);
    await expect.poll(() => events.some((event) => event.kind === 'preview')).toBe(true);
    const preview = events.findLast((event) => event.kind === 'preview');
    expect([...new Set(preview?.classes)].every((value) => value === 0 || value === 1)).toBe(true);
    expect(events.filter((event) => event.kind === 'problem')).toEqual([]);
    const window = { x: 70, y: 70, width: 20, height: 20 };
    const { rect, objects } = await engine.previewObjects({ image: 'a', page: 0, rect: window });
    expect([rect, objects.dtype, objects.shape]).toEqual([{ x: 6, y: 6, width: 90, height: 90 }, 'uint32', [90, 90]]);
    expect(Math.max(...objects.data)).toBeGreaterThan(1);
    // Two at once, as by two places accepted in a hurry, are computed one after the other.
    const network = { on: true, model: 'network' } as const;
    await engine.setLive(network);
    const twice = [0, 70].map((x) => engine.previewObjects({ image: 'a', page: 0, rect: { ...window, x } }));
    expect((await Promise.all(twice)).map((found) => found.rect.x)).toEqual([0, 6]);
    await engine.setLive({ on: false, model: 'auto' });
  });
});
