/** Sharded OME-Zarr, compressed with Zstandard: written from memory, and read as a whole. */
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { readOmeZarr } from '../../src/image/read.ts';
import { regionsOf } from '../../src/image/sink.ts';
import type { ImageInfo } from '../../src/image/source.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { REGION_BYTES } from '../../src/workflows/convert.ts';
import type { Task } from './task.ts';

/** Waves with some noise, alike on both sides: what compresses to about four fifths. */
export function picture(side: number): Uint8Array {
  const data = new Uint8Array(side * side);
  let noise = 1;
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i++) {
      noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
      data[i] = 120 + 60 * (Math.sin(x / 97) + Math.cos(y / 131)) + (noise >>> 29);
    }
  }
  return data;
}

export async function storeTask({
  folder,
  side,
  what,
}: {
  readonly folder: string;
  readonly side: number;
  readonly what: 'write' | 'read';
}): Promise<Task> {
  const path = join(folder, 'ours.ome.zarr');
  const data = picture(side);
  const info: ImageInfo = { dtype: 'uint8', axes: 'yx', shape: [side, side], spacing: {} };
  const write = async (): Promise<void> => {
    await nodeFiles.remove?.(path);
    const sink = await writeOmeZarr(nodeFiles, path, info, { levels: 1 });
    for (const region of regionsOf(sink, { maxBytes: REGION_BYTES })) {
      const [from, rows] = [region.start[0] as number, region.shape[0] as number];
      await sink.write(region, data.subarray(from * side, (from + rows) * side));
    }
    await sink.finish();
  };
  const about = `Zstandard ${'zstdCompress' in zlib ? 'of Node' : 'compiled to WebAssembly, on threads'}`;
  if (what === 'write') return { about, run: write };
  await write();
  return { about, run: async () => void (await readOmeZarr(nodeFiles, path, path)) };
}
