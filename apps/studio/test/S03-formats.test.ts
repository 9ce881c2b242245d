/**
 * S03: files of every kind, dropped onto the page, have the size, slices, pixel size and values that the reader of the
 * command line finds in them. What is no image is told in one sentence each, and the rest loads.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { channel, type Image, page as pageOf, sizes, writeNifti, writePng, writeTiff } from 'lamella';
import { readImageFile } from 'lamella/node';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { displayMap, reorient } from '../../../src/image/orient.ts';
import { dataFolder, describeWithData } from '../../../test/support/data.ts';
import { ctSlice } from '../../../test/support/dicom.ts';
import { zarrStore } from '../../../test/support/zarr.ts';
import { pixelValue } from '../src/format.ts';
import { dropPaths } from './dropped-files.ts';
import { inWindow, isLong, studioPages, whyNoPage } from './studio-page.ts';

const MM = (value: number) => ({ value, unit: 'mm' });
const UM = (value: number) => ({ value, unit: 'µm' });

/** Values that differ from pixel to pixel, over the range of 8 or 16 bits. */
function image(dtype: 'uint8' | 'uint16' | 'int16' | 'float32', axes: string, shape: readonly number[], rest = {}) {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length }, (_, i) => (i * 7919) % (dtype === 'uint8' ? 251 : 32_749));
  const Values = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, float32: Float32Array }[dtype];
  const data = new Values(
    values.map((value) => (dtype === 'float32' ? value / 7 - 3 : value - (dtype === 'int16' ? 1024 : 0))),
  );
  return { dtype, axes, shape, data, spacing: {}, ...rest } as Image;
}

/** Nuclei on black: red, green, blue and an opaque alpha. */
const nuclei = (): Image => {
  const [width, height] = [40, 30];
  const data = new Uint8Array(4 * width * height);
  for (let p = 0; p < width * height; p++) {
    const near = Math.min(Math.hypot((p % width) - 12, p / width - 9), Math.hypot((p % width) - 28, p / width - 20));
    for (const c of [0, 1, 2]) data[c * width * height + p] = near < 6 ? 180 + c : 8;
    data[3 * width * height + p] = 255;
  }
  const channels = ['red', 'green', 'blue', 'alpha'];
  return { dtype: 'uint8', axes: 'cyx', shape: [4, height, width], data, channels, spacing: {} };
};

/** A PNG of one bit per pixel, which the writer does not make: a chequered board. */
function oneBitPng(width: number, height: number): Uint8Array {
  const rows = Array.from({ length: height }, (_, y) => [
    0,
    ...Array.from({ length: Math.ceil(width / 8) }, () => (y % 2 === 0 ? 0b10101010 : 0b01010101)),
  ]);
  const whole = writePng(image('uint8', 'yx', [height, width]));
  const chunk = (type: string, body: Uint8Array): Uint8Array => {
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length, 0);
    out.write(type, 4, 'latin1');
    out.set(body, 8);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
  };
  const header = Uint8Array.from(whole.subarray(16, 29));
  header[8] = 1;
  header[9] = 0;
  return Buffer.concat([
    whole.subarray(0, 8),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flat()))),
    chunk('IEND', new Uint8Array()),
  ]);
}

/** Written by tifffile, with the values in them checked there. */
const golden = (name: string): { readonly [name: string]: { readonly file: string } } =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../../test/golden/${name}.json`, import.meta.url)), 'utf8'));
const byTifffile = golden('image_files');
const byWriters = golden('tiff_writers').files as unknown as typeof byTifffile;
const tifffile = (name: string, files = byTifffile): Uint8Array =>
  Buffer.from((files[name] as { file: string }).file, 'base64');

const nrrd = (): Uint8Array =>
  Buffer.concat([
    Buffer.from(
      [
        'NRRD0004',
        'type: int16',
        'dimension: 3',
        'space: left-posterior-superior',
        'sizes: 6 5 4',
        'space directions: (0.5,0,0) (0,0.5,0) (0,0,2)',
        'kinds: domain domain domain',
        'space units: "mm" "mm" "mm"',
        'endian: little',
        'encoding: gzip',
        '\n',
      ].join('\n'),
    ),
    gzipSync(new Uint8Array(image('int16', 'zyx', [4, 5, 6]).data.buffer)),
  ]);

const dicom = (order: readonly number[]): { readonly [file: string]: Uint8Array } =>
  Object.fromEntries(
    order.map((z, i) => [
      `ct/${'cadbe'[i]}`,
      ctSlice({ z: 2.5 * z, value: Array.from({ length: 12 }, (_, p) => 900 + 20 * z + p) }),
    ]),
  );

const zarr = (id: string, version: '0.4' | '0.5'): { readonly [file: string]: Uint8Array } => {
  const level = { shape: [3, 8, 9], chunks: [1, 4, 5], dtype: 'uint16', scale: [2, 0.5, 0.25] } as const;
  const files = zarrStore([{ ...level, value: (_, i) => 40 * i }], { version });
  return Object.fromEntries(Object.entries(files).map(([key, bytes]) => [`${id}.ome.zarr/${key}`, bytes]));
};

/** Written by ome-zarr-py, compressed with Zstandard; its labels, which have tests of their own, left out. */
const byOmeZarrPy = (): { readonly [file: string]: Uint8Array } => {
  const zip = readFileSync(fileURLToPath(new URL('../../../test/golden/ome_zarr.zip', import.meta.url)));
  return unzipSync(zip, { filter: ({ name }) => /^v05\.ome\.zarr\/(?!labels)/.test(name) });
};

/** By the id that the image has in the project. */
const FILES: { readonly [id: string]: { readonly [file: string]: Uint8Array } } = {
  grey8: { 'grey8.png': writePng(image('uint8', 'yx', [20, 30])) },
  grey16: { 'grey16.png': writePng(image('uint16', 'yx', [20, 30])) },
  bits: { 'bits.png': oneBitPng(19, 11) },
  stack: {
    'stack.tif': writeTiff(image('uint16', 'zyx', [3, 20, 30], { spacing: { x: UM(0.2), y: UM(0.3), z: UM(1) } })),
  },
  imagej: { 'imagej.tif': tifffile('imagej stack') },
  tiles: { 'tiles.tif': tifffile('lzw tiles') },
  planar: { 'planar.tif': tifffile('lzw tiles planar predictor') },
  floats: { 'floats.tif': writeTiff(image('float32', 'yx', [20, 30])) },
  ome: { 'ome.ome.tif': tifffile('ome czyx') },
  'ome-time': { 'ome-time.ome.tiff': tifffile('ome tzcyx') },
  jpeg: { 'jpeg.tif': tifffile('JPEG with shared tables', byWriters) },
  jpeg2000: { 'jpeg2000.svs': tifffile('JPEG 2000 of Aperio, YCbCr', byWriters) },
  ct: dicom([3, 0, 4, 1, 2]),
  brain: {
    'brain.nii.gz': writeNifti(
      image('int16', 'zyx', [3, 8, 9], {
        spacing: { x: MM(1), y: MM(2), z: MM(3) },
        geometry: {
          originMm: [0, 0, 0],
          direction: [
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ],
        },
      }),
    ),
  },
  ball: { 'ball.nrrd': nrrd() },
  zarr4: zarr('zarr4', '0.4'),
  zarr5: zarr('zarr5', '0.5'),
  v05: byOmeZarrPy(),
  nuclei: { 'nuclei.png': writePng(nuclei()) },
  tissue: {
    'tissue.tif': writeTiff(
      image('uint8', 'cyx', [3, 20, 30], { channels: ['red', 'green', 'blue'], spacing: { x: UM(0.5), y: UM(0.5) } }),
    ),
  },
};

/** What is dropped: a file, or the folder that it is in. */
const topOf = (path: string): string => path.replace(/\/.*/, '');

/** What is no image, and what is said of it. */
const WRONG: { readonly [file: string]: { readonly content: Uint8Array; readonly said: RegExp } } = {
  'empty.png': { content: new Uint8Array(), said: /empty\.png: the file is empty/ },
  'notes.txt': { content: Buffer.from('hello'), said: /notes\.txt: this is a text file, not an image/ },
  'torn.tif': { content: writeTiff(image('uint16', 'yx', [20, 30])).subarray(0, 60), said: /torn\.tif: / },
  'photo.jpg': {
    content: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1),
    said: /photo\.jpg: .*JPEG/,
  },
  'table.csv': { content: Buffer.from('a,b\n1,2\n'), said: /table\.csv: / },
  'torn.png': { content: writePng(image('uint8', 'yx', [20, 30])).subarray(0, 60), said: /torn\.png: / },
  'slides.pdf': { content: Buffer.from('%PDF-1.7\n'), said: /slides\.pdf: / },
};

/** An image as the command line reads it, its slices the right way up. */
async function readUpright(path: string): Promise<Image> {
  const read = await readImageFile(path);
  const map = displayMap(read);
  return map === undefined ? read : reorient(read, map);
}

/** A page of it: values by channel, alpha left out. */
const planesOf = (read: Image, at: number): readonly (readonly number[])[] => {
  const of = pageOf(read, at);
  const { channels } = sizes(of);
  const kept = read.channels?.at(-1) === 'alpha' ? channels - 1 : channels;
  return Array.from({ length: kept }, (_, c) => Array.from(channel(of, c).data, Number));
};

/** All values that are shown at the pixels of the page on the screen, by channel. */
const shownPlanes = (page: Page): Promise<readonly (readonly number[])[]> =>
  page.evaluate(() => {
    const shown = studio.display.shown.value;
    if (shown === undefined) throw new Error('No image is shown.');
    const { width, height } = shown.image;
    const pixels = Array.from({ length: width * height }, (_, p) =>
      studio.display.valuesAt({ x: (p % width) + 0.5, y: Math.floor(p / width) + 0.5 }),
    );
    return shown.planes.map((_, c) => pixels.map((values) => values[c]));
  });

/** Looks at every page of an image, and holds it to what the command line's reader gives. */
async function expectAsRead(page: Page, id: string, read: Image): Promise<void> {
  const { width, height, slices, times } = sizes(read);
  await page
    .getByRole('list')
    .getByTitle(new RegExp(`^images/${id}(?:[./]|$)`))
    .click();
  await page.waitForFunction((wanted) => studio.display.shown.value?.image.id === wanted, id);
  const info = await page.evaluate(() => studio.project.image.value);
  // As a message carries it: without axes that have none.
  const spacing = JSON.parse(JSON.stringify(read.spacing));
  expect(info).toMatchObject({ width, height, slices, times, spacing, dtype: read.dtype });
  for (let at = 0; at < slices * times; at++) {
    await page.evaluate((wanted) => studio.project.goToPage(wanted), at);
    await page.waitForFunction((wanted) => studio.display.shown.value?.page === wanted, at);
    const planes = planesOf(read, at);
    expect(await shownPlanes(page), `${id}, page ${at}`).toEqual(planes);
    const [x, y] = [Math.floor(width / 2), Math.floor(height / 3)];
    const point = await inWindow(page, x + 0.5, y + 0.5);
    await page.mouse.move(point.x, point.y);
    const values = planes.map((plane) => pixelValue(plane[y * width + x]));
    await page.getByText(`x ${x} y ${y} value ${values.join(', ')}`).waitFor();
  }
}

describe.skipIf(whyNoPage !== undefined)(`S03 formats${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lamella-dropped-'));
    const wrong = Object.entries(WRONG).map(([file, { content }]) => [file, content] as const);
    for (const [file, content] of [...Object.values(FILES).flatMap(Object.entries<Uint8Array>), ...wrong]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), content);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows each as the command line reads it', async () => {
    const { page, errors, close } = await pages.open();
    const own = Object.values(FILES).map((files) => topOf(Object.keys(files)[0]));
    const [first, ...others] = [...own, ...Object.keys(WRONG)].map((name) => join(folder, name));
    await dropPaths(page, '.drop', [first]);
    await page.locator('.canvas').waitFor();
    await dropPaths(page, '.images', others);
    await page.locator('.message.problem .sentences li').first().waitFor();
    expect(await page.evaluate(() => studio.project.images.value.map(({ id }) => id).sort())).toEqual(
      Object.keys(FILES).sort(),
    );
    const said = await page.locator('.message.problem .sentences li').allInnerTexts();
    for (const { said: words } of Object.values(WRONG)) {
      expect(
        said.filter((text) => words.test(text)),
        String(words),
      ).toHaveLength(1);
    }
    expect(said).toHaveLength(Object.keys(WRONG).length);
    for (const [id, files] of Object.entries(FILES)) {
      const [path] = Object.keys(files);
      const read = await readUpright(join(folder, topOf(path)));
      await expectAsRead(page, id, read);
    }
    expect(errors).toEqual([]);
    await close();
  });

  describeWithData('files of others', () => {
    const why = isLong ? '' : ' (npm run test:studio)';
    it
      .skipIf(!isLong)
      .each([
        'formats/exampletiffs/shapes_lzw_tiled.tif',
        'formats/pydicom/src/pydicom/data/test_files/CT_small.dcm',
        'formats/nibabel/nibabel/tests/data/standard.nii.gz',
        'formats/pynrrd/nrrd/tests/data/BallBinary30x30x30_gz.nrrd',
        'nuclei/images/00071198d059ba7f5914a526d124d28e6d010c92466da21d4a04cd5413362552.png',
      ])(`%s${why}`, async (file) => {
      const { page, errors, close } = await pages.open();
      const path = join(dataFolder(), file);
      await dropPaths(page, '.drop', [path]);
      await page.locator('.canvas').waitFor();
      await expectAsRead(page, basename(path, extname(path)).replace(/\.nii$/, ''), await readUpright(path));
      expect(errors).toEqual([]);
      await close();
    });
  });
});
