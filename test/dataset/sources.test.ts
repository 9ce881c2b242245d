import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { listImageSources, pairListing, readListed } from '../../src/dataset/discover/sources.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { ctSlice, PERSON, type SliceOptions } from '../support/dicom.ts';
import { memoryFiles } from '../support/memory-files.ts';

/** A folder in memory; reading only the head is counted. */
const SCOUT: SliceOptions = { extra: { '0020,0037 DS': '1\\0\\0\\0\\0\\-1', '0020,0011 IS': '1' } };
const slices = (path: string, options: SliceOptions = {}, count = 3) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`${path}${i}.dcm`, ctSlice({ z: i, value: i, ...options })]),
  );

/** Labels of 4 x 3 x 3 voxels that lie on those slices. */
function labelVolume(z = 0): Uint8Array {
  const mm = (value: number) => ({ value, unit: 'mm' });
  const image: Image = {
    dtype: 'uint8',
    axes: 'zyx',
    shape: [3, 3, 4],
    data: Uint8Array.from({ length: 36 }, (_, i) => (i % 4 < 2 ? 0 : 1)),
    spacing: { z: mm(1), y: mm(0.8), x: mm(0.5) },
    geometry: {
      originMm: [-10, -20, z],
      direction: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
  };
  return writeNifti(image);
}
const picture = writePng({
  dtype: 'uint8',
  axes: 'yx',
  shape: [3, 4],
  data: Uint8Array.from({ length: 12 }, (_, i) => (i % 4 < 2 ? 0 : 255)),
  spacing: {},
});

it('what is wrong within a folder is said with the folder', async () => {
  const folder = memoryFiles({ 'images/a.png': new TextEncoder().encode('text'), 'labels/a.png': Uint8Array.of(1) });
  await expect(readDataset(folder, '/data')).rejects.toThrow(/^\/data\/(images|labels)\/a.png: this is /);
});

describe('listImageSources', () => {
  it('one series in a folder is one image, under the name of the folder', async () => {
    const files = memoryFiles({ ...slices('patient1/IM'), ...slices('patient2/IM'), 'notes.txt': new Uint8Array(3) });
    const { paths, series } = await listImageSources(files, '/data');
    expect(paths).toEqual(['notes.txt', 'patient1.dcm', 'patient2.dcm']);
    expect(series.get('patient1.dcm')?.files.length).toBe(3);
    expect(series.get('patient1.dcm')?.description).toBe('CT, 3 slices of 4 x 3, 0.5 x 0.8 x 1 mm, axial');
    // Only heads were read.
    expect(files.wholes).toEqual([]);
  });
  it('mixed series are told apart: by their number, by orientation', async () => {
    const other: SliceOptions = { extra: { '0020,000e UI': '1.9', '0020,0011 IS': '9' } };
    const files = memoryFiles({ ...slices('a/x'), ...slices('a/y', other, 2), 'a/scout.dcm': ctSlice(SCOUT) });
    const { paths, series } = await listImageSources(files, '/data');
    expect(paths).toEqual(['a/scout.dcm', 'a/series-7.dcm', 'a/series-9.dcm']);
    expect([...series.values()].map(({ files: members }) => members.length)).toEqual([3, 2]);
    expect(JSON.stringify([...series])).not.toContain(PERSON.uid);
  });
  it('files without an extension are looked into', async () => {
    const files = memoryFiles({
      IM001: ctSlice({ z: 0 }),
      IM002: ctSlice({ z: 2 }),
      README: new TextEncoder().encode('hello'),
    });
    const { paths } = await listImageSources(files, '/data/patient7');
    expect(paths).toEqual(['README', 'patient7.dcm']);
  });
  it.each([
    ['1.2.840.10008.5.1.4.1.1.481.5', 'a radiotherapy plan, not an image'],
    // Contours that name no series that they are drawn on.
    ['1.2.840.10008.5.1.4.1.1.481.3', 'segments or contours of a series that is not here'],
  ])('objects that hold no image are left out with the reason: %s', async (sopClass, reason) => {
    const files = memoryFiles({ ...slices('s'), 'other.dcm': ctSlice({ extra: { '0008,0016 UI': sopClass } }) });
    const { paths, leftOut } = await listImageSources(files, '/data/p');
    expect(paths).toEqual(['p.dcm']);
    expect(leftOut).toEqual([{ file: 'other.dcm', reason }]);
  });
  it('a damaged slice is not lost: it stands by itself, and reading it says why', async () => {
    const files = memoryFiles({ ...slices('s'), 's3.dcm': ctSlice({ z: 3 }).slice(0, 200) });
    const listing = await listImageSources(files, '/data/p');
    expect(listing.paths).toEqual(['p.dcm', 's3.dcm']);
    await expect(readListed(files, listing, 's3.dcm')).rejects.toThrow(
      /^s3\.dcm: the DICOM header is damaged or ends early/,
    );
  });
  it('.img beside .hdr is not an image of its own', async () => {
    const { paths } = await listImageSources(
      memoryFiles({ 'a.hdr': new Uint8Array(1), 'a.img': new Uint8Array(1), 'b.img': new Uint8Array(1) }),
      '/data',
    );
    expect(paths).toEqual(['a.hdr', 'b.img']);
  });
});

describe('data sets of volumes', () => {
  it('a series and a volume of labels make pages with labels', async () => {
    const files = memoryFiles({ ...slices('images/p1/s'), 'labels/p1.nii.gz': labelVolume() });
    const { pages } = await readDataset(files, '/data');
    expect(pages.map(({ name, page }) => [name, page])).toEqual([0, 1, 2].map((i) => [`images/p1.dcm[${i}]`, i]));
    expect(pages.map(({ data }) => data[0])).toEqual([-1024, -1023, -1022]);
    expect([...(pages[0]?.label.values ?? [])].slice(0, 4)).toEqual([0, 0, 1, 1]);
  });
  it('the slices of a series and as many pictures of labels go slice by slice', async () => {
    const files = memoryFiles({
      ...slices('images/s'),
      'labels/s0.png': picture,
      'labels/s1.png': picture,
      'labels/s2.png': picture,
    });
    const { pages } = await readDataset(files, '/data');
    expect(pages.map(({ name }) => name)).toEqual(['images/s0.dcm', 'images/s1.dcm', 'images/s2.dcm']);
  });
  it('one patient: slices and a mask in one folder', async () => {
    const { pages } = await readDataset(memoryFiles({ ...slices('s'), 'mask.nii.gz': labelVolume() }), '/data/p');
    expect(pages.length).toBe(3);
  });
  it('labels that lie elsewhere are refused', async () => {
    const files = memoryFiles({ ...slices('images/p1/s'), 'labels/p1.nii.gz': labelVolume(40) });
    await expect(readDataset(files, '/data')).rejects.toThrow(
      /labels\/p1\.nii\.gz: the labels lie on other voxels .*they lie 40 mm beside it/,
    );
  });
  it('single pictures beside a volume: the fewer are left out, and said', async () => {
    const files = memoryFiles({
      '2d_images/a.png': picture,
      '2d_masks/a.png': picture,
      '2d_images/b.png': picture,
      '2d_masks/b.png': picture,
      '3d/img_1.nii.gz': labelVolume(),
      '3d/mask_1.nii.gz': labelVolume(),
    });
    const listing = await listImageSources(files, '/data');
    const { pairing } = pairListing(listing);
    expect(pairing.pairs.map(({ image }) => image)).toEqual(['2d_images/a.png', '2d_images/b.png']);
    expect(pairing.leftOut).toEqual([
      { file: '3d/img_1.nii.gz', reason: 'a volume beside single pictures; name its folder to use it' },
    ]);
    expect(pairListing(listing, { mixed: true }).pairing.pairs.length).toBe(3);
  });
  it('gzip that is no volume is named', async () => {
    const files = memoryFiles({ 'images/a.nii.gz': gzipSync(new Uint8Array(9)), 'labels/a.nii.gz': labelVolume() });
    await expect(readDataset(files, '/data')).rejects.toThrow(/images\/a\.nii\.gz: this is a gzip archive/);
  });
});
