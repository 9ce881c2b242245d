import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { Image } from '../../src/image/image.ts';
import { type ImageSink, memorySink } from '../../src/image/sink.ts';
import { type ImageSource, memorySource } from '../../src/image/source.ts';
import { labelImage, probabilityImage } from '../../src/predict/output.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { blockFor, outputInfo, predictToSinks, wholeFor } from '../../src/predict/stream.ts';
import { fakeForward, fakeModel, PADDED, UNPADDED } from './fake-network.ts';

const normalisation = {
  kind: 'percentile',
  scope: 'image',
  percentiles: [1, 99],
  perChannel: false,
  numbers: [],
  leastSpread: 0.01,
} as const;
const input = { channels: { mode: 'grey', count: 1 }, normalisation } as const;
const padded = () => fakeModel(PADDED, (x) => fakeForward(x, true), { input });
const unpadded = () => fakeModel(UNPADDED, (x) => fakeForward(x, false), { input });

function image(shape: readonly number[], axes: string, seed = 1): Image {
  const random = stream(seed, 'image');
  const array = ndarray('uint16', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = Math.round(1000 + 100 * random.normal());
  return { ...array, axes, spacing: { x: { value: 2, unit: 'µm' } }, source: 'a.zarr' };
}

const probability = (prediction: Image<'float32'>) => probabilityImage(prediction, { depth: 'uint16' });
const all = (prediction: Image<'float32'>) => probabilityImage(prediction, { depth: 'float32', classes: 'all' });
const labels = (prediction: Image<'float32'>) => labelImage(prediction, { values: [0, 255] });

describe('predicted by region equals predicted as a whole, to the last bit', () => {
  for (const [name, make] of [
    ['padded', padded],
    ['unpadded', unpadded],
  ] as const) {
    test(`${name} network: any size, units, tile, orientations, batch; slices, in order or not`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            height: fc.integer({ min: 1, max: 60 }),
            width: fc.integer({ min: 1, max: 60 }),
            slices: fc.integer({ min: 1, max: 3 }),
            unit: fc.tuple(
              fc.integer({ min: 1, max: 24 }),
              fc.integer({ min: 1, max: 24 }),
              fc.integer({ min: 1, max: 2 }),
            ),
            tile: fc.integer({ min: 16, max: 40 }),
            tta: fc.constantFrom(1 as const, 1 as const, 4 as const, 8 as const),
            batch: fc.integer({ min: 1, max: 3 }),
            inOrder: fc.boolean(),
          }),
          async ({ height, width, slices, unit, tile, tta, batch, inOrder }) => {
            const whole = slices === 1 ? image([height, width], 'yx') : image([slices, height, width], 'zyx');
            const model = make();
            const source = memorySource(whole);
            // In order, channels of one file would alternate.
            const made = [probability, labels, ...(inOrder ? [] : [all])];
            const outputs = made.map((of) => {
              const info = outputInfo(model, source.info, of);
              const units = [...info.axes].map((axis) =>
                axis === 'y' ? unit[0] : axis === 'x' ? unit[1] : axis === 'z' ? unit[2] : 1,
              );
              if (inOrder) units[info.axes.indexOf('x')] = width;
              if (inOrder && slices > 1) units[0] = 1;
              return { of, sink: memorySink(info, { unit: units, inOrder }) };
            });
            const block = blockFor(
              outputs.map(({ sink }) => sink),
              [10, 10],
            );
            const options = { tile, tta, batch, block };
            await predictToSinks(model, source, outputs, options);
            const prediction = await predictImage(make(), whole, options);
            for (const { of, sink } of outputs) {
              const { notes: _, ...expected } = of(prediction);
              expect(sink.image).toEqual(expected);
            }
          },
        ),
        { numRuns: 40 },
      );
    });
  }
});

test('reads the next tile before the network has ended, and no more than a tile at once', async () => {
  const whole = image([90, 90], 'yx');
  const model = padded();
  const source = memorySource(whole);
  const events: string[] = [];
  let largest = 0;
  const watched = {
    ...source,
    read(level?: number, region = { start: [0, 0], shape: whole.shape }) {
      events.push('read');
      largest = Math.max(largest, ...region.shape);
      return source.read(level, region);
    },
  };
  const numbers = { ...normalisation, scope: 'dataset', kind: 'range', numbers: [[500, 1500]] } as const;
  const program = {
    ...model.program,
    async run(feeds: Parameters<typeof model.program.run>[0]) {
      events.push('run');
      return model.program.run(feeds);
    },
  };
  const known = { ...model, program, input: { ...input, normalisation: numbers } };
  const sink = memorySink(outputInfo(known, source.info, labels), { unit: [20, 20] });
  await predictToSinks(known, watched, [{ of: labels, sink }], { tile: 32, block: [20, 20] });
  expect(largest).toBeLessThanOrEqual(32);
  // The channels of a pixel, the first tile and the second; then one tile after the other.
  expect(events.slice(0, 6).join(' ')).toBe('read read read run read run');
});

test('a sink that fails ends the prediction, and all sinks are aborted', async () => {
  const source = memorySource(image([40, 40], 'yx'));
  const model = padded();
  const aborted: string[] = [];
  const sinkOf = (name: string, fails: boolean) => {
    const { info, unit, inOrder, write } = memorySink(outputInfo(model, source.info, labels), { unit: [20, 20] });
    const full = () => Promise.reject(new Error('The disk is full.'));
    const sink: ImageSink = {
      ...{ info, unit, inOrder },
      write: fails ? full : write,
      finish: async () => {},
      abort: async () => void aborted.push(name),
    };
    return { of: labels, sink };
  };
  const outputs = [sinkOf('good', false), sinkOf('full', true)];
  await expect(predictToSinks(model, source, outputs, { tile: 32, block: [20, 20] })).rejects.toThrow('full');
  expect(aborted).toEqual(['good', 'full']);
});

test('what needs the whole image is refused, and named', async () => {
  const source = memorySource({ ...image([40, 40], 'yx'), padding: 0 });
  const sink = memorySink(outputInfo(padded(), source.info, labels));
  expect(wholeFor(padded(), memorySource(image([4, 4], 'yx')).info)).toBeUndefined();
  const blended = fakeModel({ ...PADDED, exact: false }, (x) => fakeForward(x, true), { input });
  expect(wholeFor(blended, source.info)).toBe('the network, whose tiles are blended or of a fixed size');
  await expect(predictToSinks(padded(), source, [{ of: labels, sink }], { block: [8, 8] })).rejects.toThrow(
    'this cannot be predicted by region because of the image, for its pixels without a value.',
  );
});

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes of arrays in use. What is only waiting to be collected is not: it is let go of by one collection, freed by the next. */
async function inUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().arrayBuffers;
}

test('memory in use does not grow with the image', async () => {
  /** Bytes of arrays in use while an image from a formula is predicted, at most. */
  const mostInUse = async (side: number): Promise<number> => {
    // Two classes: nothing, and what is put in.
    const copies = ({ data, shape }: NdArray<'float32'>): NdArray<'float32'> => {
      const both = float32([2, ...shape.slice(1)]);
      both.data.set(data, data.length);
      return both;
    };
    const known = { ...normalisation, kind: 'range', scope: 'dataset', numbers: [[0, 250]] } as const;
    const model = fakeModel(PADDED, copies, { input: { ...input, normalisation: known } });
    const info = { dtype: 'uint8' as const, axes: 'yx', shape: [side, side], spacing: {} };
    let most = 0;
    let reads = 0;
    const source: ImageSource = {
      info,
      levels: [info],
      async read(_level, { start, shape } = { start: [0, 0], shape: [side, side] }) {
        const [rows = 0, columns = 0] = shape;
        const data = new Uint8Array(rows * columns);
        for (let i = 0; i < data.length; i++) data[i] = (i * 7 + start[0] * 3 + start[1]) % 251;
        if (reads++ % 16 === 9) {
          most = Math.max(most, await inUse());
        }
        return { ...info, shape, data };
      },
      close: async () => {},
    };
    let written = 0;
    const outputs = [labels, probability].map((of) => ({
      of,
      sink: {
        info: outputInfo(model, info, of),
        unit: [64, 64],
        inOrder: false,
        async write(_region: unknown, data: { readonly length: number }) {
          written += data.length;
        },
        finish: async () => {},
        abort: async () => {},
      },
    }));
    const block = blockFor(
      outputs.map(({ sink }) => sink),
      [240, 240],
    );
    await predictToSinks(model, source, outputs, { tile: 256, block });
    expect(written).toBe(2 * side * side);
    return most;
  };
  // Once before, after which what other tests have left is gone.
  await mostInUse(600);
  const [small, large] = [await mostInUse(600), await mostInUse(2400)];
  // A whole image of the larger side takes 5.8 MB as it is stored, 23 MB normalised and 46 MB as probabilities.
  expect(large - small).toBeLessThan(2e6);
});
