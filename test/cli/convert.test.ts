import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readImageFile, writeImageFile } from '../../src/platform/node/image-files.ts';
import { lamella } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamella-convert-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() =>
  writeImageFile(at('a.tif'), {
    dtype: 'uint8',
    axes: 'yx',
    shape: [40, 600],
    data: new Uint8Array(24_000).map((_, i) => i % 251),
    spacing: { y: { value: 2, unit: 'nm' }, x: { value: 2, unit: 'nm' } },
  }),
);

test('convert says what it wrote, and refuses to write over it', async () => {
  const first = await lamella(['convert', at('a.tif'), at('b.ome.zarr')]);
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('yx 40 x 600, uint8, 2 resolutions') });
  const again = await lamella(['convert', at('a.tif'), at('b.ome.zarr')]);
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toContain('this exists already. Choose another name, or replace it with --overwrite.');
  const over = await lamella(['convert', at('b.ome.zarr'), at('c.ome.tif'), '--level', '1', '--json']);
  expect(over.code).toBe(0);
  expect(JSON.parse(over.stdout)).toMatchObject({ axes: 'yx', shape: [20, 300], dtype: 'uint8', levels: 1, notes: [] });
  expect((await readImageFile(at('c.ome.tif'))).spacing.x).toEqual({ value: 4, unit: 'nm' });
});

test.each([
  ['a.tif', 'd.foo', 2, 'Use .ome.zarr, .ome.tif, .png'],
  ['none.tif', 'd.ome.tif', 1, 'there is no such file or folder'],
  ['a.tif', 'a.tif', 2, 'an image is not written over itself'],
])('convert %s %s is refused', async (from, to, code, message) => {
  const result = await lamella(['convert', at(from), at(to)]);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toContain(message);
  expect(existsSync(at('d.ome.tif'))).toBe(false);
});
