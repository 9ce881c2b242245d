/** Networks of other programs, as they are dropped on a page. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
import { readStart } from '../../src/train/start.ts';
import { weightsBeside } from '../support/weights-beside.ts';

/** A U-Net that PyTorch exported (scripts/golden/train_on.py). */
const OTHER = fileURLToPath(new URL('../golden/train-on.onnx', import.meta.url));

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-models-'));
  engine = createEngine(studioHost(root));
  await engine.create('p');
});
afterAll(async () => {
  await engine.dispose();
  await rm(root, { recursive: true });
});

test('a network and the file with its weights, chosen together, are one model', async () => {
  const whole = new Uint8Array(await readFile(OTHER));
  const { model, weights } = weightsBeside(whole, 'unet.onnx.data');
  expect(await engine.addFiles([{ path: 'unet.onnx', content: model }])).toMatchObject({
    models: [],
    problems: [{ file: 'unet.onnx.data' }],
  });
  const { models, images, problems } = await engine.addFiles([
    { path: 'unet.onnx', content: model },
    { path: 'unet.onnx.data', content: weights },
  ]);
  expect({ models, images, problems }).toEqual({ models: ['models/unet.onnx'], images: [], problems: [] });
  const bytes = new Uint8Array(await readFile(join(root, 'p/models/unet.onnx')));
  expect(readStart({ name: 'unet', bytes }).weights).toEqual(readStart({ name: 'unet', bytes: whole }).weights);
  expect(readSignature(bytes).inputs).toEqual(readSignature(whole).inputs);
});
