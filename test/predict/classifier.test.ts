import { describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { Interrupted, ModelError } from '../../src/errors.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { type ClassInput, cropViews } from '../../src/input/classes.ts';
import type { Page } from '../../src/input/planes.ts';
import { metadataEntry } from '../../src/models/metadata.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ClassifierSpec } from '../../src/models/registry.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { requireSameClasses } from '../../src/predict/average.ts';
import { classifyPages, isClassifierFile, meanProbabilities, openClassifier } from '../../src/predict/classifier.ts';
import { openModel } from '../../src/predict/open.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { cpu } from '../support/run-graph.ts';

const INPUT: ClassInput = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    kind: 'zscore',
    scope: 'dataset',
    percentiles: [0, 100],
    perChannel: true,
    numbers: [[10, 2]],
    leastSpread: 0,
  },
  stored: [3, 4],
  crop: [1, 2],
  views: 10,
};

/** A perceptron that adds up its two pixels with these weights. */
function file(weights: readonly number[], { outputs = 1, classes = ['no', 'yes'] } = {}): Uint8Array {
  const network: ClassifierSpec = { name: 'perceptron', channels: 1, numClasses: outputs, input: INPUT.crop };
  return writeOnnx(
    exportNetwork(network, {
      'output/weight': float32([outputs, 2], weights),
      'output/bias': float32([outputs]),
    }),
    {
      metadata: metadataEntry({
        version: 1,
        task: 'classification',
        network,
        axes: 'nchw',
        input: INPUT as never,
        classes: classes.map((name, value) => ({ name, value })),
        activation: outputs === 1 ? 'sigmoid' : 'softmax',
        provenance: {},
        licence: null,
      }),
    },
  );
}

const page = (values: readonly number[]): Page => ({ data: Uint8Array.from(values), channels: 1, height: 3, width: 4 });
const VALUES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

describe('a classifier', () => {
  test('sees the middle, or ten views whose probabilities are averaged', async () => {
    const model = await openClassifier(await cpu(), file([0.3, -0.1]));
    const at = (a: number, b: number): number => sigmoid(0.3 * ((a - 10) / 2) - 0.1 * ((b - 10) / 2));
    const one = await classifyPages(model, [page(VALUES)], { views: 1 });
    expectAllClose(one.data, [1 - at(6, 7), at(6, 7)], { rtol: 1e-5 });
    const pairs = [
      [6, 7],
      [1, 2],
      [3, 4],
      [9, 10],
      [11, 12],
    ] as const;
    const mean = pairs.reduce((sum, [a, b]) => sum + (at(a, b) + at(b, a)) / 10, 0);
    const ten = await classifyPages(model, [page(VALUES)]);
    expectAllClose(ten.data, [1 - mean, mean], { rtol: 1e-5 });
    await model.program.dispose();
  });

  test('gives the same in batches of any size, softmax over several outputs', async () => {
    const model = await openClassifier(
      await cpu(),
      file([1, 0, 0, 1, -1, -1], { outputs: 3, classes: ['a', 'b', 'c'] }),
    );
    const pages = Array.from({ length: 7 }, (_, n) => page(VALUES.map((v) => (v * (n + 3)) % 20)));
    const whole = await classifyPages(model, pages);
    expect(whole.shape).toEqual([7, 3]);
    for (let n = 0; n < 7; n++) expect(whole.data.subarray(3 * n, 3 * n + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    // Products in batches of another size may be summed in another order.
    expectAllClose((await classifyPages(model, pages, { batch: 1 })).data, whole.data, { rtol: 1e-5 });
    await model.program.dispose();
  });

  test('scales images of another size, stops on request, refuses other channels', async () => {
    const model = await openClassifier(await cpu(), file([1, 1]));
    const large: Page = { data: new Uint8Array(48).fill(10), channels: 1, height: 6, width: 8 };
    expectAllClose((await classifyPages(model, [large])).data, [0.5, 0.5], { rtol: 1e-6 });
    await expect(classifyPages(model, [large], { signal: AbortSignal.abort() })).rejects.toThrow(Interrupted);
    const two = { data: new Uint8Array(24), channels: 2, height: 3, width: 4, name: 'x.tif' };
    await expect(classifyPages(model, [two])).rejects.toThrow('x.tif: the image has 2 channels, 1 or 3 are expected.');
    await model.program.dispose();
  });

  test('is no model for segmentation, and the other way round', async () => {
    expect(isClassifierFile(file([1, 1]))).toBe(true);
    await expect(openModel(await cpu(), file([1, 1]))).rejects.toThrow('names the class of a whole image');
    const spec = { name: 'unet', channels: 1, numClasses: 1, baseChannels: 2, depth: 1 } as const;
    const { parameters } = buildNetwork(spec, [1, 1, 4, 4]);
    const weights = Object.fromEntries(parameters.map(({ value: { name, shape } }) => [name, float32(shape)]));
    const bytes = writeOnnx(exportNetwork(spec, weights));
    expect(isClassifierFile(bytes)).toBe(false);
    await expect(openClassifier(await cpu(), bytes, { file: 'u.onnx' })).rejects.toThrow(
      'u.onnx: this model is not an image classifier.',
    );
  });
});

test('the views of a larger image: the middle and the corners, each mirrored too', () => {
  expect(cropViews({ stored: [256, 256], crop: [224, 224], views: 1 })).toEqual([{ top: 16, left: 16, mirror: false }]);
  const ten = cropViews({ stored: [256, 256], crop: [224, 224], views: 10 });
  expect(ten.map(({ top, left }) => [top, left])).toEqual(
    [
      [16, 16],
      [0, 0],
      [0, 32],
      [32, 0],
      [32, 32],
    ].flatMap((place) => [place, place]),
  );
  expect(ten.filter(({ mirror }) => mirror)).toHaveLength(5);
});

test('several networks are averaged, if they have the same classes', () => {
  const two: NdArray<'float32'>[] = [float32([1, 2], [0.25, 0.75]), float32([1, 2], [0.75, 0.25])];
  expect([...meanProbabilities(two).data]).toEqual([0.5, 0.5]);
  expect(() =>
    requireSameClasses([
      { file: 'a.onnx', classes: ['cat', 'dog'] },
      { file: 'b.onnx', classes: ['cat', 'cow'] },
    ]),
  ).toThrow(ModelError);
});
