import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, int64, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import {
  FILTER_REACH_PX,
  type FilterBankSpec,
  featureCount,
  featureGraph,
  pixelPerceptron,
} from '../../src/models/filter-bank.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { haloOf } from '../../src/train/model-file.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const SPEC: FilterBankSpec = { name: 'filter-bank', channels: 1, numClasses: 2 };
const SIDE = 96;
/** Six maps at each of the first four scales, then four at the last. */
const FINE = [0.7, 1.6, 3.5, 5];
const COARSE = 10;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

/** Features of pixels (y, x) of images [channels, SIDE, SIDE], a row for each pixel. */
async function featuresAt(
  pixels: readonly (readonly [y: number, x: number])[],
  ...channels: readonly ((y: number, x: number) => number)[]
): Promise<readonly (readonly number[])[]> {
  const program = await runtime.load(writeOnnx(featureGraph({ ...SPEC, channels: channels.length }, [SIDE, SIDE])));
  const planes = channels.flatMap((at) =>
    Array.from({ length: SIDE * SIDE }, (_, p) => at(Math.floor(p / SIDE), p % SIDE)),
  );
  const { features } = await program.run({
    image: float32([1, channels.length, SIDE, SIDE], planes),
    pixels: int64(pixels.map(([y, x]) => y * SIDE + x)),
  });
  await program.dispose();
  const { shape, data } = features as NdArray<'float32'>;
  expect(shape).toEqual([featureCount({ channels: channels.length }), pixels.length]);
  return pixels.map((_, i) =>
    Array.from({ length: shape[0] as number }, (_, f) => data[f * pixels.length + i] as number),
  );
}

describe('the features', () => {
  test('of a slope: its value, sigma times the slope, no curvature, one direction', async () => {
    const [row] = await featuresAt([[48, 50]], (y, x) => 0.02 * x + 0.01 * y);
    const slope = Math.hypot(0.02, 0.01);
    const value = 0.02 * 50 + 0.01 * 48;
    const zeros = FINE.map(() => 0);
    const slopes = FINE.map((sigma) => sigma * slope);
    const fine = [...FINE.map(() => value), ...slopes, ...zeros, ...zeros, ...slopes, ...zeros];
    const expected = [...fine, value, COARSE * slope, 0, 0];
    // Single precision, and the root of a difference of rounded squares.
    expectAllClose(row as number[], expected, { atol: 1e-3 });
  });

  test('of a valley along y: curvature 2 sigma^2 across it and none along it', async () => {
    const [row] = await featuresAt([[48, 48]], (_, x) => 0.001 * (x - 48) ** 2);
    const found = row as number[];
    expectAllClose(
      found.slice(8, 12),
      FINE.map((sigma) => 0.002 * sigma * sigma),
      { atol: 1e-4 },
    );
    expectAllClose(found.slice(12, 16), [0, 0, 0, 0], { atol: 1e-4 });
    // At the bottom there is no gradient.
    expectAllClose(found.slice(24), [found[24] as number, 0, 0.2, 0], { atol: 1e-4 });
  });

  test('do not change when the image is turned by a quarter or mirrored', async () => {
    const random = stream(1, 'noise');
    const noise = Float32Array.from({ length: SIDE * SIDE }, () => random.normal());
    const at = (y: number, x: number): number => noise[y * SIDE + x] as number;
    const [[as], [turned], [mirrored]] = await Promise.all([
      featuresAt([[40, 50]], at),
      featuresAt([[50, SIDE - 1 - 40]], (y, x) => at(SIDE - 1 - x, y)),
      featuresAt([[40, SIDE - 1 - 50]], (y, x) => at(y, SIDE - 1 - x)),
    ]);
    expectAllClose(turned as number[], as as number[], { atol: 1e-4 });
    expectAllClose(mirrored as number[], as as number[], { atol: 1e-4 });
  });

  test('of several channels are those of each by itself', async () => {
    const wave = (y: number, x: number): number => Math.sin(0.3 * x) * Math.cos(0.2 * y);
    const blob = (y: number, x: number): number => Math.exp(-((y - 40) ** 2 + (x - 52) ** 2) / 200);
    const pixels = [
      [40, 50],
      [47, 44],
    ] as const;
    const [both, first, second] = await Promise.all([
      featuresAt(pixels, wave, blob),
      featuresAt(pixels, wave),
      featuresAt(pixels, blob),
    ]);
    both.forEach((row, i) => {
      const separate = (first[i] as number[]).flatMap((value, f) => [value, second[i]?.[f] as number]);
      // A curvature at sigma 10 is a difference of values times 100.
      expectAllClose(row, separate, { atol: 1e-4 });
    });
  });
});

test('a pixel depends on those up to 31 away, so tiles have that halo', () => {
  expect(haloOf(SPEC)).toBe(31);
  expect(FILTER_REACH_PX).toBe(31);
});

test('the perceptron on pixels has the parameters of the whole network', () => {
  const whole = buildNetwork(SPEC, [1, 1, 64, 64]);
  expect(whole.parameters.map(({ value }) => `${value.name} ${value.shape}`)).toEqual([
    'hidden1/weight 32,28,1,1',
    'hidden1/bias 32',
    'output/weight 2,32,1,1',
    'output/bias 2',
  ]);
  expect(pixelPerceptron(SPEC, 7).parameters.map(({ value }) => `${value.name} ${value.shape}`)).toEqual([
    'hidden1/weight 32,28',
    'hidden1/bias 32',
    'output/weight 2,32',
    'output/bias 2',
  ]);
});
