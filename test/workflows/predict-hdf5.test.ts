/** Predictions in HDF5, which h5py reads as those in other formats, value by value. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile, writeImageFile } from '../../src/workflows/image-files.ts';
import { type PredictedFile, predictFolder } from '../../src/workflows/predict.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';
import { randomModel } from '../support/random-model.ts';
import { writeScan } from '../support/scan.ts';

const { files } = nodeHost;
const folder = mkdtempSync(join(tmpdir(), 'lamella-predict-hdf5-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: readonly string[]): string => join(folder, ...names);

const spec = { name: 'unet', channels: 1, baseChannels: 6, depth: 2, norm: 'instance' } as const;
const CLASSES = ['background', 'cell', 'rim'];
const CELL: Image = {
  dtype: 'uint8',
  data: Uint8Array.from({ length: 40 * 48 }, (_, p) => (Math.sin(p / 5) * Math.cos(p / 480) + 1) * 120),
  axes: 'yx',
  shape: [40, 48],
  spacing: { y: { value: 0.25, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } },
};

beforeAll(async () => {
  writeFileSync(at('two.onnx'), randomModel({ ...spec, numClasses: 2 }, { classes: CLASSES.slice(0, 2) }));
  writeFileSync(at('three.onnx'), randomModel({ ...spec, numClasses: 3 }, { classes: CLASSES }));
  await writeImageFile(files, at('cell.tif'), CELL);
  await writeImageFile(files, at('cell.png'), CELL);
  writeScan(at('scan'));
  const direction = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ] as const;
  writeFileSync(at('slice.nii'), writeNifti({ ...CELL, geometry: { originMm: [5, 6, 7], direction } }));
});

async function predict(
  model: string,
  image: string,
  format: 'same' | 'hdf5' | 'tiff' | 'png',
  more = {},
): Promise<PredictedFile> {
  const out = at(`${model}-${image}-${format}`);
  const options = { format, out, device: 'cpu', objects: true, probability: 'float', ...more } as const;
  const { images } = await predictFolder(nodeHost, [at(`${model}.onnx`)], at(image), options);
  return images[0] as PredictedFile;
}

describeWithPeers(
  'predict to HDF5',
  () => {
    it.each<readonly [string, string, Readonly<Partial<Record<'probability' | 'label' | 'objects', string>>>]>([
      ['two', 'cell.tif', { probability: 'yx', label: 'yx', objects: 'yx' }],
      ['three', 'cell.tif', { probability: 'yxc', label: 'yx' }],
      ['two', 'scan', { probability: 'zyx', label: 'zyx', objects: 'zyx' }],
      ['three', 'scan', { probability: 'zyxc', label: 'zyx' }],
    ])('%s classes of %s: %j, by h5py', async (model, image, parts) => {
      const [plain, made] = [await predict(model, image, 'same'), await predict(model, image, 'hdf5')];
      expect(made.objectCount).toBe(plain.objectCount);
      for (const [part, axes] of Object.entries(parts) as [keyof typeof parts, string][]) {
        const expected = await readImageFile(files, plain[part] as string);
        const path = made[part] as string;
        expect(path).toMatch(/\.h5$/);
        const said = Object.values(askPeerOf<object>('labels', 'read_hdf5.py', dirname(path)))[0] as {
          readonly [key in 'axes' | 'dtype' | 'kind']: string | null;
        } & { readonly values: readonly string[]; readonly shape: readonly number[] };
        expect([said.axes, said.dtype]).toEqual([axes, expected.dtype]);
        const size = Object.fromEntries([...expected.axes].map((axis, i) => [axis, expected.shape[i]]));
        expect(said.shape).toEqual([...axes].map((axis) => size[axis]));
        // Channels are the first axis here, and the last there.
        const channels = axes.endsWith('c') ? CLASSES.length : 1;
        const plane = expected.data.length / channels;
        const from = [...expected.axes].indexOf('c');
        const pages = from === 1 ? (size.z as number) : 1;
        const perPage = plane / pages;
        const placed = said.values.map((_, i) => {
          const [c, p] = [i % channels, Math.floor(i / channels)];
          return Number(expected.data[(Math.floor(p / perPage) * channels + c) * perPage + (p % perPage)]);
        });
        expect(new Set(placed).size, part).toBeGreaterThan(1);
        expect(said.values.map(Number)).toEqual(placed);
        if (part === 'objects') expect(said.kind).toBe('objects');
      }
    });
  },
  'labels',
);

describe('predictions in HDF5', () => {
  it('are read back as those in TIFF, with the size of a pixel', async () => {
    const [plain, made] = [await predict('two', 'cell.tif', 'same'), await predict('two', 'cell.tif', 'hdf5')];
    for (const part of ['probability', 'label'] as const) {
      const [{ data }, again] = (await Promise.all(
        [plain, made].map((file) => readImageFile(files, file[part] as string)),
      )) as [Image, Image];
      expect(again.data).toEqual(data);
      expect(again.spacing).toEqual(CELL.spacing);
    }
  });
  it('have overlays to look at, and say that the place in a patient is not kept', async () => {
    expect((await predict('two', 'cell.png', 'hdf5')).overlay).toMatch(/cell\.png$/);
    const { overlay, notes } = await predict('two', 'scan', 'hdf5');
    expect(overlay).toMatch(/\.tif$/);
    expect(notes?.filter((note) => note.includes('orientation in the patient'))).toEqual([
      'Its place and orientation in the patient are not kept; NIfTI holds them.',
    ]);
    expect((await predict('two', 'scan', 'same')).notes ?? []).not.toContain(notes?.[0]);
    for (const format of ['tiff', 'png'] as const) {
      const said = (await predict('two', format === 'png' ? 'slice.nii' : 'scan', format, { probability: '8bit' }))
        .notes;
      expect(said, format).toContain('Its place and orientation in the patient are not kept; NIfTI holds them.');
    }
  });
  it('are not for a page, which says so', async () => {
    const { encodeHdf5: _, ...page } = nodeHost;
    const options = { format: 'hdf5', out: at('page'), device: 'cpu' } as const;
    await expect(predictFolder(page, [at('two.onnx')], at('cell.tif'), options)).rejects.toThrow(
      'this format is not written here. Choose another `format`.',
    );
  });
});
