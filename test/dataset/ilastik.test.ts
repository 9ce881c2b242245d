/** Files in ilastik's layouts as h5py writes them: exports as images and labels, and what is painted in a project. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { applyMapping, findMapping, IGNORE } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { sizes } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

interface Written {
  readonly exports: Readonly<
    Record<string, { readonly axes: string; readonly shape: readonly number[]; readonly values: readonly number[] }>
  >;
  readonly painted: Readonly<Record<string, readonly number[]>>;
}

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

describeWithPeers(
  'files of ilastik',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-ilastik-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const { exports, painted } = askPeerOf<Written>('labels', 'write_ilastik.py', folder);

    test.each(Object.keys(exports))('%s: every value, by its axes', async (name) => {
      const { axes, shape, values } = exports[name] as Written['exports'][string];
      const image = await readImage(bytesOf(join(folder, name)), name);
      expect([...image.data].map(Number)).toEqual(values);
      const found = sizes(image);
      const lengths = { t: found.times, c: found.channels, z: found.slices, y: found.height, x: found.width };
      for (const [i, axis] of [...axes].entries()) expect(lengths[axis as keyof typeof lengths]).toBe(shape[i]);
      expect(image.notes ?? []).toEqual([]);
    });

    it('an array that is the only one, without axes', async () => {
      const image = await readImage(bytesOf(join(folder, 'volume.hdf5')), 'volume.hdf5');
      expect([image.axes, image.shape]).toEqual(['zyx', [7, 45, 38]]);
      expect([...image.data]).toEqual(exports['chunks.h5']?.values);
      expect(image.notes).toEqual([
        'Its array "volume/data" is read.',
        'It does not state its axes: they are taken for z, y and x.',
      ]);
    });

    it('what is not read is named', async () => {
      const said = (name: string) =>
        readImage(bytesOf(join(folder, name)), name).then(
          () => 'read',
          (cause: Error) => cause.message,
        );
      expect(await said('lzf.hdf5')).toContain('compression by filter 32000 (LZF) is not supported');
      expect(await said('latest chunks.hdf5')).toContain('holds what is not supported');
      expect(await said('several.hdf5')).toContain('it has several arrays: "a/labels", "a/raw"');
      expect(await said('project/cells.ilp')).toContain('it has several arrays');
    });

    it.each(['chunks.h5', 'latest.h5', 'type uint8.h5', 'shuffled.h5'])(
      '%s cut off anywhere is an error',
      async (name) => {
        const whole = bytesOf(join(folder, name));
        const expected = exports[name]?.values;
        let refused = 0;
        for (let end = 8; end < whole.length; end += Math.ceil(whole.length / 61)) {
          const read = await readImage(whole.slice(0, end), name).then(
            ({ data }) => [...data].map(Number),
            (cause: Error) => {
              expect(cause.message).toContain(`${name}: `);
              refused++;
              return undefined;
            },
          );
          // What is missing may be padding behind the last value.
          if (read !== undefined) expect(read, `${end} of ${whole.length} bytes`).toEqual(expected);
        }
        expect(refused).toBeGreaterThan(20);
      },
    );

    it('exports beside their images are their labels', async () => {
      const data = await readDataset(nodeFiles, join(folder, 'pairs'));
      expect(data.pages.map(({ file }) => file)).toEqual(['a.png', 'b.png']);
      for (const { file, label } of data.pages) {
        const name = `pairs/${file.replace('.png', '')}_Simple Segmentation.h5`;
        expect([...label.values]).toEqual(exports[name]?.values);
      }
    });

    describe('a project', () => {
      const project = join(folder, 'project');

      it('has the labels that were painted, by name, and nothing of what was not', async () => {
        const data = await readDataset(nodeFiles, project);
        const mapping = findMapping(
          data.pages.map(({ label }) => label),
          labelOptions(data),
        );
        const names = mapping.classes.map(({ name }) => name);
        expect(names).toEqual(['background', 'nucleus', 'rim']);
        const ofIlastik = ['nucleus', 'background', 'rim'];
        expect(data.pages.map(({ file }) => file)).toEqual(['a.png', 'b.png']);
        for (const { file, label } of data.pages) {
          const expected = painted[file]?.map((value) =>
            value === 0 ? IGNORE : names.indexOf(ofIlastik[value - 1] as string),
          );
          expect([...applyMapping(label, mapping)]).toEqual(expected);
        }
        const said = data.notes.join('\n');
        expect(said).toContain('as classes; what none covers is not annotated');
        expect(said).toContain('1 without labels');
      });

      it('of images that are not here, or of another size, is no label of others', async () => {
        const read = async (name: string, image: string) =>
          readDataset(
            memoryFiles({
              'd/cells.ilp': bytesOf(join(project, 'cells.ilp')),
              [`d/${name}`]: bytesOf(join(folder, image)),
            }),
            'd',
          ).then(
            () => 'read',
            (cause: Error) => cause.message,
          );
        expect(await read('other.png', 'project/a.png')).toContain('no labels');
        expect(await read('a.png', 'type uint8.h5')).toContain('it is of an image of 41 x 30 pixels, which has 11 x 9');
      });
    });
  },
  'labels',
);
