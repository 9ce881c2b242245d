/** Stores that zarr-python writes, with every codec, type, layout and key, against what it reads back. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { FormatError } from '../../src/errors.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';

interface Stored {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly crc32: number;
}

describeWithPeers('stores of zarr-python', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-zarr-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const written = askPeer<Record<string, Stored>>('write_zarr.py', folder);

  test('are of every kind', () => {
    expect(Object.keys(written).length).toBeGreaterThan(120);
  });

  test.each(Object.entries(written))('%s', async (name, stored) => {
    const { data, shape, dtype, bitDepth } = await readImageFile(join(folder, `${name}.zarr`));
    expect(shape).toEqual(stored.shape);
    expect(bitDepth === 1 ? 'bool' : dtype).toBe(stored.dtype);
    expect(crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))).toBe(stored.crc32);
  });

  test.each(Object.keys(written))('%s, cut off in a chunk, is refused', async (name) => {
    const store = join(folder, `${name}.zarr`);
    const chunk = (await nodeFiles.list(join(store, '0')))
      .filter((file) => !/\.z|zarr\.json/.test(file))
      .at(-1) as string;
    const path = join(store, '0', chunk);
    const bytes = readFileSync(path);
    for (const length of [0, 1, Math.floor(bytes.length / 2), bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(readImageFile(store), `${length} of ${bytes.length} bytes`).rejects.toThrow(FormatError);
    }
    writeFileSync(path, bytes);
  });
});
