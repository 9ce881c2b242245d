import { expect, it } from 'vitest';
import { displayWindow } from '../../src/image/display.ts';
import type { Image } from '../../src/image/image.ts';

/** A thousand values from `low` to `high`. */
const ramp = (low: number, high: number, rest: Partial<Image> = {}): Image => ({
  dtype: 'float32',
  axes: 'yx',
  shape: [10, 100],
  data: Float32Array.from({ length: 1000 }, (_, i) => low + ((high - low) * i) / 999),
  spacing: {},
  ...rest,
});

it('suits what the image is', () => {
  // Half air and lung, half tissue.
  expect(displayWindow(ramp(-1000, 200, { valueUnit: 'HU' }))).toEqual({ low: -1350, high: 150, name: 'lung window' });
  expect(displayWindow(ramp(-150, 240, { modality: 'CT', valueUnit: 'HU' })).name).toBe('soft tissue window');
  expect(displayWindow(ramp(0.5, 7, { modality: 'MR', window: [1, 5] }))).toMatchObject({ low: 1, high: 5 });
  for (const dose of [{ modality: 'PT' }, { modality: 'RTDOSE' }, { valueUnit: 'Gy' }]) {
    const { low, high } = displayWindow(ramp(0.5, 999.5, dose));
    // The value at 0.995 of 999 steps.
    expect([low, high]).toEqual([0, expect.closeTo(994.5, 0)]);
  }
  expect(displayWindow(ramp(0.5, 999.5)).name).toBe('percentiles 0.5 to 99.5');
  expect(displayWindow({ ...ramp(0, 1), data: Float32Array.from({ length: 1000 }, (_, i) => i % 3) })).toEqual({
    low: 0,
    high: 2,
    name: 'all values',
  });
});

it('a flat image has a window too, and padding takes no part', () => {
  expect(displayWindow({ ...ramp(5, 5) })).toEqual({ low: 4, high: 6, name: 'all values' });
  expect(displayWindow({ ...ramp(0.25, 9.75, { padding: 9.75 }) }).high).toBeLessThan(9.75);
});
