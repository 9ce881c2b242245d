/** JPEG files that Pillow writes, against what it reads back. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { labelPages } from '../../src/dataset/labels/labels.ts';
import { FormatError } from '../../src/errors.ts';
import { readImage } from '../../src/image/read.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

interface Written {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly saved: readonly number[];
}

describeWithPeers(
  'JPEG of Pillow',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-jpeg-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const written = askPeerOf<Record<string, Written>>('labels', 'write_jpeg.py', folder);
    const bytesOf = (name: string) => new Uint8Array(readFileSync(join(folder, `${name}.jpg`)));
    const read = (name: string) => readImage(bytesOf(name), `${name}.jpg`);

    test.each(Object.entries(written))('%s', async (name, { shape, values }) => {
      const image = await read(name);
      expect([image.dtype, image.shape, image.spacing]).toEqual(['uint8', shape, {}]);
      expect(image.channels).toEqual(shape.length === 2 ? ['grey'] : ['red', 'green', 'blue']);
      expect(image.data).toEqual(Uint8Array.from(values));
    });

    it('the orientation of a camera is noted and not applied, as in ImageJ', async () => {
      expect((await read('turned')).notes).toEqual([
        'The camera states orientation 6, which is not applied: pixels are as stored.',
      ]);
      expect((await read('grey')).notes).toBeUndefined();
    });

    it('CMYK is refused by name', async () => {
      await expect(read('cmyk')).rejects.toThrow('cmyk.jpg: JPEG in CMYK is not supported.');
    });

    it('cut off anywhere it is refused, as is one with changed bytes in its scan', async () => {
      const bytes = bytesOf('colour');
      for (let end = 3; end < bytes.length; end += 41) {
        await expect(readImage(bytes.subarray(0, end), 'a.jpg'), `${end} bytes`).rejects.toThrow(FormatError);
      }
      const wrong = Uint8Array.from(bytes);
      wrong.fill(0xfe, bytes.length - 200, bytes.length - 100);
      await expect(readImage(wrong, 'a.jpg')).rejects.toThrow('a.jpg: the JPEG data is truncated or damaged.');
    });

    it('one that states more pixels than may be allocated is refused before', async () => {
      const lying = Uint8Array.from(bytesOf('grey'));
      const at = lying.findIndex((byte, i) => byte === 0xff && lying[i + 1] === 0xc0);
      lying.set([0xff, 0xff, 0xff, 0xff], at + 5);
      await expect(readImage(lying, 'a.jpg', { maxBytes: 2 ** 20 })).rejects.toThrow('65535 x 65535');
    });

    describe('as labels', () => {
      test.each(['mask', 'mask in colour'])('%s: what was saved', async (name) => {
        const { saved, shape } = written[name] as Written;
        const pages = labelPages(await read(name));
        const channels = shape.length === 2 ? 1 : 3;
        const expected = saved.filter((_, i) => i % channels === 0);
        expect([pages.length, Array.from(pages[0]?.values ?? [])]).toEqual([1, expected]);
      });

      it.each(['classes', 'grey', 'colour'])('%s: refused', async (name) => {
        const image = await read(name);
        expect(() => labelPages(image)).toThrow('which does not keep values');
      });
    });
  },
  'labels',
);
