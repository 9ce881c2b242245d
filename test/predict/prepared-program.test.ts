import { describe, expect, it } from 'vitest';
import { float32, type NdArray, type Shape, type Shape4 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { DeviceError } from '../../src/errors.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { InputSpec } from '../../src/input/normalise.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { MiddleProgram } from '../../src/predict/model.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictPage } from '../../src/predict/predict.ts';
import { PreparedProgram } from '../../src/predict/prepared-program.ts';
import type { Feeds, Runtime } from '../../src/runtime/runtime.ts';
import type { Recipe } from '../../src/train/config.ts';
import { modelWriter } from '../../src/train/model-file.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { middleOf } from '../support/middle-of.ts';

function weightsOf(spec: ModelSpec): Record<string, NdArray> {
  const { parameters } = buildNetwork(spec, [1, 1, 64, 64]);
  const weights: Record<string, NdArray> = {};
  for (const [i, { value, initialise }] of parameters.entries()) {
    weights[value.name] = initialise(value.shape, stream(3, 'weights', 0, i));
  }
  return weights;
}

const fileOf = (spec: ModelSpec): Uint8Array => writeOnnx(exportNetwork(spec, weightsOf(spec)));

async function opened(runtime: Runtime, spec: ModelSpec) {
  const bytes = fileOf(spec);
  const file = await runtime.load(bytes);
  const [name, output] = [file.inputs[0]?.name as string, file.outputs[0]?.name as string];
  return { program: new PreparedProgram(runtime, bytes, file, name), name, output };
}

function noise(n: number, height: number, width: number): NdArray<'float32'> {
  const image = float32([n, 1, height, width]);
  const random = stream(2, 'noise');
  for (let i = 0; i < image.data.length; i++) image.data[i] = random.normal();
  return image;
}

const UNET = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 2, norm: 'none' } as const;
const SPECS: readonly ModelSpec[] = [
  UNET,
  { ...UNET, norm: 'instance', residual: true },
  { ...UNET, norm: 'weight', upsampling: 'linear', numClasses: 3 },
  { ...UNET, baseChannels: 12 },
];

it('gives the same probabilities compiled as from the file', async () => {
  const runtime = await openRuntime({ device: 'cpu' });
  for (const spec of SPECS) {
    const { program, name, output } = await opened(runtime, spec);
    for (const [n, height, width] of [
      [1, 64, 96],
      [2, 32, 32],
      [1, 48, 64],
    ] as const) {
      const image = noise(n, height, width);
      const before = (await program.run({ [name]: image }))[output];
      await program.prepare(image.shape, 2000);
      const after = (await program.run({ [name]: image }))[output];
      // Winograd F(6,3): 1e-6 of the largest value a layer; probabilities are below 1.
      expectAllClose(after?.data as Float32Array, before?.data as Float32Array, { rtol: 0, atol: 1e-5 });
    }
    await program.dispose();
  }
  await runtime.dispose();
});

it('compiles once enough pixels of a shape are to come, and keeps two shapes', async () => {
  const runtime = await openRuntime({ device: 'cpu' });
  const compiled: string[] = [];
  const counting: Runtime = {
    ...runtime,
    load: (bytes) => runtime.load(bytes),
    compile: (graph, options) => {
      compiled.push(graph.inputs[0]?.shape.join() as string);
      return runtime.compile(graph, options);
    },
  };
  const { program } = await opened(counting, UNET);
  await program.prepare([1, 1, 64, 64], 400);
  expect(compiled).toEqual([]);
  await program.prepare([1, 1, 64, 64], 100);
  await program.prepare([1, 1, 64, 64], 1000);
  expect(compiled).toEqual(['1,1,64,64']);
  await program.prepare([1, 1, 32, 64], 1000);
  await program.prepare([1, 1, 32, 32], 2000);
  // The first has made room for the third, and has to be worth it anew.
  await program.prepare([1, 1, 64, 64], 1);
  expect(compiled).toEqual(['1,1,64,64', '1,1,32,64', '1,1,32,32']);
  await program.prepare([1, 1, 64, 64], 500);
  expect(compiled).toEqual(['1,1,64,64', '1,1,32,64', '1,1,32,32', '1,1,64,64']);
  await program.dispose();
  await runtime.dispose();
});

it('runs as the file stands where it cannot be compiled', async () => {
  const runtime = await openRuntime({ device: 'cpu' });
  const refusing: Runtime = {
    ...runtime,
    load: (bytes) => runtime.load(bytes),
    compile: () => Promise.reject(new DeviceError('no')),
  };
  const { program, name, output } = await opened(refusing, UNET);
  const image = noise(1, 32, 32);
  await program.prepare(image.shape, 10_000);
  expect((await program.run({ [name]: image }))[output]?.shape).toEqual([1, 2, 32, 32]);
  await program.dispose();
  await runtime.dispose();
});

describe('the middle of tiles', () => {
  it('is the same as in the whole output, once it pays off', async () => {
    const runtime = await openRuntime({ device: 'cpu' });
    for (const spec of [UNET, { ...UNET, upsampling: 'linear' }, { ...UNET, residual: true }] as const) {
      const { program, name, output } = await opened(runtime, spec);
      const image = noise(1, 96, 128);
      expect(await program.middle([1, 1, 96, 128], 10, 22)).toBeUndefined();
      const { margin, run } = (await program.middle([1, 1, 96, 128], 1000, 22)) as MiddleProgram;
      expect(margin).toBe(22);
      const all = (await program.run({ [name]: image }))[output] as NdArray;
      const part = (await run({ [name]: image }))[output] as NdArray;
      expect(part.shape).toEqual([1, 2, 52, 84]);
      expectAllClose(part.data as Float32Array, middleOf(all, 22), { rtol: 0, atol: 1e-5 });
      await program.dispose();
    }
    await runtime.dispose();
  });

  it('serves the tiles inside an image in every orientation; those at its edges have the whole', async () => {
    const runtime = await openRuntime({ device: 'cpu' });
    const labels = {
      classes: [
        { name: 'out', values: [0] },
        { name: 'in', values: [1] },
      ],
    };
    const input: InputSpec = {
      channels: { mode: 'grey', count: 1 },
      normalisation: {
        kind: 'zscore',
        scope: 'image',
        percentiles: [0, 100],
        perChannel: false,
        numbers: [],
        leastSpread: 0,
      },
    };
    const bytes = modelWriter({ model: UNET, labels, input } as unknown as Recipe)(weightsOf(UNET), {});
    const page = { data: noise(1, 200, 200).data, channels: 1, height: 200, width: 200 };
    for (const tta of [1, 8] as const) {
      const model = await openModel(runtime, bytes);
      const ran: Shape[] = [];
      let announced = 0;
      const middle = async (shape: Shape4, runs: number) => {
        announced = runs;
        const made = await model.middle?.(shape, 1000 * runs);
        const run = (feeds: Feeds) => {
          ran.push(Object.values(feeds)[0]?.shape ?? []);
          return (made as MiddleProgram).run(feeds);
        };
        return made && { ...made, run };
      };
      const { middle: _, ...plain } = model;
      const without = await predictPage(plain, page, { tile: 96, tta });
      const by = await predictPage({ ...model, middle }, page, { tile: 96, tta });
      expect(announced).toBeGreaterThanOrEqual(4 * tta);
      expect(ran).toEqual(Array.from({ length: announced }, () => [1, 1, 96, 96]));
      expectAllClose(by.data, without.data, { rtol: 0, atol: 1e-5 });
      await model.program.dispose();
    }
    await runtime.dispose();
  });
});
