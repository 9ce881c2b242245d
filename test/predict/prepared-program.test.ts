import { expect, it } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { DeviceError } from '../../src/errors.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { PreparedProgram } from '../../src/predict/prepared-program.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

function fileOf(spec: ModelSpec): Uint8Array {
  const { parameters } = buildNetwork(spec, [1, 1, 64, 64]);
  const weights: Record<string, NdArray> = {};
  for (const [i, { value, initialise }] of parameters.entries()) {
    weights[value.name] = initialise(value.shape, stream(3, 'weights', 0, i));
  }
  return writeOnnx(exportNetwork(spec, weights));
}

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
