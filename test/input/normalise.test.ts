import { describe, expect, it } from 'vitest';
import { prepareInput } from '../../src/input/network-input.ts';
import { fitNormalisation, type NormalisationOptions, normalise } from '../../src/input/normalise.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const grey = { mode: 'grey', count: 1 } as const;
const page = (data: readonly number[], channels = 1, name = 'a.png') => ({
  data: Float32Array.from(data),
  channels,
  height: 1,
  width: data.length / channels,
  name,
});
const ramp = Float32Array.from({ length: 101 }, (_, i) => i);
const fitted = (planes: readonly Float32Array[], options: NormalisationOptions = {}) =>
  fitNormalisation(planes, grey, options).spec;

describe('normalise', () => {
  it('puts percentile 1 at -1 and percentile 99 at 1', () => {
    const out = normalise(ramp.slice(), 1, fitted([ramp]));
    // Percentiles are exact to 1/32768 of the range, here 0.003.
    expectAllClose([out[1], out[50], out[99]] as number[], [-1, 0, 1], { atol: 1e-4 });
  });
  it('cuts at 3 what lies far outside, such as hot pixels', () => {
    const hot = Float32Array.from({ length: 1000 }, (_, i) => (i === 7 ? 60000 : i % 100));
    expect(Math.max(...normalise(hot.slice(), 1, fitted([hot])))).toBe(3);
  });
  it('z-score has mean 0 and deviation 1', () => {
    const out = normalise(ramp.slice(), 1, fitted([ramp], { kind: 'zscore' }));
    expect(out.reduce((a, b) => a + b, 0) / 101).toBeCloseTo(0, 6);
    expect(out.reduce((a, b) => a + b * b, 0) / 101).toBeCloseTo(1, 5);
  });
  it('a given mean and deviation are those of all channels, or of each', () => {
    const { spec, reason } = fitNormalisation([ramp], grey, { given: { mean: [0], std: [255] } });
    expect(reason).toBe('normalisation: (x - 0) / 255');
    expectAllClose(normalise(Float32Array.of(0, 51, 255, 510), 1, spec), [0, 0.2, 1, 2], { atol: 1e-6 });
    const colour = { mode: 'colour', count: 3 } as const;
    const given = { mean: [1, 2, 3], std: [10] };
    const each = fitNormalisation([ramp], colour, { given }).spec;
    expectAllClose(normalise(Float32Array.of(11, 12, 13, 1, 2, 3), 3, { ...each }), [1, 1.1, 1.1, -0.1, -0.1, 0], {
      atol: 1e-6,
    });
    expect(() => fitNormalisation([ramp], grey, { given })).toThrow(/has 3 values, and there is one channel/);
    expect(() => fitNormalisation([ramp], grey, { given: { mean: [0], std: [0] } })).toThrow(
      /the deviation 0 is not above 0/,
    );
  });
  it('a given range is cut at its ends', () => {
    const spec = fitted([ramp], { range: [-1000, 400] });
    expectAllClose(normalise(Float32Array.of(-1000, -300, 400, 3000, -2000), 1, spec), [-1, 0, 1, 1, -1], {
      atol: 1e-6,
    });
  });
  it('takes each image by itself where values are plain, so exposure does not matter', () => {
    const bright = ramp.map((v) => 3 * v + 400);
    const spec = fitted([ramp, bright]);
    expect(spec.scope).toBe('image');
    expectAllClose(normalise(bright.slice(), 1, spec), normalise(ramp.slice(), 1, spec), { atol: 1e-4 });
  });
  it('takes the whole set where negative values look calibrated', () => {
    const ct = ramp.map((v) => 20 * v - 1000);
    const { spec, reason } = fitNormalisation([ct, ct], grey);
    expect(spec.scope).toBe('dataset');
    expect(reason).toContain('calibrated');
    expectAllClose(spec.numbers[0] as readonly number[], [-980, 980], { atol: 0.1 });
  });
  it('does not blow up the noise of an empty image, nor divide by zero', () => {
    const spec = fitted([ramp]);
    const noise = Float32Array.from({ length: 100 }, (_, i) => 10 + (i % 2));
    const out = normalise(noise.slice(), 1, spec);
    expect(Math.max(...out) - Math.min(...out)).toBeLessThan(0.1);
    expect([...normalise(new Float32Array(4).fill(7), 1, spec)]).toEqual([-1, -1, -1, -1]);
  });
  it('survives JSON, as it is stored in the model file', () => {
    const input = { channels: grey, normalisation: fitted([ramp]) };
    expect(prepareInput(page([...ramp]), JSON.parse(JSON.stringify(input)))).toEqual(
      prepareInput(page([...ramp]), input),
    );
  });
});
