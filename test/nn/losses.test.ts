import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { elementCount, float32, type NdArray, ndarray, type Shape } from '../../src/array/ndarray.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { crossEntropy, sigmoidCrossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { dice } from '../../src/nn/losses/dice.ts';
import { focal } from '../../src/nn/losses/focal.ts';
import type { Loss } from '../../src/nn/losses/loss.ts';
import { type LossSpec, lossOf } from '../../src/nn/losses/registry.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { runGraph } from '../support/run-graph.ts';

/** Value and gradient of a loss on the CPU. */
async function evaluate(loss: Loss, logits: NdArray, labels: NdArray, weights?: NdArray) {
  const b = new GraphBuilder('loss');
  const z = b.input('logits', 'float32', logits.shape);
  const target = {
    labels: b.input('labels', 'int32', labels.shape),
    weights: b.input('weights', 'float32', labels.shape),
  };
  const value = b.output(loss(b, z, target), 'loss');
  const ones = float32(labels.shape, new Float32Array(elementCount(labels.shape)).fill(1));
  const out = await runGraph(gradient(b.build([value]), value, [z]), { logits, labels, weights: weights ?? ones });
  return { value: out.loss?.data[0] as number, gradient: out.d_logits?.data as Float32Array };
}

function ints(shape: Shape, values: readonly number[]): NdArray {
  return ndarray('int32', shape, Int32Array.from(values));
}

describe("the perceptron's criterion", () => {
  const perceptron = lossOf({ name: 'perceptron' });

  test('one output: what is wrong or on the line counts, what is right has no gradient', async () => {
    const result = await evaluate(perceptron, float32([4, 1], [2, -3, 0, -1]), ints([4], [1, 1, 0, 0]));
    // Wrong are the second, by 3, and the third, by 0; the mean is over all four.
    expect(result.value).toBeCloseTo(3 / 4, 6);
    expectAllClose(result.gradient, [0, -1 / 4, 1 / 4, 0], { rtol: 1e-6 });
  });

  test('several outputs: the true one up, the one that won down', async () => {
    const result = await evaluate(perceptron, float32([2, 3], [1, 4, 2, 5, 0, 1]), ints([2], [2, 0]));
    expect(result.value).toBeCloseTo((4 - 2) / 2, 6);
    expectAllClose(result.gradient, [0, 1 / 2, -1 / 2, 0, 0, 0], { rtol: 1e-6 });
  });

  test('from w = 0 every image is wrong', async () => {
    const two = await evaluate(perceptron, float32([2, 1]), ints([2], [0, 1]));
    expectAllClose(two.gradient, [1 / 2, -1 / 2], { rtol: 1e-6 });
    const three = await evaluate(perceptron, float32([1, 3]), ints([1], [1]));
    expect(three.gradient[1]).toBeLessThan(0);
  });
});

describe('by hand', () => {
  test('cross entropy of equal logits is log(classes), its gradient p - t', async () => {
    const result = await evaluate(crossEntropy(), float32([1, 3, 1, 1]), ints([1, 1, 1], [2]));
    expect(result.value).toBeCloseTo(Math.log(3), 6);
    expectAllClose(result.gradient, [1 / 3, 1 / 3, -2 / 3], { rtol: 1e-6 });
  });

  test('two classes: softplus of the difference', async () => {
    const result = await evaluate(crossEntropy(), float32([1, 2, 1, 1], [1, 3]), ints([1, 1, 1], [0]));
    expect(result.value).toBeCloseTo(Math.log(1 + Math.exp(2)), 6);
    const p = 1 / (1 + Math.exp(-2));
    expectAllClose(result.gradient, [-p, p], { rtol: 1e-6 });
  });

  test('weights: 3 log 2 and 0 log 2, divided by 3', async () => {
    const weights = float32([1, 1, 2], [3, 0]);
    const result = await evaluate(crossEntropy(), float32([1, 1, 1, 2]), ints([1, 1, 2], [1, 255]), weights);
    expect(result.value).toBeCloseTo(Math.log(2), 6);
    expectAllClose(result.gradient, [-0.5, 0], { rtol: 1e-6 });
  });

  test('sigmoid of each class: the mean over the classes', async () => {
    const result = await evaluate(sigmoidCrossEntropy(), float32([1, 2, 1, 1], [1, 1]), ints([1, 1, 1], [1]));
    expect(result.value).toBeCloseTo((Math.log(1 + Math.E) + Math.log(1 + 1 / Math.E)) / 2, 6);
  });

  test('Dice of probabilities one half on four pixels, one of them true: 1 - (2 0.5 + 1) / (2 + 1 + 1)', async () => {
    const result = await evaluate(dice(), float32([1, 1, 2, 2]), ints([1, 2, 2], [0, 1, 0, 0]));
    expect(result.value).toBeCloseTo(0.5, 6);
  });

  test('Dice of a class that is neither there nor predicted is 0', async () => {
    const result = await evaluate(dice(), float32([1, 1, 1, 2], [-50, -50]), ints([1, 1, 2], [0, 0]));
    expect(result.value).toBeCloseTo(0, 6);
  });

  test('focal: (1/2)^2 log 2 for equal logits', async () => {
    const result = await evaluate(focal(), float32([1, 1, 1, 1]), ints([1, 1, 1], [1]));
    expect(result.value).toBeCloseTo(Math.log(2) / 4, 6);
  });
});

describe('at the extremes', () => {
  const all: [string, Loss][] = (['ce', 'sigmoid-ce', 'dice', 'dice-ce', 'focal'] as const).map((name) => [
    name,
    lossOf({ name }),
  ]);

  test.each(all)('%s is finite for logits of 100 and -100, right and wrong', async (_, loss) => {
    for (const channels of [1, 2, 3]) {
      const logits = float32([1, channels, 1, 2 * channels]);
      for (let i = 0; i < logits.data.length; i++) logits.data[i] = i % 2 === 0 ? 100 : -100;
      const labels = ints(
        [1, 1, 2 * channels],
        Array.from({ length: 2 * channels }, (_, i) => i % Math.max(2, channels)),
      );
      const { value, gradient: d } = await evaluate(loss, logits, labels);
      expect(Number.isFinite(value)).toBe(true);
      expect(d.every(Number.isFinite)).toBe(true);
    }
  });

  test.each(all)('%s is finite and its gradient 0 where every pixel is ignored', async (_, loss) => {
    for (const channels of [1, 2, 3]) {
      const labels = ints([1, 1, 2], [0, 1]);
      const { value, gradient: d } = await evaluate(loss, float32([1, channels, 1, 2]), labels, float32([1, 1, 2]));
      expect(value).toBe(0);
      expect(d.every((g) => g === 0)).toBe(true);
    }
  });

  test.each(all)('%s takes vectors [N, C] too', async (_, loss) => {
    for (const channels of [1, 3]) {
      const flat = await evaluate(loss, float32([2, channels]), ints([2], [1, 0]));
      const image = await evaluate(loss, float32([2, channels, 1, 1]), ints([2, 1, 1], [1, 0]));
      expect(flat.value).toBeCloseTo(image.value, 7);
    }
  });
});

describe('equal PyTorch', () => {
  interface Golden {
    readonly cases: {
      readonly [name: string]: { readonly [channels: string]: { value: number; gradient: number[] } };
    };
  }
  const golden = JSON.parse(readFileSync(new URL('../golden/losses.json', import.meta.url), 'utf8')) as Golden;
  const specs: { readonly [name: string]: LossSpec } = {
    ce: { name: 'ce' },
    'sigmoid-ce': { name: 'sigmoid-ce' },
    dice: { name: 'dice' },
    'dice, per image, with background': { name: 'dice', batch: false, background: true, smooth: 0.5 },
    'dice-ce': { name: 'dice-ce' },
    focal: { name: 'focal' },
    'focal, gamma 1.5': { name: 'focal', gamma: 1.5 },
    'focal, alpha 0.25': { name: 'focal', alpha: 0.25 },
  };

  test.each(Object.entries(golden.cases))('%s', async (name, byChannels) => {
    for (const [key, expected] of Object.entries(byChannels)) {
      const channels = Number(key);
      const pixels = 2 * 5 * 4;
      const logits = float32(
        [2, channels, 5, 4],
        Array.from({ length: pixels * channels }, (_, i) => 4 * Math.sin(0.7 * (i + 1))),
      );
      const labels = ints(
        [2, 5, 4],
        Array.from({ length: pixels }, (_, i) => (i * i + Math.floor(i / 3)) % Math.max(2, channels)),
      );
      const weights = float32(
        [2, 5, 4],
        Array.from({ length: pixels }, (_, i) => (i % 7 === 3 ? 0 : 0.5 + (i % 5))),
      );
      const actual = await evaluate(lossOf(specs[name] as LossSpec), logits, labels, weights);
      // float32 against float64: a few units in the last place of sums of 40 to 120 terms
      expectAllClose([actual.value], [expected.value], { rtol: 2e-6 });
      expectAllClose(actual.gradient, expected.gradient, { rtol: 2e-5, atol: 2e-8 });
    }
  });
});
