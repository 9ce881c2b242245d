import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { refusalOf } from '../support/damage.ts';

interface Case {
  readonly file: string;
  readonly refused?: string;
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly spacing: Readonly<Record<string, readonly [number, string]>>;
  readonly values: string;
  readonly channels?: readonly string[];
  readonly notes?: readonly string[];
}

const golden = (name: string): { readonly files: Readonly<Record<string, Case>> } =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'));

const decoded = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

function expectImage(image: Image, expected: Case): void {
  const spacing = Object.fromEntries(
    Object.entries(image.spacing).map(([axis, { value, unit }]) => [axis, [Number(value.toPrecision(9)), unit]]),
  );
  expect({ axes: image.axes, shape: image.shape, dtype: image.dtype, spacing }).toEqual({
    axes: expected.axes,
    shape: expected.shape,
    dtype: expected.dtype,
    spacing: expected.spacing,
  });
  expect(Buffer.from(image.data.buffer).toString('base64')).toBe(expected.values);
  if (expected.channels !== undefined) expect(image.channels).toEqual(expected.channels);
  expect(image.notes ?? []).toEqual((expected.notes ?? []).map((note) => expect.stringMatching(note)));
}

/** Made by scripts/golden/tiff_writers.py with tifffile. */
describe('TIFF as other programs write it, against tifffile', () => {
  for (const [name, expected] of Object.entries(golden('tiff_writers').files)) {
    it(name, async () => {
      const bytes = decoded(expected.file);
      if (expected.refused === undefined) expectImage(await readImage(bytes, 'folder/file-0a.ome.tif'), expected);
      else expect((await refusalOf(bytes, 'file.tif')).message).toMatch(new RegExp(expected.refused));
    });
  }
});
