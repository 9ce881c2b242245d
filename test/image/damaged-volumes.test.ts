import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { expectChangesRefused, expectCutsRefused, refusalOf } from '../support/damage.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

const IMAGE: Image = {
  dtype: 'int16',
  axes: 'zyx',
  shape: [2, 3, 4],
  data: Int16Array.from({ length: 24 }, (_, i) => i),
  spacing: { z: { value: 2, unit: 'mm' }, y: { value: 1, unit: 'mm' }, x: { value: 1, unit: 'mm' } },
};

const errorOf = (bytes: Uint8Array, name = 'a.nii', options = {}) => refusalOf(bytes, name, options);

/** A plain NIfTI-1 file, its header changed. */
function nifti(change: (header: DataView) => void): Uint8Array {
  const bytes = writeNifti(IMAGE, { gzip: false });
  change(new DataView(bytes.buffer));
  return bytes;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe('NIfTI headers that are wrong', () => {
  it('lengths that cannot be', async () => {
    expect((await errorOf(nifti((h) => h.setInt16(42, 0, true)))).message).toMatch(/impossible lengths: \[3, 0, 3, 2/);
    expect((await errorOf(nifti((h) => h.setInt16(40, 9, true)))).message).toMatch(/impossible lengths/);
    expect((await errorOf(nifti((h) => h.setInt16(42, 5, true)))).message).toMatch(
      /takes 60 bytes, but only 48 are there: the file ends early/,
    );
    expect(
      (
        await errorOf(
          nifti((h) => h.setInt16(42, 30_000, true)),
          'a.nii',
          { maxBytes: 1000 },
        )
      ).message,
    ).toMatch(/more than the limit/);
    expect((await errorOf(nifti((h) => h.setFloat32(108, 20, true)))).message).toMatch(
      /begin at byte 20, within the header/,
    );
  });
  it('kinds of values that are not read are named', async () => {
    expect((await errorOf(nifti((h) => h.setInt16(70, 32, true)))).message).toMatch(/complex numbers \(complex64\)/);
    expect((await errorOf(nifti((h) => h.setInt16(70, 99, true)))).message).toMatch(/datatype 99/);
  });
  it('a voxel size of zero is left out and said', async () => {
    const image = await readImage(
      nifti((h) => h.setFloat32(80, 0, true)),
      'a.nii',
    );
    expect(image.spacing).toEqual({});
    expect(image.notes?.[0]).toMatch(/voxel size is not stated \(0 x 1 x 2\)/);
  });
  it('an unknown unit is taken for millimetres, and said', async () => {
    const image = await readImage(
      nifti((h) => h.setUint8(123, 0)),
      'a.nii',
    );
    expect(image.spacing.z).toEqual({ value: 2, unit: 'mm' });
    expect(image.notes?.[0]).toMatch(/does not state its unit of length; millimetres are assumed/);
  });
  it('pairs: the voxels beside the header, or asked for', async () => {
    const both = writeNifti(IMAGE, { gzip: false });
    const header = both.slice(0, 348);
    header.set(text('ni1\0'), 344);
    new DataView(header.buffer).setFloat32(108, 0, true);
    const sibling = async (path: string) => (path === 's/a.img' ? both.slice(352) : undefined);
    expect((await readImage(header, 's/a.hdr', { sibling })).data).toEqual(IMAGE.data);
    expect((await errorOf(header, 's/b.hdr', { sibling })).message).toMatch(
      /a file of the same name that ends in \.img/,
    );
    header.set(text('\0\0\0\0'), 344);
    new DataView(header.buffer).setInt32(32, 16_384, true);
    expect((await errorOf(header, 's/a.hdr', { sibling })).message).toMatch(/Analyze 7\.5/);
  });
  it('gzip that is cut or changed', async () => {
    const packed = writeNifti({
      ...IMAGE,
      shape: [2, 100, 100],
      data: Int16Array.from({ length: 20_000 }, (_, i) => (i * i) % 3000),
    });
    expect((await errorOf(packed.slice(0, -9), 'a.nii.gz')).message).toMatch(/gzip data end early|damaged/);
    const changed = packed.slice();
    changed[changed.length - 6] = (changed[changed.length - 6] as number) ^ 1;
    expect((await errorOf(changed, 'a.nii.gz')).message).toMatch(/checksum/);
  });
  it('what is gzip but no volume is called an archive', async () => {
    expect((await errorOf(gzipSync(text('hello')), 'a.nii.gz')).message).toMatch(
      /a gzip archive, which is not supported/,
    );
  });
});

describe('NRRD headers that are wrong', () => {
  const read = (fields: string, data = '1 2 3 4') => errorOf(text(`NRRD0004\n${fields}\n\n${data}`), 'a.nrrd');
  const plain = 'type: uchar\ndimension: 2\nsizes: 2 2\nencoding: ascii';
  it('reads when they are right', async () => {
    const image = await readImage(
      text(`NRRD0004\n# a comment\n${plain}\nspacings: 0.5 0.7\nunits: "mm" "mm"\n\n1 2\n3 4`),
      'a.nrrd',
    );
    expect(image).toMatchObject({ axes: 'yx', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) });
    expect(image.spacing).toEqual({ y: { value: 0.7, unit: 'mm' }, x: { value: 0.5, unit: 'mm' } });
  });
  it('says what is missing or impossible', async () => {
    expect((await read('type: uchar\nsizes: 2 2\nencoding: ascii')).message).toMatch(/no field "dimension"/);
    expect((await read(plain.replace('2 2', '2 x'))).message).toMatch(/2 axes of the sizes "2 x"/);
    expect((await read(plain.replace('2 2', '2 3'))).message).toMatch(/has 6 values, but only 4 are there/);
    expect((await read(plain, '1 2 three 4')).message).toMatch(/"three" is not a number/);
    expect((await read(plain.replace('uchar', 'block'))).message).toMatch(/type "block" are not supported/);
    expect((await read(plain.replace('ascii', 'hex'))).message).toMatch(/encoding "hex" is not supported/);
    expect((await read(plain.replace('uchar', 'short').replace('ascii', 'raw'), '12345678')).message).toMatch(
      /does not state the byte order/,
    );
    expect((await read(`${plain}\ndata file: LIST`)).message).toMatch(/data in several files/);
    expect((await read(`${plain}\ndata file: gone.raw`)).message).toMatch(
      /should be in "gone\.raw", which is not there/,
    );
    expect((await read(`${plain}\nspace directions: (1,0)`)).message).toMatch(/1 space directions for 2 axes/);
  });
  it('a negative spacing is the distance all the same, as of a flipped axis', async () => {
    const header = `NRRD0004\n${plain}\nspacings: -0.5 0.7\nunits: "um" "um"`;
    const image = await readImage(text(`${header}\n\n1 2 3 4`), 'a.nrrd');
    expect(image.spacing).toEqual({ x: { value: 0.5, unit: 'µm' }, y: { value: 0.7, unit: 'µm' } });
    expect(image.notes).toBeUndefined();
  });
  it('a spacing without a unit is not taken for one', async () => {
    const image = await readImage(text(`NRRD0004\n${plain}\nspacings: 0.5 0.7\n\n1 2 3 4`), 'a.nrrd');
    expect([image.spacing, image.notes]).toEqual([{}, ['The voxel size has no unit and is ignored.']]);
  });
  it('components come first or last in the file, and are channels either way', async () => {
    const vectors = (kinds: string, sizes: string) =>
      readImage(
        text(
          `NRRD0004\ntype: uchar\ndimension: 3\nsizes: ${sizes}\nkinds: ${kinds}\nencoding: ascii\n\n1 2 3 4 5 6 7 8 9 10 11 12`,
        ),
        'a.nrrd',
      );
    const first = await vectors('RGB-color domain domain', '3 2 2');
    expect([first.axes, first.channels, [...(first.data as Uint8Array)]]).toEqual([
      'cyx',
      ['red', 'green', 'blue'],
      [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12],
    ]);
    const last = await vectors('domain domain vector', '2 2 3');
    expect([last.axes, [...(last.data as Uint8Array)]]).toEqual(['cyx', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]]);
  });
});

describeWithData('damaged medical files', () => {
  const golden = JSON.parse(readFileSync(new URL('../golden/volumes.json', import.meta.url), 'utf8')) as {
    files: Record<string, unknown>;
  };
  const files = () =>
    Object.keys(golden.files).map((name) => ({
      name,
      bytes: new Uint8Array(readFileSync(join(dataFolder(), name))),
    }));
  const upTo = (most: number) => files().filter(({ bytes }) => bytes.length <= most);

  it('cut at several places: refused, or the whole image', () =>
    expectCutsRefused(upTo(300_000), [0.05, 0.3, 0.6, 0.9, 0.999]));

  it('with bytes changed: an image of the size that it says, or FormatError', () =>
    expectChangesRefused(upTo(60_000), {
      seed: 20_26,
      rounds: 10,
      // The first 1500 bytes.
      place: (length, random) => Math.floor(random() * Math.min(1500, length)),
    }));
});
