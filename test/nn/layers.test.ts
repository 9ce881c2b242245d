import { describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { Value } from '../../src/graph/ir.ts';
import { drawMasks } from '../../src/nn/dropout-masks.ts';
import { constant, heNormal, normal, xavierUniform } from '../../src/nn/initialise.ts';
import { centreCrop, conv2d, dense, dropout, instanceNorm, upConv, upsample } from '../../src/nn/layers.ts';
import { NetworkBuilder } from '../../src/nn/network.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { runGraph } from '../support/run-graph.ts';

/** Runs a layer on 1, 2, 3, ... of the given shape with all parameters 1 (or as `weights` says). */
async function apply(
  layer: (net: NetworkBuilder, x: Value) => Value,
  shape: readonly number[],
  weights: { readonly [name: string]: NdArray } = {},
): Promise<NdArray> {
  const net = new NetworkBuilder('layer');
  const x = net.input('x', 'float32', shape);
  const y = net.output(layer(net, x), 'y');
  const ones = net.parameters.map(({ value }) => [value.name, constant(1)(value.shape, stream(0, 'test'))] as const);
  const count = shape.reduce((n, m) => n * m, 1);
  const out = await runGraph(net.build([y]), {
    x: float32(
      shape,
      Array.from({ length: count }, (_, i) => i + 1),
    ),
    ...Object.fromEntries(ones),
    ...weights,
  });
  return out.y as NdArray;
}

describe('layers by hand', () => {
  test('a 3x3 convolution of ones sums the neighbourhood, with zeros around', async () => {
    const y = await apply((net, x) => conv2d(net, x, 1), [1, 1, 2, 3], { 'conv/bias': float32([1], [0]) });
    expect(y.shape).toEqual([1, 1, 2, 3]);
    expect(Array.from(y.data as Float32Array)).toEqual([12, 21, 16, 12, 21, 16]);
  });

  test('unpadded it loses a pixel on each side', async () => {
    const y = await apply((net, x) => conv2d(net, x, 2, { padding: 'valid' }), [1, 1, 3, 3]);
    expect(y.shape).toEqual([1, 2, 1, 1]);
    expect(Array.from(y.data as Float32Array)).toEqual([46, 46]);
  });

  test('an even kernel keeps the size too', async () => {
    expect((await apply((net, x) => conv2d(net, x, 1, { kernel: 4 }), [1, 1, 5, 6])).shape).toEqual([1, 1, 5, 6]);
    expect((await apply((net, x) => conv2d(net, x, 1, { dilation: 2 }), [1, 1, 5, 6])).shape).toEqual([1, 1, 5, 6]);
  });

  test('up-convolution spreads each pixel over a block', async () => {
    const weights = {
      'up/weight': float32([1, 1, 2, 2], [1, 2, 3, 4]),
      'up/bias': float32([1], [10]),
    };
    const y = await apply((net, x) => upConv(net, x, 1), [1, 1, 1, 2], weights);
    expect(Array.from(y.data as Float32Array)).toEqual([11, 12, 12, 14, 13, 14, 16, 18]);
  });

  test('upsampling repeats, or interpolates between pixel centres', async () => {
    const near = await apply((net, x) => upsample(net, x), [1, 1, 1, 2]);
    expect(Array.from(near.data as Float32Array)).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    const linear = await apply((net, x) => upsample(net, x, { mode: 'linear' }), [1, 1, 1, 2]);
    expect(Array.from(linear.data as Float32Array)).toEqual([1, 1.25, 1.75, 2, 1, 1.25, 1.75, 2]);
  });

  test('the crop takes the middle, of an odd surplus one more at the end', async () => {
    const crop = (height: number, width: number) => (net: NetworkBuilder, x: Value) =>
      centreCrop(net, x, { name: '', dtype: 'float32', shape: [1, 1, height, width] });
    expect(Array.from((await apply(crop(1, 3), [1, 1, 3, 3])).data as Float32Array)).toEqual([4, 5, 6]);
    expect(Array.from((await apply(crop(2, 1), [1, 1, 3, 3])).data as Float32Array)).toEqual([2, 5]);
  });

  test('dense is x W transposed + b', async () => {
    const weights = { 'dense/weight': float32([1, 2], [3, 4]), 'dense/bias': float32([1], [5]) };
    const y = await apply((net, x) => dense(net, x, 1), [2, 2], weights);
    expect(Array.from(y.data as Float32Array)).toEqual([16, 30]);
  });

  test('instance norm: (1, 3) and (5, 9) become (-1, 1) each, then scaled and shifted by 1', async () => {
    const y = await apply((net, x) => instanceNorm(net, x), [1, 2, 1, 2]);
    // epsilon 1e-5 against a variance of 1/4
    expectAllClose(y.data as Float32Array, [0, 2, 0, 2], { atol: 5e-5 });
  });
});

describe('first values', () => {
  const spread = (data: Float32Array) => Math.sqrt(data.reduce((sum, v) => sum + v * v, 0) / data.length);

  test('He: standard deviation sqrt(2 / inputs), here of 9 x 32', () => {
    const { data } = heNormal()([64, 32, 3, 3], stream(1, 'test'));
    // 18,432 draws: the standard error is half a percent
    expect(spread(data) / Math.sqrt(2 / 288)).toBeCloseTo(1, 1);
    expect(Math.abs(data.reduce((sum, v) => sum + v, 0) / data.length)).toBeLessThan(0.003);
  });

  test('Xavier: uniform within sqrt(6 / (inputs + outputs))', () => {
    const { data } = xavierUniform()([20, 30], stream(1, 'test'));
    const bound = Math.sqrt(6 / 50);
    expect(Math.max(...data)).toBeGreaterThan(0.95 * bound);
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound);
  });

  test('normal and constant', () => {
    expect(spread(normal(0.01)([10_000], stream(1, 'test')).data)).toBeCloseTo(0.01, 3);
    expect(Array.from(constant(0.5)([2], stream(1, 'test')).data)).toEqual([0.5, 0.5]);
  });
});

describe('dropout', () => {
  const masksOf = (perChannel: boolean) => {
    const net = new NetworkBuilder('dropout', { training: true });
    dropout(net, net.input('x', 'float32', [2, 8, 32, 32]), 0.25, { perChannel });
    return net.masks;
  };

  test('masks are 0 or 1 / keep, three quarters of them kept', () => {
    const { 'dropout/mask': mask } = drawMasks(masksOf(false), 5, 0);
    const data = mask?.data as Float32Array;
    const kept = data.filter((m) => m !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.75)]));
    // 16,384 draws: the standard error is 0.003
    expect(Math.abs(kept.length / data.length - 0.75)).toBeLessThan(0.015);
  });

  test('depend on seed and step, and on nothing else', () => {
    const drawn = (seed: number, step: number) => drawMasks(masksOf(true), seed, step)['dropout/mask'];
    expect(drawn(5, 7)).toEqual(drawn(5, 7));
    expect(drawn(5, 7)).not.toEqual(drawn(5, 8));
    expect(drawn(5, 7)).not.toEqual(drawn(6, 7));
    expect(drawn(5, 7)?.shape).toEqual([2, 8, 1, 1]);
  });

  test('is nothing outside training', () => {
    const net = new NetworkBuilder('dropout');
    const x = net.input('x', 'float32', [1, 2]);
    expect(dropout(net, x, 0.5)).toBe(x);
  });
});
