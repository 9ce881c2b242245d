/** Folders given in the place of others are named for what they are. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import type { Host } from '../../src/workflows/host.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { randomModel } from '../support/random-model.ts';

const photograph: Image<'uint8'> = {
  dtype: 'uint8',
  shape: [16, 16],
  axes: 'yx',
  spacing: {},
  data: Uint8Array.from({ length: 256 }, (_, p) => (p * 89) % 256),
};
const png = writePng(photograph);

it('a model in the place of images, as a run and as a file', async () => {
  const files = memoryFiles({ 'images/a.png': png, 'run/best.onnx': new Uint8Array(9), 'm.onnx': new Uint8Array(9) });
  const host: Host = {
    files,
    nowMs: () => 0,
    openRuntime: async () => {
      throw new Error('no runtime is needed');
    },
  };
  for (const model of ['run', 'm.onnx']) {
    await expect(predictFolder(host, ['images'], model)).rejects.toThrow(
      `${model}: this is a model, where images are expected. Put the run, ONNX file or package first`,
    );
  }
  // The right way round: the model is read, and found to be none.
  await expect(predictFolder(host, ['run'], 'm.onnx')).rejects.toThrow('run/best.onnx: This is not an ONNX model');
});

it('what predict wrote is described as such', async () => {
  const json = new TextEncoder().encode(
    JSON.stringify({ models: ['run/best.onnx'], images: 'images', classes: ['ground', 'cell'] }),
  );
  const files = memoryFiles({ 'p/prediction.json': json, 'p/label/a.png': png, 'p/label/b.png': png });
  const { describe, text } = await inspect({ files }, 'p');
  expect(describe).toMatchObject({ kind: 'prediction', images: 'images', files: { label: 2 } });
  expect(text).toContain('predictions of images\n  model: run/best.onnx\n  classes: ground, cell\n  label/: 2 files');
});

it('an image in the place of ground truth: evaluate names its own option', async () => {
  const label = writePng({ ...photograph, data: photograph.data.map((v) => (v > 128 ? 1 : 0)) });
  const files = memoryFiles({ 'p/a.png': label, 'y/a.png': png });
  await expect(evaluate({ files }, 'p', 'y', { as: 'classes' })).rejects.toThrow(/too many for classes.*`as: objects`/);
});

it('JSON in the place of images: it is named once, and annotations without images are said', async () => {
  const json = new TextEncoder().encode('{"images":[],"annotations":[],"categories":[]}');
  const disk = mkdtempSync(join(tmpdir(), 'lamella-json-'));
  writeFileSync(join(disk, 'package.json'), '{"name":"x"}');
  writeFileSync(
    join(disk, 'm.onnx'),
    randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 2, depth: 1, norm: 'none' }),
  );
  const file = join(disk, 'package.json');
  const failed = await predictFolder(nodeHost, [join(disk, 'm.onnx')], file, { device: 'cpu' }).then(
    () => 'predicted',
    (cause: Error) => cause.message,
  );
  rmSync(disk, { recursive: true });
  expect(failed.startsWith(`${file}: this is a text file, not an image.`), failed).toBe(true);
  const { text } = await inspect({ files: memoryFiles({ 'd/a.png': png, 'd/b.png': png, 'd/coco.json': json }) }, 'd');
  expect(text).toContain('2 images without labels');
  expect(text).toContain('skipped: coco.json, annotations that list no image');
});
