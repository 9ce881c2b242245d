import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { FormatError } from '../../src/errors.ts';
import { voxelSteps } from '../../src/image/geometry.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Expected {
  readonly unread?: string;
  readonly shape: readonly number[];
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly picks: readonly (readonly [number, number])[];
  readonly crc32?: number;
  readonly unit?: string | null;
  /** Steps along x, y, z and the origin, LPS mm. */
  readonly place?: { readonly steps: readonly (readonly number[])[]; readonly origin: readonly number[] };
  readonly zooms?: readonly number[];
}

/** Made by scripts/golden/volumes.py with pydicom, nibabel, SimpleITK and pynrrd. */
const golden: { readonly files: Readonly<Record<string, Expected>> } = JSON.parse(
  readFileSync(new URL('../golden/volumes.json', import.meta.url), 'utf8'),
);

/** What is not read, and why: part of the contract. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm': /12-bit lossy JPEG \(progressive\)/,
  'JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm': /12-bit lossy JPEG \(extended\)/,
  'JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm': /12-bit lossy JPEG \(progressive\)/,
  'CT0012.fragmented_no_bot_jpeg_baseline.51.dcm': /12-bit lossy JPEG \(extended\)/,
  'not-nifti.nii': /this is not an image/,
  'byteskip_minus_five.nhdr': /a byte skip of -5 is not possible/,
  'BallBinary30x30x30_bz2.nrrd': /the encoding "bzip2" is not supported/,
  'test1d_ascii.nrrd': /an array of one axis is not an image/,
  'test_customFields.nrrd': /an array of one axis is not an image/,
};

/** Lossy: decoders may round differently, by so many stored steps. */
const LOSSY: Readonly<Record<string, number>> = {};

async function read(name: string): Promise<Image> {
  const path = join(dataFolder(), name);
  return readImage(new Uint8Array(readFileSync(path)), path, {
    sibling: async (other) => (existsSync(other) ? new Uint8Array(readFileSync(other)) : undefined),
  });
}

/** The values as little-endian int32, of which the golden checksum is. */
function checksum({ data }: Image): number {
  return crc32(new Uint8Array(Int32Array.from(data as ArrayLike<number>).buffer));
}

describeWithData('medical files against independent readers', () => {
  for (const [name, expected] of Object.entries(golden.files)) {
    const reason = Object.entries(REFUSED).find(([end]) => name.endsWith(end))?.[1];
    if (reason !== undefined) {
      it(`${name} is refused`, async () => {
        const error = await read(name).then(
          () => undefined,
          (cause: unknown) => cause,
        );
        expect(error).toBeInstanceOf(FormatError);
        expect((error as FormatError).message).toMatch(reason);
        expect((error as FormatError).remedy).toMatch(/^(Save|Export) /);
      });
      continue;
    }
    it(`${name} reads`, async () => {
      // One that the independent reader refuses though it reads well: its data begin with the header of another format.
      if (expected.unread !== undefined) expect(name).toMatch(/30_nifti\.nhdr$/);
      const image = await read(name);
      if (expected.unread !== undefined) return;
      const squeezed = (shape: readonly number[]) => shape.filter((length) => length > 1);
      expect(squeezed(image.shape)).toEqual(squeezed(expected.shape));
      const tolerance = LOSSY[name] ?? 0;
      // Where a slope is not whole, values are float32.
      const rtol = image.dtype === 'float32' ? 2 ** -23 : 0;
      expectAllClose(
        expected.picks.map(([i]) => Number(image.data[i])),
        expected.picks.map(([, value]) => value),
        { rtol, atol: tolerance + rtol * Math.max(Math.abs(expected.min), Math.abs(expected.max)) },
      );
      if (expected.crc32 !== undefined && tolerance === 0) expect(checksum(image)).toBe(expected.crc32);
      if (expected.unit !== undefined) expect(image.valueUnit ?? null).toBe(expected.unit);
      if (expected.place !== undefined) {
        const steps = voxelSteps(image);
        expect(steps).toBeDefined();
        const given = steps as NonNullable<typeof steps>;
        // Headers have float32, or decimals of six digits; a single slice's thickness is not the matter here.
        const axes = image.axes.includes('z') ? [0, 1, 2] : [0, 1];
        for (const k of axes) {
          expectAllClose(given[k] as readonly number[], expected.place.steps[k] as readonly number[], {
            rtol: 1e-6,
            atol: 1e-5,
          });
        }
        expectAllClose(image.geometry?.originMm ?? [], expected.place.origin, { rtol: 1e-6, atol: 1e-4 });
      }
    });
  }
});
