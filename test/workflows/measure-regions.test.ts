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
import type { MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';

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
  return { rows: (await text('whole/objects.csv')).trim().split('\n'), regions };
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
    await measureFolder(host(await files()), 'labels.tif', { ...options, as: 'objects', format: ['roi'] }, { onNote });
    expect(said).toEqual([
      'labels: it is measured as a whole because of its classes, of which connected pixels are objects, which takes about 1 MB.',
      'labels: it is measured as a whole because of `format: roi`, which takes about 1 MB.',
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
