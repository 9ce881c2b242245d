import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { randomModel } from '../support/random-model.ts';

/** Writes a model, `a.onnx`, and an image whose time points are parts, `s.ome.zarr`. */
export async function smallPrediction(
  folder: string,
  {
    times,
    baseChannels = 4,
    sides = [300, 400],
  }: {
    readonly times: number;
    readonly baseChannels?: number;
    readonly sides?: readonly [height: number, width: number];
  },
): Promise<void> {
  const image = ndarray('uint8', [times, ...sides]);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * 31 + (i >> 9) * 17) % 251;
  const info = { dtype: image.dtype, shape: image.shape, axes: 'tyx', spacing: {} } as const;
  const sink = await writeOmeZarr(nodeFiles, join(folder, 's.ome.zarr'), info);
  await sink.write({ start: [0, 0, 0], shape: image.shape }, image.data);
  await sink.finish();
  writeFileSync(
    join(folder, 'a.onnx'),
    randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels, depth: 2 }),
  );
}
