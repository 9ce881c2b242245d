/** Label maps that do not fit into memory: the tables are those of whole maps, byte by byte. */

import { describe, expect, test } from 'vitest';
import { type DType, elementCount, ndarray } from '../../src/array/ndarray.ts';
import { type Random, stream } from '../../src/array/random.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { regionsOf } from '../../src/image/sink.ts';
import { memorySource } from '../../src/image/source.ts';
import { sumOfMatches } from '../../src/report/objects/counts.ts';
import type { MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';
import { countOpen } from '../support/open-files.ts';

const MICRONS = { y: { value: 0.5, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } };

/** Numbered boxes of any size, some of them over others. */
function labels(shape: readonly number[], axes: string, random: Random): Image<'uint16'> {
  const map = ndarray('uint16', shape);
  const [height, width] = shape.slice(-2) as [number, number];
  const planes = elementCount(shape) / height / width;
  for (let label = 1; label <= 40; label++) {
    const [y, x] = [Math.floor(random.uniform() * height), Math.floor(random.uniform() * width)];
    const [rows, columns] = [1 + Math.floor(random.uniform() * 30), 1 + Math.floor(random.uniform() * 30)];
    const first = Math.floor(random.uniform() * planes);
    for (let p = first; p < Math.min(planes, first + 3); p++) {
      for (let row = y; row < Math.min(height, y + rows); row++) {
        const at = (p * height + row) * width;
        map.data.fill(3 * label, at + x, at + Math.min(width, x + columns));
      }
    }
  }
  return { ...map, axes, spacing: axes.includes('z') ? { ...MICRONS, z: { value: 2, unit: 'µm' } } : MICRONS };
}

function picture(
  dtype: DType,
  shape: readonly number[],
  axes: string,
  random: Random,
  rest: Partial<Image> = {},
): Image {
  const { data } = ndarray(dtype as 'uint16', shape);
  for (let i = 0; i < data.length; i++) data[i] = random.uniform() * 65_536;
  return { ...ndarray(dtype as 'uint16', shape, data), axes, spacing: {}, ...rest };
}

async function store(files: MemoryFiles, path: string, image: Image): Promise<void> {
  const { data: _, ...info } = image;
  const source = memorySource(image);
  const sink = await (path.endsWith('.tif') ? writeOmeTiff(files, path, info) : writeOmeZarr(files, path, info));
  for (const region of regionsOf(sink, { maxBytes: 1e5 })) {
    await sink.write(region, (await source.read(0, region)).data);
  }
  await sink.finish();
}

const host = (files: MemoryFiles, free = 1e9) => ({ files, memory: () => ({ used: 0, free }) });

function objectsOf(result: Awaited<ReturnType<typeof measureFolder>>) {
  if (result.task !== 'objects') throw new Error('lungs were measured');
  return result;
}

/** Labels that are moved by a few pixels, and in which some are missing, joined or cut. */
function asFound(truth: Image<'uint16'>): Image<'uint16'> {
  const width = truth.shape.at(-1) as number;
  const data = truth.data.map((_, p) => {
    const label = truth.data[Math.max(0, p - 2 * width - 1)] as number;
    if (label % 7 === 0) return 0;
    if (label % 5 === 0) return 15;
    return label % 4 === 0 && p % width > width / 2 ? label + 500 : label;
  });
  return { ...truth, data };
}

/** The written files of both ways. */
async function bothWays(files: MemoryFiles, path: string, options: MeasureFolderOptions) {
  const said: string[] = [];
  const onNote = (note: string) => void said.push(note);
  const whole = await measureFolder(host(files), path, { ...options, out: 'whole' });
  const regions = await measureFolder(host(files), path, { ...options, out: 'regions', memory: 30_000 }, { onNote });
  const notes = [whole, regions].map(({ report }) => report.notes.join('\n'));
  expect(notes[0]).not.toContain('by region');
  expect(notes[1]).toContain('by region');
  expect(said).toEqual([]);
  const text = async (name: string) => new TextDecoder().decode(await files.read(name));
  for (const name of ['objects.csv', 'images.csv']) {
    expect(await text(`regions/${name}`), name).toBe(await text(`whole/${name}`));
  }
  const drawn = (await files.list('whole')).filter((name) => /^(roi|geojson)\//.test(name));
  for (const name of drawn)
    expect(await files.read(`regions/${name}`), name).toEqual(await files.read(`whole/${name}`));
  for (const key of ['scores', 'kinds'] as const) expect(objectsOf(regions)[key], key).toEqual(objectsOf(whole)[key]);
  return { rows: (await text('whole/objects.csv')).trim().split('\n'), regions: objectsOf(regions), drawn };
}

describe('a map of more than the memory that is allowed', () => {
  test('in TIFF, its image in OME-Zarr with chunks of its own, several channels', async () => {
    const random = stream(1, 'regions');
    const files = memoryFiles({});
    await store(files, 'labels.tif', labels([200, 310], 'yx', random));
    const names = { channels: ['DAPI', 'GFP'] };
    await store(files, 'image.ome.zarr', picture('uint16', [2, 200, 310], 'cyx', random, names));
    const { rows } = await bothWays(files, 'labels.tif', { images: 'image.ome.zarr', as: 'objects' });
    expect(rows.length).toBeGreaterThan(20);
    expect(rows[0]).toMatch(/intensity_mean_dapi.*intensity_mean_gfp/);
  });

  test('a volume in OME-Zarr, small and ignored objects left out, without a report', async () => {
    const random = stream(2, 'regions');
    const files = memoryFiles({});
    await store(files, 'labels.ome.zarr', labels([7, 90, 101], 'zyx', random));
    await store(files, 'image.tif', picture('float32', [7, 90, 101], 'zyx', random));
    const options = { images: 'image.tif', as: 'objects', minSize: 40, ignore: [9], report: false } as const;
    const { rows } = await bothWays(files, 'labels.ome.zarr', options);
    expect(rows[0]).toContain('volume_um3');
    expect(rows.slice(1).map((row) => Number(row.split(',')[1]))).not.toContain(9);
  });

  test('time points, and grey that is stored as colours', async () => {
    const random = stream(3, 'regions');
    const files = memoryFiles({});
    await store(files, 'labels.ome.zarr', labels([3, 80, 120], 'tyx', random));
    const grey = picture('uint8', [3, 1, 80, 120], 'tcyx', random).data as Uint8Array;
    const planes = [0, 1, 2].map((t) => grey.subarray(t * 9600, (t + 1) * 9600));
    const data = Uint8Array.from(planes.flatMap((plane) => [...plane, ...plane, ...plane]));
    const colours = { axes: 'tcyx', spacing: {}, channels: ['red', 'green', 'blue'] };
    await store(files, 'image.ome.zarr', { ...ndarray('uint8', [3, 3, 80, 120], data), ...colours });
    const { rows } = await bothWays(files, 'labels.ome.zarr', { images: 'image.ome.zarr', as: 'objects' });
    expect(rows[0]).toMatch(/frame.*intensity_mean,/);
    expect(rows.at(-1)).toContain('labels[2],3,');
  });

  test.each([
    ['labels.tif', [200, 310], 'yx'],
    ['labels.ome.zarr', [7, 90, 101], 'zyx'],
    ['labels.ome.zarr', [3, 80, 120], 'tyx'],
  ] as const)('its ground truth, which numbers objects: %s %j', async (path, shape, axes) => {
    const files = memoryFiles({});
    const truth = labels(shape, axes, stream(6, 'regions'));
    await store(files, 'truth.ome.zarr', truth);
    await store(files, path, asFound(truth));
    const options = { truth: 'truth.ome.zarr', as: 'objects', minSize: 20, ignore: [9] } as const;
    const { regions } = await bothWays(files, path, options);
    const sums = sumOfMatches(regions.report.images);
    for (const fate of ['matched', 'missed', 'merged', 'spurious'] as const)
      expect(sums[fate], fate).toBeGreaterThan(0);
    expect(regions.scores?.perThreshold[0]?.averagePrecision).toBeGreaterThan(0.1);
  });

  test('its ground truth of classes, whose connected pixels are objects, and of a mask with soft edges', async () => {
    const files = memoryFiles({});
    const truth = labels([200, 310], 'yx', stream(7, 'regions'));
    await store(files, 'labels.tif', { ...asFound(truth), labelKind: 'objects' });
    const made = (classOf: (label: number, p: number) => number): Image => {
      const data = Uint8Array.from(truth.data, classOf);
      return { ...ndarray('uint8', truth.shape, data), axes: 'yx', spacing: {} };
    };
    await store(
      files,
      'classes.tif',
      made((label) => (label === 0 ? 0 : 1 + (label % 3))),
    );
    await store(
      files,
      'many.tif',
      made((label) => (label === 0 ? 0 : 1 + ((label / 3) % 3))),
    );
    await store(
      files,
      'soft.tif',
      made((label, p) => (label === 0 ? 0 : p % 9 === 0 ? 100 + (p % 60) : 255)),
    );
    await store(
      files,
      'mask.tif',
      made((label) => (label === 0 ? 0 : 255)),
    );
    const kinds: string[] = [];
    for (const path of ['classes.tif', 'many.tif', 'soft.tif', 'mask.tif']) {
      const { regions } = await bothWays(files, 'labels.tif', { truth: path, format: ['csv', 'roi'] });
      expect(sumOfMatches(regions.report.images).truth, path).toBeGreaterThan(3);
      kinds.push(`${regions.kinds.truth.kind} ${regions.kinds.truth.evidence}`);
    }
    expect(kinds).toEqual(['classes mask', 'classes clear', 'classes mask', 'classes mask']);
  });

  test('without pixels that the ground truth does not annotate', async () => {
    const files = memoryFiles({});
    const truth = labels([200, 310], 'yx', stream(8, 'regions'));
    await store(files, 'labels.tif', asFound(truth));
    truth.data.fill(65_535, 0, 30 * 310);
    await store(files, 'truth.tif', truth);
    const { regions } = await bothWays(files, 'labels.tif', { truth: 'truth.tif', as: 'objects' });
    expect(regions.kinds.ignored.truth).toEqual([65_535]);
  });

  test.each([
    ['labels.tif', [200, 310], 'yx'],
    ['labels.ome.zarr', [7, 90, 101], 'zyx'],
    ['labels.ome.zarr', [3, 80, 120], 'tyx'],
  ] as const)('outlines for other programs: %s %j', async (path, shape, axes) => {
    const files = memoryFiles({});
    const random = stream(9, 'regions');
    const map = labels(shape, axes, random);
    // Holes, pieces that touch at corners, and one object all over the map.
    for (let p = 0; p < map.data.length; p++)
      if (random.uniform() < 0.2) map.data[p] = random.uniform() < 0.5 ? 0 : 200;
    await store(files, path, map);
    await store(files, 'image.tif', picture('uint8', shape, axes, random));
    const options = { images: 'image.tif', as: 'objects', minSize: 30, format: ['csv', 'roi', 'geojson'] } as const;
    const { drawn } = await bothWays(files, path, options);
    expect(drawn).toHaveLength(axes === 'tyx' ? 6 : 2);
  });

  test('a number that means "not annotated" in all maps together, one of which fits', async () => {
    const random = stream(4, 'regions');
    const files = memoryFiles({});
    const large = labels([150, 150], 'yx', random);
    large.data.fill(65_535, 0, 2000);
    await store(files, 'maps/large.tif', large);
    await files.write('maps/small.tif', writeTiff(labels([20, 20], 'yx', random)));
    const { rows, regions } = await bothWays(files, 'maps', { as: 'objects' });
    expect(regions.report.notes.join('\n')).toContain('65535 is ignored');
    expect(rows.some((row) => row.startsWith('small,'))).toBe(true);
  });
});

test('a map is closed again where what belongs to it cannot be opened', async () => {
  const { files, count } = countOpen(memoryFiles({}));
  await store(files, 'labels.tif', labels([100, 100], 'yx', stream(10, 'regions')));
  // A TIFF whose directory would lie behind its end.
  await files.write('image.tif', Uint8Array.of(0x49, 0x49, 42, 0, 0xff, 0xff, 0, 0));
  const measured = measureFolder(host(files), 'labels.tif', { images: 'image.tif', as: 'objects', memory: 30_000 });
  await expect(measured).rejects.toThrow(/^image\.tif: /);
  expect([count.most > 0, count.now]).toEqual([true, 0]);
});

test('of many maps one at a time is open, with its image', async () => {
  const { files, count } = countOpen(memoryFiles({}));
  for (let i = 0; i < 5; i++) {
    await store(files, `maps/m${i}.tif`, labels([100, 100], 'yx', stream(i, 'many')));
    await store(files, `images/m${i}.tif`, picture('uint8', [100, 100], 'yx', stream(i, 'images')));
  }
  const { rows } = await bothWays(files, 'maps', { images: 'images', as: 'objects' });
  expect(new Set(rows.slice(1).map((row) => row.slice(0, 2)))).toEqual(new Set(['m0', 'm1', 'm2', 'm3', 'm4']));
  expect(count).toEqual({ now: 0, most: 2 });
});

describe('what needs the whole map is said before it begins', () => {
  const random = stream(5, 'regions');
  const map = labels([100, 100], 'yx', random);
  const files = async () => {
    const made = memoryFiles({});
    await store(made, 'labels.tif', map);
    return made;
  };

  test('with the memory that it takes', async () => {
    const said: string[] = [];
    const onNote = (note: string) => void said.push(note);
    const options = { memory: 30_000, report: false } as const;
    await measureFolder(host(await files()), 'labels.tif', { ...options, as: 'classes' }, { onNote });
    await measureFolder(host(await files()), 'labels.tif', { ...options, as: 'objects', format: ['tiff'] }, { onNote });
    expect(said).toEqual([
      'labels: it is measured as a whole because of its classes, of which connected pixels are objects, which takes about 1 MB.',
      'labels: it is measured as a whole because of `format: tiff`, which takes about 1 MB.',
    ]);
  });

  test('and refused if that is not free', async () => {
    const little = host(await files(), 1e5);
    await expect(measureFolder(little, 'labels.tif', { memory: 30_000 })).rejects.toThrow(
      'labels.tif: it is measured as a whole because of its values, unless `as: objects` says that they number objects, which takes about 1 MB, and 1 MB are free.',
    );
    await expect(
      measureFolder({ files: little.files, memory: () => ({ used: 5e6, free: 1e5 }) }, 'labels.tif', { memory: 3e6 }),
    ).rejects.toThrow('Too little memory: 3 MB are allowed, but the program takes 5 MB.');
  });
});
