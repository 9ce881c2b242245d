import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32, type NdArray, ndarray, type Shape, type Shape4 } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Value } from '../../src/graph/ir.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { openOnnxNetwork } from '../../src/models/onnx/open.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { sgd } from '../../src/nn/optimizers/sgd.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { fittingWeights } from '../../src/train/start.ts';
import { gradientGraph, gradientName, initialWeights, trainingStep } from '../../src/train/step.ts';
import { spread } from '../graph/cases.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Numbers {
  readonly shape: Shape;
  readonly data: readonly number[];
}
interface Step {
  readonly loss: number;
  readonly gradients: { readonly [name: string]: Numbers };
  readonly statistics: { readonly [name: string]: Numbers };
}
const read = (name: string) => readFileSync(new URL(`../golden/${name}`, import.meta.url));
/** From scripts/golden/train_on.py: PyTorch in float32. */
const golden = JSON.parse(read('train_on.json').toString()) as {
  readonly x: Numbers;
  readonly y: Numbers;
  readonly labels: readonly number[];
  readonly weights: Numbers;
} & { readonly [mode in 'fixed' | 'train']: Step };
const bytes = new Uint8Array(read('train-on.onnx'));
const array = ({ shape, data }: Numbers) => float32(shape, data);
const shape = golden.x.shape as Shape4;
const target = {
  labels: ndarray('int32', golden.weights.shape, Int32Array.from(golden.labels)),
  pixelWeights: array(golden.weights),
};

const ones = (of: Shape) => float32(of, new Float32Array(of.reduce((a, b) => a * b, 1)).fill(1));

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

describe('a network of an ONNX file', () => {
  const network = openOnnxNetwork(bytes, 'unet.onnx');
  const build = (batchNorm: 'fixed' | 'train', options = {}) =>
    network.build({ ...network.spec, batchNorm }, shape, { training: true, ...options });

  it('has the parameters that PyTorch has, those too that the file stores once for several layers', () => {
    const names = build('fixed').parameters.map(({ value }) => value.name);
    expect(names.toSorted()).toEqual(Object.keys(golden.fixed.gradients).toSorted());
    expect(network.spec).toMatchObject({
      channels: 1,
      numClasses: 2,
      batchNorm: 'fixed',
      tile: { multiple: 2, margin: 0 },
    });
    expect(network.notes).toEqual([]);
    expect(network.encoder.toSorted()).toEqual([
      'down1.0.weight',
      'down1.1.bias',
      'down1.1.weight',
      'down2.0.weight',
      'down2.1.bias',
      'down2.1.weight',
    ]);
    const decays = build('fixed').parameters.filter(({ decay }) => decay);
    expect(decays.map(({ value }) => value.name).toSorted()).toEqual([
      'down1.0.weight',
      'down2.0.weight',
      'head.weight',
      'merge.0.weight',
      'up.weight',
    ]);
  });

  describe.each(['fixed', 'train'] as const)('with batch normalisation %s', (mode) => {
    it('has the loss and the gradients that PyTorch has', async () => {
      const program = await runtime.compile(gradientGraph(build(mode), crossEntropy()));
      const { statistics: _, gradients, loss } = golden[mode];
      const own = build(mode).statistics.map(({ value, initial }) => [value.name, initial] as const);
      const feeds = { ...network.weights, ...Object.fromEntries(own), ...target, image: array(golden.x) };
      const wanted = new Set(program.inputs.map(({ name }) => name));
      const results = await program.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))));
      expect(results.loss?.data[0]).toBeCloseTo(loss, 6);
      for (const [name, { data }] of Object.entries(gradients)) {
        // Both compute in float32.
        expectAllClose((results[gradientName(name)] as NdArray<'float32'>).data, data, { rtol: 2e-4, atol: 2e-6 });
      }
      await program.dispose();
    });

    it('has the running statistics that PyTorch has after a step', async () => {
      const step = trainingStep(build(mode), crossEntropy(), sgd({ momentum: 0 }));
      const program = await runtime.compile(step.graph, { state: step.state });
      await program.writeState(
        step.initialState(
          0,
          fittingWeights(
            { model: { ...network.spec, batchNorm: mode }, labels: {} },
            { weights: network.weights, file: network },
          ),
        ),
      );
      await program.run({ image: array(golden.x), ...target, learningRate: float32([], [0.1]) });
      const weights = step.weightsOf(await program.readState(step.weightNames));
      await program.dispose();
      for (const [name, { data }] of Object.entries(golden[mode].statistics)) {
        if (mode === 'fixed') {
          expect([name, weights[name]]).toEqual([name, undefined]);
          continue;
        }
        const before = (network.weights[name] as NdArray<'float32'>).data;
        const count = name.startsWith('down2') ? 2 * 4 * 6 : 2 * 8 * 12;
        // PyTorch moves the variance towards that of a sample, M / (M - 1) times as large.
        const factor = name.endsWith('var') ? (count - 1) / count : 1;
        const expected = data.map(
          (value, i) => 0.9 * (before[i] as number) + factor * (value - 0.9 * (before[i] as number)),
        );
        expectAllClose((weights[name] as NdArray<'float32'>).data, expected, { rtol: 1e-5, atol: 1e-6 });
      }
      const trained = Object.keys(golden[mode].gradients).find((name) => name === 'down1.0.weight') as string;
      expect((weights[trained] as NdArray).data[0]).toBeCloseTo(
        Number(network.weights[trained]?.data[0]) - 0.1 * (golden[mode].gradients[trained]?.data[0] as number),
        5,
      );
    });
  });

  it('keeps the statistics of a frozen layer, by which that is normalised', () => {
    const statistics = build('train', { isFrozen: (name: string) => name.startsWith('down') }).statistics;
    expect(statistics.map(({ value }) => value.name)).toEqual(['merge.1.running_mean', 'merge.1.running_var']);
  });

  it('is written as it was: the same numbers to the bit, open sizes and names', async () => {
    const written = network.write(network.spec, network.weights, { lamella: '{}' });
    const signature = readSignature(written);
    expect(signature.inputs).toEqual([{ name: 'x', dtype: 'float32', dims: ['n', 1, 'height', 'width'] }]);
    expect(signature.outputs).toEqual([{ name: 'y', dtype: 'float32', dims: ['n', 2, 'height', 'width'] }]);
    expect([signature.metadata, signature.opsets[''], signature.producer]).toEqual([{ lamella: '{}' }, 17, 'pytorch']);
    const results = await Promise.all(
      [bytes, written].map(async (file) => (await (await runtime.load(file)).run({ x: array(golden.x) })).y),
    );
    expect(results[1]).toEqual(results[0]);
    expectAllClose((results[1] as NdArray<'float32'>).data, golden.y.data, { rtol: 1e-5, atol: 1e-6 });
  });

  it('with the weights of a step gives what the network gives', async () => {
    const { parameters } = build('fixed');
    const weights = { ...network.weights, ...initialWeights(parameters, 1) };
    const program = await runtime.load(network.write(network.spec, weights, {}));
    const plain = network.build(network.spec, shape);
    const graph = plain.builder.build([
      plain.builder.output(plain.builder.op('Softmax', [plain.logits], { axis: 1 }), 'y'),
    ]);
    const compiled = await runtime.compile(graph);
    const names = parameters.map(({ value }) => value.name);
    const own = Object.fromEntries(names.map((name) => [name, weights[name] as NdArray]));
    const { y } = await compiled.run({ image: array(golden.x), ...own });
    const { y: file } = await program.run({ x: array(golden.x) });
    expectAllClose((file as NdArray<'float32'>).data, [...(y as NdArray<'float32'>).data], { rtol: 1e-5, atol: 1e-6 });
  });

  it('takes other numbers of channels and classes by a new first and last layer', async () => {
    const spec = { ...network.spec, channels: 3, numClasses: 5 };
    const other = network.build(spec, [1, 3, 8, 8], { training: true });
    expect(other.logits.shape).toEqual([1, 5, 8, 8]);
    const changed = other.parameters.filter(
      ({ value }) => network.weights[value.name]?.shape.join() !== value.shape.join(),
    );
    expect(changed.map(({ value }) => [value.name, value.shape])).toEqual([
      ['down1.0.weight', [4, 3, 3, 3]],
      ['head.weight', [5, 4, 1, 1]],
      ['head.bias', [5]],
    ]);
    const weights = { ...network.weights, ...initialWeights(changed, 1) };
    const program = await runtime.load(network.write(spec, weights, {}));
    const { y } = await program.run({ x: float32([1, 3, 4, 6]) });
    expect(y?.shape).toEqual([1, 5, 4, 6]);
    await program.dispose();
  });
});

describe('the rows of classes in the last layer of a file', () => {
  const b = new GraphBuilder('rows');
  const x = b.input('x', 'float32', [1, 1, 16, 16]);
  const first = b.constant(float32([2, 1, 1, 1], [1, 2]), 'first.weight');
  const maps = b.op('Conv', [x, first], { kernel_shape: [1, 1] });
  // [inputs, classes, 1, 1]
  const kernel = b.constant(float32([2, 2, 1, 1], [1, 2, 3, 4]), 'up.weight');
  const y = b.op('ConvTranspose', [maps, kernel, b.constant(float32([2], [5, 6]), 'up.bias')], {
    kernel_shape: [1, 1],
  });
  const added = b.op('Add', [y, b.constant(float32([1, 2, 1, 1], [7, 8]), 'offset')]);
  const network = openOnnxNetwork(writeOnnx(b.build([b.output(added, 'y')])));
  const valuesOf = (start: Parameters<typeof fittingWeights>[0]['start'], numClasses: number) => {
    const model = { ...network.spec, numClasses };
    const fitting = fittingWeights({ model, labels: {}, start }, { weights: network.weights, file: network });
    return Object.fromEntries(Object.entries(fitting).map(([name, { data }]) => [name, Array.from(data, Number)]));
  };

  it('are along the axis of its outputs, also of what is added to them', () => {
    expect(network.head).toEqual([
      { name: 'up.weight', axis: 1 },
      { name: 'up.bias', axis: 0 },
      { name: 'offset', axis: 1 },
    ]);
    expect(valuesOf({ rows: [1, null, 0] }, 3)).toEqual({
      'first.weight': [1, 2],
      'up.weight': [2, 0, 1, 4, 0, 3],
      'up.bias': [6, 0, 5],
      offset: [8, 0, 7],
    });
    expect(valuesOf({ rows: [1] }, 1)).toEqual({
      'first.weight': [1, 2],
      'up.weight': [2, 4],
      'up.bias': [6],
      offset: [8],
    });
  });

  it('are left out where the layer is drawn anew, or has another size', () => {
    expect(valuesOf({ head: 'new' }, 2)).toEqual({ 'first.weight': [1, 2] });
    expect(valuesOf({}, 3)).toEqual({ 'first.weight': [1, 2] });
  });
});

/** A network with one convolution, and something before or after it. */
function small(
  ends: {
    readonly before?: (b: GraphBuilder, x: Value) => Value;
    readonly after?: (b: GraphBuilder, x: Value) => Value | readonly Value[];
    readonly dims?: Shape;
    readonly open?: readonly (string | number)[];
    readonly classes?: number;
  } = {},
): Uint8Array {
  const { before = (_, x) => x, after = (_, x) => x, dims = [1, 1, 16, 16], open, classes = 2 } = ends;
  const b = new GraphBuilder('small');
  const x = b.input('in', 'float32', dims);
  const kernel = b.constant(
    float32(
      [classes, dims[1] as number, 3, 3],
      Array.from({ length: classes * (dims[1] as number) * 9 }, (_, i) => Math.sin(i)),
    ),
    'conv.weight',
  );
  const made = after(b, b.op('Conv', [before(b, x), kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }));
  const outputs = [made].flat().map((value, i) => b.output(value as Value, `out${i}`));
  const symbols = open === undefined ? undefined : new Map([['in', open]]);
  return writeOnnx(b.build(outputs, { symbols }));
}

describe('what is found in a file', () => {
  it('logits, to which an activation is appended', async () => {
    const network = openOnnxNetwork(small(), 'small.onnx');
    expect(network.notes).toEqual([
      "output 'out0' is taken for logits: a softmax is appended",
      'batch normalisation: none in the file (exporters merge it into convolutions)',
    ]);
    const program = await runtime.load(network.write(network.spec, network.weights, {}));
    const { probabilities } = await program.run({
      in: float32(
        [1, 1, 5, 7],
        Array.from({ length: 35 }, (_, i) => i / 35),
      ),
    });
    const { data } = probabilities as NdArray<'float32'>;
    expect(probabilities?.shape).toEqual([1, 2, 5, 7]);
    for (let p = 0; p < 35; p++) expect((data[p] as number) + (data[35 + p] as number)).toBeCloseTo(1, 6);
  });

  it('a sigmoid of one map stays, of several it gives way to a softmax', () => {
    const ending = (classes: number) => {
      const network = openOnnxNetwork(small({ classes, after: (b, x) => b.op('Sigmoid', [x]) }));
      const { operations, outputs } = readSignature(network.write(network.spec, network.weights, {}));
      return [
        network.notes[0],
        [...operations.keys()].filter((op) => op !== 'Conv' && op !== 'Identity'),
        outputs[0]?.name,
      ];
    };
    expect(ending(1).slice(1)).toEqual([['Sigmoid'], 'out0']);
    expect(ending(3)).toEqual([
      'the 3 classes exclude each other from now on: a softmax takes the place of the sigmoid',
      ['Softmax'],
      'probabilities',
    ]);
  });

  it('fixed sizes are opened where nothing depends on them', () => {
    const network = openOnnxNetwork(small());
    expect(network.build(network.spec, [1, 1, 24, 40]).logits.shape).toEqual([1, 2, 24, 40]);
  });

  it('the mean and the deviation of colours are no parameters', () => {
    const before = (b: GraphBuilder, x: Value) =>
      b.div(
        b.sub(x, b.constant(float32([1, 3, 1, 1], [0.4, 0.5, 0.6]), 'mean')),
        b.constant(float32([1, 3, 1, 1], [2, 3, 4]), 'std'),
      );
    const network = openOnnxNetwork(small({ dims: [1, 3, 16, 16], before }));
    expect(Object.keys(network.weights)).toEqual(['conv.weight']);
    expect(() => network.build({ ...network.spec, channels: 1 }, [1, 1, 16, 16])).toThrow(
      /3 channels, which cannot become 1: Sub 'Sub_0' takes the image too\. Use data with 3 channels/,
    );
  });

  it('of several outputs the only map of full size, and not what it makes probabilities of', () => {
    const after = (b: GraphBuilder, x: Value) => [
      b.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] }),
      x,
      b.op('Softmax', [x], { axis: 1 }),
    ];
    const network = openOnnxNetwork(small({ after }));
    expect(network.notes[0]).toBe("output 'out2' is trained and kept; the other 2 are left out");
    expect(readSignature(network.write(network.spec, network.weights, {})).outputs.map(({ name }) => name)).toEqual([
      'out2',
    ]);
  });
});

describe.each(['qdq', 'operators', 'dynamic', 'half'])('a network quantised as %s', (kind) => {
  const network = openOnnxNetwork(new Uint8Array(read(`quantised-${kind}.onnx`)));

  it('is trained in float32, which is said, and written so', async () => {
    expect(network.notes[0]).toMatch(
      kind === 'half' ? /16 bits become float32/ : /quantised operations are computed in/,
    );
    expect(Object.keys(network.weights)).toHaveLength(8);
    const size: Shape4 = [1, 1, 16, 24];
    const step = trainingStep(
      network.build(network.spec, size, { training: true }),
      crossEntropy(),
      sgd({ momentum: 0.9 }),
    );
    const program = await runtime.compile(step.graph, { state: step.state });
    await program.writeState(step.initialState(0, network.weights));
    const image = float32(size, spread(size, -1, 1, 3));
    const sides = [1, 16, 24];
    const labels = ndarray(
      'int32',
      sides,
      Int32Array.from(image.data, (value) => Number(value > 0)),
    );
    const feeds = { image, labels, pixelWeights: ones(sides), learningRate: float32([], [0.2]) };
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) losses.push((await program.run(feeds)).loss?.data[0] as number);
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[0] as number));
    const weights = step.weightsOf(await program.readState(step.weightNames));
    await program.dispose();
    const written = network.write(network.spec, weights, {});
    const again = openOnnxNetwork(written);
    expect(again.notes.join()).not.toMatch(/float32/);
    for (const [name, { data }] of Object.entries(weights)) expect(again.weights[name]?.data).toEqual(data);
  });
});

describe('what cannot be trained is refused, with what would fit', () => {
  const flatten = (b: GraphBuilder, x: Value) => b.op('Flatten', [b.op('GlobalAveragePool', [x])], { axis: 1 });
  const fits = /Use a segmentation network of slices: input float32 \[N, channels, height, width\]/;
  it.each<[string, Parameters<typeof small>[0], RegExp]>([
    [
      'an image classifier',
      { after: flatten },
      /the model classifies whole images \(it gives out0: float32 \[1, 2\]\)/,
    ],
    ['labels', { after: (b, x) => b.op('Cast', [x], { to: 'int64' }) }, /gives out0: int64 .*, no map of classes/],
    [
      'a coarser map',
      { after: (b, x) => b.op('AveragePool', [x], { kernel_shape: [4, 4], strides: [4, 4] }) },
      /gives out0: float32 \[1, 2, 4, 4\] for an image of 16 x 16: coarser than the image.*resolution of its input/,
    ],
    [
      'a size that is written into the network',
      { after: (b, x) => b.reshape(b.reshape(x, [1, 2, 256]), [1, 2, 16, 16]) },
      /is made for images of 16 x 16: Reshape .*Export it with open height and width/,
    ],
    [
      'an operation without a gradient',
      { after: (b, x) => b.op('Cast', [b.op('Cast', [x], { to: 'int32' })], { to: 'float32' }) },
      /cannot be trained: Cast 'Cast_0' makes int32, which has no gradient/,
    ],
    [
      'several maps',
      { after: (_, x) => [x, x] },
      /2 maps that may be classes: out0: .*; out1: .*Choose one with `output`/,
    ],
    ['distances', { after: (b, x) => b.op('Relu', [x]) }, /no map of classes: out0: .*distances or features/],
  ])('%s', (_, options, message) => {
    expect(() => openOnnxNetwork(small(options), 'small.onnx')).toThrow(message);
  });
  it('volumes', () => {
    const b = new GraphBuilder('volumes');
    const x = b.input('in', 'float32', [1, 1, 8, 8, 8]);
    const bytes = writeOnnx(b.build([b.output(b.op('Tanh', [x]), 'out')]));
    expect(() => openOnnxNetwork(bytes, 'v.onnx')).toThrow(/v\.onnx: the model takes volumes/);
    expect(() => openOnnxNetwork(bytes, 'v.onnx')).toThrow(fits);
  });
  it('a classes layer that is none, where the number of classes changes', () => {
    const network = openOnnxNetwork(small({ after: (b, x) => b.op('Tanh', [x]) }));
    expect(() => network.build({ ...network.spec, numClasses: 3 }, [1, 1, 16, 16])).toThrow(
      /2 classes, which cannot become 3: Tanh 'Tanh_0' follows its last convolution/,
    );
  });
  it('a classes layer of which some maps are cut off', () => {
    const network = openOnnxNetwork(small({ classes: 4, after: (b, x) => b.slice(x, [0], [2], [1]) }));
    expect(() => network.build({ ...network.spec, numClasses: 3 }, [1, 1, 16, 16])).toThrow(
      /2 classes, which cannot become 3: some maps of Conv 'Conv_0' are cut off/,
    );
  });
  it('a network without its file', () => {
    const { spec } = openOnnxNetwork(small());
    expect(() => buildNetwork(spec, [1, 1, 16, 16])).toThrow(/the network 'onnx' is in a file, which is missing/);
  });
});
