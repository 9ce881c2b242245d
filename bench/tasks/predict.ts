/**
 * An image file to a file of probabilities, tiled where it is large; the model is open, and made ready for many images of
 * this size, as the peer's is. As the peer does, nothing is mirrored around the image, and tiles lie at the same places.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rawDataset } from '../../src/dataset/raw.ts';
import { quantise } from '../../src/graph/onnx/quantise.ts';
import type { InputSpec } from '../../src/input/normalise.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { readImageFile, writeImageFile } from '../../src/platform/node/image-files.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { probabilityImage } from '../../src/predict/output.ts';
import { planPage, predictImage } from '../../src/predict/predict.ts';
import type { Recipe } from '../../src/train/config.ts';
import { modelWriter } from '../../src/train/model-file.ts';
import { initialWeights } from '../../src/train/step.ts';
import { calibrate } from '../../src/workflows/eight-bit.ts';
import type { Task } from './task.ts';

export interface PredictTask {
  readonly image: string;
  readonly folder: string;
  readonly base: number;
  /** Convolutions of 8 bits, calibrated on the image. */
  readonly precision?: 'int8';
}

const MANY_TILES = 1000;

const INPUT: InputSpec = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    kind: 'zscore',
    scope: 'image',
    percentiles: [0.5, 99.5],
    perChannel: false,
    numbers: [],
    leastSpread: 1,
  },
};

export async function predictTask({ image, folder, base, precision }: PredictTask): Promise<Task> {
  const model: ModelSpec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: base, depth: 4, norm: 'none' };
  const { parameters } = buildNetwork(model, [1, 1, 256, 256]);
  const labels = {
    classes: [
      { name: 'out', values: [0] },
      { name: 'in', values: [255] },
    ],
  };
  const recipe = { model, labels, input: INPUT } as unknown as Recipe;
  const file = join(folder, 'model.onnx');
  const bytes = modelWriter(recipe)(initialWeights(parameters, 1), {});
  writeFileSync(file, precision === 'int8' ? await inEightBits(bytes, image) : bytes);
  const opened = await openModelFile(file, { device: 'cpu' });
  const out = join(folder, 'ours.png');
  const options = { border: 0 };
  const [height, width] = (await readImageFile(image)).shape as readonly [number, number];
  const { y, x } = planPage(opened, height, width, options);
  await opened.prepare?.([1, 1, y.side, x.side], MANY_TILES);
  return {
    run: async () => {
      const prediction = await predictImage(opened, await readImageFile(image), options);
      await writeImageFile(out, probabilityImage(prediction, { depth: 'uint8' }));
    },
    close: () => opened.close(),
  };
}

async function inEightBits(bytes: Uint8Array, file: string): Promise<Uint8Array> {
  const image = await readImageFile(file);
  const { pages } = rawDataset([
    { image, label: { ...image, dtype: 'uint8', data: new Uint8Array(image.data.length) } },
  ]);
  const runtime = await openRuntime({ device: 'cpu' });
  const ranges = await calibrate(runtime, bytes, pages);
  await runtime.dispose();
  return quantise(bytes, ranges);
}
