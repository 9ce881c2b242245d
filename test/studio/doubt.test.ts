/** A network that does not find what was painted for it is said to be no good. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';

const { image, label } = phantom({ width: 64, height: 64, depth: 2, cellPx: 20, seed: 3 });
const cells = { ...label, data: label.data.map((value) => (value === 0 ? 0 : 1)) };
const SMALL = { patch: [32, 32], depth: 1, baseChannels: 8, batch: 2, seed: 5 };

let root: string;
let engine: Engine;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-doubt-'));
  engine = createEngine(studioHost(root));
  await engine.create('cells');
  const files = [0, 1].flatMap((z) => [
    { path: `images/${z}.png`, content: writePng(page(image, z)) },
    { path: `labels/${z}.png`, content: writePng(page(cells, z)) },
  ]);
  expect((await engine.addFiles(files)).problems).toEqual([]);
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

it('after a step it finds next to nothing of one of two classes, and after hundreds most of both', async () => {
  const { doubt } = await engine.train({ steps: 1, settings: SMALL, from: 'scratch' });
  expect(doubt).toMatchObject({ steps: 1, class: expect.any(String) });
  expect(doubt?.found).toBeLessThan(0.5);
  const trained = await engine.train({ steps: 300, settings: SMALL, from: 'scratch' });
  expect(trained.doubt).toBeUndefined();
  const { runs } = JSON.parse(await readFile(join(root, 'cells/lamella.json'), 'utf8'));
  expect(runs).toMatchObject([{ folder: 'runs/1', doubt }, { folder: 'runs/2' }]);
  expect(runs[1]).not.toHaveProperty('doubt');
  // It is known when the project is opened again.
  const { project } = await engine.open('cells');
  expect(project.runs?.[0]?.doubt).toEqual(doubt);
});

it('of a network that the quick model is ahead of, which then segments instead', async () => {
  const shown = new Promise<void>((done) => {
    engine.subscribe((event) => {
      if (event.kind === 'preview' && event.model === 'quick') done();
    });
  });
  await engine.setView({ image: '0', page: 0, rect: { x: 0, y: 0, width: 64, height: 64 } });
  await engine.setLive({ on: true, model: 'quick' });
  await shown;
  const { behindQuick, unlikeQuick } = await engine.train({ steps: 2, settings: SMALL, from: 'scratch' });
  const { network = 1, quick = 0 } = behindQuick ?? {};
  expect(quick).toBeGreaterThan(network + 0.01);
  expect(await engine.runs()).toMatchObject([{ run: 'runs/1', behindQuick, unlikeQuick }]);
  // What it says of the painted pixels is what was compared, and it is what segments.
  const { prediction, failed } = await engine.segment({ run: 'quick' });
  expect(failed).toEqual([]);
  const counts = { both: [0, 0], sum: [0, 0] };
  for (const z of [0, 1]) {
    const { data } = await engine.segmented(prediction, String(z), 0);
    for (const [p, value] of page(cells, z).data.entries()) {
      const [said, painted] = [Number((data[p] as number) > 0), Number(value)];
      for (const c of [said, painted]) counts.sum[c] = (counts.sum[c] as number) + 1;
      if (said === painted) counts.both[said] = (counts.both[said] as number) + 1;
    }
  }
  const dice = [0, 1].map((c) => (2 * (counts.both[c] as number)) / (counts.sum[c] as number));
  expect(((dice[0] as number) + (dice[1] as number)) / 2).toBeCloseTo(quick, 2);
  // All pixels are painted: how far both agree is the overlap of what they segment.
  const byNetwork = (await engine.segment({ run: 'runs/1' })).prediction;
  const overlap = { both: [0, 0], sum: [0, 0] };
  for (const z of ['0', '1']) {
    const [one, other] = await Promise.all([prediction, byNetwork].map((from) => engine.segmented(from, z, 0)));
    for (const [p, value] of (one?.data ?? []).entries()) {
      const [a, b] = [Number(value > 0), Number((other?.data[p] as number) > 0)];
      for (const c of [a, b]) overlap.sum[c] = (overlap.sum[c] as number) + 1;
      if (a === b) overlap.both[a] = (overlap.both[a] as number) + 1;
    }
  }
  const alike = [0, 1].map((c) => (2 * (overlap.both[c] as number)) / (overlap.sum[c] as number));
  expect(unlikeQuick?.dice).toBeCloseTo(Math.min(...alike), 2);
  expect(unlikeQuick?.dice).toBeLessThan(0.75);
  // One that is large enough for these images is not behind, and sees the same.
  const settings = { ...SMALL, patch: [64, 64], depth: 2, baseChannels: 12 };
  const trained = await engine.train({ steps: 250, settings, from: 'scratch' });
  expect([trained.behindQuick, trained.unlikeQuick]).toEqual([undefined, undefined]);
});

it('of a network for objects, that cannot tell objects from background yet, as they are separated', async () => {
  await engine.create('objects');
  await engine.change({
    task: 'objects',
    classes: [
      { name: 'background', value: 0 },
      { name: 'cell', value: 'rest' },
    ],
  });
  const files = [
    { path: 'images/0.png', content: writePng(page(image, 0)) },
    { path: 'labels/0.png', content: writePng(page(label, 0)) },
  ];
  expect((await engine.addFiles(files)).problems).toEqual([]);
  // Of three classes each is about as likely as the others: background is the most likely one, and yet less than half.
  const { doubt } = await engine.train({ steps: 1, settings: SMALL, from: 'scratch' });
  const { prediction } = await engine.segment({});
  const { data } = await engine.segmented(prediction, '0', 0);
  expect(data.filter((value) => value === 0).length).toBe(0);
  expect(doubt).toEqual({ steps: 1, class: 'background', found: 0 });
});
