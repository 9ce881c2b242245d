import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { START, StripNetwork } from '../../src/graph/strips.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { CompileOptions, Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { randomModel } from '../support/random-model.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

const random = stream(3, 'strips');
const noise = (shape: readonly number[]): NdArray<'float32'> => {
  const array = float32(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = random.normal();
  return array;
};

const unet = (spec: Omit<ModelSpec, 'name' | 'channels' | 'numClasses'>) => (shape: readonly number[]) =>
  readOnnx(randomModel({ name: 'unet', channels: 1, numClasses: 2, ...spec } as ModelSpec), {
    shapes: { image: shape },
  });

/** A graph of one chain of operations. */
const chain =
  (...steps: ((b: GraphBuilder, x: Value) => Value)[]) =>
  (shape: readonly number[]): Graph => {
    const b = new GraphBuilder('chain');
    const image = b.input('image', 'float32', shape);
    return b.build([
      b.output(
        steps.reduce((x, step) => step(b, x), image),
        'y',
      ),
    ]);
  };

const conv =
  (
    channels: number,
    kernel: number,
    attributes: { readonly strides?: number[]; readonly dilations?: number[]; readonly pads?: number[] },
  ) =>
  (b: GraphBuilder, x: Value): Value =>
    b.op('Conv', [x, b.constant(noise([channels, x.shape[1], kernel, kernel]))], attributes);
const transposed = (b: GraphBuilder, x: Value): Value =>
  b.op('ConvTranspose', [x, b.constant(noise([x.shape[1], 3, 2, 2]))], { strides: [2, 2], kernel_shape: [2, 2] });
const same = (pad: number) => ({ pads: [pad, pad, pad, pad] });

const NETWORKS: readonly (readonly [name: string, multiple: number, graph: (shape: readonly number[]) => Graph])[] = [
  ['U-Net, depth 2', 4, unet({ baseChannels: 4, depth: 2, norm: 'none' })],
  ['U-Net, depth 3, residual', 8, unet({ baseChannels: 4, depth: 3, residual: true, norm: 'none' })],
  ['U-Net, in blocks of channels', 4, unet({ baseChannels: 16, depth: 2, norm: 'none' })],
  ['dilated', 1, chain(conv(3, 3, { ...same(2), dilations: [2, 2] }), conv(2, 5, same(2)))],
  ['unpadded', 1, chain(conv(3, 3, {}), conv(2, 3, {}))],
  [
    'strided, and enlarged again',
    2,
    chain(conv(4, 3, { ...same(1), strides: [2, 2] }), transposed, conv(2, 3, same(1))),
  ],
];

/** The output strip by strip. @param heights of the strips, the last as high as is left */
async function byStrips(
  graph: Graph,
  image: NdArray,
  network: StripNetwork,
  heights: number[],
  options: CompileOptions,
) {
  const [, , height, width] = image.shape as readonly [number, number, number, number];
  const [, classes, rowsOut, columns] = graph.outputs[0].shape as readonly [number, number, number, number];
  const result = float32([1, classes, rowsOut, columns]);
  let progress = START;
  let carried: { readonly [output: string]: NdArray } = {};
  for (let at = 0; at < height; ) {
    const rows = Math.min(heights.shift() ?? height, height - at);
    const added = { rows, isLast: at + rows === height };
    const after = network.advance(progress, added);
    if (after === undefined) return undefined;
    const strip = network.strip(progress, after, added);
    const program = await runtime.compile(strip.graph, { ...options, carried: strip.carriedNames });
    const feeds: { [input: string]: NdArray } = {
      image: float32([1, 1, rows, width], image.data.slice(at * width, (at + rows) * width) as Float32Array),
    };
    for (const [input, output] of strip.carried) feeds[input] = carried[output] as NdArray;
    carried = await program.run(feeds);
    await program.dispose();
    const { from, to } = network.rowsOf(progress, after);
    const given = carried[graph.outputs[0].name];
    expect(given?.shape[2] ?? 0).toBe(to - from);
    for (let c = 0; c < classes; c++) {
      const part = (given?.data ?? []).slice(c * (to - from) * columns, (c + 1) * (to - from) * columns);
      result.data.set(part as Float32Array, (c * rowsOut + from) * columns);
    }
    progress = after;
    at += rows;
  }
  return result;
}

describe('a network by strips gives what it gives for the whole image', () => {
  for (const [name, multiple, graphOf] of NETWORKS) {
    test(`${name}: any strips, in the reference's order of summation`, async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 10, max: 24 }),
          fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
          async (height, heights) => {
            const image = noise([1, 1, 8 * height, 16]);
            const graph = graphOf(image.shape);
            const network = StripNetwork.of(graph, { multiple, rows: 64 }) as StripNetwork;
            const rows = heights.map((each, i) => 8 * (i === 0 ? each + 8 : each));
            const strips = await byStrips(graph, image, network, rows, { exact: true });
            if (strips === undefined) return;
            compared++;
            const program = await runtime.compile(graph, { exact: true });
            const whole = Object.values(await program.run({ image }))[0] as NdArray;
            await program.dispose();
            expectAllClose(strips.data, whole.data, { rtol: 0, atol: 1e-5 });
          },
        ),
        { numRuns: 5, seed: 2 },
      );
      expect(compared).toBeGreaterThan(2);
    });
  }

  test('in blocks of channels, with weights in another form, and what is carried in that of the device', async () => {
    const image = noise([1, 1, 320, 64]);
    const graph = unet({ baseChannels: 16, depth: 2, norm: 'none' })(image.shape);
    const network = StripNetwork.of(graph, { multiple: 4, rows: 64 }) as StripNetwork;
    const strips = await byStrips(graph, image, network, [64, 64, 64, 64], {});
    const program = await runtime.compile(graph, { exact: true });
    const whole = Object.values(await program.run({ image }))[0] as NdArray;
    await program.dispose();
    expectAllClose((strips as NdArray).data, whole.data, { rtol: 0, atol: 2e-6 });
  });
});

test('every row is computed once, but for those that are so few that carrying them would cost more', () => {
  const graph = unet({ baseChannels: 4, depth: 2, norm: 'none' })([1, 1, 512, 16]);
  const network = StripNetwork.of(graph, { multiple: 4, rows: 128 }) as StripNetwork;
  const rowsOf = ({ nodes }: Graph) =>
    nodes.filter(({ op }) => op === 'Conv').reduce((sum, { outputs }) => sum + (outputs[0].shape[2] as number), 0);
  let progress = START;
  let rows = 0;
  for (let i = 0; i < 4; i++) {
    const added = { rows: 128, isLast: i === 3 };
    const after = network.advance(progress, added);
    if (after === undefined) throw new Error('a map gets no row');
    rows += rowsOf(network.strip(progress, after, added).graph);
    progress = after;
  }
  expect(rows / rowsOf(graph)).toBeGreaterThanOrEqual(1);
  expect(rows / rowsOf(graph)).toBeLessThan(1.01);
});

describe('no strips', () => {
  test.each([
    ['of a network that looks at the whole image', unet({ baseChannels: 4, depth: 2, norm: 'instance' })],
    ['of rows that depend on their place', chain((b, x) => b.op('Transpose', [x], { perm: [0, 1, 3, 2] }))],
  ])('%s', (_, graphOf) => {
    expect(StripNetwork.of(graphOf([1, 1, 64, 64]), { multiple: 4, rows: 64 })).toBeUndefined();
  });

  test('where a map would get no row', () => {
    const graph = unet({ baseChannels: 4, depth: 2, norm: 'none' })([1, 1, 64, 16]);
    const network = StripNetwork.of(graph, { multiple: 4, rows: 64 });
    expect(network?.advance(START, { rows: 4, isLast: false })).toBeUndefined();
  });
});
