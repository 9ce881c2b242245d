import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { Interrupted } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';
import { type ImageSink, memorySink } from '../../src/image/sink.ts';
import { memorySource } from '../../src/image/source.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openModel } from '../../src/predict/open.ts';
import { probabilityImage } from '../../src/predict/output.ts';
import type { OpenedModel } from '../../src/predict/own.ts';
import { planPage, predictImage } from '../../src/predict/predict.ts';
import { type ImagePart, outputInfo, predictToSinks, regionOfPart } from '../../src/predict/stream.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { randomModel } from '../support/random-model.ts';

let runtime: Runtime;
let opened: OpenedModel;
let model: OpenedModel;
/** The same in tiles. */
let tiled: OpenedModel;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
  opened = await openModel(
    runtime,
    randomModel({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 2, norm: 'none' }),
  );
  tiled = { ...opened, strips: undefined };
  const strips = opened.strips as NonNullable<OpenedModel['strips']>;
  // Small images, for which compiling would not pay.
  model = { ...opened, strips: { ...strips, rule: { ...strips.rule, prepared: 0 } } };
});
afterAll(() => runtime.dispose());

function image(height: number, width: number, slices = 1): Image {
  const random = stream(height, 'image', width);
  const shape = slices === 1 ? [height, width] : [slices, height, width];
  const array = ndarray('uint8', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = Math.round(128 + 30 * random.normal());
  return { ...array, axes: slices === 1 ? 'yx' : 'zyx', spacing: {} };
}

const foreground = (prediction: Image<'float32'>) => probabilityImage(prediction, { depth: 'float32' });
const all = (prediction: Image<'float32'>) => probabilityImage(prediction, { depth: 'float32', classes: 'all' });

/** Sums in another order, through some twelve layers of random weights: as for tiles of other sizes. */
const ROUNDING = { rtol: 0, atol: 2e-5 };

describe('strips give what tiles give', () => {
  test.each([
    { what: 'one column', height: 900, width: 300, options: { tile: 256 } },
    { what: 'several columns', height: 700, width: 900, options: { tile: 224 } },
    { what: 'without a frame', height: 800, width: 320, options: { tile: 256, border: 0 } },
    { what: 'odd sides', height: 811, width: 317, options: { tile: 256 } },
  ])('$what', async ({ height, width, options }) => {
    const plan = planPage(model, height, width, options);
    expect(plan.strips).toBeDefined();
    expect(plan.description).toMatch(/strips of \d+ x \d+$/);
    const given = await predictImage(model, image(height, width), options);
    const expected = await predictImage(tiled, image(height, width), options);
    expectAllClose(given.data as Float32Array, expected.data as Float32Array, ROUNDING);
  });

  test('slice by slice, whose programs are the same', async () => {
    const stack = image(640, 256, 3);
    const given = await predictImage(model, stack, { tile: 224 });
    const expected = await predictImage(tiled, stack, { tile: 224 });
    expectAllClose(given.data as Float32Array, expected.data as Float32Array, ROUNDING);
  });
});

test('images of a few strips, averages over orientations and regions are predicted in tiles', () => {
  expect(planPage(model, 256, 2000).strips).toBeUndefined();
  // Smaller than the smallest tile that could be one of several columns.
  expect(planPage(model, 60, 90).strips).toBeUndefined();
  // For less than compiling takes.
  expect(planPage(opened, 900, 300, { tile: 256 }).strips).toBeUndefined();
  expect(planPage(model, 900, 300, { tile: 256, tta: 4 }).strips).toBeUndefined();
  // A frame that is no whole number of strides, from which blocks do not begin either.
  expect(planPage(model, 900, 300, { tile: 256, border: 3 }).strips).toBeUndefined();
});

describe('by region', () => {
  const [height, width] = [2048, 512];
  const options = { tile: 256, block: [256, 256] } as const;
  const source = () => memorySource(image(height, width));

  test('equal to the whole image to the last bit, in order or not', async () => {
    expect(planPage(model, height, width, options).strips).toBeDefined();
    for (const inOrder of [false, true]) {
      const block = inOrder ? ([256, width] as const) : options.block;
      const sink = memorySink(outputInfo(model, source().info, foreground), { unit: [256, block[1]], inOrder });
      await predictToSinks(model, source(), [{ of: foreground, sink }], { ...options, block });
      const whole = await predictImage(model, image(height, width), { ...options, block });
      expect(sink.image.data).toEqual(foreground(whole).data);
    }
  });

  test('a part in the middle, as another process would predict it, equals the whole to the last bit', async () => {
    const whole = all(await predictImage(model, image(height, width), options));
    for (const y of [0, 512, 1280, 1792]) {
      const part: ImagePart = { t: 0, z: 0, slices: 1, y, x: 256, height: 256, width: 256 };
      const { shape } = regionOfPart(whole, part);
      const sink = partSink(whole, part);
      await predictToSinks(model, source(), [{ of: all, sink }], { ...options, part });
      const expected = new Float32Array(shape.reduce((a, b) => a * b));
      let at = 0;
      for (let c = 0; c < 2; c++) {
        for (let row = y; row < y + 256; row++) {
          const from = (c * height + row) * width + 256;
          expected.set(whole.data.subarray(from, from + 256) as Float32Array, at);
          at += 256;
        }
      }
      expect(sink.written).toEqual(expected);
    }
  });
});

/** Takes a part of an image in one block. */
function partSink(info: Image, part: ImagePart): ImageSink & { written: Float32Array } {
  const { shape } = regionOfPart(info, part);
  const sink = {
    info,
    unit: [1, part.height, part.width],
    inOrder: false,
    written: new Float32Array(0),
    async write(region: { readonly shape: readonly number[] }, data: ArrayLike<number>) {
      expect(region.shape).toEqual(shape);
      sink.written = Float32Array.from(data);
    },
    async finish() {},
    async abort() {},
  };
  return sink as unknown as ImageSink & { written: Float32Array };
}

test('progress is told, and an abort ends it', async () => {
  const abort = new AbortController();
  const seen: number[] = [];
  const onProgress = (done: number, total: number) => {
    seen.push(done / total);
    if (done === 2) abort.abort();
  };
  const running = predictImage(model, image(900, 300), { tile: 256, onProgress, signal: abort.signal });
  await expect(running).rejects.toThrow(Interrupted);
  expect(seen).toHaveLength(2);
  const again: number[] = [];
  await predictImage(model, image(900, 300), { tile: 256, onProgress: (done, total) => again.push(done / total) });
  expect(again.at(-1)).toBe(1);
});
