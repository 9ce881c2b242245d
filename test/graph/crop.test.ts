import { beforeAll, describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { graphMacs } from '../../src/graph/analysis/cost.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { cropOutput } from '../../src/graph/crop.ts';
import type { Graph } from '../../src/graph/ir.ts';
import { predictionGraph } from '../../src/models/prediction.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { haloOf } from '../../src/train/model-file.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});

/** The only output of a graph for random inputs, each drawn by its name. */
async function outputOf(graph: Graph): Promise<NdArray> {
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const random = stream(7, name);
      const array = float32(shape);
      for (let i = 0; i < array.data.length; i++) array.data[i] = random.between(-0.2, 0.2);
      return [name, array];
    }),
  );
  const program = await runtime.compile(graph, {});
  const [output] = Object.values(await program.run(feeds)) as [NdArray];
  await program.dispose();
  return output;
}

function middleOf({ shape, data }: NdArray, margin: number): number[] {
  const [n, c, height, width] = shape as readonly [number, number, number, number];
  const middle: number[] = [];
  for (let plane = 0; plane < n * c; plane++)
    for (let y = margin; y < height - margin; y++)
      for (let x = margin; x < width - margin; x++) middle.push(Number(data[(plane * height + y) * width + x]));
  return middle;
}

async function expectMiddle(whole: Graph, cropped: ReturnType<typeof cropOutput>): Promise<void> {
  const [all, part] = [await outputOf(whole), await outputOf(cropped.graph)];
  const { margin } = cropped;
  expect(part.shape).toEqual(all.shape.map((size, i) => (i < 2 ? size : size - 2 * margin)));
  expectAllClose(part.data as Float32Array, middleOf(all, margin), { rtol: 0, atol: 1e-6 });
}

describe('the middle of a U-Net', () => {
  const unet = { name: 'unet', channels: 2, numClasses: 3, baseChannels: 8, depth: 2, norm: 'none' } as const;

  test.each([
    ['plain', unet, 0.8],
    ['residual', { ...unet, residual: true }, 0.8],
    ['with channels that do not fill blocks', { ...unet, baseChannels: 6 }, 0.8],
    // Only the layers after the last interpolation, which is not cropped.
    ['interpolating linearly', { ...unet, upsampling: 'linear' }, 0.9],
  ] as const)('%s: the same numbers for fewer products', async (_, spec, share) => {
    const graph = predictionGraph(spec, [2, 2, 88, 104]);
    const halo = haloOf(spec) as number;
    const cropped = cropOutput(graph, halo);
    expect(cropped.margin).toBe(halo);
    expect(graphMacs(cropped.graph) / graphMacs(graph)).toBeLessThan(share);
    await expectMiddle(graph, cropped);
  });

  test('normalised over the whole tile: what comes after the last normalisation alone', async () => {
    const graph = predictionGraph({ ...unet, norm: 'instance' }, [1, 2, 64, 64]);
    await expectMiddle(graph, cropOutput(graph, 20));
  });

  test('of 2015: nothing to leave out, nothing changes', () => {
    const graph = predictionGraph({ name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 2 }, [1, 1, 188, 188]);
    const { graph: same, margin } = cropOutput(graph, 0);
    expect([margin, same.nodes.length]).toEqual([0, graph.nodes.length]);
  });
});

describe('ops in the way', () => {
  const built = (
    make: (b: GraphBuilder, x: ReturnType<GraphBuilder['input']>) => ReturnType<GraphBuilder['input']>,
  ) => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 1, 24, 24]);
    return b.build([b.output(make(b, x), 'y')]);
  };
  const kernel = (size: number) =>
    float32(
      [1, 1, size, size],
      Array.from({ length: size * size }, (_, i) => i + 1),
    );

  test('a strided convolution and the mean of all pixels need everything', async () => {
    const graph = built((b, x) => {
      const same = b.op('Conv', [x, b.constant(kernel(3))], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
      return b.add(same, b.op('ReduceMean', [same, b.ints([2, 3])], { keepdims: 1 }));
    });
    const cropped = cropOutput(graph, 6);
    expect(cropped.margin).toBe(6);
    await expectMiddle(graph, cropped);
  });

  test.each([
    ['wide kernels', { kernel_shape: [5, 5], pads: [2, 2, 2, 2] }, 5],
    ['dilated kernels', { kernel_shape: [3, 3], dilations: [3, 3], pads: [3, 3, 3, 3] }, 3],
    ['kernels padded on one side', { kernel_shape: [2, 2], pads: [0, 0, 1, 1] }, 2],
  ])('%s', async (_, attributes, size) => {
    const graph = built((b, x) =>
      b.op('Conv', [b.op('Relu', [b.op('Conv', [x, b.constant(kernel(size))], attributes)]), b.constant(kernel(3))], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
      }),
    );
    await expectMiddle(graph, cropOutput(graph, 7));
  });
});
