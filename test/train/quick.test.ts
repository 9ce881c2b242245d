import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { Image } from '../../src/image/image.ts';
import { FILTER_REACH_PX, filterGraph } from '../../src/models/filter-bank.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { fillWindow } from '../../src/predict/window.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { trainQuick } from '../../src/train/quick.ts';
import {
  choosePixels,
  describePixels,
  type FilteredPart,
  openPixelSource,
  unscaled,
} from '../../src/train/tasks/segmentation/pixel-source.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

const NOT_ANNOTATED = 7;
const { image, label } = phantom({ width: 160, height: 120, depth: 1, seed: 2 });

/** Strokes: of a grid every fifth row, a few pixels long. */
function strokes(keep: (value: number) => boolean = () => true): Image {
  const data = label.data.slice() as Uint8Array;
  for (let p = 0; p < data.length; p++) {
    const [y, x] = [Math.floor(p / 160) % 120, p % 160];
    if (y % 20 !== 10 || x % 16 > 7 || !keep(data[p] as number)) data[p] = NOT_ANNOTATED;
  }
  return { ...label, ...ndarray('uint8', label.shape, data) };
}

const pixelError = (probabilities: Image<'float32'>): number => {
  const pixels = label.data.length;
  let wrong = 0;
  for (let p = 0; p < pixels; p++) {
    const found = (probabilities.data[pixels + p] as number) > 0.5;
    if (found !== Number(label.data[p]) > 0) wrong++;
  }
  return wrong / pixels;
};

describe('a model from strokes', () => {
  test('finds the cells of the whole image, and is the same when trained again', async () => {
    const model = await trainQuick(runtime, [{ image, label: strokes() }], { ignore: [NOT_ANNOTATED], seed: 4 });
    const again = await trainQuick(runtime, [{ image, label: strokes() }], { ignore: [NOT_ANNOTATED], seed: 4 });
    expect(Buffer.compare(model.bytes, again.bytes)).toBe(0);
    expect(model.classes).toEqual(['background', 'foreground']);
    expect(model.rule.y).toMatchObject({ multiple: 1, halo: 31, margin: 0, exact: true });
    const whole = await predictImage(model, image);
    // The larger class everywhere would be wrong in a quarter of the pixels.
    expect(pixelError(whole)).toBeLessThan(0.16);
    const tiled = await predictImage(model, image, { tile: 96 });
    expectAllClose(tiled.data, whole.data, { atol: 1e-5 });
    await Promise.all([model.program.dispose(), again.program.dispose()]);
  });

  test('of one class only is refused with what is missing', async () => {
    const classes = [
      { name: 'membrane', values: [0] },
      { name: 'inside', values: [255] },
    ];
    const one = strokes((value) => value === 255);
    await expect(trainQuick(runtime, [{ image, label: one }], { ignore: [NOT_ANNOTATED], classes })).rejects.toThrow(
      "only class 'inside' is painted in",
    );
    await expect(trainQuick(runtime, [{ image, label: one }], { ignore: [NOT_ANNOTATED] })).rejects.toThrow(
      'besides the ignored value 7 the labels of the only page hold the value 255 only.',
    );
  });
});

describe('the pixels that are learned from', () => {
  const pages = [{ label: Uint8Array.from([0, 0, 255, 1, 0, 0]) }, { label: Uint8Array.from([255, 0, 1, 0, 0, 0]) }];

  test('are all where there are few', () => {
    expect(choosePixels(pages, 2, { seed: 1 })).toEqual({
      pixels: [Int32Array.from([0, 1, 3, 4, 5]), Int32Array.from([1, 2, 3, 4, 5])],
      shares: [1, 1],
    });
  });

  test('are so many of each class where there are more, each standing for its share', () => {
    const { pixels, shares } = choosePixels(pages, 3, { seed: 1, most: 4 });
    const chosen = pixels.flatMap((own, i) => Array.from(own, (p) => pages[i]?.label[p]));
    expect(chosen.filter((c) => c === 0)).toHaveLength(4);
    expect(chosen.filter((c) => c === 1)).toHaveLength(2);
    // Eight background pixels, two of class 1, none of class 2.
    expect(shares).toEqual([2, 1, 0]);
    for (const own of pixels) expect([...own]).toEqual([...own].sort((a, b) => a - b));
  });

  test('are exactly so many also where a class has not a whole number of times as many', () => {
    const label = Uint8Array.from({ length: 1000 }, (_, p) => (p % 3 === 0 ? 1 : 0));
    for (const most of [100, 333, 390, 600, 665, 700]) {
      const { pixels, shares } = choosePixels([{ label }], 2, { seed: 2, most });
      const chosen = Array.from(pixels[0] as Int32Array, (p) => label[p]);
      const [zeros, ones] = [0, 1].map((c) => chosen.filter((value) => value === c).length);
      expect([zeros, ones]).toEqual([Math.min(666, most), Math.min(334, most)]);
      expect(shares).toEqual([666 / Math.min(666, most), 334 / Math.min(334, most)]);
      expect(new Set(pixels[0]).size).toBe(chosen.length);
    }
  });

  test('have the same features in small windows, where there are few, as in large ones', async () => {
    const side = 160;
    const values = Float32Array.from({ length: side * side }, (_, p) => Math.sin(p / 7) + Math.cos(p / 911));
    const few = [0, 63 * side + 64, 64 * side + 63, 159 * side + 159];
    const described = async (isPainted: (pixel: number) => boolean) => {
      const labels = Uint8Array.from(values, (_, p) => (isPainted(p) ? p % 2 : 255));
      const page = { name: 'a', height: side, width: side, label: labels, image: values };
      const set = { pages: [page], channels: 1, classCount: 2, classWeights: [1, 1], focus: { rare: [] } };
      const spec = { name: 'filter-bank', channels: 1, numClasses: 2 } as const;
      const { features, scaling } = await describePixels(runtime, spec, set, { seed: 1, most: side * side });
      const count = scaling.mean.length;
      return features.data.map((x, i) => x * (scaling.std[i % count] as number) + (scaling.mean[i % count] as number));
    };
    const [ofFew, ofAll] = [await described((p) => few.includes(p)), await described(() => true)];
    const count = ofFew.length / few.length;
    const same = few.flatMap((pixel) => [...ofAll.subarray(pixel * count, (pixel + 1) * count)]);
    expectAllClose(ofFew, Float32Array.from(same), { atol: 1e-5 });
  });

  test('have the features that the filters gave on their pages before, if they did', async () => {
    const [height, width] = [40, 50];
    const pageOf = (name: string, every: number) => ({
      name,
      height,
      width,
      image: Float32Array.from({ length: height * width }, (_, p) => Math.sin(p / every)),
      // Not in the first rows and columns, where the part that is known does not begin.
      label: Uint8Array.from({ length: height * width }, (_, p) => (p % width < 6 || p < 3 * width ? 255 : p % 2)),
    });
    const pages = [pageOf('a', 5), pageOf('b', 9)];
    const set = { pages, channels: 1, classCount: 2, classWeights: [1, 1], focus: { rare: [] } };
    const spec = { name: 'filter-bank', channels: 1, numClasses: 2 } as const;
    const filters = await runtime.load(writeOnnx(filterGraph(spec, 2 * FILTER_REACH_PX + 64)));
    const filtered = new Map<string, FilteredPart>();
    for (const { name, image } of [...pages].reverse()) {
      const sides = { y: 2 * FILTER_REACH_PX + 64, x: 2 * FILTER_REACH_PX + 64 };
      const window = float32([1, 1, sides.y, sides.x]);
      const origin = { y: 3 - FILTER_REACH_PX, x: 6 - FILTER_REACH_PX };
      fillWindow(window.data, image, { height, width, channels: 1 }, origin, sides);
      const { features } = await filters.run({ image: window });
      filtered.set(name, { y: 3, x: 6, features: features as NdArray<'float32'> });
    }
    await filters.dispose();
    const [known, found] = [
      await describePixels(runtime, spec, set, { seed: 1, filtered }),
      await describePixels(runtime, spec, set, { seed: 1 }),
    ];
    expect(known.labels).toEqual(found.labels);
    expect(known.weights).toEqual(found.weights);
    expectAllClose(known.features.data, found.features.data, { atol: 1e-4 });
  });

  test('come with noise that the step alone decides, so that a run can be resumed', async () => {
    const side = 40;
    const labels = Uint8Array.from({ length: side * side }, (_, p) => (p % 17 === 0 ? p % 2 : 255));
    const page = {
      name: 'a',
      height: side,
      width: side,
      label: labels,
      image: new Float32Array(side * side).fill(0.5),
    };
    const set = { pages: [page], channels: 1, classCount: 2, classWeights: [1, 1], focus: { rare: [] } };
    const source = await openPixelSource({ name: 'filter-bank', channels: 1, numClasses: 2 }, set, runtime, {
      seed: 5,
    });
    const [fromStart, fromThird] = [source.batches(0), source.batches(2)];
    const noisy: Float32Array[] = [];
    for (let i = 0; i < 3; i++) noisy.push((await fromStart.next()).value.feeds.image.data.slice());
    const [first, , third] = noisy;
    expect((await fromThird.next()).value.feeds.image.data).toEqual(third);
    expect(third).not.toEqual(first);
  });
});

test('weights on scaled features become weights on features as they are', () => {
  const f = (shape: readonly number[], values: readonly number[]): NdArray<'float32'> => float32(shape, values);
  const weights = {
    'hidden1/weight': f([1, 2], [3, 4]),
    'hidden1/bias': f([1], [1]),
    'output/weight': f([2, 1], [5, 6]),
    'output/bias': f([2], [0, 1]),
  };
  // 3 (x - 1) / 2 + 4 (y - 2) / 8 + 1 = 1.5 x + 0.5 y - 1.5
  expect(unscaled(weights, { mean: Float64Array.of(1, 2), std: Float64Array.of(2, 8) })).toEqual({
    'hidden1/weight': f([1, 2, 1, 1], [1.5, 0.5]),
    'hidden1/bias': f([1], [-1.5]),
    'output/weight': f([2, 1, 1, 1], [5, 6]),
    'output/bias': f([2], [0, 1]),
  });
});
