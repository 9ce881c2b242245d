import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { elementCount, float32, type NdArray, ndarray, type Shape, type Shape4 } from '../../src/array/ndarray.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { planUnet3d, unet3d } from '../../src/models/unet3d.ts';
import { fanIn } from '../../src/nn/initialise.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import type { Network, Parameter } from '../../src/nn/network.ts';
import { sgd } from '../../src/nn/optimizers/sgd.ts';
import { trainingStep } from '../../src/train/step.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { cpu, runGraph } from '../support/run-graph.ts';

/** What scripts/golden/unet.py wrote. */
interface Golden {
  readonly image: Shape;
  readonly rate: number;
  readonly logits: { readonly shape: Shape; readonly values: number[] };
  readonly losses: number[];
  readonly gradients: {
    readonly [parameter: string]: {
      readonly shape: number[];
      readonly head: number[];
      readonly sum: number;
      readonly norm: number;
    };
  };
}

const golden = JSON.parse(readFileSync(new URL('../golden/unet.json', import.meta.url), 'utf8')) as {
  readonly [name: string]: Golden;
};

function filled(shape: Shape, at: (i: number) => number): NdArray<'float32'> {
  return float32(
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => at(i)),
  );
}

/** The script's weights. */
function weights(parameters: readonly Parameter[]): { [name: string]: NdArray } {
  return Object.fromEntries(
    parameters.map(({ value: { name, shape } }, k) => {
      const inputs = name.includes('up/weight') && shape[2] === 2 ? (shape[0] as number) : fanIn(shape);
      const scale = name.endsWith('/weight') ? Math.sqrt(2 / inputs) * 1.4 : 0.1;
      const offset = name.endsWith('/gain') || name.endsWith('/scale') ? 1 : 0;
      return [name, filled(shape, (i) => offset + scale * Math.sin(0.37 * (i + 1) + 0.0013 * i * i + k))];
    }),
  );
}

function feeds({ masks, input, logits }: Network): { [name: string]: NdArray } {
  const shape = logits.shape.filter((_, axis) => axis !== 1);
  return {
    image: filled(input.shape, (i) => Math.sin(0.05 * i) + 0.5 * Math.sin(0.013 * i * i)),
    labels: ndarray(
      'int32',
      shape,
      Int32Array.from({ length: elementCount(shape) }, (_, i) => (Math.floor(i / 3) + Math.floor(i / 50)) % 2),
    ),
    pixelWeights: filled(shape, (i) => 0.5 + (i % 3)),
    ...Object.fromEntries(
      masks.map(({ value }, k) => [value.name, filled(value.shape, (i) => ((i + k + 3) % 3 === 0 ? 0 : 2))]),
    ),
  };
}

type Build = (shape: Shape) => Network;

const byName =
  (spec: ModelSpec): Build =>
  (shape) =>
    buildNetwork(spec, shape as Shape4, { training: true });

const NETWORKS: { readonly [name: string]: Build } = {
  unet: byName({ name: 'unet', channels: 1, numClasses: 1, baseChannels: 4, depth: 3 }),
  'unet linear residual instance': byName({
    name: 'unet',
    channels: 1,
    numClasses: 2,
    baseChannels: 4,
    depth: 2,
    norm: 'instance',
    residual: true,
    upsampling: 'linear',
  }),
  'unet weight': byName({ name: 'unet', channels: 2, numClasses: 1, baseChannels: 4, depth: 3, norm: 'weight' }),
  unet3d: (shape) => {
    const spec = { channels: 1, numClasses: 2, baseChannels: 3, norm: 'weight' } as const;
    const { kernels, factors } = planUnet3d([3, 1, 1], [8, 17, 17]);
    expect(factors).toEqual([
      [1, 2, 2],
      [2, 2, 2],
    ]);
    return unet3d({ ...spec, kernels, factors }, shape as Parameters<typeof unet3d>[1], { training: true });
  },
  unet2015: byName({ name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 4 }),
};

describe.each(Object.entries(NETWORKS))('%s equals PyTorch', (name, network) => {
  const expected = golden[name] as Golden;
  const build = () => network(expected.image);

  test('in its logits and gradients', async () => {
    const network = build();
    const { builder, logits, parameters } = network;
    const names = parameters.map(({ value }) => value.name).sort();
    expect(names).toEqual(Object.keys(expected.gradients).sort());
    const inputs = feeds(network);
    const target = {
      labels: builder.input('labels', 'int32', (inputs.labels as NdArray).shape),
      weights: builder.input('pixelWeights', 'float32', (inputs.labels as NdArray).shape),
    };
    const loss = builder.output(crossEntropy()(builder, logits, target), 'loss');
    const graph = builder.build([loss, builder.output(logits, 'logits')]);
    const values = parameters.map(({ value }) => value);
    const out = await runGraph(gradient(graph, loss, values), { ...inputs, ...weights(parameters) });

    // float32 through up to 23 convolutions against float64
    const largest = Math.max(...expected.logits.values.map(Math.abs));
    expect(out.logits?.shape).toEqual(expected.logits.shape);
    expectAllClose(out.logits?.data as Float32Array, expected.logits.values, { rtol: 1e-5, atol: 1e-5 * largest });
    const largestNorm = Math.max(...Object.values(expected.gradients).map(({ norm }) => norm));
    for (const { name: parameter } of values) {
      const { shape, head, sum, norm } = expected.gradients[parameter] as Golden['gradients'][string];
      const d = out[`d_${parameter}`] as NdArray<'float32'>;
      expect(d.shape).toEqual(shape);
      // Sums of many products that cancel (before a normalisation nearly to 0): compared with the largest gradient.
      const tolerance = { rtol: 1e-4, atol: 2e-5 * norm + 1e-6 * largestNorm };
      expectAllClose(d.data.slice(0, 4), head, tolerance);
      expectAllClose([d.data.reduce((s, g) => s + g, 0)], [sum], {
        rtol: 1e-4,
        atol: 1e-4 * norm + 1e-6 * largestNorm,
      });
      expectAllClose([Math.sqrt(d.data.reduce((s, g) => s + g * g, 0))], [norm], tolerance);
    }
  });

  test('in the losses of five steps', async () => {
    const network = build();
    const step = trainingStep(network, crossEntropy(), sgd());
    const program = await (await cpu()).compile(step.graph, { state: step.state });
    await program.writeState({ ...step.initialState(0), ...weights(network.parameters) });
    const losses: number[] = [];
    for (const _ of expected.losses) {
      const { loss } = await program.run({ ...feeds(network), learningRate: float32([], [expected.rate]) });
      losses.push(loss?.data[0] as number);
    }
    await program.dispose();
    // Steps amplify rounding; five of them leave four digits.
    expectAllClose(losses, expected.losses, { rtol: 2e-4 });
  });
});
