import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementCount, float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { denseGraph } from '../../src/predict/dense.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { cpu, runGraph } from '../support/run-graph.ts';

type Size = readonly [number, number];

function noise(shape: readonly number[], seed: number, scale = 1): NdArray<'float32'> {
  const random = stream(seed, 'noise');
  const array = float32(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = scale * random.between(-1, 1);
  return array;
}

/** All patches of an image [1, C, H, W] one after another, [places, C, h, w]; of even windows not the last. */
function patchesOf({ shape, data }: NdArray<'float32'>, [h, w]: Size): NdArray<'float32'> {
  const [, channels, height, width] = shape as readonly [number, number, number, number];
  const rows = height - 2 * Math.floor(h / 2);
  const columns = width - 2 * Math.floor(w / 2);
  const out = float32([rows * columns, channels, h, w]);
  let k = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < h; i++) {
          for (let j = 0; j < w; j++) out.data[k++] = data[(c * height + y + i) * width + x + j] as number;
        }
      }
    }
  }
  return out;
}

/** [places, classes] as [classes, places]. */
function transposed({ shape, data }: NdArray): Float32Array {
  const [places, classes] = [shape[0] as number, elementCount(shape.slice(1))];
  const out = new Float32Array(data.length);
  for (let p = 0; p < places; p++)
    for (let c = 0; c < classes; c++) out[c * places + p] = Number(data[p * classes + c]);
  return out;
}

/** Runs the network patch by patch and all at once. */
async function bothWays(make: (batch: number) => Graph, window: Size, size: Size, seed: number) {
  const channels = (make(1).inputs[0] as Value).shape[1] as number;
  const image = noise([1, channels, ...size], seed);
  const patches = patchesOf(image, window);
  const dense = denseGraph(make(1), { size });
  checkGraph(dense);
  const [one, all] = [
    await runGraph(make(patches.shape[0] as number), { image: patches }),
    await runGraph(dense, { image }),
  ];
  return { dense, patchwise: transposed(one.y as NdArray), atOnce: (all.y as NdArray).data as Float32Array };
}

describe('by hand', () => {
  /** Windows of 5 x 3: maxima of 2 x 2, of which the last row and column are left out, times 1 and 10. */
  const make = (batch: number): Graph => {
    const b = new GraphBuilder('tiny');
    const x = b.input('image', 'float32', [batch, 1, 5, 3]);
    const pooled = b.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    const flat = b.op('Flatten', [pooled], { axis: 1 });
    const y = b.op('Gemm', [flat, b.constant(float32([2, 1], [1, 10])), b.constant(float32([1], [0.5]))]);
    return b.build([b.output(y, 'y')]);
  };

  it('a row of rising numbers', async () => {
    // Image 6 x 4: element (y, x) is 10 y + x. Windows of odd sides fit at 2 x 2 places.
    const image = float32(
      [1, 1, 6, 4],
      Array.from({ length: 24 }, (_, i) => 10 * Math.floor(i / 4) + (i % 4)),
    );
    const { y } = await runGraph(denseGraph(make(1), { size: [6, 4] }), { image });
    // At (0, 0): maxima 11 and 31, so 11 + 310 + 0.5.
    expect(y?.shape).toEqual([1, 1, 2, 2]);
    expect(Array.from(y?.data as Float32Array)).toEqual([321.5, 332.5, 431.5, 442.5]);
  });

  it('strides become dilations', () => {
    const { nodes } = denseGraph(make(1));
    expect(nodes.map(({ op, attributes }) => [op, (attributes as { dilations?: unknown }).dilations])).toEqual([
      ['MaxPool', undefined],
      ['Conv', [2, 2]],
      ['Slice', undefined],
      ['Identity', undefined],
    ]);
  });

  it('written to a file it takes any size', async () => {
    const program = await (await cpu()).load(writeOnnx(denseGraph(make(1))));
    for (const size of [
      [5, 3],
      [9, 20],
    ] as const) {
      const image = noise([1, 1, ...size], 7);
      const { y } = await program.run({ image });
      const expected = await runGraph(denseGraph(make(1), { size }), { image });
      expect(y?.shape).toEqual([1, 1, size[0] - 4, size[1] - 2]);
      expectAllClose(y?.data as Float32Array, expected.y?.data as Float32Array, { atol: 1e-6 });
    }
    await program.dispose();
  });
});

/** One layer of a random network; sizes that do not fit are cut down to what does. */
const layer = fc.oneof(
  fc.record({
    kind: fc.constant('conv' as const),
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    channels: fc.integer({ min: 1, max: 4 }),
    grouped: fc.boolean(),
    activation: fc.constantFrom('Relu', 'Tanh', 'Sigmoid', 'none'),
  }),
  fc.record({
    kind: fc.constantFrom('max' as const, 'mean' as const),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    stride: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constant('crop' as const),
    start: fc.integer({ min: 0, max: 2 }),
    end: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({ kind: fc.constantFrom('branch' as const, 'residual' as const, 'norm' as const, 'lrn' as const) }),
);

const network = fc.record({
  window: fc.tuple(fc.integer({ min: 4, max: 14 }), fc.integer({ min: 4, max: 14 })),
  more: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
  channels: fc.integer({ min: 1, max: 2 }),
  layers: fc.array(layer, { minLength: 1, maxLength: 5 }),
  end: fc.constantFrom('dense' as const, 'matmul' as const, 'average' as const, 'conv' as const),
  classes: fc.integer({ min: 1, max: 3 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

type Drawn = typeof network extends fc.Arbitrary<infer T> ? T : never;

function build({ window, channels, layers, end, classes, seed }: Drawn, batch: number): Graph {
  const b = new GraphBuilder('random');
  let x = b.input('image', 'float32', [batch, channels, ...window]);
  let drawn = seed;
  const weight = (...shape: number[]) => b.constant(noise(shape, drawn++, 1 / Math.sqrt(elementCount(shape.slice(1)))));
  const sides = (): Size => x.shape.slice(2) as unknown as Size;
  const width = (): number => x.shape[1] as number;
  const conv = (from: Value, outputs: number, kernel: Size, { stride = 1, dilation = 1, group = 1 } = {}) =>
    b.op('Conv', [from, weight(outputs, (from.shape[1] as number) / group, ...kernel), weight(outputs)], {
      kernel_shape: kernel,
      strides: [stride, stride],
      dilations: [dilation, dilation],
      group,
    });
  for (const drawnLayer of layers) {
    switch (drawnLayer.kind) {
      case 'conv': {
        const { stride, dilation, activation } = drawnLayer;
        const kernel = drawnLayer.kernel.map((k, i) => Math.min(k, Math.ceil((sides()[i] as number) / dilation))) as [
          number,
          number,
        ];
        const group = drawnLayer.grouped ? width() : 1;
        const y = conv(x, drawnLayer.channels * group, kernel, { stride, dilation, group });
        x = activation === 'none' ? y : b.op(activation as 'Relu', [y]);
        break;
      }
      case 'max':
      case 'mean': {
        const kernel = drawnLayer.kernel.map((k, i) => Math.min(k, sides()[i] as number));
        const strides = [drawnLayer.stride, drawnLayer.stride];
        x = b.op(drawnLayer.kind === 'max' ? 'MaxPool' : 'AveragePool', [x], { kernel_shape: kernel, strides });
        break;
      }
      case 'crop': {
        const { start, end: cut } = drawnLayer;
        if (Math.min(...sides()) > start + cut) {
          const ends = cut === 0 ? [1e9, 1e9] : [-cut, -cut];
          x = b.slice(x, [start, start], ends, [2, 3]);
        }
        break;
      }
      case 'branch':
        if (Math.min(...sides()) >= 2) {
          // One branch is longer than the other: the strides of both drop other rests.
          const first = b.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
          const second = conv(x, 2, [1, 1], { stride: 2 });
          const short = b.slice(second, [0, 0], first.shape.slice(2), [2, 3]);
          x = b.op('Concat', [first, short], { axis: 1 });
        }
        break;
      case 'residual':
        x = b.add(b.mul(conv(x, width(), [1, 1]), weight(1, width(), 1, 1)), x);
        break;
      case 'norm':
        x = b.op('BatchNormalization', [
          x,
          weight(width()),
          weight(width()),
          weight(width()),
          b.constant(float32([width()], new Float32Array(width()).fill(0.7))),
        ]);
        break;
      case 'lrn':
        x = b.op('LRN', [x], { size: 3, alpha: 0.3, beta: 0.75, bias: 2 });
        break;
    }
  }
  if (end === 'conv') x = b.op('Sigmoid', [conv(x, classes, sides())]);
  else {
    if (end === 'average') x = b.op('GlobalAveragePool', [x]);
    const inputs = elementCount(x.shape.slice(1));
    const flat = end === 'matmul' ? b.reshape(x, [batch, inputs]) : b.op('Flatten', [x], { axis: 1 });
    const hidden =
      end === 'matmul'
        ? b.add(b.op('MatMul', [flat, weight(inputs, 5)]), weight(5))
        : b.op('Gemm', [flat, weight(5, inputs), weight(5)], { transB: 1, alpha: 0.5, beta: 2 });
    const scores = b.op('Gemm', [b.op('Tanh', [hidden]), weight(5, classes), weight(classes)]);
    x = b.op('Softmax', [scores], { axis: -1 });
  }
  return b.build([b.output(x, 'y')]);
}

describe('random networks', () => {
  it('give the same at every pixel as patch by patch', async () => {
    await fc.assert(
      fc.asyncProperty(network, async (drawn) => {
        const { window, more, seed } = drawn;
        const size: Size = [window[0] + more[0], window[1] + more[1]];
        const { patchwise, atOnce } = await bothWays((batch) => build(drawn, batch), window, size, seed);
        // Values are below 10; what differs is the order of sums of up to a few hundred products.
        expectAllClose(atOnce, patchwise, { atol: 1e-5 });
      }),
      { numRuns: 300, seed: 20120 },
    );
  });

  it('also out of a file', async () => {
    const make = (): Graph => build({ ...(fc.sample(network, { seed: 3, numRuns: 1 })[0] as Drawn), end: 'dense' }, 1);
    const read = readOnnx(writeOnnx(make()));
    expect(denseGraph(read).nodes.map(({ op }) => op)).toEqual(denseGraph(make()).nodes.map(({ op }) => op));
  });
});

describe('what cannot be evaluated at once is refused by name', () => {
  const refused = (body: (b: GraphBuilder, x: Value) => Value): (() => Graph) => {
    const b = new GraphBuilder('refused');
    const x = b.input('image', 'float32', [1, 2, 8, 8]);
    const y = body(b, x);
    const graph = b.build([b.output(b.op('GlobalAveragePool', [y]), 'y')]);
    return () => denseGraph(graph);
  };
  const kernel = (b: GraphBuilder) => b.constant(noise([2, 2, 3, 3], 1));

  it('padding', () => {
    expect(refused((b, x) => b.op('Conv', [x, kernel(b)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }))).toThrow(
      /Conv 'Conv_0' pads every patch at its border.*Evaluate it patch by patch/,
    );
  });
  it('a pool that reaches beyond the patch', () => {
    expect(refused((b, x) => b.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [3, 3], ceil_mode: 1 }))).toThrow(
      /MaxPool 'MaxPool_0' reaches beyond the patch/,
    );
  });
  it('statistics of a patch', () => {
    const ones = (b: GraphBuilder) => b.constant(float32([2], [1, 1]));
    expect(refused((b, x) => b.op('InstanceNormalization', [x, ones(b), ones(b)]))).toThrow(/InstanceNormalization/);
  });
  it('a scale for each pixel of a patch, as foveation has', () => {
    expect(refused((b, x) => b.mul(x, b.constant(noise([1, 1, 8, 8], 2))))).toThrow(
      /Mul 'Mul_0' takes a constant that is not the same for every pixel of a patch/,
    );
  });
  it('maps of different resolution', () => {
    expect(
      refused((b, x) => {
        const half = b.op('MaxPool', [x], { kernel_shape: [1, 1], strides: [2, 2] });
        return b.add(half, b.slice(x, [2, 2], [6, 6], [2, 3]));
      }),
    ).toThrow(/Add 'Add_0' joins maps of different resolution/);
  });
  it('a network of whole images', () => {
    const b = new GraphBuilder('unet');
    const x = b.input('image', 'float32', [1, 1, 8, 8]);
    const graph = b.build([b.output(b.op('Relu', [x]), 'y')]);
    expect(() => denseGraph(graph)).toThrow(/no classifier of patches/);
  });
});
