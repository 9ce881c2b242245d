import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignLabels } from '../../src/dataset/labels/align.ts';
import { DatasetError } from '../../src/errors.ts';
import { voxelSteps, withSpacingMm } from '../../src/image/geometry.ts';
import type { Geometry, Image, Vector3 } from '../../src/image/image.ts';
import { type AxisMap, displayMap, inverseMap, reorient } from '../../src/image/orient.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const mm = (value: number) => ({ value, unit: 'mm' });
const LEFT: Vector3 = [1, 0, 0];
const RIGHT: Vector3 = [-1, 0, 0];
const BACK: Vector3 = [0, 1, 0];
const FRONT: Vector3 = [0, -1, 0];
const HEAD: Vector3 = [0, 0, 1];
const FEET: Vector3 = [0, 0, -1];

/** 2 slices of 3 rows and 4 columns, valued by place. */
function volume(direction: Geometry['direction'], originMm: Vector3 = [0, 0, 0]): Image {
  return {
    dtype: 'uint8',
    axes: 'zyx',
    shape: [2, 3, 4],
    data: Uint8Array.from({ length: 24 }, (_, i) => i),
    spacing: { z: mm(5), y: mm(2), x: mm(1) },
    geometry: { originMm, direction },
  };
}

/** Where voxel (x, y, z) lies. */
function placeOf(image: Image, [x, y, z]: Vector3): number[] {
  const steps = voxelSteps(image) as readonly [Vector3, Vector3, Vector3];
  const origin = image.geometry?.originMm as Vector3;
  return [0, 1, 2].map(
    (k) =>
      (origin[k] as number) + x * (steps[0][k] as number) + y * (steps[1][k] as number) + z * (steps[2][k] as number),
  );
}

/** Value by place, rounded: what must not change. */
function contents(image: Image): Map<string, number> {
  const [depth, height, width] = image.shape as readonly [number, number, number];
  const found = new Map<string, number>();
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const place = placeOf(image, [x, y, z]).map((value) => Math.round(1000 * value) / 1000 + 0);
        found.set(place.join(), image.data[(z * height + y) * width + x] as number);
      }
  return found;
}

describe('displayMap', () => {
  it('turns slices to the way in which they are looked at, and every voxel stays where it is', () => {
    const cases: readonly (readonly [Geometry['direction'], Geometry['direction']])[] = [
      [
        [LEFT, BACK, HEAD],
        [LEFT, BACK, HEAD],
      ],
      [
        [RIGHT, FRONT, HEAD],
        [LEFT, BACK, HEAD],
      ],
      [
        [BACK, RIGHT, FEET],
        [LEFT, BACK, FEET],
      ],
      [
        [RIGHT, HEAD, FRONT],
        [LEFT, FEET, FRONT],
      ],
      [
        [HEAD, FRONT, LEFT],
        [BACK, FEET, LEFT],
      ],
    ];
    for (const [from, to] of cases) {
      const image = volume(from, [10, 20, 30]);
      const map = displayMap(image);
      const turned = map === undefined ? image : reorient(image, map);
      expect(turned.geometry?.direction.map((v) => v.map((x) => x + 0))).toEqual(to);
      expect(contents(turned)).toEqual(contents(image));
    }
  });
  it('rows from the front become rows from the back', () => {
    const image = volume([LEFT, FRONT, HEAD]);
    const turned = reorient(image, displayMap(image) as AxisMap);
    expect([...(turned.data as Uint8Array)].slice(0, 12)).toEqual([8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]);
  });
  it('says nothing without geometry', () => {
    const { geometry: _, ...bare } = volume([RIGHT, FRONT, HEAD]);
    expect(displayMap(bare)).toBeUndefined();
  });
});

describe('reorient', () => {
  const anyMap = fc
    .tuple(
      fc.shuffledSubarray([0, 1, 2] as const, { minLength: 3 }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    )
    .map(([order, signs]) => order.map((from, i) => ({ from, reversed: signs[i] as boolean })) as unknown as AxisMap);
  it('is undone by the inverse map, and moves no voxel', () => {
    fc.assert(
      fc.property(anyMap, (map) => {
        const image = volume([LEFT, BACK, HEAD], [1, 2, 3]);
        const turned = reorient(image, map);
        expect(contents(turned)).toEqual(contents(image));
        const back = reorient(turned, inverseMap(map));
        expect(back.data).toEqual(image.data);
        expect(back.spacing).toEqual(image.spacing);
        expectAllClose(back.geometry?.originMm ?? [], [1, 2, 3], { rtol: 1e-12, atol: 1e-12 });
      }),
    );
  });
});

describe('alignLabels', () => {
  const image = { ...volume([LEFT, BACK, HEAD], [1, 2, 3]), source: 'ct.nii' };
  it('brings labels that a program wrote the other way round onto the image', () => {
    const mirrored = reorient(image, [
      { from: 1, reversed: true },
      { from: 0, reversed: false },
      { from: 2, reversed: true },
    ]);
    expect(mirrored.data).not.toEqual(image.data);
    expect(alignLabels(mirrored, image).data).toEqual(image.data);
  });
  it('refuses labels of other voxels, saying what differs', () => {
    const labels = (change: Partial<Image>): Image => ({ ...image, source: 'mask.nii', ...change });
    const problem = (change: Partial<Image>) => () => alignLabels(labels(change), image);
    const geometry = image.geometry as Geometry;
    expect(problem({ geometry: { ...geometry, originMm: [1, 2, 15] } })).toThrow(
      /^mask\.nii: the labels lie on other voxels than the image "ct\.nii": they lie 12 mm beside it\. Resample/,
    );
    expect(problem({ spacing: { z: mm(5), y: mm(2), x: mm(1.5) } })).toThrow(
      /spacing along x is 1\.5 mm, that of the image 1 mm/,
    );
    const tilted: Geometry['direction'] = [[Math.cos(0.1), Math.sin(0.1), 0], [-Math.sin(0.1), Math.cos(0.1), 0], HEAD];
    expect(problem({ geometry: { ...geometry, direction: tilted } })).toThrow(/their axes are turned/);
    expect(problem({ shape: [3, 2, 4] })).toThrow(/4 x 2 x 3 of labels, 4 x 3 x 2 of the image/);
    expect(problem({ shape: [3, 2, 4] })).toThrow(DatasetError);
  });
  it('labels that do not say where they lie are taken as they are', () => {
    const { geometry: _, ...bare } = image;
    expect(alignLabels(bare, image)).toBe(bare);
  });
});

it('a spacing that is given takes the place of the stated one', () => {
  const image = withSpacingMm(volume([LEFT, BACK, HEAD]), [3, 0.7, 0.6]);
  expect(image.spacing).toEqual({ z: mm(3), y: mm(0.7), x: mm(0.6) });
  expect(withSpacingMm(image, [undefined, 1, 1]).spacing.z).toEqual(mm(3));
});
