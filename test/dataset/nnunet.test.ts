import { describe, expect, it } from 'vitest';
import { parseDatasetJson } from '../../src/dataset/discover/nnunet.ts';
import { listImageSources, pairListing, readListed } from '../../src/dataset/discover/sources.ts';
import { applyMapping, findMapping, type LabelPage } from '../../src/dataset/labels/labels.ts';
import { prepareDataset, readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import type { Files } from '../../src/files.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { memoryFiles as folderFiles } from '../../src/workflows/memory-files.ts';
import { memoryFiles } from '../support/memory-files.ts';

const picture = (values: readonly number[], width = 2): Image<'uint8'> => ({
  dtype: 'uint8',
  shape: [values.length / width, width],
  data: Uint8Array.from(values),
  axes: 'yx',
  spacing: {},
  channels: ['grey'],
});
const png = (...values: readonly number[]) => writePng(picture(values));
const json = (fields: object) => new TextEncoder().encode(JSON.stringify(fields));
const V2 = {
  channel_names: { 0: 'DAPI', 1: 'GFP' },
  labels: { background: 0, tumour: 1, ignore: 2 },
  numTraining: 2,
  file_ending: '.png',
};
const twoCases = {
  'imagesTr/a_0000.png': png(1, 2, 3, 4),
  'imagesTr/a_0001.png': png(5, 6, 7, 8),
  'imagesTr/b_0000.png': png(9, 10, 11, 12),
  'imagesTr/b_0001.png': png(13, 14, 15, 16),
  'labelsTr/a.png': png(0, 1, 2, 0),
  'labelsTr/b.png': png(0, 1, 1, 2),
};

describe("nnU-Net's dataset.json", () => {
  it('names classes in the order of their values and the label to ignore, in versions 2 and 1', () => {
    const classes = [
      { name: 'background', values: [0] },
      { name: 'tumour', values: [1] },
    ];
    expect(parseDatasetJson(JSON.stringify(V2), 'd')).toEqual({
      channelNames: ['DAPI', 'GFP'],
      classes,
      ignore: [2],
      fileEnding: '.png',
      trainingImages: 2,
    });
    const v1 = { modality: { 1: 'T2', 0: 'T1' }, labels: { 0: 'background', 1: 'tumour' }, numTraining: 3 };
    expect(parseDatasetJson(JSON.stringify(v1), 'd')).toMatchObject({
      channelNames: ['T1', 'T2'],
      classes,
      ignore: [],
    });
    const photographs = { channel_names: { 0: 'R', 1: 'G', 2: 'B' }, labels: { background: 0, road: 1 } };
    expect(parseDatasetJson(JSON.stringify(photographs), 'd')?.channelNames).toEqual(['red', 'green', 'blue']);
    expect(parseDatasetJson('{"images": [], "annotations": []}', 'coco/dataset.json')).toBeUndefined();
  });
  it.each([
    [
      'regions without their order',
      { background: 0, whole: [1, 2], core: 2 },
      'there are 2 regions of 2 values, and "regions_class_order" is undefined.',
    ],
    ['regions of words', { background: 0, whole: ['a'], core: 2 }, 'a region has values that are no integers from 1'],
    [
      'an ignore below others',
      { background: 0, ignore: 1, tumour: 2 },
      '"ignore" has the value 1, but other labels go up to 2. Give "ignore" the highest value',
    ],
    ['a gap', { background: 0, tumour: 2 }, 'the labels have the values 0, 2. Number them 0, 1, 2'],
    ['a value twice', { background: 0, a: 1, b: 1 }, '"a" and "b" both have the value 1'],
    ['words', { background: 'none' }, 'the label "background" has the value "none"'],
  ])('refuses %s', (_, labels, message) => {
    expect(() => parseDatasetJson(JSON.stringify({ labels }), 'd/dataset.json')).toThrow(`d/dataset.json: ${message}`);
  });
  it('has a class for each value of its regions', () => {
    const labels = { background: 0, whole: [1, 2, 3], core: [2, 3], enhancing: 3, ignore: 4 };
    expect(parseDatasetJson(JSON.stringify({ labels, regions_class_order: [1, 2, 3] }), 'd')).toMatchObject({
      classes: ['background', 'whole only', 'core only', 'enhancing'].map((name, value) => ({ name, values: [value] })),
      ignore: [4],
      regions: [
        { name: 'whole', values: [1, 2, 3], shownAs: 1 },
        { name: 'core', values: [2, 3], shownAs: 2 },
        { name: 'enhancing', values: [3], shownAs: 3 },
      ],
    });
    expect(() => parseDatasetJson(JSON.stringify({ labels, regions_class_order: [3, 2, 1] }), 'd')).toThrow(
      '3 regions of 3 values',
    );
  });
  it('has one of its regions by itself if its classes are given, in every pixel, and all of them otherwise', async () => {
    const labels = { background: 0, whole: [1, 2], core: [2] };
    const files = memoryFiles({
      'imagesTr/a_0000.png': png(9, 2, 3, 4),
      'labelsTr/a.png': png(0, 1, 2, 1),
      'dataset.json': json({ channel_names: { 0: 'x' }, labels, regions_class_order: [1, 2], file_ending: '.png' }),
    });
    const data = await readDataset(files, 'd');
    const classes = [
      { name: 'rest', values: [0] },
      { name: 'whole', values: [1, 2] },
    ];
    const mapping = findMapping(
      data.pages.map(({ label }) => label),
      labelOptions(data, { classes }),
    );
    expect([...applyMapping(data.pages[0]?.label as LabelPage, mapping)]).toEqual([0, 1, 1, 1]);
    expect(mapping.regions).toBeUndefined();
    const all = findMapping(
      data.pages.map(({ label }) => label),
      labelOptions(data),
    );
    expect(all.regions).toEqual([
      { name: 'whole', values: [1, 2], shownAs: 1 },
      { name: 'core', values: [2], shownAs: 2 },
    ]);
  });
  it('refuses what is not JSON', () => {
    expect(() => parseDatasetJson('{', 'd/dataset.json')).toThrow('d/dataset.json: this is not JSON.');
  });
});

describe('a data set of nnU-Net', () => {
  it('has its channels stacked with their names, its classes, and ignores what it says', async () => {
    const raw = await readDataset(memoryFiles({ ...twoCases, 'dataset.json': json(V2) }), 'd');
    expect(raw.pages.map(({ name, channels, data }) => [name, channels, [...data]])).toEqual([
      ['imagesTr/a.png', 2, [1, 2, 3, 4, 5, 6, 7, 8]],
      ['imagesTr/b.png', 2, [9, 10, 11, 12, 13, 14, 15, 16]],
    ]);
    const { mapping, input, shares, notes, train } = prepareDataset(raw, { split: { fraction: 0 } });
    expect(input.channels).toEqual({ mode: 'asis', count: 2, names: ['DAPI', 'GFP'] });
    expect(mapping.classes.map(({ name }) => name)).toEqual(['background', 'tumour']);
    expect(train.classCount).toBe(2);
    expect(applyMapping((raw.pages[0] as (typeof raw.pages)[number]).label, mapping)).toEqual(
      Uint8Array.of(0, 1, 255, 0),
    );
    // Of 8 pixels 2 are ignored, 3 of the other 6 are tumour.
    expect(shares).toEqual([0.5, 0.5]);
    expect(notes.join('\n')).toContain(
      'dataset.json: classes background, tumour; label 2 to ignore; channels DAPI, GFP',
    );
    expect(notes.join('\n')).toContain('channels joined from files such as a_0000.png, a_0001.png');
    expect(notes.join('\n')).not.toContain('numTraining');
  });
  it('says so when numTraining is another number, and what the user says goes first', async () => {
    const raw = await readDataset(memoryFiles({ ...twoCases, 'dataset.json': json({ ...V2, numTraining: 5 }) }), 'd');
    expect(raw.notes.join('\n')).toContain('dataset.json says numTraining 5; with labels: 2 images');
    const { mapping } = prepareDataset(raw, { split: { fraction: 0 }, classes: ['rest', 'cell'] });
    expect(mapping.classes.map(({ name }) => name)).toEqual(['rest', 'cell']);
    expect(mapping.ignore).toEqual([2]);
  });
  it('is understood without dataset.json where all images have the same channels', async () => {
    const plain = Object.fromEntries(
      Object.entries(twoCases).map(([path, bytes]) => [
        path.replace('imagesTr', 'images').replace('labelsTr', 'labels'),
        bytes,
      ]),
    );
    const raw = await readDataset(memoryFiles(plain), 'd');
    expect(raw.pages.map(({ name, channels, channelNames }) => [name, channels, channelNames])).toEqual([
      ['images/a.png', 2, undefined],
      ['images/b.png', 2, undefined],
    ]);
  });
  it.each([
    ['with dataset.json', { 'dataset.json': json(V2) }],
    ['without', {}],
  ])('names the file of a missing channel, %s', async (_, more) => {
    const { 'imagesTr/b_0001.png': gone, ...files } = twoCases;
    await expect(readDataset(memoryFiles({ ...files, ...more }), 'd')).rejects.toThrow(
      'd: the file "imagesTr/b_0001.png" is missing',
    );
  });
  it('names a channel that dataset.json does not, and one that no image has', async () => {
    const one = { ...V2, channel_names: { 0: 'DAPI' } };
    await expect(readDataset(memoryFiles({ ...twoCases, 'dataset.json': json(one) }), 'd')).rejects.toThrow(
      '"imagesTr/a_0001.png" is one channel more than dataset.json names',
    );
    const files = Object.fromEntries(Object.entries(twoCases).filter(([path]) => !path.includes('_0001')));
    await expect(readDataset(memoryFiles({ ...files, 'dataset.json': json(V2) }), 'd')).rejects.toThrow(
      'imagesTr/a_0000.png: the image has 1 channel, dataset.json names 2 (DAPI, GFP).',
    );
  });
  it.each(['labelsTr', 'gt_segmentations'])(
    'is found above %s, given as a folder, a file or from within',
    async (name) => {
      const all = folderFiles({ 'd/dataset.json': json(V2), [`d/${name}/a.png`]: png(0, 1) });
      expect((await listImageSources(all, `d/${name}`)).json?.classes).toHaveLength(2);
      expect((await listImageSources(all, `d/${name}/a.png`)).json?.classes).toHaveLength(2);
      const within: Files = {
        list: async () => ['a.png'],
        read: (folder, file) => all.read(folder === '.' ? `d/${name}` : folder, file),
        open: (folder, file) => all.open(folder === '.' ? `d/${name}` : folder, file),
        resolve: (path) => `d/${name}${path === '.' ? '' : `/${path}`}`,
      };
      expect((await listImageSources(within, '.')).json?.classes).toHaveLength(2);
      expect((await listImageSources(within, 'a.png')).json?.classes).toHaveLength(2);
    },
  );
  it('takes the files of its ending only', async () => {
    const files = memoryFiles({ ...twoCases, 'imagesTr/a_0000.tif': png(1, 2), 'dataset.json': json(V2) });
    const { pairing } = pairListing(await listImageSources(files, 'd'));
    expect(pairing.pairs.map(({ image }) => image)).toEqual(['imagesTr/a.png', 'imagesTr/b.png']);
    expect(pairing.leftOut).toEqual([{ file: 'imagesTr/a_0000.tif', reason: 'dataset.json says file_ending .png' }]);
  });
  it('has images to predict in imagesTs, alone or with the rest', async () => {
    const test = { 'imagesTs/c_0000.png': png(1, 2, 3, 4), 'imagesTs/c_0001.png': png(5, 6, 7, 8) };
    const whole = pairListing(await listImageSources(memoryFiles({ ...twoCases, ...test }), 'd'));
    expect(whole.pairing.unlabelled).toEqual(['imagesTs/c.png']);
    const files = memoryFiles({ 'c_0000.png': test['imagesTs/c_0000.png'], 'c_0001.png': test['imagesTs/c_0001.png'] });
    const listing = await listImageSources(files, 'd/imagesTs', { channels: 2 });
    expect(listing.paths).toEqual(['c.png']);
    expect((await readListed(files, listing, 'c.png')).shape).toEqual([2, 2, 2]);
  });
  it('leaves numbered frames alone', async () => {
    const frames = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`f_00${String(i).padStart(2, '0')}.png`, png(1, 2)]),
    );
    expect((await listImageSources(memoryFiles(frames), 'd')).paths).toHaveLength(12);
    expect((await listImageSources(memoryFiles(frames), 'd', { channels: 1 })).paths).toHaveLength(12);
    const own = {
      'images/f_0000.png': png(1, 2),
      'images/f_0001.png': png(1, 2),
      'labels/f_0000.png': png(0, 1),
      'labels/f_0001.png': png(0, 1),
    };
    expect(pairListing(await listImageSources(memoryFiles(own), 'd')).pairing.pairs).toHaveLength(2);
  });
});

describe('channels along the fourth axis', () => {
  const volume = (t: number): Image => ({
    dtype: 'uint8',
    shape: t > 1 ? [t, 3, 2, 2] : [3, 2, 2],
    data: Uint8Array.from({ length: t * 12 }, (_, i) => i % 7),
    axes: t > 1 ? 'tzyx' : 'zyx',
    spacing: {},
  });
  const files = { 'imagesTr/a.nii': writeNifti(volume(4)), 'labelsTr/a.nii': writeNifti(volume(1)) };
  it('are channels where dataset.json names as many', async () => {
    const said = json({
      modality: { 0: 'FLAIR', 1: 'T1', 2: 'T1gd', 3: 'T2' },
      labels: { 0: 'background', 1: 'a', 2: 'b', 3: 'c', 4: 'd', 5: 'e', 6: 'f' },
    });
    const raw = await readDataset(memoryFiles({ ...files, 'dataset.json': said }), 'd');
    expect(raw.pages).toHaveLength(3);
    expect(raw.pages[1]).toMatchObject({ channels: 4, channelNames: ['FLAIR', 'T1', 'T1gd', 'T2'] });
    // Channel 2 of slice 1 begins at voxel (2 * 3 + 1) * 4.
    expect(raw.pages[1]?.data[8]).toBe(28 % 7);
  });
  it('are named for what they may be elsewhere', async () => {
    await expect(readDataset(memoryFiles(files), 'd')).rejects.toThrow(
      'imagesTr/a.nii: the image has 4 volumes along its fourth axis, its labels "labelsTr/a.nii" one volume. If these are modalities, save each as a file of its own (NAME_0000.nii.gz, NAME_0001.nii.gz, ...) or name them in "channel_names"',
    );
  });
});
