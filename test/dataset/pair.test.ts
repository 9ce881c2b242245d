import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pairFiles } from '../../src/dataset/discover/pair.ts';
import { describePairing } from '../../src/dataset/discover/pairing.ts';
import { DatasetError } from '../../src/errors.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

const extensions = ['png', 'tif', 'tiff'];
const pair = (...paths: string[]) => pairFiles(paths, { folder: 'data', extensions });
const pairs = (...paths: string[]) => pair(...paths).pairs.map(({ image, label }) => `${image} + ${label}`);

describe('layouts of folders', () => {
  it.each([
    ['images and labels', ['images/a.png', 'labels/a.png'], ['images/a.png + labels/a.png']],
    ['image and label', ['image/a.png', 'label/a.png'], ['image/a.png + label/a.png']],
    ['images and masks', ['images/a.tif', 'masks/a.png'], ['images/a.tif + masks/a.png']],
    ['img and mask', ['img/a.png', 'mask/a.png'], ['img/a.png + mask/a.png']],
    ['inputs and targets', ['inputs/a.png', 'targets/a.png'], ['inputs/a.png + targets/a.png']],
    ['upper case', ['Images/a.PNG', 'Masks/a.PNG'], ['Images/a.PNG + Masks/a.PNG']],
    ['prefixes', ['2d_images/a.tif', '2d_masks/a.tif'], ['2d_images/a.tif + 2d_masks/a.tif']],
    ['below train', ['train/image/0.png', 'train/label/0.png'], ['train/image/0.png + train/label/0.png']],
    ['above train', ['images/train/0.png', 'labels/train/0.png'], ['images/train/0.png + labels/train/0.png']],
    ['nnU-Net', ['imagesTr/c_001_0000.png', 'labelsTr/c_001.png'], ['imagesTr/c_001_0000.png + labelsTr/c_001.png']],
    [
      'nnU-Net, several',
      ['imagesTr/c_1_0000.png', 'imagesTr/c_2_0000.png', 'labelsTr/c_1.png', 'labelsTr/c_2.png'],
      ['imagesTr/c_1_0000.png + labelsTr/c_1.png', 'imagesTr/c_2_0000.png + labelsTr/c_2.png'],
    ],
    ['suffix within folders', ['images/a.png', 'masks/a_mask.png'], ['images/a.png + masks/a_mask.png']],
    ['both suffixes', ['images/a_img.png', 'masks/a_mask.png'], ['images/a_img.png + masks/a_mask.png']],
    ['prefixes within folders', ['images/img_1.png', 'masks/mask_1.png'], ['images/img_1.png + masks/mask_1.png']],
    [
      'numbers alone agree',
      ['images/t000.tif', 'images/t001.tif', 'labels/man_seg000.tif', 'labels/man_seg001.tif'],
      ['images/t000.tif + labels/man_seg000.tif', 'images/t001.tif + labels/man_seg001.tif'],
    ],
    [
      'one of each',
      ['images/stack.tif', 'labels/annotation by hand.tif'],
      ['images/stack.tif + labels/annotation by hand.tif'],
    ],
    [
      'words of labels in image names',
      ['images/seg_1.png', 'images/seg_2.png', 'labels/seg_1.png', 'labels/seg_2.png'],
      ['images/seg_1.png + labels/seg_1.png', 'images/seg_2.png + labels/seg_2.png'],
    ],
  ])('%s', (_, paths, expected) => expect(pairs(...paths)).toEqual(expected));

  it('counts as people do', () => {
    const names = [10, 9, 2, 1].flatMap((i) => [`image/${i}.png`, `label/${i}.png`]);
    expect(pairs(...names).map((name) => name.split(' ')[0])).toEqual([
      'image/1.png',
      'image/2.png',
      'image/9.png',
      'image/10.png',
    ]);
  });

  it('keeps train and test apart', () => {
    const found = pair('train/images/0.png', 'train/labels/0.png', 'test/images/0.png', 'test/labels/0.png');
    expect(found.pairs).toEqual([
      { image: 'test/images/0.png', label: 'test/labels/0.png' },
      { image: 'train/images/0.png', label: 'train/labels/0.png' },
    ]);
  });

  it('takes images without a folder of labels as unlabelled', () => {
    expect(pair('imagesTr/a_0000.png', 'labelsTr/a.png', 'imagesTs/b_0000.png').unlabelled).toEqual([
      'imagesTs/b_0000.png',
    ]);
  });

  it.each([
    ['in folders', ['images/a.png', 'images/b.png', 'images/c.png', 'labels/b.png'], 'images/b.png + labels/b.png', 2],
    ['by suffix', ['a.png', 'a_mask.png', 'b.png'], 'a.png + a_mask.png', 1],
    [
      'of nnU-Net',
      ['imagesTr/c1_0000.png', 'imagesTr/c2_0000.png', 'labelsTr/c2.png'],
      'imagesTr/c2_0000.png + labelsTr/c2.png',
      1,
    ],
  ])('takes images beside labelled ones as unlabelled, %s', (_, paths, expected, others) => {
    expect(pairs(...paths)).toEqual([expected]);
    const found = pair(...paths);
    expect(found.unlabelled).toHaveLength(others);
    expect(describePairing(found)).toContain(`${others} without labels in`);
  });
});

describe('names in one folder', () => {
  it.each([
    ['_mask', ['x.png', 'x_mask.png'], ['x.png + x_mask.png']],
    ['-label', ['x.png', 'x-label.png'], ['x.png + x-label.png']],
    ['_seg', ['x.tif', 'x_seg.tif'], ['x.tif + x_seg.tif']],
    ['_instances', ['x.tif', 'x_instances.png'], ['x.tif + x_instances.png']],
    ['mask_', ['x.png', 'mask_x.png'], ['x.png + mask_x.png']],
    ['Mask in camel case', ['trainImage.tif', 'trainMask.tif'], ['trainImage.tif + trainMask.tif']],
    ['volume and labels', ['train-volume.tif', 'train-labels.tif'], ['train-volume.tif + train-labels.tif']],
    [
      'img2d and mask2d',
      ['img2d.tif', 'img3d.tif', 'mask2d.tif', 'mask3d.tif'],
      ['img2d.tif + mask2d.tif', 'img3d.tif + mask3d.tif'],
    ],
    [
      'a folder of images with both',
      ['images/img2d.tif', 'images/mask2d.tif'],
      ['images/img2d.tif + images/mask2d.tif'],
    ],
    [
      'one more word',
      ['set1_phase.tif', 'set1_instances.png', 'set18_phase.tif', 'set18_instances.png'],
      ['set1_phase.tif + set1_instances.png', 'set18_phase.tif + set18_instances.png'],
    ],
    ['two files', ['photo.tif', 'labels.tif'], ['photo.tif + labels.tif']],
  ])('%s', (_, paths, expected) => expect(pairs(...paths)).toEqual(expected));
});

describe('what does not pair', () => {
  it.each([
    ['nothing', [], 'there are no images here'],
    ['other kinds only', ['a.jpg'], '"a.jpg"'],
    ['images without labels', ['images/a.png', 'images/b.png'], '2 images (such as "images/a.png") but no labels'],
    ['labels without images', ['labels/a.png'], 'the label "labels/a.png" has no image'],
    ['a missing image', ['images/a.png', 'labels/a.png', 'labels/b.png'], 'the label "labels/b.png" has no image'],
    [
      'a doubled label',
      ['images/a.png', 'images/b.png', 'labels/a.png', 'labels/a.tif', 'labels/b.png'],
      'the image "images/a.png" has 2 labels: "labels/a.png" and "labels/a.tif"',
    ],
    [
      'a doubled image',
      ['images/a.png', 'images/a.tif', 'labels/a.png'],
      'the label "labels/a.png" has 2 images: "images/a.png" and "images/a.tif"',
    ],
    ['no name that agrees', ['images/a.png', 'images/b.png', 'labels/c.png'], 'has no label (and 1 more images)'],
    ['numbers alone, of some', ['images/t1.png', 'images/t2.png', 'labels/m1.png'], 'has no label'],
    ['an image that the label may mean too', ['images/a.png', 'images/a_2.png', 'labels/a.png'], 'has no label'],
    ['numbered channels', ['imagesTr/c_0000.png', 'imagesTr/c_0001.png', 'labelsTr/c.png'], 'has no label'],
  ])('%s', (_, paths, message) => {
    expect(() => pair(...paths)).toThrow(DatasetError);
    expect(() => pair(...paths)).toThrow(message);
  });

  it('leaves out what cannot be read and says so', () => {
    const found = pair('images/a.png', 'masks/a.png', 'dicom/1.dcm', '.DS_Store', 'notes.txt', '3d/v.nii.gz');
    expect(found.leftOut).toEqual([
      { file: 'dicom/1.dcm', reason: '.dcm is not read' },
      { file: '3d/v.nii.gz', reason: '.nii.gz is not read' },
    ]);
  });
});

describe('the printed summary', () => {
  it('shows folders, the first and last pair, and what was not used', () => {
    const names = [0, 1, 2, 3].flatMap((i) => [`train/image/${i}.png`, `train/label/${i}.png`]);
    expect(describePairing(pair(...names, 'test/9.png', 'x/1.dcm')).split('\n')).toEqual([
      '4 images with labels in train/image + train/label',
      '  0.png + 0.png',
      '  ...',
      '  3.png + 3.png',
      '1 without labels in test, not trained on',
      '1 left out in x: .dcm is not read',
    ]);
  });
});

it('the summary says where images and labels lie side by side', () => {
  expect(describePairing(pair('a.png', 'a_mask.png'))).toBe('1 image with labels side by side\n  a.png + a_mask.png');
  expect(describePairing(pair('s/a.png', 's/a_mask.png'))).toContain('side by side in s');
});

describeWithData('real folders', () => {
  const files = (folder: string): string[] =>
    readdirSync(resolve(dataFolder(), folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => resolve(entry.parentPath, entry.name).slice(resolve(dataFolder(), folder).length + 1));
  it.each([
    ['isbi2012', 24, 30],
    ['isbi2012/train', 24, 0],
    ['nuclei', 376, 0],
    ['phase', 5, 0],
    ['lungs', 36, 0],
    ['stardist/stardist/data', 2, 0],
  ])('%s has %i pairs', (folder, count, unlabelled) => {
    const found = pairFiles(files(folder), { extensions });
    expect(found.pairs.length).toBe(count);
    expect(found.unlabelled.length).toBe(unlabelled);
  });
});
