import { afterAll, describe, expect, test } from 'vitest';
import { checkSteps } from '../../packages/explain/checks.ts';
import { explain } from '../../packages/explain/explain.ts';
import type { NamedPage } from '../../packages/explain/explained-input.ts';
import type {
  ConvolutionStep,
  DenseStep,
  Explanation,
  Passage,
  PoolingStep,
} from '../../packages/explain/explanation.ts';
import { gradCam, halfSideHolding } from '../../packages/explain/gradients.ts';
import { float32 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { UsageError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { Image } from '../../src/image/image.ts';
import { withOutput } from '../../src/models/chosen-output.ts';
import { type ModelMetadata, metadataEntry } from '../../src/models/metadata.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork, isClassifier, sizesOf } from '../../src/models/registry.ts';
import { haloOf } from '../../src/train/model-file.ts';
import { initialWeights } from '../../src/train/step.ts';
import { cpu } from '../support/run-graph.ts';

const RANGE = {
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

/** A network with its first weights, as a file of ours. */
function fileOf(spec: ModelSpec, input: ModelMetadata['input'] = RANGE): Uint8Array {
  const whole = isClassifier(spec.name);
  const side = whole ? 0 : sizesOf(spec).min;
  const shape = 'input' in spec ? ([1, 1, ...spec.input] as const) : ([1, 1, side, side] as const);
  const weights = initialWeights(buildNetwork(spec, shape as never).parameters, 4);
  // Biases other than 0, so that forgetting one is seen.
  const random = stream(1, 'weights');
  for (const [name, array] of Object.entries(weights)) {
    if (name.endsWith('bias'))
      for (let i = 0; i < array.data.length; i++) (array.data as Float32Array)[i] = 0.2 * random.normal();
    else if (spec.name === 'perceptron')
      for (let i = 0; i < array.data.length; i++) (array.data as Float32Array)[i] = random.normal();
    // AlexNet's small first weights leave nothing to see in a small image.
    else if (whole)
      for (let i = 0; i < array.data.length; i++) (array.data as Float32Array)[i] = 3 * (array.data[i] as number);
  }
  const classes = Array.from({ length: Math.max(2, spec.numClasses) }, (_, value) => ({
    name: `class ${value}`,
    value,
  }));
  return writeOnnx(exportNetwork(spec, weights), {
    metadata: metadataEntry({
      version: 1,
      network: spec,
      axes: 'nchw',
      classes,
      activation: spec.numClasses === 1 ? 'sigmoid' : 'softmax',
      provenance: {},
      licence: null,
      ...('input' in spec
        ? { task: 'classification', input: { ...input, stored: spec.input, crop: spec.input, views: 1 } }
        : { input, tile: { ...tileOf(spec) } }),
    }),
  });
}

function tileOf(spec: ModelSpec) {
  const { multiple, offset, min, margin } = sizesOf(spec);
  return { multiple, offset, min, margin, halo: haloOf(spec) ?? null };
}

function picture(width: number, height: number, name = 'picture.png'): NamedPage {
  const random = stream(2, 'picture');
  const data = Uint8Array.from({ length: width * height }, (_, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    return Math.max(0, Math.min(255, 128 + 60 * Math.sin(x / 5) + 50 * Math.cos(y / 7) + 20 * random.normal()));
  });
  return { data, width, height, channels: 1, name };
}

afterAll(async () => (await cpu()).dispose());

const failed = ({ checks }: Explanation) => checks.filter(({ passed }) => !passed);

describe('every network of the line: all numbers are found again, in the middle and at the border', () => {
  test.each<[string, ModelSpec, [number, number]]>([
    ['unet', { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2 }, [80, 60]],
    [
      'unet of one output',
      { name: 'unet', channels: 1, numClasses: 1, baseChannels: 4, depth: 1, upsampling: 'linear' },
      [40, 40],
    ],
    [
      'unet with instance norm',
      { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 1, norm: 'instance' },
      [40, 40],
    ],
    ['unet2015', { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 4 }, [40, 30]],
    ['n2', { name: 'n2', channels: 1, numClasses: 2, baseChannels: 6 }, [50, 40]],
    ['perceptron', { name: 'perceptron', channels: 1, numClasses: 3, input: [12, 10] }, [10, 12]],
    [
      'mlp',
      { name: 'mlp', channels: 1, numClasses: 4, input: [12, 12], hidden: [20, 10], activation: 'tanh' },
      [12, 12],
    ],
    ['alexnet', { name: 'alexnet', channels: 1, numClasses: 10, input: [67, 67], scale: 0.1 }, [67, 67]],
  ])('%s', async (_, spec, [width, height]) => {
    const bytes = fileOf(spec);
    const page = picture(width, height);
    for (const at of [undefined, { x: 1, y: height - 2 }]) {
      const found = await explain(await cpu(), bytes, page, at === undefined ? {} : { at });
      expect(failed(found)).toEqual([]);
      // The prediction by its own way, the steps, and the slope.
      expect(found.checks.length).toBeGreaterThanOrEqual(4);
      expect(found.checks[0]?.what).toContain('lamella predict');
      expect(found.passages.length).toBeGreaterThan(0);
      const steps = found.passages.flatMap((passage) => passage.steps);
      if (spec.name === 'unet2015') {
        expect(steps.some((step) => step.kind === 'convolution' && step.transposed !== undefined)).toBe(true);
      }
      if ('norm' in spec) {
        expect(steps.some((step) => step.kind === 'element' && step.op === 'InstanceNormalization')).toBe(true);
      }
      expect(found.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(found.attribution?.saliency.data.some((value) => value > 0)).toBe(true);
      expect(found.input[0]?.data.length).toBe(found.view.widthPx * found.view.heightPx);
      expect(found.parameters).toBe(found.layers.reduce((sum, { parameters }) => sum + parameters, 0));
      expect(found.macs).toBe(found.layers.reduce((sum, { macs }) => sum + macs, 0));
    }
  });
});

describe('worked out by hand', () => {
  /** 3x3 cross of weights 1..5, bias 0.5, ReLU; 2x2 maximum; two numbers of all four, softmax. */
  function tiny(): Uint8Array {
    const b = new GraphBuilder('tiny');
    const x = b.input('image', 'float32', [1, 1, 6, 6]);
    const w = b.constant(float32([1, 1, 3, 3], [0, 1, 0, 2, 3, 4, 0, 5, 0]), 'w');
    const conv = b.op('Conv', [x, w, b.constant(float32([1], [0.5]), 'bias')], {
      kernel_shape: [3, 3],
      pads: [0, 0, 0, 0],
    });
    const pool = b.op('MaxPool', [b.op('Relu', [conv])], { kernel_shape: [2, 2], strides: [2, 2] });
    const flat = b.op('Flatten', [pool], { axis: 1 });
    const v = b.constant(float32([2, 4], [0.1, 0.2, 0.3, 0.4, 1, -1, 1, -1]), 'v');
    const scores = b.op('Gemm', [flat, v], { transB: 1 });
    return writeOnnx(b.build([b.output(b.op('Softmax', [scores], { axis: 1 }), 'p')]));
  }
  // 0..35 times 255: the network, which divides by 255, sees 0..35.
  const page: NamedPage = {
    data: Float32Array.from({ length: 36 }, (_, i) => 255 * i),
    width: 6,
    height: 6,
    channels: 1,
    name: 'ramp.tif',
  };

  test('convolution, ReLU, pooling, dense layer and softmax of a ramp', async () => {
    const found = await explain(await cpu(), tiny(), page, { at: { x: 2, y: 2 } });
    expect(failed(found)).toEqual([]);
    const [first, pooling, last] = found.passages as [Passage, Passage, Passage];
    const [conv, relu] = first.steps as [ConvolutionStep, unknown];
    // Around x 2, y 2 (value 14): 1*8 + 2*13 + 3*14 + 4*15 + 5*20 + 0.5.
    expect([...conv.values]).toEqual([7, 8, 9, 13, 14, 15, 19, 20, 21]);
    expect(conv).toMatchObject({ at: { x: 1, y: 1 }, origin: { x: 1, y: 1 }, bias: 0.5, total: 236.5, graph: 236.5 });
    expect(relu).toMatchObject({ op: 'Relu', total: 236.5, graph: 236.5 });
    const [pooled] = pooling.steps as [PoolingStep];
    // Sums grow by 15 a column and 90 a row: 116.5 at the first.
    expect([...pooled.values]).toEqual([131.5, 146.5, 221.5, 236.5]);
    expect(pooled.total).toBe(236.5);
    const [dense, softmax] = last.steps as [DenseStep, { totals: number[]; scores: number[] }];
    const maxima = [236.5, 266.5, 416.5, 446.5];
    expect([...dense.values]).toEqual(maxima);
    const scores = [0.1 * 236.5 + 0.2 * 266.5 + 0.3 * 416.5 + 0.4 * 446.5, 236.5 - 266.5 + 416.5 - 446.5];
    expect(softmax.scores[0]).toBeCloseTo(scores[0] as number, 3);
    expect(softmax.scores[1]).toBeCloseTo(scores[1] as number, 3);
    expect(found.classes[found.target]).toBe('class 0');
    expect(found.pixel).toEqual({ file: [255 * 14], input: [14] });
  });

  /** Numbers of the passage of a layer, and that all checks passed. */
  async function passageOf<S>(graph: Uint8Array, name: string, layer?: string): Promise<readonly S[]> {
    const found = await explain(await cpu(), graph, page, { at: { x: 3, y: 2 }, ...(layer ? { layer } : {}) });
    expect(failed(found)).toEqual([]);
    const passage = found.passages.find((one) => one.name === name);
    expect(passage, found.passages.map((one) => one.name).join()).toBeDefined();
    return (passage as Passage).steps as readonly unknown[] as readonly S[];
  }

  test('a transposed convolution: of each number before the tap that reaches the place', async () => {
    const build = (stride: number, kernel: number, pads: number[]) => {
      const b = new GraphBuilder('up');
      const x = b.input('image', 'float32', [1, 1, 6, 6]);
      // 0..35 halved: 3 x 3 of the first numbers of 2 x 2 windows.
      const half = b.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
      const two = b.op('Conv', [half, b.constant(float32([2, 1, 1, 1], [1, 10]), 'w')], { kernel_shape: [1, 1] });
      const taps = Float32Array.from({ length: 2 * kernel * kernel }, (_, i) => i + 1);
      const v = b.constant(float32([2, 1, kernel, kernel], taps), 'v');
      const up = b.scoped('up', () =>
        b.op('ConvTranspose', [two, v, b.constant(float32([1], [0.5]), 'bias')], {
          kernel_shape: [kernel, kernel],
          strides: [stride, stride],
          pads,
        }),
      );
      // Values that are never negative are taken for classes where that is said.
      return withOutput(writeOnnx(b.build([b.output(up, 'y')])), 'y');
    };
    // 2 x 2 at steps of 2: x 3, y 2 comes from x 1, y 1 (of means 3.5, 5.5, 7.5; 15.5, 17.5, ..) by tap row 0, column 1.
    const [two] = await passageOf<ConvolutionStep>(build(2, 2, [0, 0, 0, 0]), 'The last layer');
    expect([...(two?.values ?? [])]).toEqual([17.5, 175]);
    expect([...(two?.weights ?? [])]).toEqual([2, 6]);
    expect(two).toMatchObject({ origin: { x: 1, y: 1 }, kernel: [1, 1], transposed: { kernel: [2, 2] } });
    expect(two?.total).toBe(17.5 * 2 + 175 * 6 + 0.5);
    // 4 x 4 at steps of 2 with a border of 1: rows 0 and 1 by taps 3 and 1, columns 1 and 2 by taps 2 and 0.
    const [four] = await passageOf<ConvolutionStep>(build(2, 4, [1, 1, 1, 1]), 'The last layer');
    expect([...(four?.values ?? [])].slice(0, 4)).toEqual([5.5, 7.5, 17.5, 19.5]);
    expect([...(four?.weights ?? [])].slice(0, 4)).toEqual([15, 13, 7, 5]);
    expect(four).toMatchObject({ origin: { x: 1, y: 0 }, kernel: [2, 2] });
    const one = 15 * 5.5 + 13 * 7.5 + 7 * 17.5 + 5 * 19.5;
    const other = 10 * (31 * 5.5 + 29 * 7.5 + 23 * 17.5 + 21 * 19.5);
    expect(four?.total).toBe(one + other + 0.5);
    // In the corner all but one of the numbers before lie outside.
    const corner = await explain(await cpu(), build(2, 4, [1, 1, 1, 1]), page, { at: { x: 0, y: 0 } });
    expect(failed(corner)).toEqual([]);
    const last = corner.passages.find(({ name }) => name === 'The last layer') as Passage;
    const [first] = last.steps as [ConvolutionStep];
    expect([...first.values].slice(0, 4)).toEqual([Number.NaN, Number.NaN, Number.NaN, 3.5]);
  });

  test('the mean of each map, and instance normalisation', async () => {
    const b = new GraphBuilder('mean');
    const x = b.input('image', 'float32', [1, 1, 6, 6]);
    const conv = b.scoped('conv', () =>
      b.op('Conv', [x, b.constant(float32([2, 1, 1, 1], [1, -2]), 'w')], { kernel_shape: [1, 1] }),
    );
    const norm = b.op(
      'InstanceNormalization',
      [conv, b.constant(float32([2], [3, 4]), 'scale'), b.constant(float32([2], [1, 2]), 'shift')],
      { epsilon: 0.25 },
    );
    const pool = b.op('GlobalAveragePool', [b.op('Relu', [norm])]);
    const v = b.constant(float32([2, 2], [1, 2, 3, 4]), 'v');
    const scores = b.op('Gemm', [b.op('Flatten', [pool], { axis: 1 }), v], { transB: 1 });
    const bytes = writeOnnx(b.build([b.output(scores, 'y')]));
    const [, instance] = await passageOf<{ total: number; graph: number; op: string }>(
      bytes,
      'The first layer',
      'conv',
    );
    // 0..35 at x 3, y 2 is 15: mean 17.5, variance (36^2 - 1) / 12; map 1 is -2 times it, and larger.
    expect(instance?.op).toBe('InstanceNormalization');
    const deviation = Math.sqrt((4 * (36 ** 2 - 1)) / 12 + 0.25);
    expect(instance?.total).toBeCloseTo((4 * (-30 + 35)) / deviation + 2, 6);
    const [mean] = await passageOf<PoolingStep>(bytes, 'The first pooling');
    expect(mean).toMatchObject({ how: 'mean', kernel: [6, 6] });
    expect(mean?.values).toHaveLength(36);
    expect(mean?.stride).toBeUndefined();
  });

  test('a network whose steps are wrong is told', async () => {
    const found = await explain(await cpu(), tiny(), page);
    const [first, ...others] = found.passages as [Passage, ...Passage[]];
    const [step, ...rest] = first.steps as [ConvolutionStep];
    const wrong = [{ name: 'x', steps: [{ ...step, graph: step.graph + 0.01 }, ...rest] }, ...others];
    expect(checkSteps(wrong).filter(({ passed }) => !passed)).toHaveLength(1);
  });

  test('the receptive field of two 3x3 convolutions is 5x5; all gradient lies within', async () => {
    const b = new GraphBuilder('two');
    const x = b.input('image', 'float32', [1, 1, 16, 16]);
    const ones = (k: number, c: number) => b.constant(float32([k, c, 3, 3], new Float32Array(k * c * 9).fill(0.1)));
    const conv = (y: typeof x, k: number, c: number) =>
      b.op('Conv', [y, ones(k, c)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const y = conv(b.op('Relu', [conv(x, 2, 1)]), 2, 2);
    const found = await explain(await cpu(), writeOnnx(b.build([b.output(y, 'y')])), picture(16, 16), {
      at: { x: 8, y: 6 },
    });
    expect(found.fields[0]?.theoretical).toEqual({ x: 6, y: 4, width: 5, height: 5 });
    expect(found.fields[0]?.effective).toEqual({ x: 6, y: 4, width: 5, height: 5 });
    // 1 2 3 2 1 along each axis, as two boxes convolved.
    const row = Array.from({ length: 5 }, (_, i) => found.fields[0]?.gradient?.data[6 * 16 + 6 + i] as number);
    expect(row.map((value) => value / (row[0] as number))).toEqual([1, 2, 3, 2, 1].map((n) => expect.closeTo(n, 4)));
    expect(failed(found)).toEqual([]);
  });

  test('Grad-CAM: maps weighed by their mean gradient, what is below 0 cut off', () => {
    const maps = float32([1, 2, 1, 2], [1, 2, 3, 0]);
    const gradients = float32([1, 2, 1, 2], [1, 1, -1, 0]);
    // 1 * [1, 2] - 0.5 * [3, 0] = [-0.5, 2].
    expect([...gradCam(maps, gradients)]).toEqual([0, 2]);
  });

  test('the smallest square that holds a share', () => {
    const plane = Float32Array.from([1, 0, 0, 0, 9, 0, 0, 0, 0]);
    const size = { height: 3, width: 3 };
    expect(halfSideHolding(plane, size, { x: 1, y: 1 }, 0.9)).toBe(0);
    expect(halfSideHolding(plane, size, { x: 1, y: 1 }, 0.95)).toBe(1);
    expect(halfSideHolding(new Float32Array(9), size, { x: 1, y: 1 }, 0.95)).toBe(0);
  });
});

describe('what is asked for', () => {
  const bytes = fileOf({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2 });

  test('a layer and a class by name', async () => {
    const found = await explain(await cpu(), bytes, picture(40, 40), {
      layer: 'encoder1/conv2',
      target: 'class 1',
      maps: 3,
    });
    expect(found.target).toBe(1);
    expect(found.features?.layer).toBe('encoder1/conv2');
    expect(found.features?.maps).toHaveLength(3);
    expect(found.attribution?.gradCam?.layer).toBe('encoder1/conv2');
    expect(found.filters?.kernels).toHaveLength(3);
    expect(failed(found)).toEqual([]);
  });

  test.each([
    [
      'a point beyond the image',
      { at: { x: 40, y: 3 } },
      /picture.png: the point 40,3 lies outside the image of 40 x 30/,
    ],
    ['a negative point', { at: { x: -1, y: 3 } }, /the point -1,3 lies outside.*Use x from 0 to 39 and y from 0 to 29/],
    ['a layer that is not there', { layer: 'conv9' }, /no layer 'conv9'. It has encoder0\/conv1, /],
    ['a class that is not there', { target: 'mitochondrion' }, /no class 'mitochondrion'. It has class 0, class 1/],
  ])('%s is refused', async (_, options, message) => {
    const wrong = explain(await cpu(), bytes, picture(40, 30), options);
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toThrow(message);
  });

  test('an image of other pixels than those of the training is explained, with a note', async () => {
    const bytes = fileOf(
      { name: 'unet', channels: 1, numClasses: 2, baseChannels: 2, depth: 1 },
      { ...RANGE, pixelMm: [0.001, 0.001] },
    );
    const page = picture(16, 16);
    const { data } = page;
    const image = (um: number): Image => {
      const side = { value: um, unit: 'µm' } as const;
      return { dtype: 'uint8', shape: [16, 16], axes: 'yx', data: data as Uint8Array, spacing: { y: side, x: side } };
    };
    const notesFor = async (um: number) => (await explain(await cpu(), bytes, page, { image: image(um) })).notes;
    expect(await notesFor(1)).toEqual([]);
    expect(await notesFor(3)).toEqual([expect.stringMatching(/^picture\.png: its pixels are 3 .* 3\.0 times smaller/)]);
  });

  test('a point that is cropped away before the network sees it', async () => {
    const spec = { name: 'mlp', channels: 1, numClasses: 2, input: [12, 12], hidden: [4] } as const;
    const wrong = explain(await cpu(), fileOf(spec), picture(40, 12), { at: { x: 2, y: 5 } });
    await expect(wrong).rejects.toThrow(/does not look at the point 2,5.*Use x from 14 to 25 and y from 0 to 11/);
  });
});

describe('models from elsewhere', () => {
  function foreign(last: 'Floor' | 'Tanh'): Uint8Array {
    const b = new GraphBuilder('foreign');
    const x = b.input('image', 'float32', [1, 1, 16, 16]);
    const w = b.constant(
      float32(
        [2, 1, 3, 3],
        Array.from({ length: 18 }, (_, i) => Math.cos(i)),
      ),
    );
    const conv = b.op('Conv', [x, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    return writeOnnx(b.build([b.output(b.op(last, [b.mul(conv, b.scalar(5))]), 'y')]));
  }

  test('an operation without gradient leaves out what needs it, and says so', async () => {
    const found = await explain(await cpu(), foreign('Floor'), picture(16, 16));
    expect(found.attribution).toBeUndefined();
    expect(found.notes.join(' ')).toMatch(/There is no saliency.*Floor/);
    expect(found.fields[0]?.theoretical).toMatchObject({ width: 3, height: 3 });
    expect(failed(found)).toEqual([]);
  });

  test('with gradient they are explained as ours', async () => {
    const found = await explain(await cpu(), foreign('Tanh'), picture(16, 16));
    expect(found.attribution?.saliency.data.length).toBe(256);
    expect(failed(found)).toEqual([]);
  });

  test('of several heads whose maps are joined none is shown as the last layer, whatever class is asked for', async () => {
    const b = new GraphBuilder('heads');
    const x = b.input('image', 'float32', [1, 1, 16, 16]);
    const conv = (from: Parameters<typeof b.add>[0], filters: number, inputs: number) => {
      const random = stream(filters, 'heads');
      const kernel = Float32Array.from({ length: filters * inputs * 9 }, () => random.normal());
      const biases = b.constant(
        float32(
          [filters],
          Float32Array.from({ length: filters }, () => random.normal()),
        ),
      );
      return b.op('Conv', [from, b.constant(float32([filters, inputs, 3, 3], kernel)), biases], { pads: [1, 1, 1, 1] });
    };
    const body = b.op('Relu', [conv(x, 4, 1)]);
    const joined = b.op('Concat', [conv(body, 2, 4), conv(body, 1, 4)], { axis: 1 });
    const bytes = writeOnnx(b.build([b.output(joined, 'y')]));
    for (const target of ['0', '1', '2']) {
      const found = await explain(await cpu(), bytes, picture(16, 16), { target });
      expect(failed(found)).toEqual([]);
      expect(found.passages.map(({ name }) => name)).not.toContain('The last layer');
      expect(JSON.stringify(found.passages)).not.toContain('null');
    }
  });
});
