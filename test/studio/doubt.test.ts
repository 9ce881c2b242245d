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
