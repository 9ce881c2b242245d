/** What an area or an object encloses: only of it where that is wanted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { fillHoles } from '../../src/objects/fill-holes.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';

const SIDE = 128;
const RING = 32;
const RINGS = (SIDE / RING) ** 2;

/** Rings, as cells have membranes: bright on dark in the image, of one class or a number each in the labels. */
function rings(value: (ring: number) => number): Image<'uint8'> {
  const data = new Uint8Array(SIDE * SIDE);
  for (const p of data.keys()) {
    const [x, y] = [p % SIDE, Math.floor(p / SIDE)];
    const radius = Math.hypot((x % RING) - 15.5, (y % RING) - 15.5);
    if (radius > 6 && radius < 12) data[p] = value(1 + Math.floor(x / RING) + (SIDE / RING) * Math.floor(y / RING));
  }
  return { dtype: 'uint8', axes: 'yx', shape: [SIDE, SIDE], data, spacing: {} };
}

let root: string;
let engine: Engine;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-holes-'));
  engine = createEngine(studioHost(root));
  await engine.create('rings');
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

it.each([
  ['areas', 'classes', (): number => 1],
  ['objects', 'objects', (ring: number): number => ring],
] as const)('%s keep their holes unless they are to be filled', async (_, task, labelOf) => {
  const ring = { name: 'ring', value: task === 'classes' ? 1 : ('rest' as const) };
  await engine.change({ task, classes: [{ name: 'background', value: 0 }, ring] });
  const files = [
    { path: 'images/0.png', content: writePng(rings(() => 200)) },
    { path: 'labels/0.png', content: writePng(rings(labelOf)) },
  ];
  expect((await engine.addFiles(files)).problems).toEqual([]);
  const settings = { patch: [32, 32], depth: 1, baseChannels: 8, batch: 2, seed: 5 };
  expect(await engine.train({ steps: 150, settings, from: 'scratch' })).not.toHaveProperty('doubt');
  const found = async (options: { fillHoles?: boolean }) => {
    const { prediction } = await engine.segment(options);
    const { data } = await engine.segmented(prediction, '0', 0);
    return ndarray('uint32', [SIDE, SIDE], Uint32Array.from(data));
  };
  const [open, filled, usual] = [await found({ fillHoles: false }), await found({ fillHoles: true }), await found({})];
  // The middle of each ring.
  const rows = Array.from({ length: SIDE / RING }, (_, row) => row * RING + 15);
  const middles = rows.flatMap((y) => rows.map((x) => y * SIDE + x));
  expect(new Set(middles.map((p) => open.data[p]))).toEqual(new Set([0]));
  expect(new Set(middles.map((p) => filled.data[p])).size).toBe(RINGS);
  expect(filled.data).toEqual(fillHoles(open).data);
  // Of objects a model says so, unless it says otherwise; membranes enclose what is none.
  expect(usual.data).toEqual(task === 'classes' ? open.data : filled.data);
});
