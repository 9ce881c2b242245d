/** Whole slides in DICOM as images of the commands: by region, with the results of the whole. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { elementCount, ndarray } from '../../src/array/ndarray.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { readImage } from '../../src/image/read.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { convertImage } from '../../src/workflows/convert.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';
import { listImages, openListedImage } from '../../src/workflows/image-list.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { type DicomItem, dicomFile } from '../support/dicom.ts';
import { randomModel } from '../support/random-model.ts';

const [HEIGHT, WIDTH, SIDE] = [300, 420, 64];
const TILES = Math.ceil(HEIGHT / SIDE) * Math.ceil(WIDTH / SIDE);
const ELEMENTS: DicomItem = {
  '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.77.1.6',
  '0008,0060 CS': 'SM',
  '0020,000e UI': '1.2.3',
  '0020,9311 CS': 'TILED_FULL',
  '0028,0002 US': 1,
  '0028,0004 CS': 'MONOCHROME2',
  '0028,0008 IS': String(TILES),
  '0028,0010 US': SIDE,
  '0028,0011 US': SIDE,
  '0028,0100 US': 8,
  '0028,0101 US': 8,
  '0028,0102 US': 7,
  '0028,0103 US': 0,
  '0048,0006 UL': WIDTH,
  '0048,0007 UL': HEIGHT,
  '5200,9229 SQ': [{ '0028,9110 SQ': [{ '0028,0030 DS': '0.0005\\0.0005' }] }],
  '5200,9230 SQ': [],
  '7fe0,0010 OB': Array.from({ length: TILES * SIDE * SIDE }, (_, i) => (i * 31 + (i >> 7)) % 253),
};
const SLIDE = dicomFile(ELEMENTS);
let root = '';
const at = (name: string): string => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-slides-'));
  await writeFile(at('slide.dcm'), SLIDE);
});
afterAll(() => rm(root, { recursive: true, force: true }));
/** A machine with little memory, so that images are read by region. */
const small = { ...nodeHost, memory: () => ({ used: 1e8, free: 4e5 }) };

test('is opened by region where a single file is listed, alone or in a folder', async () => {
  for (const path of [at('slide.dcm'), root]) {
    const [item] = await listImages(nodeHost.files, path);
    const source = await openListedImage(nodeHost.files, item as NonNullable<typeof item>);
    expect(source?.chunk).toEqual([SIDE, SIDE]);
    await source?.close();
  }
});

test.each([
  ['explicit', '1.2.840.10008.1.2.1'],
  ['implicit', '1.2.840.10008.1.2'],
])('only its header is read, however long, to list and to open it: %s', async (name, syntax) => {
  const [side, tiles] = [512, 64];
  const large = dicomFile(
    {
      ...ELEMENTS,
      '0028,0008 IS': String(tiles),
      '0028,0010 US': side,
      '0028,0011 US': side,
      '0029,1010 OB': Array<number>(150_000).fill(7),
      '0048,0006 UL': 8 * side,
      '0048,0007 UL': 8 * side,
      '7fe0,0010 OB': Array<number>(tiles * side * side).fill(9),
    },
    syntax,
  );
  const folder = at(name);
  await mkdir(folder);
  for (const file of ['large', 'other']) await writeFile(join(folder, `${file}.dcm`), large);
  let bytes = 0;
  const files: typeof nodeHost.files = {
    ...nodeHost.files,
    async read(...path) {
      const content = await nodeHost.files.read(...path);
      bytes += content.length;
      return content;
    },
    async open(...path) {
      const source = await nodeHost.files.open(...path);
      return {
        ...source,
        read(offset, length) {
          bytes += length;
          return source.read(offset, length);
        },
      };
    },
  };
  const listed = await listImages(files, folder);
  // Slides are images on their own, and known as such by what comes behind the long element.
  expect(listed.map((one) => one.name)).toEqual(['large', 'other']);
  const [item] = listed;
  const source = await openListedImage(files, item as NonNullable<typeof item>);
  expect(source?.info.shape).toEqual([8 * side, 8 * side]);
  await source?.close();
  expect(bytes).toBeLessThan(2e6);
  expect(large.length).toBeGreaterThan(16e6);
});

test('convert gives the values of the whole', async () => {
  const whole = await readImage(SLIDE, 'slide.dcm');
  await convertImage(nodeHost.files, at('slide.dcm'), at('slide.ome.zarr'));
  const read = await readImageFile(nodeHost.files, at('slide.ome.zarr'));
  expect([read.shape, read.data]).toEqual([whole.shape, whole.data]);
  expect(read.spacing).toEqual(whole.spacing);
});

test('predict and measure give the results of the same pixels in TIFF', async () => {
  const whole = await readImage(SLIDE, 'slide.dcm');
  await writeFile(at('same.tif'), writeTiff(whole));
  await writeFile(at('m.onnx'), randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 1 }));
  const results = [];
  for (const name of ['slide.dcm', 'same.tif']) {
    const out = at(`pred-${name}`);
    const { images } = await predictFolder(small, [at('m.onnx')], at(name), {
      out,
      device: 'cpu',
      overlay: false,
      tile: 128,
    });
    // As a whole the result of DICOM would be NIfTI.
    expect(images[0]?.label).toMatch(/\.tif$/);
    results.push((await readImageFile(nodeHost.files, images[0]?.label as string)).data);
  }
  expect(results[0]).toEqual(results[1]);
  expect(new Set(results[0] as Uint8Array).size).toBe(2);
  const map = ndarray('uint16', [HEIGHT, WIDTH]);
  for (let p = 0; p < elementCount(map.shape); p++)
    map.data[p] = 1 + 7 * Math.floor(p / WIDTH / 50) + Math.floor((p % WIDTH) / 60);
  await writeFile(at('labels.tif'), writeTiff({ ...map, axes: 'yx', spacing: {} }));
  const tables = [];
  for (const [host, images] of [
    [small, 'slide.dcm'],
    [nodeHost, 'same.tif'],
  ] as const) {
    const out = at(`m-${images}`);
    const done = await measureFolder(host, at('labels.tif'), { images: at(images), as: 'objects', out, report: false });
    expect(done.report.notes.join().includes('by region')).toBe(host === small);
    tables.push(new TextDecoder().decode(await nodeHost.files.read(out, 'objects.csv')));
  }
  expect(tables[0]).toBe(tables[1]);
});
