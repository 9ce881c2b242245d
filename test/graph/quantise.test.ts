import { describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { floatForm } from '../../src/graph/onnx/float-form.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { convolutionsOf, quantise, rangesFrom, withRanges } from '../../src/graph/onnx/quantise.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { openWasm } from '../../src/platform/browser/web-assembly.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { randomModel } from '../support/random-model.ts';

async function run(runtime: Runtime, bytes: Uint8Array, x: NdArray<'float32'>) {
  const program = await runtime.load(bytes);
  const [input] = program.inputs;
  const outputs = await program.run({ [input?.name as string]: x });
  const [output] = program.outputs;
  await program.dispose();
  return { outputs, first: outputs[output?.name as string]?.data as Float32Array };
}

async function inEightBits(runtime: Runtime, bytes: Uint8Array, x: NdArray<'float32'>, floats?: ReadonlySet<string>) {
  const ranges = rangesFrom((await run(runtime, withRanges(bytes), x)).outputs);
  return { ranges, bytes: quantise(bytes, ranges, { floats }) };
}

function noise(shape: readonly number[], seed: string): NdArray<'float32'> {
  const random = stream(2, seed);
  const image = float32(shape);
  for (let i = 0; i < image.data.length; i++) image.data[i] = random.normal();
  return image;
}

describe('one convolution with its ReLU, worked out by hand', () => {
  const b = new GraphBuilder('one');
  const x = b.input('x', 'float32', [1, 1, 1, 5]);
  const y = b.op('Relu', [b.op('Conv', [x, b.constant(float32([1, 1, 1, 1], [2])), b.constant(float32([1], [0.5]))])]);
  const bytes = writeOnnx(b.build([b.output(b.op('Exp', [y]), 'y')]));

  test('numbers of x mean (q - 51) / 51, of the weight q / 32, of the bias q / 1632, of the result q / 30', async () => {
    const runtime = await openRuntime({ device: 'cpu' });
    const seen = float32([1, 1, 1, 5], [-1, 4, 1, 2, 3]);
    const { ranges, bytes: made } = await inEightBits(runtime, bytes, seen);
    expect([...ranges.values()]).toEqual([
      [-1, 4],
      [0, 8.5],
    ]);
    // 2.004 becomes 2; 5 and -3 lie outside what was seen and become 4 and -1.
    const given = float32([1, 1, 1, 5], [1, 2.004, 5, -3, 0]);
    const { first } = await run(runtime, made, given);
    const expected = [75, 135, 255, 0, 15].map((q) => Math.exp(q / 30));
    expectAllClose(first, Float32Array.from(expected), { rtol: 1e-6, atol: 0 });
    await runtime.dispose();
  });
});

const meanDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, p, i) => sum + Math.abs(p - (b[i] as number)), 0) / a.length;

const UNET = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 2, norm: 'none' } as const;
const SPECS: readonly (readonly [string, ModelSpec, number])[] = [
  ['of two levels', UNET, 64],
  ['residual, with three classes', { ...UNET, residual: true, numClasses: 3 }, 64],
  ['of colour images', { ...UNET, channels: 3 }, 64],
  ['with instance normalisation', { ...UNET, norm: 'instance' }, 64],
  ['interpolated linearly', { ...UNET, upsampling: 'linear' }, 64],
  ['cropped, with transposed convolutions', { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 8 }, 188],
];

describe('U-Nets', () => {
  test.each(SPECS)('%s: probabilities are those of float32 to some thousandths', async (_, spec, side) => {
    const runtime = await openRuntime({ device: 'cpu' });
    const bytes = randomModel(spec, { classes: spec.numClasses === 3 ? ['a', 'b', 'c'] : undefined });
    const x = noise([1, spec.channels, side, side], 'seen');
    const { bytes: made } = await inEightBits(runtime, bytes, x);
    const other = noise([1, spec.channels, side, side], 'other');
    const [expected, actual] = [await run(runtime, bytes, other), await run(runtime, made, other)];
    // Each layer rounds by at most 1/128 of its largest weight and 1/510 of the range of its values: in the mean some thousandths.
    expect(meanDifference(actual.first, expected.first)).toBeLessThan(0.01);
    // The network of float32 that the numbers stand for rounds no values.
    const plain = await run(runtime, floatForm(made).bytes, other);
    expect(meanDifference(plain.first, actual.first)).toBeLessThan(0.01);
    await runtime.dispose();
  });

  test('give the same in WebAssembly', async () => {
    const [node, wasm] = [await openRuntime({ device: 'cpu' }), await openWasm({ threads: 1 })];
    const x = noise([1, 1, 64, 64], 'seen');
    const { bytes } = await inEightBits(node, randomModel(UNET), x);
    // Whole numbers are the same; the softmax of floats to its last bits.
    expectAllClose((await run(wasm, bytes, x)).first, (await run(node, bytes, x)).first, { rtol: 0, atol: 1e-6 });
    await node.dispose();
    await wasm.dispose();
  });

  test('are of 8 bits between the image and the classes, but where they stay float32', async () => {
    const runtime = await openRuntime({ device: 'cpu' });
    const bytes = randomModel(UNET);
    const names = convolutionsOf(bytes);
    expect(names).toHaveLength(13);
    const x = noise([1, 1, 64, 64], 'seen');
    const all = readSignature((await inEightBits(runtime, bytes, x)).bytes).operations;
    expect(all.get('Relu')).toBeUndefined();
    const floats = new Set(names.slice(0, 2));
    const some = readSignature((await inEightBits(runtime, bytes, x, floats)).bytes).operations;
    // Two weights and two biases fewer.
    expect(some.get('Relu')).toBe(2);
    expect(some.get('Conv')).toBe(13);
    const none = await inEightBits(runtime, bytes, x, new Set(names));
    // Softmax by its parts: 1e-7.
    expectAllClose((await run(runtime, none.bytes, x)).first, (await run(runtime, bytes, x)).first, {
      rtol: 0,
      atol: 1.2e-7,
    });
    await runtime.dispose();
  });
});
