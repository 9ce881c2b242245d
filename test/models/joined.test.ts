/** The mean of several networks as one file, by ONNX Runtime and as predictions. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import type { Image } from '../../src/image/image.ts';
import { joinModels } from '../../src/models/joined.ts';
import { type ModelMetadata, readMetadata } from '../../src/models/metadata.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { predictAverage } from '../../src/predict/average.ts';
import { foldNotes } from '../../src/predict/cleaned.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictImage } from '../../src/predict/predict.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { randomModel } from '../support/random-model.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

const unet = (baseChannels: number, depth = 2, numClasses = 2): ModelSpec => ({
  name: 'unet',
  channels: 1,
  numClasses,
  baseChannels,
  depth,
});
const part = (spec: ModelSpec, options?: Parameters<typeof randomModel>[1]) => ({
  file: `${spec.name}.onnx`,
  bytes: randomModel(spec, options),
});
/** Of other widths, so that their weights differ. */
const THREE = [part(unet(4)), part(unet(6)), part(unet(8))] as const;

function image(height: number, width: number): Image<'float32'> {
  const random = stream(5, 'image');
  const { shape, data, dtype } = float32(
    [height, width],
    Float32Array.from({ length: height * width }, () => random.normal()),
  );
  return { shape, data, dtype, axes: 'yx', spacing: {} };
}

/** The first output of a file for one input. */
async function run(bytes: Uint8Array, input: Float32Array, side: number): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const feed = { [session.inputNames[0] as string]: new Tensor('float32', input, [1, 1, side, side]) };
    return (await session.run(feed))[session.outputNames[0] as string]?.data as Float32Array;
  } finally {
    await session.release();
  }
}

const meanOf = (outputs: readonly Float32Array[]): Float32Array =>
  (outputs[0] as Float32Array).map(
    (_, i) => outputs.reduce((sum, one) => sum + (one[i] as number), 0) / outputs.length,
  );

describe('joinModels', () => {
  test.each([
    ['of one depth', THREE],
    ['of several depths, with one output channel', [part(unet(4, 1, 1)), part(unet(4, 3, 1))]],
  ] as const)('gives in ONNX Runtime the mean of what networks %s give', async (_, parts) => {
    const input = image(64, 64).data;
    const joined = joinModels(parts as unknown as Parameters<typeof joinModels>[0], {});
    const outputs = await Promise.all(parts.map(({ bytes }) => run(bytes, input, 64)));
    expect(outputs[0]).not.toEqual(outputs[1]);
    // Sums of two or three probabilities in float32.
    expectAllClose(await run(joined, input, 64), meanOf(outputs), { rtol: 0, atol: 1e-6 });
  });

  test('is predicted as the mean of its networks, in tiles too', async () => {
    const models = await Promise.all(
      THREE.map(async (one) => ({ ...(await openModel(runtime, one.bytes)), file: one.file })),
    );
    const joined = await openModel(runtime, joinModels(THREE, {}));
    const mean = await predictAverage(models, image(75, 130));
    expectAllClose((await predictImage(joined, image(75, 130))).data, mean.data, { rtol: 0, atol: 1e-6 });
    // Convolutions over other widths are summed in another order, as for a single network.
    const tiled = await predictImage(joined, image(75, 130), { tile: 96 });
    expectAllClose(tiled.data, mean.data, { rtol: 0, atol: 2e-5 });
    expect(foldNotes(joined.metadata as ModelMetadata)).toEqual([
      'The model is the mean of 3 networks, one for each fold.',
    ]);
  });

  test('takes images that all of its networks take, and sees as far as the one that sees farthest', () => {
    const shallow = part(unet(4, 1));
    const deep = part(unet(4, 3));
    const of = (bytes: Uint8Array) => readMetadata(readSignature(bytes))?.tile;
    const [a, b] = [of(shallow.bytes), of(deep.bytes)];
    expect(a?.multiple).toBe(2);
    expect(of(joinModels([shallow, deep], {}))).toEqual({ ...b, multiple: 8, min: 8 });
    expect((b?.halo as number) > (a?.halo as number)).toBe(true);
  });

  test('keeps how class maps are cleaned', async () => {
    const cleaning = { background: 0, rules: [{ class: 1, largest: true }] } as const;
    const joined = await openModel(runtime, joinModels(THREE, { cleaning }));
    expect(joined.metadata?.cleaning).toEqual(cleaning);
    expect(foldNotes(joined.metadata as ModelMetadata)[1]).toBe(
      'Label maps are cleaned as cross-validation chose: cell: the largest part only.',
    );
    await joined.program.dispose();
  });

  test.each([
    ['other classes', part(unet(4), { classes: ['a', 'b'] }), /the classes of it and of unet\.onnx differ/],
    ['another number of classes', part(unet(4, 2, 3), { classes: ['a', 'b', 'c'] }), /the classes of it and of/],
    ['another number of output channels', part(unet(4, 2, 1)), /the activation of it and of/],
  ])('refuses networks of %s', (_, other, message) => {
    expect(() => joinModels([THREE[0], other], {})).toThrow(message);
  });

  test('refuses networks that cut off borders of other widths', () => {
    const valid = part({ name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 2 });
    expect(() => joinModels([THREE[0], valid], {})).toThrow(
      /unet2015\.onnx: the network and that of unet\.onnx take images of other sizes/,
    );
  });
});
