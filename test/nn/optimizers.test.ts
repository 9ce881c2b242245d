import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { movingAverage } from '../../src/nn/optimizers/average.ts';
import { clipByNorm, globalNorm } from '../../src/nn/optimizers/gradient-clip.ts';
import { type OptimizerSpec, optimizerOf } from '../../src/nn/optimizers/registry.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { cpu } from '../support/run-graph.ts';

interface Step {
  readonly gradients: readonly number[][];
  readonly learningRate: number;
}

/** Applies an optimizer to parameters (the first with weight decay) and returns all of them after each step. */
async function trajectory(spec: OptimizerSpec, start: readonly number[][], steps: readonly Step[], limit?: number) {
  const optimizer = optimizerOf(spec);
  const b = new GraphBuilder('update');
  const parameters = start.map((values, k) => ({
    value: b.input(`w${k}`, 'float32', [values.length]),
    gradient: b.input(`g${k}`, 'float32', [values.length]),
    decay: k === 0,
    slots: optimizer.slots.map((slot) => b.input(`${slot}${k}`, 'float32', [values.length])),
  }));
  const gradients = parameters.map(({ gradient }) => gradient);
  const norm = globalNorm(b, gradients);
  const clipped = limit === undefined ? gradients : clipByNorm(b, gradients, norm, limit);
  const updated = optimizer.updateAll(
    b,
    parameters.map((parameter, k) => ({ ...parameter, gradient: clipped[k] as (typeof clipped)[number] })),
    b.input('rate', 'float32', []),
    b.input('step', 'float32', []),
  );
  const outputs = updated.flatMap(({ value, slots }, k) => [
    b.output(value, `next w${k}`),
    ...slots.map((slot, i) => b.output(slot, `next ${optimizer.slots[i]}${k}`)),
  ]);
  const program = await (await cpu()).compile(b.build([...outputs, b.output(norm, 'norm')]));

  let state: { [name: string]: NdArray } = Object.fromEntries(
    start.flatMap((values, k) => [
      [`w${k}`, float32([values.length], values)],
      ...optimizer.slots.map((slot) => [`${slot}${k}`, float32([values.length])] as const),
    ]),
  );
  const weights: number[][] = [];
  const norms: number[] = [];
  for (const [i, { gradients: fed, learningRate }] of steps.entries()) {
    const out = await program.run({
      ...state,
      ...Object.fromEntries(fed.map((values, k) => [`g${k}`, float32([values.length], values)])),
      rate: float32([], [learningRate]),
      step: float32([], [i + 1]),
    });
    state = Object.fromEntries(Object.keys(state).map((name) => [name, out[`next ${name}`] as (typeof out)[string]]));
    weights.push(start.flatMap((_, k) => Array.from(state[`w${k}`]?.data as Float32Array)));
    norms.push(out.norm?.data[0] as number);
  }
  await program.dispose();
  return { weights, norms };
}

describe('by hand', () => {
  const twice = (gradient: number): Step[] => [1, 2].map(() => ({ gradients: [[gradient]], learningRate: 0.1 }));

  test('SGD: v = 2, then 0.5 2 + 2 = 3', async () => {
    const { weights } = await trajectory({ name: 'sgd', momentum: 0.5 }, [[1]], twice(2));
    expectAllClose(weights.flat(), [1 - 0.2, 1 - 0.2 - 0.3]);
  });

  test('Nesterov looks ahead: 2 + 0.5 2 = 3, then 2 + 0.5 3 = 3.5', async () => {
    const { weights } = await trajectory({ name: 'sgd', momentum: 0.5, nesterov: true }, [[1]], twice(2));
    expectAllClose(weights.flat(), [1 - 0.3, 1 - 0.3 - 0.35]);
  });

  test('Adam takes a step of the learning rate first, whatever the gradient', async () => {
    for (const gradient of [1e-3, 5, -700]) {
      const { weights } = await trajectory({ name: 'adam' }, [[1]], twice(gradient).slice(0, 1));
      // epsilon = 1e-8 takes 1e-5 of the step at a gradient of 1e-3
      expectAllClose(weights.flat(), [1 - 0.1 * Math.sign(gradient)], { rtol: 2e-6 });
    }
  });

  test('AdamW without gradient only decays the kernel', async () => {
    const step = { gradients: [[0], [0]], learningRate: 0.1 };
    const { weights } = await trajectory({ name: 'adamw', weightDecay: 0.5 }, [[2], [2]], [step]);
    expectAllClose(weights.flat(), [2 * (1 - 0.05), 2]);
  });

  test('clipping: the gradient (3, 4) of norm 5 becomes (0.6, 0.8)', async () => {
    const step = { gradients: [[3], [4]], learningRate: 1 };
    const { weights, norms } = await trajectory({ name: 'sgd', momentum: 0 }, [[0], [0]], [step], 1);
    expect(norms).toEqual([5]);
    expectAllClose(weights.flat(), [-0.6, -0.8], { rtol: 1e-6 });
    const below = await trajectory({ name: 'sgd', momentum: 0 }, [[0], [0]], [step], 6);
    expectAllClose(below.weights.flat(), [-3, -4]);
  });

  test('the moving average starts fast: 2/11 of the old in the first step, then at most `decay`', async () => {
    const b = new GraphBuilder('average');
    const [a, w, step] = [b.input('a', 'float32', [1]), b.input('w', 'float32', [1]), b.input('step', 'float32', [])];
    const [next] = movingAverage(b, [a], [w], step, 0.9);
    const program = await (await cpu()).compile(b.build([b.output(next as typeof a, 'next')]));
    const at = async (t: number) => {
      const out = await program.run({ a: float32([1], [1]), w: float32([1], [0]), step: float32([], [t]) });
      return out.next?.data[0];
    };
    expect(await at(1)).toBeCloseTo(2 / 11, 6);
    expect(await at(10_000)).toBeCloseTo(0.9, 6);
    await program.dispose();
  });
});

describe('equal PyTorch over ten steps', () => {
  interface Golden {
    readonly optimizers: { readonly [name: string]: { readonly steps: number[][]; readonly norms: number[] } };
  }
  const golden = JSON.parse(readFileSync(new URL('../golden/optimizers.json', import.meta.url), 'utf8')) as Golden;
  const specs: { readonly [name: string]: OptimizerSpec } = {
    sgd: { name: 'sgd' },
    'sgd plain': { name: 'sgd', momentum: 0 },
    'sgd nesterov decay': { name: 'sgd', nesterov: true, weightDecay: 0.1 },
    adam: { name: 'adam' },
    'adam decay': { name: 'adam', beta1: 0.8, beta2: 0.99, epsilon: 1e-3, weightDecay: 0.1 },
    adamw: { name: 'adamw', weightDecay: 0.1 },
    'adamw clipped': { name: 'adamw', weightDecay: 0.1 },
  };
  const six = [0, 1, 2, 3, 4, 5];
  const start = [0, 1].map((k) => six.map((i) => Math.sin(1.3 * (i + 1) + k)));
  const steps = Array.from({ length: 10 }, (_, j) => ({
    gradients: [0, 1].map((k) => six.map((i) => Math.cos(0.9 * (i + 1) * (j + 1) + k) * (i % 2 ? 0.01 : 2))),
    learningRate: 0.05 / Math.sqrt(j + 1),
  }));

  test.each(Object.entries(golden.optimizers))('%s', async (name, expected) => {
    const limit = name === 'adamw clipped' ? 1.5 : undefined;
    const actual = await trajectory(specs[name] as OptimizerSpec, start, steps, limit);
    // float32 against float64, ten steps of weights near 1
    expectAllClose(actual.weights.flat(), expected.steps.flat(), { atol: 3e-6 });
    if (limit !== undefined) expectAllClose(actual.norms, expected.norms, { rtol: 1e-6 });
  });
});
