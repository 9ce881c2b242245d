import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openModel } from '../../src/predict/open.ts';
import type { OpenedModel } from '../../src/predict/own.ts';
import { planPage, predictPlanes } from '../../src/predict/predict.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { randomModel } from '../support/random-model.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

function noise(height: number, width: number) {
  const random = stream(height, 'noise', width);
  return { planes: Float32Array.from({ length: height * width }, () => random.normal()), height, width };
}

const SPECS: readonly (readonly [string, ModelSpec])[] = [
  ['unet, depth 2', { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2 }],
  [
    'unet, depth 3, residual, sigmoid',
    { name: 'unet', channels: 1, numClasses: 1, baseChannels: 4, depth: 3, residual: true },
  ],
  [
    'unet, linear upsampling',
    { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2, upsampling: 'linear' },
  ],
  [
    'unet, standardised weights',
    { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2, norm: 'weight' },
  ],
  ['unet2015, narrow', { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 4 }],
];

describe('tiled prediction equals prediction in one piece', () => {
  for (const [name, spec] of SPECS) {
    test(`${name}: any size, any tile, turns and flips`, async () => {
      const model = await openModel(runtime, randomModel(spec));
      expect(model.rule.y.exact).toBe(true);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 260 }),
          fc.integer({ min: 1, max: 260 }),
          fc.integer({ min: 0, max: 120 }),
          fc.constantFrom(1, 4, 8),
          async (height, width, more, tta) => {
            const page = noise(height, width);
            const least = planPage({ ...model, strips: undefined }, 5000, 5000, { tile: 1 + more + smallest(model) }).y
              .side;
            const options = { tta: tta as 1 | 4 | 8 };
            const whole = await predictPlanes(model, page, { ...options, tile: 2000 });
            const tiled = await predictPlanes(model, page, { ...options, tile: least, batch: 1 + (more % 3) });
            // ONNX Runtime sums in another order for another width: float rounding through some twenty layers.
            expectAllClose(tiled.data, whole.data, { rtol: 0, atol: 2e-5 });
          },
        ),
        { numRuns: 6, seed: 5 },
      );
      await model.program.dispose();
    });
  }

  test('and is more than the same everywhere: pixels differ', async () => {
    const model = await openModel(runtime, randomModel((SPECS[0] as (typeof SPECS)[number])[1]));
    const { data } = await predictPlanes(model, noise(60, 60));
    expect(Math.max(...data) - Math.min(...data)).toBeGreaterThan(0.01);
    await model.program.dispose();
  });
});

function smallest({ rule: { y } }: OpenedModel): number {
  return 2 * y.halo + 2 * y.multiple + y.minimum;
}

test('instance normalisation is said to be inexact, and blended', async () => {
  const model = await openModel(
    runtime,
    randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2, norm: 'instance' }),
  );
  expect(model.rule.y.exact).toBe(false);
  expect(model.notes.join()).toMatch(/not exact/);
  const page = noise(150, 90);
  expect(planPage(model, 150, 90, { tile: 64 }).description).toMatch(/blended tiles/);
  const tiled = await predictPlanes(model, page, { tile: 64 });
  const whole = await predictPlanes(model, page, { tile: 512 });
  expect(tiled.shape).toEqual([2, 150, 90]);
  for (let p = 0; p < 150 * 90; p++) {
    expect(Math.abs((tiled.data[p] as number) + (tiled.data[150 * 90 + p] as number) - 1)).toBeLessThan(1e-5);
  }
  const difference = tiled.data.reduce((sum, value, i) => sum + Math.abs(value - (whole.data[i] as number)), 0);
  expect(difference / tiled.data.length).toBeLessThan(0.2);
  await model.program.dispose();
});

test('float32 input of ones gives float32 probabilities of the size of the image', async () => {
  const model = await openModel(
    runtime,
    randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 4 }),
  );
  const result = await predictPlanes(model, { planes: float32([1, 1, 1], [1]).data, height: 1, width: 1 });
  expect(result.shape).toEqual([2, 1, 1]);
  await model.program.dispose();
});
