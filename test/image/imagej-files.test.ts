import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sizes } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { refusalOf } from '../support/damage.ts';

type Axes<T> = Readonly<Record<'t' | 'c' | 'z' | 'y' | 'x', T>>;

interface Case {
  readonly file: string;
  readonly lengths: Axes<number>;
  readonly size: Axes<number>;
  readonly units: Axes<string>;
  readonly valueUnit: string;
  readonly values: readonly string[];
}

/** Made by scripts/golden/imagej.rhino with ImageJ 1.53t. */
const golden: { readonly files: Readonly<Record<string, Case>> } = JSON.parse(
  readFileSync(new URL('../golden/imagej.json', import.meta.url), 'utf8'),
);

const UNITS: Readonly<Record<string, string>> = { micron: 'µm', sec: 's' };

/** Functions of ImageJ that are not supported. */
const REFUSED = new Set(['log', 'gamma variate']);

describe('TIFF that ImageJ wrote, with the values that ImageJ shows', () => {
  for (const [name, expected] of Object.entries(golden.files)) {
    const bytes = new Uint8Array(Buffer.from(expected.file, 'base64'));
    if (REFUSED.has(name)) {
      it(`${name} is refused by name`, async () => {
        const refusal = await refusalOf(bytes, 'a.tif');
        expect(refusal.message).toMatch(new RegExp(`calibration of values by the function "${name}" is not supported`));
        expect(refusal.remedy).toMatch(/Analyze > Calibrate/);
      });
      continue;
    }
    it(name, async () => {
      const image = await readImage(bytes, 'a.tif');
      const { t, c, z } = expected.lengths;
      expect(sizes(image)).toMatchObject({ times: t, channels: c, slices: z });
      const shown = expected.values.map(Number);
      // Curves become float32.
      const rounded = image.dtype === 'float32' ? shown.map(Math.fround) : shown;
      expect([...(image.data as Float32Array)]).toEqual(rounded);
      expect(image.valueUnit).toBe(expected.valueUnit === 'Gray Value' ? undefined : expected.valueUnit);
      const isSize = expected.units.x !== 'pixel' && !name.endsWith('per inch');
      for (const axis of ['x', 'y', 'z', 't'] as const) {
        const said = axis === 't' ? expected.size.t > 0 : isSize && (axis !== 'z' || expected.lengths.z > 1);
        const unit = expected.units[axis];
        expect(image.spacing[axis]).toEqual(
          said ? { value: expect.closeTo(expected.size[axis], 9), unit: UNITS[unit] ?? unit } : undefined,
        );
      }
      expect(image.notes).toBeUndefined();
    });
  }
});
