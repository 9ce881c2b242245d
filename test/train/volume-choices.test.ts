import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { type LabelledImage, rawDataset } from '../../src/dataset/raw.ts';
import { UsageError } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';
import type { TrainSettings } from '../../src/train/tasks/segmentation/choose-recipe.ts';
import { newSegmentationTask } from '../../src/train/tasks/segmentation/task.ts';
import { spacingOf } from '../../src/train/tasks/volumes/prepare.ts';
import { VOLUMES } from '../../src/train/tasks/volumes/training.ts';

type Size = readonly [depth: number, height: number, width: number];

/** A volume whose right half is the foreground. @param spacing of a voxel in µm */
function labelled(
  name: string,
  [depth, height, width]: Size,
  {
    spacing = [1, 1, 1],
    value = (z: number, x: number): number => (z >= 0 && 2 * x >= width ? 255 : 0),
  }: { readonly spacing?: Size; readonly value?: (z: number, x: number) => number } = {},
): LabelledImage {
  const [z, y, x] = spacing.map((size) => ({ value: size, unit: 'µm' }));
  const make = (at: (p: number) => number): Image<'uint8'> =>
    ({
      ...ndarray(
        'uint8',
        [depth, height, width],
        Uint8Array.from({ length: depth * height * width }, (_, p) => at(p)),
      ),
      axes: 'zyx',
      spacing: { z, y, x },
    }) as unknown as Image<'uint8'>;
  const slice = (p: number) => Math.floor(p / (height * width));
  return { name, image: make((p) => (7 * p) % 200), label: make((p) => value(slice(p), p % width)) };
}

const place = { openSampler: () => expect.unreachable(), volumes: VOLUMES };
const taskOf = (samples: readonly LabelledImage[], settings: TrainSettings = {}) =>
  newSegmentationTask(rawDataset(samples), { network: 'unet3d', ...settings }, place);
const chosen = (samples: readonly LabelledImage[], settings: TrainSettings = {}, memoryBytes?: number) =>
  taskOf(samples, settings).chooseRecipe({ cores: 2, minutes: 10, memoryBytes });
const two = (size: Size, spacing?: Size) => [labelled('a', size, { spacing }), labelled('b', size, { spacing })];

describe('the split', () => {
  test('holds out whole volumes', () => {
    const { trainingNames, validationNames, notes } = taskOf(two([6, 16, 16]));
    expect(trainingNames).toHaveLength(6);
    expect(validationNames).toHaveLength(6);
    expect(new Set(validationNames.map((name) => name[0])).size).toBe(1);
    expect(notes).toContainEqual(expect.stringMatching(/^validation: 1 of 2 stacks/));
  });

  test('of one volume holds out its end, with a gap that is neither trained on nor scored', () => {
    const { trainingNames, validationNames, notes } = taskOf([labelled('a', [20, 16, 16])]);
    expect(validationNames).toEqual(['a[16]', 'a[17]', 'a[18]', 'a[19]']);
    expect(trainingNames).toEqual(Array.from({ length: 15 }, (_, z) => `a[${z}]`));
    expect(notes).toContain(
      'validation: slices 16 to 19 of 20 (from 0) of the one volume; 1 slice beside them is neither trained on nor scored, since neighbours are alike',
    );
  });

  test('of one volume whose end lacks a class leaves out a rest that would limit the depth of patches', () => {
    const middle = labelled('a', [40, 16, 16], { value: (z, x) => (z < 26 && x >= 8 ? 255 : 0) });
    const { trainingNames, validationNames } = taskOf([middle]);
    expect([validationNames[0], validationNames.at(-1)]).toEqual(['a[24]', 'a[31]']);
    // Two slices beside, and what is behind.
    expect(trainingNames).toEqual(Array.from({ length: 22 }, (_, z) => `a[${z}]`));
  });

  test('keeps slices without annotation inside their volume', () => {
    // 2 is annotated as nothing where 0 and 255 are classes.
    const sparse = labelled('a', [10, 16, 16], { value: (z, x) => (z % 3 > 0 ? 2 : x >= 8 ? 255 : 0) });
    const { trainingNames } = taskOf([sparse, { ...sparse, name: 'b' }], { ignore: [2] });
    expect(trainingNames).toHaveLength(10);
  });

  test('needs a volume per fold', () => {
    expect(() => taskOf(two([6, 16, 16]), { split: { fold: 0, folds: 5 } })).toThrow(
      /5 folds need as many volumes; there are 2/,
    );
  });
});

describe('the recipe', () => {
  test('has kernels and a patch by the spacing, with reasons', () => {
    const { recipe, notes } = chosen(two([24, 96, 96], [50, 4, 4]));
    const { model } = recipe;
    if (model.name !== 'unet3d') throw new UsageError(model.name);
    // 12.5 times as far along z: three levels in the plane only, as nnU-Net plans.
    expect(model.kernels.slice(0, 3)).toEqual(Array(3).fill([1, 3, 3]));
    expect(model.kernels.at(-1)).toEqual([3, 3, 3]);
    expect([recipe.slices, ...recipe.patch]).toEqual([24, 96, 96]);
    expect(notes.filter((line) => /^(voxels|network|width|patch|batch|augmentation)/.test(line))).toHaveLength(6);
    expect(recipe.model).toMatchObject({ maxChannels: 10 * (model.baseChannels as number) });
  });

  test('of voxels twenty times as deep as wide keeps the slices at all levels', () => {
    const { recipe } = chosen(two([6, 64, 64], [20, 1, 1]));
    expect(recipe.model).toMatchObject({ factors: Array(4).fill([1, 2, 2]) });
    expect(recipe.slices).toBe(6);
  });

  test('has a smaller patch where memory is short, and says so', () => {
    const volumes = two([32, 64, 64]);
    const [much, little] = [chosen(volumes), chosen(volumes, {}, 60e6)];
    const voxels = ({ recipe }: typeof much): number => (recipe.slices as number) * recipe.patch[0] * recipe.patch[1];
    expect(voxels(little)).toBeLessThan(voxels(much));
    expect(little.notes).toContainEqual(expect.stringMatching(/^patch: .*since more take more than the 0\.036 GB/));
  });

  test('refuses a patch that does not fit into memory, naming one that does', () => {
    const asked = () => chosen(two([32, 64, 64]), { patch: [64, 64], slices: 32 }, 60e6);
    expect(asked).toThrow(/takes about .* GB, and there are 0\.036 GB for it/);
    expect(asked).toThrow(
      expect.objectContaining({ remedy: expect.stringMatching(/^The largest that does is about/) }),
    );
  });

  test('turns no patch of pixels that are not square', () => {
    expect(chosen(two([8, 32, 32], [1, 1, 1])).recipe.augment).toMatchObject({ turn: true, rotateDegrees: 45 });
    const { recipe, notes } = chosen(two([8, 32, 32], [1, 3, 1]));
    expect(recipe.augment).toMatchObject({ turn: false, rotateDegrees: 15 });
    expect(notes).toContainEqual(expect.stringMatching(/^augmentation: .*not square/));
  });
});

describe('what volumes cannot', () => {
  const refused = (
    samples: readonly LabelledImage[],
    settings: TrainSettings,
    message: RegExp,
    remedy: RegExp,
  ): void => {
    const act = () => chosen(samples, settings);
    expect(act).toThrow(message);
    expect(act).toThrow(expect.objectContaining({ remedy: expect.stringMatching(remedy) }));
  };

  test('is refused by name, with what can be done', () => {
    const volumes = two([6, 32, 32]);
    refused(volumes, { task: 'instances' }, /instances.* is not supported for volumes yet/, /what is connected is one/);
    refused(
      volumes,
      { separation: { w0: 5, sigmaPx: 5 } },
      /separation.* is not supported for volumes yet/,
      /Remove it/,
    );
    refused(volumes, { depth: 3 }, /depth.* does not apply to the network 'unet3d'/, /Remove it/);
    refused([labelled('a', [1, 32, 32])], {}, /one slice of 32 x 32; the network takes volumes/, /z axis/);
    refused(volumes, { patch: [32, 32], slices: 32 }, /larger than the volume/, /smaller/);
    refused(volumes, { patch: [30, 32], slices: 6 }, /does not fit the network/, /multiples of/);
    expect(() => newSegmentationTask(rawDataset(volumes), { network: 'unet', slices: 4 }, place)).toThrow(
      /slices.* does not apply to the network 'unet'/,
    );
    expect(() =>
      newSegmentationTask(rawDataset(volumes), { network: 'unet3d' }, { ...place, volumes: undefined }),
    ).toThrow(/volumes, which are not trained here/);
  });

  test('objects with numbers are told from background, and the run says that they are not told apart', () => {
    const numbered = (name: string) =>
      labelled(name, [6, 16, 160], { value: (_, x) => (x % 8 < 5 ? 1 + Math.floor(x / 8) : 0) });
    const { recipe, notes } = chosen([numbered('a'), numbered('b')]);
    expect(recipe).toMatchObject({
      labels: { kind: 'instances' },
      model: { numClasses: 2 },
      data: { separation: { w0: 0 } },
    });
    expect(notes).toContainEqual(expect.stringMatching(/^objects: .*touching ones are not told apart/));
    expect(taskOf([numbered('a'), numbered('b')]).chooseMetric()?.reason).toBe(
      'validation score: mean Dice of the foreground',
    );
  });

  test('volumes of sizes that differ by more than two', () => {
    const { pages } = rawDataset([labelled('a', [6, 16, 16], { spacing: [5, 1, 1] }), labelled('b', [6, 16, 16])]);
    expect(() => spacingOf(pages)).toThrow(
      /its voxels are 1 µm x 1 µm x 5 µm in size, those of "b" 1 µm x 1 µm x 1 µm/,
    );
    const alike = rawDataset([labelled('a', [6, 16, 16], { spacing: [1.5, 1, 1] }), labelled('b', [6, 16, 16])]);
    expect(spacingOf(alike.pages).notes).toContainEqual(expect.stringMatching(/differ in size .* up to 1\.50/));
  });
});
