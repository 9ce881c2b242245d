import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelError, UsageError } from '../../src/errors.ts';
import { defaultBorder, planAxis, smallestTile, type TilingRule, validSide } from '../../src/predict/tile-plan.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const UNET: TilingRule = { multiple: 16, offset: 0, minimum: 16, halo: 94, margin: 0, exact: true };
const UNET2015: TilingRule = { multiple: 16, offset: 12, minimum: 188, halo: 92, margin: 92, exact: true };

describe('valid sides', () => {
  test('of the U-Net of 2015 are 12 modulo 16, from 188 on', () => {
    expect([1, 188, 189, 204, 205, 572].map((n) => validSide(n, UNET2015))).toEqual([188, 188, 204, 204, 220, 572]);
  });
  test('the smallest tile still gives one stride', () => {
    expect(smallestTile(UNET2015)).toBe(204);
    expect(smallestTile(UNET)).toBe(208);
  });
});

describe('tiles of the U-Net of 2015', () => {
  test('a 388 image is one tile of 572, mirrored by 92', () => {
    expect(planAxis(388, UNET2015)).toEqual({ side: 572, tiles: [{ origin: -92, from: 0, to: 388 }] });
  });
  test('512 pixels in tiles of at most 572: two of the same size, a whole number of strides apart', () => {
    const { side, tiles } = planAxis(512, UNET2015, { tile: 572 });
    expect(side).toBe(444);
    expect(tiles.map(({ origin }) => origin)).toEqual([-92, 164]);
    expect(tiles.map(({ from, to }) => [from, to])).toEqual([
      [0, 258],
      [258, 512],
    ]);
  });
  test('one pixel is mirrored up to the smallest side', () => {
    expect(planAxis(1, UNET2015)).toEqual({ side: 188, tiles: [{ origin: -92, from: 0, to: 1 }] });
  });
});

describe('refusals', () => {
  test('a tile that is too small names the smallest', () => {
    expect(() => planAxis(2000, UNET, { tile: 128 })).toThrow(UsageError);
    expect(() => planAxis(2000, UNET, { tile: 128 })).toThrow('Use 208 or more.');
  });
  test('a small tile does no harm where the image is smaller', () => {
    expect(planAxis(20, UNET, { tile: 128, border: 0 }).tiles).toHaveLength(1);
  });
  test('a model of fixed size that loses all it takes in', () => {
    expect(() => planAxis(500, { ...UNET2015, fixed: 184 })).toThrow(ModelError);
    expect(() => planAxis(500, { ...UNET2015, fixed: 184 })).toThrow('nothing is left');
  });
});

test('a model of fixed size that sees further than it takes in is blended', () => {
  const { side, tiles } = planAxis(500, { ...UNET, fixed: 128 });
  expect(side).toBe(128);
  expect(tiles.every(({ weights }) => weights !== undefined)).toBe(true);
});

const rules = fc
  .record({
    multiple: fc.constantFrom(1, 2, 4, 8, 16),
    offset: fc.nat(15),
    least: fc.nat(40),
    margin: fc.nat(20),
    beyond: fc.nat(40),
    unused: fc.nat(30),
    exact: fc.boolean(),
    padded: fc.boolean(),
  })
  .map(({ multiple, offset, least, margin, beyond, unused, exact, padded }): TilingRule => {
    const lost = padded ? 0 : margin;
    return {
      multiple,
      offset: offset % multiple,
      minimum: least + 2 * lost + 1,
      halo: lost + beyond,
      margin: lost,
      unused,
      exact,
    };
  })
  .map((rule) => ({ ...rule, minimum: validSide(rule.minimum, rule) }));

test('a model of fixed size whose strides leave no step between blended windows', () => {
  // Halo of 364 and strides of 32, as of networks that look far.
  for (const [fixed, multiple, exact] of [
    [32, 32, false],
    [33, 32, false],
    [128, 32, true],
    [32, 1, true],
  ] as const) {
    const { side, tiles } = planAxis(500, { ...UNET, multiple, halo: 364, fixed, exact });
    expect(side).toBe(fixed);
    const sums = new Float64Array(500);
    for (const { from, weights } of tiles)
      for (const [i, weight] of (weights as Float32Array).entries())
        sums[from + i] = (sums[from + i] as number) + weight;
    expectAllClose(sums, new Float64Array(500).fill(1), { rtol: 0, atol: 1e-6 });
    // Neighbours overlap.
    expect(tiles.slice(1).every(({ origin }, i) => origin < (tiles[i]?.origin as number) + fixed)).toBe(true);
  }
});

describe('properties', () => {
  const cases = fc.record({
    rule: rules,
    length: fc.integer({ min: 1, max: 700 }),
    more: fc.nat(200),
    border: fc.option(fc.nat(40), { nil: undefined }),
    fixed: fc.boolean(),
  });
  test('every pixel is given once, from inside its tile and away from where the frame was cut', () => {
    fc.assert(
      fc.property(cases, ({ rule, length, more, border, fixed }) => {
        const least = validSide(smallestTile(rule) + more, rule);
        const given: TilingRule = fixed ? { ...rule, fixed: least } : rule;
        const { side, tiles } = planAxis(length, given, {
          tile: smallestTile(rule) + more,
          border,
        });
        expect(validSide(side, rule), 'the side is valid').toBe(side);
        if (fixed) expect(side).toBe(least);
        const sum = new Float64Array(length);
        const frameStart = (tiles[0] as { origin: number }).origin;
        const frameEnd = Math.max(...tiles.map(({ origin }) => origin + side));
        for (const { origin, from, to, weights } of tiles) {
          expect((origin - frameStart) % rule.multiple, 'whole strides apart').toBe(0);
          expect(from).toBeGreaterThanOrEqual(origin + rule.margin);
          expect(to).toBeLessThanOrEqual(origin + side - rule.margin);
          if (rule.exact) {
            if (origin !== frameStart) expect(from).toBeGreaterThanOrEqual(origin + rule.halo);
            if (origin + side !== frameEnd) expect(to).toBeLessThanOrEqual(origin + side - rule.halo);
          } else {
            const lost = rule.margin + (rule.unused ?? 0);
            if (origin !== frameStart) expect(from).toBeGreaterThanOrEqual(origin + lost);
            if (origin + side !== frameEnd) expect(to).toBeLessThanOrEqual(origin + side - lost);
          }
          for (let x = from; x < to; x++) sum[x] = (sum[x] as number) + (weights?.[x - from] ?? 1);
        }
        expectAllClose(sum, new Float64Array(length).fill(1), { atol: 1e-6 });
      }),
      { numRuns: 1000 },
    );
  });
});

test('the frame begins a whole number of strides before the image', () => {
  for (const multiple of [1, 2, 4, 8, 16, 32, 64]) {
    for (let halo = 0; halo < 100; halo++) {
      const rule = { multiple, offset: 0, minimum: multiple, halo, margin: 0, exact: true };
      const border = defaultBorder(rule);
      expect(border % multiple).toBe(0);
      expect(border).toBeGreaterThanOrEqual(Math.min(halo, 32));
      expect(border).toBeLessThan(Math.min(halo, 32) + multiple);
      expect(planAxis(300, rule).tiles[0]?.origin).toBe(border === 0 ? 0 : -border);
    }
  }
});
