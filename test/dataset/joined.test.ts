import { describe, expect, it } from 'vitest';
import { pairFiles } from '../../src/dataset/discover/pair.ts';
import { describePairing } from '../../src/dataset/discover/pairing.ts';
import { listImageSources, pairListing } from '../../src/dataset/discover/sources.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { memoryFiles } from '../support/memory-files.ts';

const png = (...values: readonly number[]) =>
  writePng({
    dtype: 'uint8',
    shape: [2, values.length / 2],
    data: Uint8Array.from(values),
    axes: 'yx',
    spacing: {},
    channels: ['grey'],
  });
const read = (contents: Readonly<Record<string, Uint8Array>>) => readDataset(memoryFiles(contents), 'd');
const pair = (...paths: readonly string[]) => pairFiles(paths, { folder: 'd', extensions: ['png', 'tif'] });

describe('one mask file per object', () => {
  const image = png(9, 9, 9, 9, 9, 9);
  const masks = [png(0, 0, 0, 0, 255, 0), png(255, 0, 0, 0, 0, 0), png(0, 255, 255, 0, 0, 0)] as const;
  it.each([
    ['in a folder per image', 'x/images/x.png', ['x/masks/c3.png', 'x/masks/a1.png', 'x/masks/b2.png']],
    ['in a folder named as the image', 'images/x.png', ['masks/x/3.png', 'masks/x/1.png', 'masks/x/2.png']],
    ['with the name of the image before', 'images/x.png', ['masks/x_3.png', 'masks/x_1.png', 'masks/x_2.png']],
    ['beside the image', 'x.png', ['x_mask_3.png', 'x_mask_1.png', 'x_mask_2.png']],
  ])('%s: numbered in the order of the names', async (_, path, names) => {
    const files = Object.fromEntries([[path, image], ...names.map((name, i) => [name, masks[i]])]);
    const raw = await read(files);
    expect(raw.pages.map(({ name, label }) => [name, [...label.values]])).toEqual([[path, [1, 2, 2, 0, 3, 0]]]);
    expect(raw.notes.join('\n')).toContain('labels joined from 3 mask files, one per object');
  });
  it('is known beside images of one object', async () => {
    const raw = await read({
      'a/images/a.png': image,
      'a/masks/k1.png': masks[0],
      'a/masks/k2.png': masks[1],
      'b/images/b.png': image,
      'b/masks/k3.png': masks[2],
    });
    expect(raw.pages.map(({ label }) => [...label.values])).toEqual([
      [2, 0, 0, 0, 1, 0],
      [0, 1, 1, 0, 0, 0],
    ]);
  });
  it('is refused where masks overlap, hold several values, or differ in size', async () => {
    const two = (second: Uint8Array) =>
      read({ 'x/images/x.png': image, 'x/masks/1.png': masks[0], 'x/masks/2.png': second });
    await expect(two(png(0, 0, 0, 0, 9, 0))).rejects.toThrow(
      'x/masks/2.png: the mask overlaps that of "x/masks/1.png" at x 1, y 1.',
    );
    await expect(two(png(1, 2, 0, 0, 0, 0))).rejects.toThrow('this one holds several values (1 and 2)');
    await expect(two(png(1, 0))).rejects.toThrow('the mask is 1 x 2, "x/masks/1.png" is 3 x 2.');
  });
  it('is not taken for a file per structure', async () => {
    const files = ['a', 'b'].flatMap((id) => [
      [`${id}/images/${id}.png`, image],
      [`${id}/masks/liver.png`, masks[0]],
      [`${id}/masks/spleen.png`, masks[1]],
    ]);
    await expect(read(Object.fromEntries(files))).rejects.toThrow(
      'the image "b/images/b.png" has 2 masks, such as "b/masks/liver.png", with the same names for each image: one file per structure is not supported.',
    );
  });
  it('is not taken for labels without an image', async () => {
    const files = memoryFiles({ 'images/a.png': image, 'labels/a.png': masks[0], 'labels/b.png': masks[1] });
    const listing = await listImageSources(files, 'd');
    expect(() => pairListing(listing)).toThrow('the label "labels/b.png" has no image');
  });
});

describe('Cell Tracking Challenge', () => {
  it('pairs frames with the gold truth of segmentation, and says what is not used', () => {
    const found = pair(
      ...['01/t000.tif', '01/t001.tif', '01/t002.tif', '01_GT/SEG/man_seg001.tif', '01_GT/TRA/man_track000.tif'],
      ...['01_ST/SEG/man_seg000.tif', '01_ST/SEG/man_seg001.tif', '02/t000.tif', '02_ST/SEG/man_seg000.tif'],
      ...['01_GT/TRA/man_track.txt', '02_RES/mask000.tif'],
    );
    expect(found.pairs).toEqual([
      { image: '01/t001.tif', label: '01_GT/SEG/man_seg001.tif' },
      { image: '02/t000.tif', label: '02_ST/SEG/man_seg000.tif' },
    ]);
    expect(found.unlabelled).toEqual(['01/t000.tif', '01/t002.tif']);
    expect(describePairing(found)).toContain('2 left out in 01_ST/SEG: silver truth, beside gold truth not used');
    expect(describePairing(found)).toContain('1 left out in 01_GT/TRA: tracking markers or results');
  });
  it('may lie in a folder, beside a sequence to predict', () => {
    const found = pair('a/01/t000.tif', 'a/01_GT/SEG/man_seg000.tif', 'a/02/t000.tif');
    expect(found.pairs).toEqual([{ image: 'a/01/t000.tif', label: 'a/01_GT/SEG/man_seg000.tif' }]);
    expect(found.unlabelled).toEqual(['a/02/t000.tif']);
  });
  it('says what is wrong', () => {
    expect(() => pair('01/t000.tif', '01_GT/TRA/man_track000.tif')).toThrow(
      'd: "01_GT/TRA" holds tracking markers, which do not outline cells. Add',
    );
    expect(() => pair('01/t000.tif', '01_GT/SEG/man_seg_000_005.tif')).toThrow(
      '"01_GT/SEG/man_seg_000_005.tif" labels a single slice of a volume, which is not supported.',
    );
    expect(() => pair('01/t000.tif', '01_GT/SEG/man_seg007.tif')).toThrow(
      'the label "01_GT/SEG/man_seg007.tif" has no image. Add the frame t007.tif',
    );
  });
});

describe('names', () => {
  const [composed, decomposed] = ['Präparat', 'Präparat'].map((name, i) => name.normalize(i === 0 ? 'NFC' : 'NFD')) as [
    string,
    string,
  ];
  it.each([
    [`images/${decomposed}.png`, `labels/${composed}.png`],
    [`images/${composed}.png`, `labels/${decomposed}.png`],
    [`${decomposed}.png`, `${composed}_mask.png`],
    [`${composed} images/a.png`, `${decomposed} labels/a.png`],
    ['images/Cell.PNG', 'labels/cell.png'],
  ])('%s goes with %s', (image, label) => {
    expect(
      pair(image, label, image.replace(/(?=\.\w+$)/, '2'), label.replace(/(?=(_mask)?\.\w+$)/, '2')).pairs,
    ).toHaveLength(2);
  });
  it('that differ in letter case only are told apart where each has its partner', () => {
    expect(pair('images/a.png', 'images/A.png', 'labels/a.png', 'labels/A.png').pairs).toEqual([
      { image: 'images/A.png', label: 'labels/A.png' },
      { image: 'images/a.png', label: 'labels/a.png' },
    ]);
    expect(() => pair('images/a.png', 'images/A.png', 'labels/a.png')).toThrow(/images\/[aA]\.png/);
  });
  it('that look alike are refused', () => {
    expect(() => pair(`images/${composed}.png`, `images/${decomposed}.png`, `labels/${composed}.png`)).toThrow(
      `two files have the name "images/${composed}.png": one with composed, one with decomposed letters`,
    );
  });
});
