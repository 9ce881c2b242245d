import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphMacs, parameterCount } from '../../src/graph/analysis/cost.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { chooseUnet } from '../../src/models/unet.ts';

const membranes = { channels: 1, numClasses: 1, image: [512, 512], cores: 2 } as const;

describe('the choice', () => {
  test('for an EM stack and a quarter of an hour on two cores', () => {
    const { spec, patch, reason } = chooseUnet({ ...membranes, minutes: 15 });
    expect(spec).toEqual({ name: 'unet', channels: 1, numClasses: 1, baseChannels: 16, depth: 4, norm: 'weight' });
    expect(patch).toBe(256);
    expect(reason).toMatch(
      /^U-Net of depth 4, since patches of 256 x 256 pixels are then 16 pixels wide at the lowest level, and 16 channels at the first level: the widest that sees enough; in 15 minutes on 2 cores it sees about \d+ million pixels \(at least 200 are wanted\)\.$/,
    );
  });

  test('more time or more cores make it wider, little time narrow', () => {
    const base = (minutes: number, cores = 2) => chooseUnet({ ...membranes, minutes, cores }).spec.baseChannels;
    expect(base(1)).toBe(8);
    expect(base(40)).toBe(32);
    expect(base(15, 8)).toBe(48);
    expect(base(24 * 60)).toBe(64);
  });

  test('small images make it shallow', () => {
    expect(chooseUnet({ ...membranes, image: [28, 28] })).toMatchObject({ spec: { depth: 1 }, patch: 28 });
    expect(chooseUnet({ ...membranes, image: [100, 300] })).toMatchObject({ spec: { depth: 3 }, patch: 96 });
  });

  test('where little is annotated brightness is seen from the first step on', () => {
    const { spec, reason } = chooseUnet({ ...membranes, minutes: 15, annotated: 0.1 });
    expect(spec).toMatchObject({ norm: 'weight', brightness: true });
    expect(reason).toMatch(/; its first layer sees brightness, since less than half of the pixels are annotated\.$/);
    expect(chooseUnet({ ...membranes, annotated: 0.5 }).spec).not.toHaveProperty('brightness');
  });

  test('what was asked for stays', () => {
    const { spec, patch, reason } = chooseUnet({ ...membranes, baseChannels: 12, depth: 2, patch: 128 });
    expect(spec).toMatchObject({ baseChannels: 12, depth: 2 });
    expect(patch).toBe(128);
    expect(reason).toBe('U-Net of depth 2 as asked for, and 12 channels as asked for.');
  });

  test('always fits: the network takes the patch', () => {
    const side = fc.integer({ min: 1, max: 3000 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 64 }), (height, width, cores) => {
        const { spec, patch } = chooseUnet({ ...membranes, image: [height, width], cores });
        expect(buildNetwork(spec, [1, 1, patch, patch]).logits.shape).toEqual([1, 1, patch, patch]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the cost', () => {
  test('of unet2015 is 150.43 billion multiplications and 31,030,658 parameters', () => {
    const { builder, logits, parameters } = buildNetwork(
      { name: 'unet2015', channels: 1, numClasses: 2 },
      [1, 1, 572, 572],
    );
    expect(graphMacs(builder.build([logits])) / 1e9).toBeCloseTo(150.43, 2);
    expect(parameterCount(parameters)).toBe(31_030_658);
  });
});
