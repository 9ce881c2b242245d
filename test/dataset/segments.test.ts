/** Segments in DICOM as labels of their series: the pixels that highdicom was given. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

const [SLICES, ROWS, COLUMNS] = [7, 13, 18];

describeWithPeers(
  'segments of highdicom',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-seg-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const written = askPeerOf<Record<string, Record<string, readonly number[]>>>('labels', 'write_seg.py', folder);
    const { 'of another series': _, ...found } = written;

    test.each(Object.keys(found))('%s: every pixel, by the names of segments', async (name) => {
      const data = await readDataset(nodeFiles, join(folder, name));
      const segments = Object.entries(found[name] as Record<string, readonly number[]>).sort(([a], [b]) =>
        a < b ? -1 : 1,
      );
      const mapping = findMapping(
        data.pages.map(({ label }) => label),
        labelOptions(data),
      );
      expect(mapping.classes.map((one) => one.name)).toEqual(['background', ...segments.map(([segment]) => segment)]);
      const expected = Array.from({ length: SLICES }, () => new Array<number>(ROWS * COLUMNS).fill(0));
      for (const [i, [, at]] of segments.entries()) {
        for (let k = 0; k < at.length; k += 3) {
          (expected[at[k] as number] as number[])[(at[k + 1] as number) * COLUMNS + (at[k + 2] as number)] = i + 1;
        }
      }
      expect(data.pages.map(({ label }) => [...label.values])).toEqual(expected);
      const notes = data.notes.join('\n');
      expect(notes.includes('from half on a pixel belongs to them')).toBe(name.startsWith('fractional'));
      expect(notes.includes('pixels belong to several shapes: the last one has them')).toBe(name === 'overlapping');
    });

    it('of a series that is not here are no labels', async () => {
      const read = readDataset(nodeFiles, join(folder, 'of another series'));
      await expect(read).rejects.toMatchObject({ code: 'no-labels' });
    });

    describe('changed', () => {
      const problemOf = async (change: (place: string) => void): Promise<string> => {
        const place = mkdtempSync(join(folder, 'changed-'));
        cpSync(join(folder, 'binary'), place, { recursive: true });
        change(place);
        const said = await readDataset(nodeFiles, place).then(
          () => 'none',
          (cause: unknown) => (cause as Error).message,
        );
        rmSync(place, { recursive: true });
        return said;
      };

      it('a slice is missing', async () => {
        // Segments are on slices 1 to 5, and the last file is of slice 6.
        const remove = (z: number) => (place: string) =>
          rmSync(join(place, readdirSync(place).find((file) => file.endsWith(`-${z}.dcm`)) as string));
        expect(await problemOf(remove(6))).toBe('none');
        expect(await problemOf(remove(5))).toContain('a frame lies 2.5 mm beside the nearest slice');
      });

      it('cut off anywhere', async () => {
        const bytes = readFileSync(join(folder, 'binary', 'segments.dcm'));
        for (let end = 400; end < bytes.length; end += 997) {
          const said = await problemOf((place) => writeFileSync(join(place, 'segments.dcm'), bytes.subarray(0, end)));
          expect(said, `${end} bytes`).toMatch(/segments\.dcm: .*(ends early|are needed)|no labels/);
        }
      });

      it('a frame of a segment that is not described', async () => {
        const said = await problemOf((place) => {
          const path = join(place, 'segments.dcm');
          const bytes = readFileSync(path);
          // Referenced Segment Number, US, two bytes.
          const at = bytes.indexOf(Buffer.from([0x62, 0, 0x0b, 0, 0x55, 0x53, 2, 0]));
          bytes.writeUInt16LE(9, at + 8);
          writeFileSync(path, bytes);
        });
        expect(said).toContain('it has pixels of segment 9, which it does not describe');
      });
    });
  },
  'labels',
);
