import { expect, it } from 'vitest';
import { portableAtan2, portableCbrt } from '../../src/array/portable.ts';
import { stream } from '../../src/array/random.ts';

const ULP = 2 ** -52;

it('angles are those of Math.atan2, to the last bits', () => {
  const random = stream(1, 'angles');
  for (let i = 0; i < 50_000; i++) {
    const [y, x] = [random.between(-1, 1) * 10 ** random.between(-8, 8), random.between(-1, 1)];
    const expected = Math.atan2(y, x);
    expect(Math.abs(portableAtan2(y, x) - expected)).toBeLessThanOrEqual(4 * ULP * Math.abs(expected));
  }
  for (const [y, x] of [
    [0, 1],
    [0, -1],
    [-0, -1],
  ] as const) {
    expect(portableAtan2(y, x), `${y}, ${x}`).toBe(Math.atan2(y, x));
  }
});

it('what is no number stays none', () => {
  for (const angle of [portableAtan2(0, 0), portableAtan2(Number.NaN, 1), portableAtan2(1, Number.NaN)])
    expect(angle).toBeNaN();
  expect(portableCbrt(Number.NaN)).toBeNaN();
});

it('cube roots are those of Math.cbrt, to the last bits; those of cubes are whole', () => {
  const random = stream(1, 'roots');
  for (let i = 0; i < 50_000; i++) {
    const x = 10 ** random.between(-12, 18);
    expect(Math.abs(portableCbrt(x) - Math.cbrt(x))).toBeLessThanOrEqual(2 * ULP * Math.cbrt(x));
  }
  for (let n = 1; n < 1000; n++) expect(portableCbrt(n ** 3)).toBe(n);
});
