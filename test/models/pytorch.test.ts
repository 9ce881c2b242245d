import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Shape4, Shape5 } from '../../src/array/ndarray.ts';
import { elementCount, float32, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork, MODELS } from '../../src/models/registry.ts';
import { fanIn } from '../../src/nn/initialise.ts';
import type { Parameter } from '../../src/nn/network.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { cpu } from '../support/run-graph.ts';

/** Every network of the line with its variants, small enough for a test, and those of the papers at full size. */
const LINE: {
  readonly [name: string]: {
    readonly spec: ModelSpec;
    readonly image: Shape4 | Shape5;
    readonly amplitude?: number;
    readonly gain?: number;
  };
} = {
  perceptron: { spec: { name: 'perceptron', channels: 1, numClasses: 1, input: [4, 5] }, image: [3, 1, 4, 5] },
  'perceptron of four classes': {
    spec: { name: 'perceptron', channels: 2, numClasses: 4, input: [3, 3] },
    image: [2, 2, 3, 3],
  },
  mlp: { spec: { name: 'mlp', channels: 1, numClasses: 10, input: [7, 7], hidden: [20, 15] }, image: [2, 1, 7, 7] },
  'mlp with tanh': {
    spec: { name: 'mlp', channels: 3, numClasses: 3, input: [4, 4], hidden: [9], activation: 'tanh' },
    image: [2, 3, 4, 4],
  },
  'mlp with sigmoid': {
    spec: { name: 'mlp', channels: 1, numClasses: 2, input: [5, 4], hidden: [8, 6, 5], activation: 'sigmoid' },
    image: [2, 1, 5, 4],
  },
  // Sides that windows of 11 at steps of 4 cover evenly (71) and do not (64).
  alexnet: {
    spec: { name: 'alexnet', channels: 3, numClasses: 7, input: [64, 71], scale: 0.125 },
    image: [2, 3, 64, 71],
    // As of 255 levels: where response normalisation does something.
    amplitude: 100,
  },
  'alexnet at full size': {
    spec: { name: 'alexnet', channels: 3, numClasses: 1000, input: [224, 224] },
    image: [1, 3, 224, 224],
    amplitude: 100,
    // So that a thousand classes share the probability.
    gain: 1,
  },
  n1: { spec: { name: 'n1', channels: 1, numClasses: 2, baseChannels: 6 }, image: [2, 1, 9, 9] },
  n2: { spec: { name: 'n2', channels: 3, numClasses: 4, baseChannels: 7 }, image: [2, 3, 23, 23] },
  n3: { spec: { name: 'n3', channels: 1, numClasses: 2, baseChannels: 6 }, image: [1, 1, 47, 47] },
  n4: { spec: { name: 'n4', channels: 1, numClasses: 2, baseChannels: 5 }, image: [1, 1, 95, 95] },
  'n4 at full size': { spec: { name: 'n4', channels: 1, numClasses: 2 }, image: [1, 1, 95, 95] },
  unet: { spec: { name: 'unet', channels: 1, numClasses: 3, baseChannels: 4, depth: 2 }, image: [1, 1, 16, 20] },
  'unet of one output, residual, linear': {
    spec: { name: 'unet', channels: 3, numClasses: 1, baseChannels: 5, depth: 3, residual: true, upsampling: 'linear' },
    image: [2, 3, 24, 16],
  },
  'unet with standardised weights, at most 6 channels': {
    spec: { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2, norm: 'weight', maxChannels: 6 },
    image: [1, 1, 20, 16],
  },
  'unet with instance norm, residual': {
    spec: { name: 'unet', channels: 2, numClasses: 2, baseChannels: 4, depth: 2, norm: 'instance', residual: true },
    image: [2, 2, 16, 24],
  },
  'unet3d of slices far apart': {
    spec: {
      name: 'unet3d',
      channels: 2,
      numClasses: 3,
      baseChannels: 3,
      norm: 'weight',
      kernels: [
        [1, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
      factors: [
        [1, 2, 2],
        [2, 2, 2],
      ],
    },
    image: [1, 2, 6, 12, 16],
  },
  unet2015: { spec: { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 2 }, image: [1, 1, 188, 188] },
  'unet2015 at full size': { spec: { name: 'unet2015', channels: 1, numClasses: 2 }, image: [1, 1, 188, 188] },
};

/** What scripts/golden/networks.py wrote, from the files' own weights. */
interface Golden {
  readonly [name: string]: { readonly shape: Shape; readonly values: readonly number[] };
}
const FILE = new URL('../golden/networks.json', import.meta.url);

function filled(shape: Shape, at: (i: number) => number): NdArray<'float32'> {
  return float32(
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => at(i)),
  );
}

/** Weights large enough that every layer shows in the output. */
function weights(parameters: readonly Parameter[], gain = 1.4): { [name: string]: NdArray } {
  return Object.fromEntries(
    parameters.map(({ value: { name, shape } }, k) => {
      const scale = name.endsWith('/weight') ? gain * Math.sqrt(2 / fanIn(shape)) : 0.2;
      // Of normalisation and standardisation.
      const middle = /\/(scale|gain)$/.test(name) ? 1 : 0;
      return [name, filled(shape, (i) => middle + scale * Math.sin(0.37 * (i + 1) + 0.0013 * i * i + k))];
    }),
  );
}

const image = ({ image: shape, amplitude = 2 }: (typeof LINE)[string]): NdArray<'float32'> =>
  filled(shape, (i) => amplitude * Math.sin(0.7 * i + 0.0011 * i * i));

function fileOf({ spec, image: shape, gain }: (typeof LINE)[string]): Uint8Array {
  const { parameters } = buildNetwork(spec, shape);
  return writeOnnx(exportNetwork(spec, weights(parameters, gain)), { metadata: { network: JSON.stringify(spec) } });
}

// For scripts/golden/networks.py: the files whose weights it reads.
const out = process.env.NETWORKS_OUT;
if (out !== undefined) {
  mkdirSync(out, { recursive: true });
  for (const [name, item] of Object.entries(LINE)) {
    writeFileSync(join(out, `${name}.onnx`), fileOf(item));
    writeFileSync(join(out, `${name}.json`), JSON.stringify({ amplitude: 2, ...item }));
  }
}

describe.skipIf(out !== undefined)("PyTorch with the exported file's weights gives the same probabilities", () => {
  test.each(Object.entries(LINE))('%s', async (name, item) => {
    const golden = (JSON.parse(readFileSync(FILE, 'utf8')) as { readonly networks: Golden }).networks[name];
    const bytes = fileOf(item);
    const [input] = readSignature(bytes).inputs;
    const program = await (await cpu()).load(bytes);
    const { probabilities } = await program.run({ [input?.name ?? '']: image(item) });
    await program.dispose();
    expect(probabilities?.shape).toEqual(golden?.shape);
    const found = probabilities?.data as Float32Array;
    // The script keeps every n-th value of large maps.
    const every = Math.ceil(found.length / 400);
    const shown = found.filter((_, i) => i % every === 0);
    expect(Math.max(...shown) - Math.min(...shown), 'it says something').toBeGreaterThan(0.01);
    // float32 through up to 23 layers against float64.
    expectAllClose(shown, golden?.values ?? [], { rtol: 1e-4, atol: 1e-5 });
    // AlexNet's file is 244 MB.
  });
});

test('every network is here', () => {
  // filter-bank.test.ts compares the filters with exact derivatives; what is trained of it is an mlp.
  const others = Object.keys(MODELS).filter((name) => name !== 'filter-bank');
  expect(new Set(Object.values(LINE).map(({ spec }) => spec.name))).toEqual(new Set(others));
});
