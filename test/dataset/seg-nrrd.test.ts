/** Segmentations of 3D Slicer as labels: the voxels that slicerio, its library, was given. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, test } from 'vitest';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { convertImage } from '../../src/workflows/convert.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

const [SLICES, ROWS, COLUMNS] = [5, 11, 9];

describeWithPeers(
  'segmentations of slicerio',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-segnrrd-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const found = askPeerOf<Record<string, Record<string, readonly number[]>>>('labels', 'write_segnrrd.py', folder);

    test.each(Object.keys(found))('%s: every voxel, by the names of segments', async (name) => {
      const data = await readDataset(nodeFiles, join(folder, name));
      const mapping = findMapping(
        data.pages.map(({ label }) => label),
        labelOptions(data),
      );
      const names = ['Left lung', 'Tumour'];
      expect(mapping.classes.map((one) => one.name)).toEqual(['background', ...names]);
      const expected = Array.from({ length: SLICES }, () => new Array<number>(ROWS * COLUMNS).fill(0));
      for (const [i, segment] of names.entries()) {
        const at = found[name]?.[segment] ?? [];
        for (let k = 0; k < at.length; k += 3) {
          (expected[at[k] as number] as number[])[(at[k + 1] as number) * COLUMNS + (at[k + 2] as number)] = i + 1;
        }
      }
      expect(data.pages.map(({ label }) => [...label.values])).toEqual(expected);
      expect(data.notes.join().includes('belong to several segments: the last one has them')).toBe(
        name === 'two layers',
      );
    });

    it('in layers become a label image with their image, whose values are said', async () => {
      const at = (name: string): string => join(folder, 'two layers', name);
      const out = join(folder, 'layers.nii.gz');
      await expect(convertImage(nodeFiles, at('scan.seg.nrrd'), out)).rejects.toThrow(
        'a segmentation in layers, whose segments may overlap, is not supported: Left lung (layer 0, value 1), Tumour (layer 1, value 1). Convert it onto its image (`of`)',
      );
      const { notes } = await convertLabels(nodeFiles, at('scan.seg.nrrd'), out, { of: at('scan.nrrd') });
      expect(notes).toContain('Values: 0 is background, 1 is Left lung, 2 is Tumour.');
      const { pages } = await readDataset(nodeFiles, join(folder, 'two layers'));
      const voxels = pages.flatMap(({ label }) => [...label.values]);
      expect([...(await readImageFile(nodeFiles, out)).data]).toEqual(voxels);
    });

    const changed = async (change: (header: string) => string): Promise<string> => {
      const place = join(folder, 'one layer');
      const bytes = readFileSync(join(place, 'scan.seg.nrrd'), 'latin1');
      const files = memoryFiles({
        'd/scan.nrrd': new Uint8Array(readFileSync(join(place, 'scan.nrrd'))),
        'd/scan.seg.nrrd': new Uint8Array(Buffer.from(change(bytes), 'latin1')),
      });
      return readDataset(files, 'd').then(
        () => 'none',
        (cause: unknown) => (cause as Error).message,
      );
    };

    it('refuses values without a segment, none at all, another place, and what is cut off', async () => {
      expect(await changed((text) => text)).toBe('none');
      expect(await changed((text) => text.replace('LabelValue:=7', 'LabelValue:=8'))).toContain(
        'it has the value 7 in layer 0',
      );
      expect(await changed((text) => text.replaceAll('_Name:=', '_Called:='))).toContain('it names no segments');
      expect(await changed((text) => text.replace('(10,-20,30)', '(11,-20,30)'))).toContain(
        'the labels lie on other voxels',
      );
      expect(await changed((text) => text.slice(0, -30))).toContain('scan.seg.nrrd');
    });
  },
  'labels',
);
