/** Images that do not fit into memory: what is said of them is that of the whole, to the last bit. */

import { expect, test } from 'vitest';
import { type DType, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { formatFacts } from '../../src/image/describe.ts';
import { writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { regionsOf } from '../../src/image/sink.ts';
import { memorySource } from '../../src/image/source.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

async function stored(path: string, image: Image) {
  const files = memoryFiles({});
  const { data: _, ...info } = image;
  const sink = await (path.endsWith('.tif') ? writeOmeTiff : writeOmeZarr)(files, path, info);
  for (const region of regionsOf(sink, { maxBytes: 1e5 })) {
    await sink.write(region, (await memorySource(image).read(0, region)).data);
  }
  await sink.finish();
  return files;
}

const MICRONS = { y: { value: 0.5, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } };

test.each([
  ['a.tif', 'uint8', 'yx', [600, 700], 2],
  ['a.ome.zarr', 'uint16', 'yx', [1300, 700], 65_536],
  ['a.ome.zarr', 'uint16', 'cyx', [2, 300, 310], 900],
  ['a.ome.zarr', 'float32', 'tczyx', [2, 2, 7, 90, 101], 1e6],
  ['a.tif', 'float32', 'zyx', [5, 90, 101], 3],
] as const)('%s, %s %s %j', async (path, dtype, axes, shape, most) => {
  const random = stream(1, 'inspect regions');
  const { data } = ndarray(dtype as DType as 'float32', shape);
  for (let i = 0; i < data.length; i++) data[i] = random.uniform() * most;
  if (dtype === 'float32') data.set([Number.NaN, Number.POSITIVE_INFINITY], 5);
  const files = await stored(path, { ...ndarray(dtype as 'float32', shape, data), axes, spacing: MICRONS });
  const said: string[] = [];
  const whole = await inspect({ files }, path, { onFacts: (text) => said.push(text) });
  expect(said).toEqual([]);
  const little = { files, memory: () => ({ used: 0, free: 50_000 }) };
  const parts = await inspect(little, path, { onFacts: (text) => said.push(text) });
  expect(parts.describe).toEqual(whole.describe);
  expect(parts.text).toBe(whole.text);
  expect(parts.text.startsWith(said[0] as string)).toBe(true);
  expect(said).toEqual([formatFacts({ ...(whole.image as Image) })]);
  expect(parts.image === undefined || parts.image.data.length < data.length).toBe(true);
});

test('a level that does not exist, and a chunk that is missing, are errors', async () => {
  const image = { ...ndarray('uint8', [900, 700]), axes: 'yx', spacing: {} };
  const files = await stored('a.ome.zarr', { ...image, data: image.data.fill(3) });
  const little = { files, memory: () => ({ used: 0, free: 50_000 }) };
  await expect(inspect(little, 'a.ome.zarr', { level: 9 })).rejects.toThrow('level 9 does not exist');
  const [chunk] = (await files.list('a.ome.zarr')).filter((file) => file.startsWith('0/c/'));
  await files.remove?.(`a.ome.zarr/${chunk}`);
  await expect(inspect(little, 'a.ome.zarr')).rejects.toThrow('missing');
});
