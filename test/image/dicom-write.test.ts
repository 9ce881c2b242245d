/** Numbers and colours as DICOM files have them. */

import { describe, expect, it } from 'vitest';
import { cielab } from '../../src/image/formats/dicom/cielab.ts';
import { decimal } from '../../src/image/formats/dicom/write-elements.ts';

describe('numbers and colours of DICOM', () => {
  it('decimal strings have at most 16 characters and keep what fits', () => {
    for (const value of [0, -1, 0.1, 1 / 3, -2 / 3, 1e-12 / 3, -123456.789012345, 1e20 / 3, Math.PI * 1e5]) {
      const text = decimal(value);
      expect(text.length).toBeLessThanOrEqual(16);
      expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-8);
    }
    expect([decimal(0.5), decimal(-10), decimal(2.5)]).toEqual(['0.5', '-10', '2.5']);
  });

  it('colours in Lab of D50 are those of tables', () => {
    const stretched = ([l, a, b]: readonly [number, number, number]) => [
      Math.round((l / 100) * 65_535),
      Math.round(((a + 128) / 255) * 65_535),
      Math.round(((b + 128) / 255) * 65_535),
    ];
    // Lab of D50 for sRGB red, green, blue and white, as tables of sRGB have them.
    for (const [rgb, lab] of [
      [
        [255, 0, 0],
        [54.29, 80.8, 69.89],
      ],
      [
        [0, 255, 0],
        [87.82, -79.27, 80.99],
      ],
      [
        [0, 0, 255],
        [29.57, 68.3, -112.03],
      ],
      [
        [255, 255, 255],
        [100, 0, 0],
      ],
    ] as const) {
      const [found, expected] = [cielab(rgb), stretched(lab)];
      // Two digits of the table.
      for (const i of [0, 1, 2]) expect(Math.abs((found[i] as number) - (expected[i] as number))).toBeLessThan(8);
    }
  });
});
