import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gaussianBlur } from '../../src/array/gaussian.ts';
import { sampleBilinear } from '../../src/augment/resample.ts';
import { separationTerm } from '../../src/dataset/weights/separation-weight.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Golden {
  readonly height: number;
  readonly width: number;
  readonly image: readonly number[];
  readonly y: readonly number[];
  readonly x: readonly number[];
  readonly bilinear: readonly number[];
  readonly blurs: readonly { readonly sigma: number; readonly values: readonly number[] }[];
  readonly instances: readonly number[];
  readonly instancesShape: readonly [number, number];
  readonly weights: readonly number[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/resample.json', import.meta.url), 'utf8')) as Golden;
const image = Float32Array.from(golden.image);
const size = [golden.height, golden.width] as const;

describe('as SciPy does it', () => {
  it('bilinear interpolation with mirrored borders (map_coordinates, order 1, reflect)', () => {
    const out = new Float32Array(golden.y.length);
    sampleBilinear(image, size, { y: Float32Array.from(golden.y), x: Float32Array.from(golden.x) }, out);
    // The golden values are rounded to six digits, fractions of coordinates up to 45 to 4e-6 in float32.
    expectAllClose(out, golden.bilinear, { atol: 2e-5 });
  });
  it.each(golden.blurs)('Gaussian blur of $sigma px (gaussian_filter, reflect)', ({ sigma, values }) => {
    const plane = image.slice();
    gaussianBlur(plane, ...size, sigma);
    expectAllClose(plane, values, { atol: 3e-6 });
  });
  it('separation weights by one distance transform an object', () => {
    const term = separationTerm(Int32Array.from(golden.instances), golden.instancesShape);
    expect(Math.max(...golden.weights)).toBeGreaterThan(5);
    // Left out beyond d1 + d2 = 4 sigma: w0 exp(-8).
    expectAllClose(term, golden.weights, { rtol: 1e-5, atol: 0.0034 });
  });
});
