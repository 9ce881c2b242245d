import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { Image } from '../../src/image/image.ts';
import type { WindowSpec } from '../../src/input/window.ts';
import { metadataEntry } from '../../src/models/metadata.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork, sizesOf } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { predictAverage, requireSameClasses } from '../../src/predict/average.ts';
import { withCalibration } from '../../src/predict/calibration.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictImage } from '../../src/predict/predict.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { initialWeights } from '../../src/train/step.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

const INPUT = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    kind: 'range',
    scope: 'dataset',
    percentiles: [1, 99],
    perChannel: false,
    numbers: [[0, 255]],
    leastSpread: 0,
  },
} as const;

function fileOf(spec: ModelSpec, { seed = 0, window }: { seed?: number; window?: WindowSpec } = {}): Uint8Array {
  const { min, margin } = sizesOf(spec);
  const { parameters } = buildNetwork(spec, [1, 1, min, min]);
  const graph = withCalibration(exportNetwork(spec, initialWeights(parameters, seed)), [0.1, 0.5, 0.2, 0.1]);
  return writeOnnx(graph, {
    metadata: metadataEntry({
      version: 1,
      network: spec,
      axes: 'nchw',
      input: { ...INPUT, ...(window && { window: { ...window } }) },
      classes: [
        { name: 'membrane', value: 0 },
        { name: 'cell', value: 255 },
      ],
      activation: 'softmax',
      tile: { multiple: 1, offset: 0, min, margin, halo: margin / 2 },
      provenance: {},
      licence: null,
    }),
  });
}

function image(height: number, width: number): Image<'uint8'> {
  const random = stream(4, 'image');
  const data = Uint8Array.from({ length: height * width }, () => random.integer(256));
  return { ...ndarray('uint8', [height, width], data), axes: 'yx', spacing: {} };
}

const n2 = { name: 'n2', channels: 1, numClasses: 2, baseChannels: 8 } as const;
/** Probabilities; what differs is the order of sums of a few hundred products. */
const CLOSE = { atol: 1e-5 };

describe('a network that sees one window', () => {
  it('gives the same at once, in tiles and window by window', async () => {
    const picture = image(41, 50);
    const dense = await openModel(runtime, fileOf(n2));
    let windows = 0;
    const patches = { onProgress: (done: number) => (windows = done) };
    const slow = await openModel(runtime, fileOf(n2), { evaluation: 'patchwise', patches });
    expect(dense.patches).toEqual({ window: { side: 23, cover: 23, foveationPx: 0 }, evaluation: 'dense' });
    expect(slow.patches?.evaluation).toBe('patchwise');
    const whole = await predictImage(dense, picture);
    const tiled = await predictImage(dense, picture, { tile: 30 });
    const oneByOne = await predictImage(slow, picture);
    expect(windows).toBe(41 * 50);
    expect(whole.shape).toEqual([2, 41, 50]);
    expectAllClose(tiled.data, whole.data, CLOSE);
    expectAllClose(oneByOne.data, whole.data, CLOSE);
    await dense.program.dispose();
    await slow.program.dispose();
  });

  it('with a foveated window only window by window, and says so', async () => {
    const window = { side: 23, cover: 31, foveationPx: 3 };
    const bytes = fileOf(n2, { window });
    await expect(openModel(runtime, bytes, { evaluation: 'dense', file: 'fov.onnx' })).rejects.toThrow(
      /fov.onnx: .*cannot be evaluated at every pixel at once: its window is blurred away from its middle \(foveation\).*patch by patch/,
    );
    const model = await openModel(runtime, bytes);
    expect(model.patches).toEqual({ window, evaluation: 'patchwise' });
    expect(model.notes.join()).toMatch(/foveation.*window by window, which is slow/);
    const { shape, data } = await predictImage(model, image(33, 31));
    expect(shape).toEqual([2, 33, 31]);
    expect(data.every((p) => p >= 0 && p <= 1)).toBe(true);
    await model.program.dispose();
  });

  it('refuses an image smaller than its window', async () => {
    const model = await openModel(runtime, fileOf(n2));
    const small = { ...image(22, 40), source: 'small.png' };
    await expect(predictImage(model, small)).rejects.toThrow(
      /small.png: the image is 40 x 22, smaller than the network's window of 23 pixels.*n1, n2, n3/,
    );
    await model.program.dispose();
  });
});

it('the mean of several networks is the mean of what each gives', async () => {
  const models = await Promise.all(
    [
      fileOf(n2, { seed: 1 }),
      fileOf({ ...n2, name: 'n1' }, { seed: 2 }),
      fileOf({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 8, depth: 2 }),
    ].map((bytes) => openModel(runtime, bytes)),
  );
  const picture = image(32, 40);
  const seen: string[] = [];
  const onProgress = (done: number, total: number) => seen.push(`${done}/${total}`);
  const mean = await predictAverage(models, picture, { onProgress });
  expect(seen).toEqual(['1/3', '2/3', '3/3']);
  const each = await Promise.all(models.map((model) => predictImage(model, picture)));
  const expected = mean.data.map((_, i) => each.reduce((sum, { data }) => sum + (data[i] as number) / 3, 0));
  expectAllClose(mean.data, expected, { atol: 1e-6 });
  expect(mean).toMatchObject({ axes: 'cyx', channels: ['membrane', 'cell'] });
  for (const { program } of models) await program.dispose();
});

test('networks with other classes are not averaged', () => {
  const a = { file: 'a.onnx', classes: ['membrane', 'cell'] };
  const b = { file: 'b.onnx', classes: ['background', 'nucleus'] };
  expect(() => requireSameClasses([a, a])).not.toThrow();
  expect(() => requireSameClasses([a, b])).toThrow(
    /b.onnx: its classes are background, nucleus, those of a.onnx are membrane, cell.*same classes/,
  );
});

describe('models from elsewhere', () => {
  /** A mean over windows of 6 x 6 as logits of two classes. */
  const classifier = (padded = false): Uint8Array => {
    const b = new GraphBuilder('foreign');
    const x = b.input('x', 'float32', [1, 1, 6, 6]);
    const kernel = ndarray(
      'float32',
      [2, 1, 3, 3],
      Float32Array.from({ length: 18 }, (_, i) => Math.sin(i)),
    );
    const attributes = padded ? { pads: [1, 1, 1, 1] } : {};
    const y = b.op('Relu', [b.op('Conv', [x, b.constant(kernel)], { kernel_shape: [3, 3], ...attributes })]);
    const pooled = b.op('Flatten', [b.op('GlobalAveragePool', [y])], { axis: 1 });
    return writeOnnx(b.build([b.output(b.mul(pooled, b.scalar(9)), 'y')]));
  };

  it('a classifier of patches gives all pixels on request', async () => {
    const picture = image(20, 17);
    const both = [];
    for (const evaluation of ['dense', 'patchwise'] as const) {
      const model = await openModel(runtime, classifier(), { evaluation });
      both.push((await predictImage(model, picture)).data);
      await model.program.dispose();
    }
    expectAllClose(both[0] as Float32Array, both[1] as Float32Array, CLOSE);
  });
  it('what cannot be done at once is said with its layer', async () => {
    await expect(openModel(runtime, classifier(true), { evaluation: 'dense' })).rejects.toThrow(
      /Conv '.*' pads every patch/,
    );
  });
  it('a network of whole images has no windows', async () => {
    const bytes = fileOf({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 8, depth: 2 });
    await expect(openModel(runtime, bytes, { evaluation: 'dense' })).rejects.toThrow(
      /gives every pixel of an image as it is.*`evaluation`/,
    );
  });
});
