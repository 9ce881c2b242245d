import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { millimetres, sliceExtentsMm } from '../../src/image/geometry.ts';
import { readImage } from '../../src/image/read.ts';
import { LUNG_SIDE, lungSides } from '../../src/measure/lung-sides.ts';
import { measureLungs } from '../../src/measure/lungs.ts';
import { headerOf, type Table, tableColumn } from '../../src/measure/table.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const value = (table: Table, header: string, row = 0): number => Number(tableColumn(table, header).values[row]);
const rows = (...text: string[]): number[] => text.flatMap((row) => [...row].map((c) => (c === '.' ? 0 : Number(c))));

/** One row a slice; the left lung holds -800, the right one -700, everything else 40. */
function patient(...slices: string[]) {
  const shape = [slices.length, 1, (slices[0] as string).length];
  const sides = ndarray('uint8', shape, Uint8Array.from(rows(...slices)));
  const hu = ndarray(
    'int16',
    shape,
    Int16Array.from(sides.data, (side) => (side === 0 ? 40 : side === LUNG_SIDE.left ? -800 : -700)),
  );
  return { sides, hu };
}

describe('measureLungs', () => {
  it('measures each slice, both lungs and each by itself', () => {
    const { sides, hu } = patient('.2..1111', '........');
    const { slices } = measureLungs(sides, hu, { pixelMm: [0.5, 2], sliceMm: [3, 3] });
    expect(slices.rows).toBe(2);
    expect(value(slices, 'lung_area_px')).toBe(5);
    expect(value(slices, 'lung_area_mm2')).toBe(5);
    expect(value(slices, 'lung_volume_l')).toBeCloseTo(15e-6, 15);
    expect(value(slices, 'lung_volume_fraction')).toBe(5 / 8);
    expect(value(slices, 'lung_mean_hu')).toBe(-780);
    expect(value(slices, 'lung_pd05_hu')).toBe(-800);
    // Between -800 and -700, at 0.95 times 4.
    expect(value(slices, 'lung_pd95_hu')).toBeCloseTo(-720, 10);
    expect(value(slices, 'left_lung_area_px')).toBe(4);
    expect(value(slices, 'right_lung_mean_hu')).toBe(-700);
    expect(value(slices, 'hu_max')).toBe(40);
    expect(value(slices, 'lung_area_px', 1)).toBe(0);
    expect(value(slices, 'lung_mean_hu', 1)).toBeNaN();
  });

  it.each([
    ['even', [10, 10]],
    ['uneven', [10, 30]],
  ])('where the image is NaN a pixel has a place but no density, in %s slices', (_, sliceMm) => {
    const { sides } = patient('222.', '1111');
    const hu = ndarray(
      'float32',
      sides.shape,
      Float32Array.of(-700, Number.NaN, -700, 40, -800, -800, -800, Number.NaN),
    );
    const { slices, whole } = measureLungs(sides, hu, { pixelMm: [1, 1], sliceMm });
    expect(value(slices, 'lung_area_px')).toBe(3);
    expect(value(slices, 'lung_mean_hu')).toBe(-700);
    expect(value(whole, 'lung_area_px')).toBe(7);
    expect(value(whole, 'hu_min')).toBe(-800);
    expect(value(whole, 'hu_max')).toBe(40);
    const weights = sliceMm.flatMap((mm, z) => (z === 0 ? [mm, mm] : [mm, mm, mm]));
    const sum = weights.reduce((total, mm, i) => total + mm * (i < 2 ? -700 : -800), 0);
    expect(value(whole, 'lung_mean_hu')).toBe(sum / weights.reduce((a, b) => a + b, 0));
    expect(value(whole, 'lung_pd05_hu')).toBe(-800);
  });

  it('weighs slices with their extents where they lie unevenly', () => {
    const { sides, hu } = patient('2222....', '1111....');
    const pixelMm = [1, 1] as const;
    const even = measureLungs(sides, hu, { pixelMm, sliceMm: [10, 10] }).whole;
    expect(value(even, 'lung_volume_l')).toBeCloseTo(80e-6, 15);
    expect(value(even, 'lung_mean_hu')).toBe(-750);
    const uneven = measureLungs(sides, hu, { pixelMm, sliceMm: [30, 10] }).whole;
    expect(value(uneven, 'lung_volume_l')).toBeCloseTo(160e-6, 15);
    expect(value(uneven, 'left_lung_volume_l')).toBeCloseTo(40e-6, 15);
    expect(value(uneven, 'lung_mean_hu')).toBe(-725);
    expect(value(uneven, 'lung_volume_fraction')).toBe(0.5);
    expect(value(uneven, 'lung_pd05_hu')).toBe(-800);
    expect(value(uneven, 'lung_pd95_hu')).toBe(-700);
  });

  it('weighted percentiles with nearly equal weights are the plain ones', () => {
    const shape = [2, 1, 50];
    const hu = ndarray(
      'float32',
      shape,
      Float32Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) - 900),
    );
    const sides = ndarray('uint8', shape, new Uint8Array(100).fill(1));
    const plain = measureLungs(sides, hu, { sliceMm: [1, 1] }).whole;
    const weighted = measureLungs(sides, hu, { sliceMm: [1, 1 + 1e-12] }).whole;
    for (const name of ['lung_mean_hu', 'lung_pd05_hu', 'lung_pd95_hu', 'lung_volume_fraction']) {
      expect(value(weighted, name)).toBeCloseTo(value(plain, name), 6);
    }
  });

  it('leaves out what needs a pixel size or slices that are not known', () => {
    const { sides, hu } = patient('2..1');
    const headers = (geometry: Parameters<typeof measureLungs>[2]) =>
      measureLungs(sides, hu, geometry).slices.columns.map(headerOf);
    expect(headers({})).not.toContain('lung_area_mm2');
    expect(headers({ sliceMm: [1] })).not.toContain('lung_volume_l');
    expect(headers({ pixelMm: [1, 1] })).toContain('lung_area_mm2');
    expect(headers({ pixelMm: [1, 1] })).not.toContain('lung_volume_l');
  });

  it('takes masks without lung, and refuses what does not fit', () => {
    const { sides, hu } = patient('....');
    expect(value(measureLungs(sides, hu, { pixelMm: [1, 1], sliceMm: [1] }).whole, 'lung_volume_l')).toBe(0);
    expect(() => measureLungs(sides, hu, { pixelMm: [0, 1] })).toThrow(UsageError);
    expect(() => measureLungs(sides, hu, { sliceMm: [1, 1] })).toThrow(UsageError);
    expect(() => measureLungs(sides, ndarray('int16', [1, 4]))).toThrow(UsageError);
    expect(() => measureLungs(patient('3').sides, patient('3').hu)).toThrow(/lungSides/);
  });
});

describe('lungSides', () => {
  const plane = (...text: string[]) =>
    ndarray('uint8', [text.length, (text[0] as string).length], Uint8Array.from(rows(...text)));

  it("takes the first lung along x for the right one, as slices lie on the doctor's screen", () => {
    const mask = plane('11...111', '11...111');
    expect([...lungSides(mask).data]).toEqual(rows('22...111', '22...111'));
    expect([...lungSides(mask, { growsLeft: false }).data]).toEqual(rows('11...222', '11...222'));
  });

  it('gives a part that reaches a little over the middle to its own side', () => {
    const mask = plane('111111...11111', '111111........', '111111...11111', '111111111.1111', '111111...11111');
    const sides = lungSides(mask);
    expect(sides.data[3 * 14 + 8]).toBe(LUNG_SIDE.right);
    expect(sides.data[3 * 14 + 10]).toBe(LUNG_SIDE.left);
  });

  it('cuts lungs that touch at the neck', () => {
    const [height, width] = [30, 60];
    const mask = ndarray('uint8', [height, width]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const lung =
          Math.hypot(y - 15, x - 16) < 12 || Math.hypot(y - 15, x - 43) < 12 || (y === 15 && x > 16 && x < 43);
        mask.data[y * width + x] = lung ? 1 : 0;
      }
    }
    const sides = lungSides(mask);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (mask.data[y * width + x] === 0 || Math.abs(x - 29.5) < 3) continue;
        expect(sides.data[y * width + x]).toBe(x < 29.5 ? LUNG_SIDE.right : LUNG_SIDE.left);
      }
    }
    expect([...sides.data].map((side) => Math.min(side, 1))).toEqual([...mask.data]);
  });

  it('takes one lung for one, on the side where it lies', () => {
    const mask = plane('.1111.........', '.1111.........');
    expect(new Set(lungSides(mask).data)).toEqual(new Set([0, LUNG_SIDE.right]));
    expect(lungSides(plane('....')).data.some((side) => side > 0)).toBe(false);
  });

  it('goes along another axis where the slices do', () => {
    const volume = ndarray('uint8', [4, 1, 2], Uint8Array.of(1, 1, 0, 0, 0, 0, 1, 1));
    expect([...lungSides(volume, { axis: 'z' }).data]).toEqual([2, 2, 0, 0, 0, 0, 1, 1]);
  });
});

describeWithData('lungs of the data set', () => {
  const folder = join(dataFolder(), 'lungs');
  const read = (path: string) => readImage(readFileSync(join(folder, path)), path);

  it('reproduce lung_stats.csv to its last digit', async () => {
    const [head, ...lines] = readFileSync(join(folder, 'lung_stats.csv'), 'utf8').trim().split('\n');
    const names = (head as string).trim().split(',');
    expect(lines.length).toBe(36);
    for (const line of lines) {
      const cells = line.trim().split(',');
      const stored = (name: string): string => cells[names.indexOf(name)] as string;
      const file = stored('img_id');
      const [hu, mask] = [await read(`2d_images/${file}`), await read(`2d_masks/${file}`)];
      const sides = lungSides(mask as NdArray as IntegerArray);
      // 500 mm over 512 pixels.
      const { slices } = measureLungs(sides, hu, { pixelMm: [500 / 512, 500 / 512] });
      const rounded = (header: string, digits: number): number => Number(value(slices, header).toFixed(digits));
      expect({
        file,
        lung_area_px: value(slices, 'lung_area_px'),
        lung_area_mm2: rounded('lung_area_mm2', 4),
        lung_volume_fraction: rounded('lung_volume_fraction', 6),
        lung_mean_hu: rounded('lung_mean_hu', 4),
        lung_pd95_hu: value(slices, 'lung_pd95_hu'),
        lung_pd05_hu: value(slices, 'lung_pd05_hu'),
        hu_min: value(slices, 'hu_min'),
        hu_max: value(slices, 'hu_max'),
      }).toEqual({
        file,
        ...Object.fromEntries(
          ['lung_area_px', 'lung_area_mm2', 'lung_volume_fraction', 'lung_mean_hu', 'lung_pd95_hu', 'lung_pd05_hu']
            .concat('hu_min', 'hu_max')
            .map((name) => [name, Number(stored(name))]),
        ),
      });
      // Both lungs are there, and together they are the whole.
      const [left, right] = [value(slices, 'left_lung_area_px'), value(slices, 'right_lung_area_px')];
      expect(left + right).toBe(value(slices, 'lung_area_px'));
      expect(Math.min(left, right) / (left + right), file).toBeGreaterThan(0.1);
    }
  });

  it('come to 2.516 litres in the volume', async () => {
    const hu = await read('3d/IMG_0009_sub4.nii.gz');
    const mask = await read('3d/MASK_0009_sub4.nii.gz');
    const pixelMm = [millimetres(mask.spacing.y) as number, millimetres(mask.spacing.x) as number] as const;
    const growsLeft = (mask.geometry?.direction[0][0] as number) > 0;
    const sides = lungSides(
      ndarray(
        'uint8',
        mask.shape,
        Uint8Array.from(mask.data as ArrayLike<number>, (v) => (v > 0 ? 1 : 0)),
      ),
      { growsLeft },
    );
    const { whole } = measureLungs(sides, hu, { pixelMm, sliceMm: sliceExtentsMm(mask) as number[] });
    expectAllClose([value(whole, 'lung_volume_l')], [2.516], { rtol: 0, atol: 0.0005 });
    expect(value(whole, 'left_lung_volume_l')).toBeGreaterThan(0.9);
    expect(value(whole, 'right_lung_volume_l')).toBeGreaterThan(value(whole, 'left_lung_volume_l'));
  });
});
