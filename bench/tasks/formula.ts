/** An image from a formula, of any size, written region by region with its lower resolutions: memory must not grow. */
import { join } from 'node:path';
import { writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { regionsOf } from '../../src/image/sink.ts';
import type { ImageInfo } from '../../src/image/source.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { REGION_BYTES } from '../../src/workflows/convert.ts';
import type { Task } from './task.ts';

const WRITERS = { 'ome.zarr': writeOmeZarr, 'ome.tif': writeOmeTiff } as const;

export async function formulaTask({
  folder,
  side,
  format,
}: {
  readonly folder: string;
  readonly side: number;
  readonly format: keyof typeof WRITERS;
}): Promise<Task> {
  const path = join(folder, `formula${side}.${format}`);
  const info: ImageInfo = { dtype: 'uint8', axes: 'yx', shape: [side, side], spacing: {} };
  return {
    async run() {
      await nodeFiles.remove?.(path);
      const sink = await WRITERS[format](nodeFiles, path, info);
      for (const region of regionsOf(sink, { maxBytes: REGION_BYTES })) {
        const [top, left] = region.start as readonly [number, number];
        const [height, width] = region.shape as readonly [number, number];
        const data = new Uint8Array(height * width);
        for (let y = 0, i = 0; y < height; y++) {
          // Rings, which compress to a third.
          for (let x = 0; x < width; x++, i++) data[i] = ((left + x) ** 2 / 2048 + (top + y) ** 2 / 4096) & 255;
        }
        await sink.write(region, data);
      }
      await sink.finish();
    },
  };
}
