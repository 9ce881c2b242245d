/** Objects of images that are read block by block: memory must not grow with the image. */
import { join } from 'node:path';
import { elementCount, ndarray } from '../../src/array/ndarray.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { ImageInfo, ImageSource } from '../../src/image/source.ts';
import type { Box } from '../../src/objects/blocks/block-grid.ts';
import { componentsByBlocks } from '../../src/objects/blocks/components-by-blocks.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { objectsInfo, objectsToSink } from '../../src/predict/object-regions.ts';
import { blockFiles } from '../../src/workflows/block-files.ts';
import type { Task } from './task.ts';

/** Blobs as far apart as nuclei, about 20 pixels, that touch here and there: 0 to 1; the same in bench/peers/blocks_task.py. */
const blobs = (y: number, x: number): number =>
  (4 + Math.sin(x / 3) + Math.sin(y / 4) + Math.sin((x + 2 * y) / 11) + Math.sin((3 * x - y) / 23)) / 8;

function eachPixel({ start, shape }: Box, visit: (value: number, i: number) => void): void {
  const [top, left] = start as readonly [number, number];
  const [height, width] = shape as readonly [number, number];
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) visit(blobs(top + y, left + x), i);
}

/** Objects separated by shape, from a formula to OME-Zarr, with what waits in between in files. */
export async function formulaObjectsTask({
  folder,
  side,
}: {
  readonly folder: string;
  readonly side: number;
}): Promise<Task> {
  const between = join(folder, `blocks${side}`);
  const path = join(folder, `objects${side}.ome.zarr`);
  const info: ImageInfo = { dtype: 'uint16', axes: 'yx', shape: [side, side], spacing: {} };
  const source: ImageSource = {
    info,
    levels: [info],
    async read(_level, box = { start: [0, 0], shape: info.shape }) {
      const data = new Uint16Array(elementCount(box.shape));
      eachPixel(box, (value, i) => {
        data[i] = 65_535 * value;
      });
      return { ...info, shape: box.shape, data };
    },
    close: async () => {},
  };
  return {
    async run() {
      await nodeFiles.remove?.(path);
      const sink = await writeOmeZarr(nodeFiles, path, objectsInfo(info));
      const options = { bytes: 300e6, store: blockFiles(nodeFiles, between) };
      const { openPixels } = await objectsToSink(source, sink, { by: 'shape' }, options);
      if (openPixels > 0) throw new Error(`${openPixels} pixels are open`);
      await sink.finish();
      await nodeFiles.remove?.(between);
    },
  };
}

/** Connected components of a mask in memory, block by block into memory. */
export async function componentsTask({
  side,
  block,
}: {
  readonly side: number;
  readonly block: number;
}): Promise<Task> {
  const mask = ndarray('uint8', [side, side]);
  eachPixel({ start: [0, 0], shape: mask.shape }, (value, i) => {
    mask.data[i] = value > 0.6 ? 1 : 0;
  });
  const read = async ({ start, shape }: Box) => {
    const [top, left] = start as readonly [number, number];
    const [height, width] = shape as readonly [number, number];
    const part = new Uint8Array(elementCount(shape));
    for (let y = 0; y < height; y++) {
      const row = (top + y) * side + left;
      part.set(mask.data.subarray(row, row + width), y * width);
    }
    return ndarray('uint8', shape, part);
  };
  const labels = new Uint32Array(side * side);
  const write = async ({ start, shape }: Box, values: Uint32Array): Promise<void> => {
    const [top, left] = start as readonly [number, number];
    const [height, width] = shape as readonly [number, number];
    for (let y = 0; y < height; y++) {
      labels.set(values.subarray(y * width, (y + 1) * width), (top + y) * side + left);
    }
  };
  return {
    run: async () => void (await componentsByBlocks({ shape: [side, side], read }, { block: [block, block], write })),
  };
}
