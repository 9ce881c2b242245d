/** Regions that are held out: never trained on, and what a score rests on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { isHeldOutNext } from '../../src/annotate/hold-out-rule.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import { openPainter } from './painter.ts';

const SIDE = 96;
const { image, label } = phantom({ width: SIDE, height: SIDE, depth: 1, cellPx: 24, seed: 3 });
/** A number for each cell. */
const { labels } = connectedComponents(ndarray('uint8', [SIDE, SIDE], Uint8Array.from(label.data)));
const PARTS = [
  [0, 0, 48, 48],
  [48, 0, 48, 48],
  [0, 48, 48, 48],
] as const;

describe('regions of a project of objects', () => {
  let root: string;
  let engine: Engine;
  const events: EngineEvent[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-held-'));
    engine = createEngine(studioHost(root));
    engine.subscribe((event) => events.push(event));
  });
  afterEach(async () => {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  });

  it('give a score on the third, and say on how many pixels and objects', async () => {
    const state = await engine.create('cells');
    const classes = [
      { name: 'background', value: 0 },
      { name: 'cell', value: 'rest' },
    ] as const;
    const project = await engine.change({ task: 'objects', classes });
    const painter = await openPainter(engine, { ...state, project });
    const { images } = await engine.addFiles([{ path: 'a.png', content: writePng(page(image, 0)) }]);
    await painter.add(images);
    const { annotations, history } = painter;
    const layer = annotations.layer('a');
    const held = new Set<number>();
    for (const [i, [x, y, width, height]] of PARTS.entries()) {
      for (let p = 0; p < width * height; p++) {
        const [column, row] = [x + (p % width), y + Math.floor(p / width)];
        const number = labels.data[row * SIDE + column] as number;
        layer.fill(0, row, column, column + 1, number);
        if (i === 2 && number > 0) held.add(number);
      }
      const drawn = {
        id: i + 1,
        shape: { box: PARTS[i] as (typeof PARTS)[number] },
        slice: 0,
        complete: true,
      } as const;
      const next = { ...drawn, origin: 'painted', held: false } as const;
      annotations.setRegions('a', [
        ...annotations.regions('a'),
        { ...next, held: isHeldOutNext(annotations, 'a', next) },
      ]);
      history.commit('region');
    }
    await history.settled();
    expect(annotations.regions('a').map((region) => region.held)).toEqual([false, false, true]);

    const settings = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 1, seed: 5 };
    const trained = await engine.train({ steps: 3, settings, from: 'scratch' });
    expect(trained.score).toBeDefined();
    const validation = events.findLast((event) => event.kind === 'validation');
    expect(validation).toMatchObject({ on: { objects: held.size } });
    expect(held.size).toBeGreaterThan(1);
    // Where an object is cut by the edge of the region, whether it has a border there is not known.
    const pixels = validation?.on?.pixels ?? 0;
    expect(pixels / 48 ** 2).toBeGreaterThan(0.9);
    expect(pixels / 48 ** 2).toBeLessThan(1);
  });
});
