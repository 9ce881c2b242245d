/** The losses of stars and flows, by hand and against PyTorch: scripts/golden/map_losses.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { elementCount, float32, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { flows } from '../../src/nn/losses/flows.ts';
import { isMapLoss, type Loss } from '../../src/nn/losses/loss.ts';
import { MAP_LOSSES } from '../../src/nn/losses/map-losses.ts';
import { LOSSES, lossOf } from '../../src/nn/losses/registry.ts';
import { stars } from '../../src/nn/losses/stars.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { runGraph } from '../support/run-graph.ts';

async function evaluate(loss: Loss, maps: NdArray, targets: NdArray, weights: NdArray) {
  const b = new GraphBuilder('loss');
  const z = b.input('maps', 'float32', maps.shape);
  const target = {
    labels: b.input('labels', 'float32', targets.shape),
    weights: b.input('weights', 'float32', weights.shape),
  };
  const value = b.output(loss(b, z, target), 'loss');
  const out = await runGraph(gradient(b.build([value]), value, [z]), { maps, labels: targets, weights });
  return { value: out.loss?.data[0] as number, gradient: out.d_maps?.data as Float32Array };
}

const wave = (count: number, step: number, scale: number, shift = 0): number[] =>
  Array.from({ length: count }, (_, i) => shift + scale * Math.sin(step * (i + 1)));

/** [n, c, h, w] of [n, a, h, w] and [n, c - a, h, w]. */
function joined([n, c, h, w]: readonly [number, number, number, number], first: number[], second: number[]): NdArray {
  const a = first.length / (n * h * w);
  const out = Array.from({ length: n }, (_, i) => [
    ...first.slice(i * a * h * w, (i + 1) * a * h * w),
    ...second.slice(i * (c - a) * h * w, (i + 1) * (c - a) * h * w),
  ]);
  return float32([n, c, h, w], out.flat());
}

const weightsOf = (shape: Shape): NdArray =>
  float32(
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => (i % 7 === 3 ? 0 : 0.5 + (i % 5))),
  );

describe('stars', () => {
  it('of one pixel in an object: the probability, and the mean over the rays', async () => {
    const { value } = await evaluate(
      stars(),
      float32([1, 3, 1, 1], [0, 2, 6]),
      float32([1, 3, 1, 1], [1, 3, 3]),
      float32([1, 1, 1], [1]),
    );
    expect(value).toBeCloseTo(Math.log(2) + 0.2 * ((1 + 3) / 2), 6);
  });

  it('of one pixel of background: distances are drawn to 0, weakly', async () => {
    const { value, gradient: d } = await evaluate(
      stars({ distanceWeight: 0.5, backgroundWeight: 0.01 }),
      float32([1, 3, 1, 1], [0, 2, 6]),
      float32([1, 3, 1, 1], [0, 0, 0]),
      float32([1, 1, 1], [1]),
    );
    expect(value).toBeCloseTo(Math.log(2) + 0.5 * 0.01 * 4, 6);
    expectAllClose(d, [0.5, 0.0025, 0.0025], { rtol: 1e-5 });
  });
});

describe('flows', () => {
  it('of one pixel: half the mean square of what is missing to five times the unit vector, and the cell', async () => {
    const { value } = await evaluate(
      flows(),
      float32([1, 3, 1, 1], [5, 2, 0]),
      float32([1, 3, 1, 1], [1, 0, 1]),
      float32([1, 1, 1], [1]),
    );
    expect(value).toBeCloseTo((0.5 * (0 + 4)) / 2 + Math.log(2), 6);
  });
});

describe('both', () => {
  const golden: { readonly cases: Record<'stars' | 'flows', { value: number; gradient: number[] }> } = JSON.parse(
    readFileSync('test/golden/map_losses.json', 'utf8'),
  );
  const [n, h, w, rays] = [2, 4, 3, 5];
  const cases = {
    stars: {
      maps: float32([n, 1 + rays, h, w], wave(n * (1 + rays) * h * w, 0.7, 4)),
      targets: joined([n, 1 + rays, h, w], wave(n * h * w, 1.3, 0.5, 0.5), wave(n * rays * h * w, 0.9, 3, 3)),
    },
    flows: {
      maps: float32([n, 3, h, w], wave(n * 3 * h * w, 0.7, 4)),
      targets: joined(
        [n, 3, h, w],
        wave(n * 2 * h * w, 0.9, 1),
        wave(n * h * w, 1.3, 1).map((value) => (value > 0 ? 1 : 0)),
      ),
    },
  };

  it.each(['stars', 'flows'] as const)('%s equal PyTorch, with weights of which some are 0', async (name) => {
    const { maps, targets } = cases[name];
    const actual = await evaluate(MAP_LOSSES[name](), maps, targets, weightsOf([n, h, w]));
    const expected = golden.cases[name];
    // float32 against float64
    expectAllClose([actual.value], [expected.value], { rtol: 2e-6 });
    expectAllClose(actual.gradient, expected.gradient, { rtol: 2e-5, atol: 2e-8 });
  });

  it.each(['stars', 'flows'] as const)('%s: where the weight is 0 nothing counts', async (name) => {
    const { maps, targets } = cases[name];
    const weights = weightsOf([n, h, w]);
    const others = float32(targets.shape, targets.data as Float32Array);
    // Pixel 3 of the first image, of weight 0, in every channel.
    for (let c = 0; c < (targets.shape[1] as number); c++) (others.data as Float32Array)[c * h * w + 3] = 77;
    const before = await evaluate(MAP_LOSSES[name](), maps, targets, weights);
    const after = await evaluate(MAP_LOSSES[name](), maps, others, weights);
    expect(after.value).toBe(before.value);
    expect(after.gradient[3]).toBe(0);
    const nothing = await evaluate(MAP_LOSSES[name](), maps, targets, float32([n, h, w]));
    expect(nothing.value).toBe(0);
  });

  it('are no losses of classes', () => {
    expect(Object.keys(LOSSES)).not.toContain('stars');
    expect(isMapLoss(MAP_LOSSES.flows())).toBe(true);
    expect(isMapLoss(lossOf({ name: 'ce' }))).toBe(false);
  });
});
