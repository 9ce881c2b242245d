/** Cells from a formula and an image of them, of any size, measured by region: memory must not grow with the pixels. */
import { join } from 'node:path';
import type { Storage } from '../../src/array/ndarray.ts';
import { writeOmeTiff } from '../../src/image/formats/tiff/write-pyramid.ts';
import { regionsOf } from '../../src/image/sink.ts';
import type { ImageInfo } from '../../src/image/source.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { REGION_BYTES } from '../../src/workflows/convert.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import type { Task } from './task.ts';

/** Cells along each side, at any size of the image: the table has as many rows. */
const CELLS = 200;

type Formula = (y: number, x: number) => number;

export async function measureRegionsTask({
  folder,
  side,
  compare,
}: {
  readonly folder: string;
  readonly side: number;
  /** With a ground truth and ROIs, or without. */
  readonly compare: 'truth' | 'nothing';
}): Promise<Task> {
  const compared = compare === 'truth';
  const step = side / CELLS;
  const label: Formula = (y, x) => {
    const [row, column] = [Math.floor(y / step), Math.floor(x / step)];
    // Every other row is shifted, and cells of several sizes touch.
    const off = Math.hypot(y - (row + 0.5) * step, x - (column + 0.5) * step);
    return off < step * (0.3 + 0.05 * ((row + column) % 5)) ? row * CELLS + column + 1 : 0;
  };
  const path = (name: string): string => join(folder, `${name}${side}.tif`);
  const paths = { labels: path('cells'), image: path('stain'), truth: path('true-cells') };
  const write = async (path: string, dtype: 'uint16' | 'uint32', formula: Formula): Promise<void> => {
    if ((await nodeFiles.kind(path)) !== undefined) return;
    const info: ImageInfo = { dtype, axes: 'yx', shape: [side, side], spacing: {} };
    const sink = await writeOmeTiff(nodeFiles, path, info, { labels: true, levels: 1 });
    for (const region of regionsOf(sink, { maxBytes: REGION_BYTES })) {
      const [top, left] = region.start as readonly [number, number];
      const [height, width] = region.shape as readonly [number, number];
      const data: Storage['uint16' | 'uint32'] = new (dtype === 'uint16' ? Uint16Array : Uint32Array)(height * width);
      for (let y = 0, i = 0; y < height; y++) {
        for (let x = 0; x < width; x++, i++) data[i] = formula(top + y, left + x);
      }
      await sink.write(region, data);
    }
    await sink.finish();
  };
  await write(paths.labels, 'uint32', label);
  await write(paths.image, 'uint16', (y, x) => (x * x + 3 * y) & 0x3fff);
  if (compared) await write(paths.truth, 'uint32', (y, x) => label(Math.max(0, y - 0.1 * step), x));
  return {
    about: `${CELLS ** 2} objects`,
    async run() {
      const options = {
        images: paths.image,
        out: join(folder, 'measures'),
        as: 'objects',
        report: false,
        ...(compared && { truth: paths.truth, format: ['csv', 'roi'] as const }),
      } as const;
      // So that both sizes are too large for it.
      const host = { files: nodeFiles, memory: () => ({ used: 0, free: 2e9 }) };
      const result = await measureFolder(host, paths.labels, options);
      const rows = result.task === 'objects' ? result.report.table.rows : 0;
      const matched = result.task === 'objects' ? result.scores?.perThreshold[0]?.truePositives : undefined;
      if (compared && matched !== CELLS ** 2) throw new Error(`${matched} of ${CELLS ** 2} objects were matched`);
      if (rows !== CELLS ** 2) throw new Error(`${rows} of ${CELLS ** 2} objects were measured`);
    },
  };
}
