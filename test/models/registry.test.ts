import { describe, expect, test } from 'vitest';
import { elementCount } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork, sizesOf } from '../../src/models/registry.ts';
import type { Network } from '../../src/nn/network.ts';

function parameterCount(network: Network): number {
  return network.parameters.reduce((count, { value }) => count + elementCount(value.shape), 0);
}

const paper: ModelSpec = { name: 'unet2015', channels: 1, numClasses: 2 };

describe('unet2015', () => {
  test('has the 31,030,658 parameters and 23 convolutions of the paper, 572 to 388', () => {
    const network = buildNetwork(paper, [1, 1, 572, 572]);
    expect(parameterCount(network)).toBe(31_030_658);
    expect(network.logits.shape).toEqual([1, 2, 388, 388]);
    const { nodes } = network.builder.build([network.logits]);
    expect(nodes.filter(({ op }) => op === 'Conv' || op === 'ConvTranspose')).toHaveLength(23);
  });

  test('crops 4, 16, 40 and 88 pixels on each side', () => {
    const network = buildNetwork(paper, [1, 1, 572, 572]);
    const { nodes, constants } = network.builder.build([network.logits]);
    const starts = nodes
      .filter(({ op }) => op === 'Slice')
      .map(({ inputs }) => Array.from((inputs[1] && constants.get(inputs[1])?.data) ?? [], Number));
    expect(starts).toEqual([
      [4, 4],
      [16, 16],
      [40, 40],
      [88, 88],
    ]);
  });

  test('takes sides of 12 modulo 16 from 188 on and loses 184', () => {
    const sizes = sizesOf(paper);
    expect(sizes).toMatchObject({ multiple: 16, offset: 12, min: 188, margin: 184 });
    expect([1, 188, 190, 196, 197, 572].map((side) => sizes.nearest(side))).toEqual([188, 188, 188, 188, 204, 572]);
    expect(buildNetwork({ ...paper, baseChannels: 2 }, [1, 1, 188, 204]).logits.shape).toEqual([1, 2, 4, 20]);
  });

  test('has dropout masks at the end of the contracting path in training only', () => {
    const shape = [1, 1, 188, 188] as const;
    expect(buildNetwork({ ...paper, baseChannels: 2 }, shape).masks).toHaveLength(0);
    const { masks } = buildNetwork({ ...paper, baseChannels: 2 }, shape, { training: true });
    expect(masks.map(({ value, keep }) => [value.name, value.shape, keep])).toEqual([
      ['encoder3/dropout/mask', [1, 16, 16, 16], 0.5],
      ['encoder4/dropout/mask', [1, 32, 4, 4], 0.5],
    ]);
  });
});

describe('unet', () => {
  const small: ModelSpec = { name: 'unet', channels: 3, numClasses: 1, baseChannels: 4, depth: 2 };

  test('keeps the size and names parameters by their place', () => {
    const network = buildNetwork(small, [2, 3, 16, 24]);
    expect(network.logits.shape).toEqual([2, 1, 16, 24]);
    expect(network.parameters.slice(0, 4).map(({ value }) => value.name)).toEqual([
      'encoder0/conv1/weight',
      'encoder0/conv1/bias',
      'encoder0/conv2/weight',
      'encoder0/conv2/bias',
    ]);
  });

  test('has the parameters that the layers add up to', () => {
    const conv = (inputs: number, outputs: number, kernel = 3) => outputs * (inputs * kernel ** 2 + 1);
    const encoder = conv(3, 4) + conv(4, 4) + conv(4, 8) + conv(8, 8) + conv(8, 16) + conv(16, 16);
    const decoder = conv(16, 8, 1) + conv(16, 8) + conv(8, 8) + conv(8, 4, 1) + conv(8, 4) + conv(4, 4);
    expect(parameterCount(buildNetwork(small, [1, 3, 8, 8]))).toBe(encoder + decoder + conv(4, 1, 1));
  });

  test('decay falls on kernels only', () => {
    const network = buildNetwork({ ...small, norm: 'instance', residual: true }, [1, 3, 8, 8]);
    for (const { value, decay } of network.parameters) expect(decay, value.name).toBe(value.name.endsWith('/weight'));
  });

  test('never has more channels than `most`', () => {
    const network = buildNetwork({ ...small, maxChannels: 6 }, [1, 3, 8, 8]);
    expect(Math.max(...network.parameters.map(({ value }) => value.shape[0] as number))).toBe(6);
  });
});

describe('a shape that does not fit', () => {
  test('names the nearest size that does', () => {
    expect(() => buildNetwork({ name: 'unet', channels: 1, numClasses: 1 }, [1, 1, 250, 30])).toThrow(
      new UsageError("A size of 250 x 30 does not fit the network 'unet', which takes multiples of 16.", {
        remedy: 'The nearest that does is 256 x 32.',
      }),
    );
    expect(() => buildNetwork(paper, [1, 1, 256, 256])).toThrow('252 x 252');
  });

  test('wrong channels and unknown networks are named', () => {
    expect(() => buildNetwork(paper, [1, 3, 572, 572])).toThrow('The images have 3 channels, the network expects 1.');
    expect(() => buildNetwork({ ...paper, name: 'vnet' } as never, [1, 1, 572, 572])).toThrow("Unknown network 'vnet'");
  });
});
