/** Label maps of a model that says how they are cleaned, as `predict` writes them. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { joinModels } from '../../src/models/joined.ts';
import { cleanClasses } from '../../src/objects/clean-classes.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { randomModel } from '../support/random-model.ts';

const SIDES = [60, 80] as const;
const CLEANING = { background: 0, rules: [{ class: 1, minSize: 40, fillHoles: true }] } as const;
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-cleaned-'));
  await mkdir(join(root, 'images'));
  const random = stream(2, 'image');
  const image = {
    ...ndarray(
      'float32',
      [2, ...SIDES],
      Float32Array.from({ length: 2 * 60 * 80 }, () => random.normal()),
    ),
    axes: 'zyx',
    spacing: {},
  } as unknown as Image;
  await writeFile(join(root, 'images', 'a.tif'), writeTiff(image));
  const parts = [4, 6].map((baseChannels) => ({
    file: 'part.onnx',
    bytes: randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels, depth: 1 }),
  })) as [{ file: string; bytes: Uint8Array<ArrayBuffer> }, { file: string; bytes: Uint8Array<ArrayBuffer> }];
  await writeFile(join(root, 'plain.onnx'), joinModels(parts, {}));
  await writeFile(join(root, 'cleaned.onnx'), joinModels(parts, { cleaning: CLEANING }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** @param free bytes, of which an image may take half */
async function labelsOf(model: string, free = 1e9) {
  const out = join(root, `pred-${model}-${free}`);
  const notes: string[] = [];
  const done = await predictFolder(
    { ...nodeHost, memory: () => ({ used: 1e8, free }) },
    [join(root, `${model}.onnx`)],
    join(root, 'images'),
    { out, device: 'cpu' },
    { onImage: ({ notes: said = [] }) => void notes.push(...said) },
  );
  return { ...(await readImageFile(nodeHost.files, done.images[0]?.label as string)), notes };
}

test('are cleaned slice by slice, with the values of their classes', async () => {
  const plain = await labelsOf('plain');
  const cleaned = await labelsOf('cleaned');
  const size = SIDES[0] * SIDES[1];
  const expected = [0, 1].flatMap((z) => {
    const classes = Uint8Array.from(plain.data.subarray(z * size, (z + 1) * size) as Uint8Array, (v) =>
      v > 0 ? 1 : 0,
    );
    return [...cleanClasses(classes, SIDES, CLEANING)].map((own) => 255 * own);
  });
  expect([...(cleaned.data as Uint8Array)]).toEqual(expected);
  expect(expected).not.toEqual([...(plain.data as Uint8Array)]);
});

test('are scored where there are some; of probabilities it is said that they are not cleaned', async () => {
  const notesOf = async (out: string, options: object) => {
    await predictFolder(nodeHost, [join(root, 'cleaned.onnx')], join(root, 'images'), {
      ...{ out: join(root, out), device: 'cpu' },
      ...options,
    });
    return (await evaluate(nodeHost, join(root, out), join(root, 'truth'))).notes;
  };
  const { data } = await labelsOf('plain');
  await mkdir(join(root, 'truth'));
  const truth = { ...ndarray('uint8', [2, ...SIDES], data as Uint8Array), axes: 'zyx', spacing: {} } as const;
  await writeFile(join(root, 'truth', 'a.tif'), writeTiff(truth));
  const note =
    'prediction.json: probabilities are scored, without the cleaning of label maps that cross-validation chose.';
  expect(await notesOf('maps', {})).not.toContain(note);
  expect(await notesOf('no-maps', { labels: false, probability: 'float' })).toContain(note);
});

test('are not cleaned where the image is predicted by region, which is said', async () => {
  const plain = await labelsOf('plain');
  const cleaned = await labelsOf('cleaned', 4e5);
  expect(cleaned.notes).toContain('Its label map is not cleaned: that takes the whole image, in Node.');
  expect([...(cleaned.data as Uint8Array)]).toEqual([...(plain.data as Uint8Array)]);
});
