/** Packages of BioImage.IO: what is in them, and that bioimageio.core tests them and gives Lamella's probabilities. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { readNpy, writeNpy } from '../../src/export/bioimageio/npy.ts';
import { preprocessingOf } from '../../src/export/bioimageio/operations.ts';
import { identifiers, pixelOf, tilesOf } from '../../src/export/bioimageio/package.ts';
import { editOnnx } from '../../src/graph/onnx/edit.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { prepareInput } from '../../src/input/network-input.ts';
import type { InputSpec } from '../../src/input/normalise.ts';
import { applyOperations } from '../../src/input/operations.ts';
import { METADATA_KEY } from '../../src/models/metadata.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { exportBioImageIo } from '../../src/workflows/export-model.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';
import { randomModel } from '../support/random-model.ts';

const UNET: ModelSpec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2 };
const base = { percentiles: [1, 99], perChannel: false, numbers: [], leastSpread: 1 } as const;
const GREY = { mode: 'grey', count: 1 } as const;
const STAINS = { mode: 'asis', count: 2, names: ['DAPI', 'GFP'] } as const;

/** Networks and normalisations of every kind. */
const CASES: readonly (readonly [name: string, spec: ModelSpec, input: InputSpec])[] = [
  [
    'percentiles of each image',
    UNET,
    { channels: GREY, normalisation: { ...base, kind: 'percentile', scope: 'image' } },
  ],
  [
    'percentiles of each stain',
    { ...UNET, channels: 2, numClasses: 3, depth: 3 },
    { channels: STAINS, normalisation: { ...base, kind: 'percentile', scope: 'image', perChannel: true } },
  ],
  [
    'percentiles of the training images',
    UNET,
    {
      channels: GREY,
      normalisation: { ...base, kind: 'percentile', scope: 'dataset', numbers: [[20, 200]] },
      pixelMm: [0.0003, 0.00031],
    },
  ],
  [
    'mean and deviation of each stain in the training images, foreground only',
    { ...UNET, channels: 2, numClasses: 1 },
    {
      channels: STAINS,
      normalisation: {
        ...base,
        kind: 'zscore',
        scope: 'dataset',
        perChannel: true,
        numbers: [
          [100, 50],
          [130, 70],
        ],
      },
    },
  ],
  [
    'mean and deviation of each image',
    UNET,
    { channels: GREY, normalisation: { ...base, kind: 'zscore', scope: 'image' } },
  ],
  [
    'a window, unpadded network',
    { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 4 },
    {
      channels: GREY,
      normalisation: { ...base, kind: 'range', scope: 'dataset', numbers: [[0, 180]], leastSpread: 0 },
    },
  ],
];

const CLASSES = ['cell wall', 'Nucleus', 'nucleus'];
/** What every network takes: with others some blocks begin between the places where pooling starts. */
const [HEIGHT, WIDTH] = [416, 480];

/** @param less so much lower and narrower */
function picture(channels: number, less = 0): Image<'uint8'> {
  const [height, width] = [HEIGHT - less, WIDTH - less];
  const random = stream(channels, 'picture');
  const data = Uint8Array.from({ length: channels * height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width) % height, i % width];
    // Cut at both ends: a percentile between two values is interpolated there, and is the lower one here.
    return Math.min(170, Math.max(70, 120 + 90 * Math.sin(x / 17) * Math.cos(y / 23) + random.between(-20, 20)));
  });
  return {
    ...ndarray('uint8', [channels, height, width], data),
    axes: 'cyx',
    spacing: {},
    ...(channels === 2 ? { channels: ['DAPI', 'GFP'] } : {}),
  };
}

/** The unpadded network takes 188 and any number of times 16 more. */
const lessOf = ({ name }: ModelSpec): number => (name === 'unet2015' ? 4 : 0);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-bioimageio-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function packaged(
  i: number,
): Promise<{ readonly zip: string; readonly bytes: Uint8Array; readonly notes: readonly string[] }> {
  const [, spec, input] = CASES[i] as (typeof CASES)[number];
  const bytes = randomModel(spec, { input, classes: CLASSES.slice(0, spec.numClasses === 1 ? 2 : spec.numClasses) });
  const model = join(folder, `model-${i}.onnx`);
  writeFileSync(model, bytes);
  const zip = join(folder, `package-${i}-${Math.random()}.zip`);
  const { notes } = await exportBioImageIo(nodeHost, model, { bioimageio: zip, name: `Case ${i} of the tests` });
  return { zip, bytes, notes };
}

describeWithPeers(
  'bioimageio.core',
  () => {
    test('passes its own test of every package, and predicts in blocks what Lamella predicts', {
      timeout: 600_000,
    }, async () => {
      const args: string[] = [];
      const models: Uint8Array[] = [];
      for (const [i, [, spec]] of CASES.entries()) {
        const { zip, bytes } = await packaged(i);
        const image = join(folder, `image-${i}.npy`);
        const { data, shape } = picture(spec.channels, lessOf(spec));
        writeFileSync(image, writeNpy(float32(shape, Float32Array.from(data))));
        args.push(zip, image, join(folder, `out-${i}.npy`), spec.name === 'unet2015' ? 'whole' : 'blocks');
        models.push(bytes);
      }
      const answers = askPeerOf<
        readonly {
          readonly status: string;
          readonly failed: readonly string[];
          readonly shape: readonly number[];
          readonly channels: readonly string[];
        }[]
      >('bioimageio', 'bioimageio_predict.py', ...args);
      expect(answers.map(({ status, failed }) => [status, failed])).toEqual(CASES.map(() => ['passed', []]));
      const runtime = await openRuntime({ device: 'cpu' });
      for (const [i, [name, spec]] of CASES.entries()) {
        const model = await openModel(runtime, models[i] as Uint8Array);
        // Mirrored so that pooling starts at the image's own first pixel, as there.
        const own = await predictImage(model, picture(spec.channels, lessOf(spec)), {
          border: spec.name === 'unet2015' ? 4 : 24,
        });
        const found = readNpy(readFileSync(join(folder, `out-${i}.npy`)));
        const [height, width] = own.shape.slice(1) as [number, number];
        const margin = spec.name === 'unet2015' ? 184 : 0;
        const outputs = spec.numClasses;
        expect(found.shape, name).toEqual([outputs, height - margin, width - margin]);
        // Lamella mirrors a little more around the image: compared is what lies a receptive field inside.
        const inside = Math.max(margin / 2, model.rule.y.halo);
        let worst = 0;
        for (let k = 0; k < outputs; k++) {
          for (let y = inside; y < height - inside; y++) {
            for (let x = inside; x < width - inside; x++) {
              const theirs = found.data[
                (k * (height - margin) + y - margin / 2) * (width - margin) + x - margin / 2
              ] as number;
              const plane = outputs === 1 ? 1 : k;
              worst = Math.max(worst, Math.abs(theirs - (own.data[(plane * height + y) * width + x] as number)));
            }
          }
        }
        expect((height - 2 * inside) * (width - 2 * inside), name).toBeGreaterThan(2000);
        expect(worst, name).toBeLessThan(2e-6);
        await model.program.dispose();
      }
      await runtime.dispose();
      expect(answers[1]?.channels).toEqual(['cell_wall', 'Nucleus', 'nucleus_2']);
    });
  },
  'bioimageio',
);

test('what is in a package', async () => {
  const { zip, bytes, notes } = await packaged(2);
  const files = unzipSync(readFileSync(zip));
  expect(Object.keys(files).sort()).toEqual([
    'README.md',
    'rdf.yaml',
    'test_input.npy',
    'test_output.npy',
    'weights.onnx',
  ]);
  expect(files['weights.onnx']).toEqual(bytes);
  const rdf = JSON.parse(strFromU8(files['rdf.yaml'] as Uint8Array));
  expect(rdf.inputs[0].preprocessing).toEqual([
    { id: 'scale_linear', kwargs: { gain: 2 / 180, offset: -20 * (2 / 180) - 1 } },
    { id: 'clip', kwargs: { min: -3, max: 3 } },
  ]);
  // Receptive field of 22 pixels to each side, pooled twice.
  const axis = { type: 'space', scale: 305, unit: 'nanometer' };
  expect(rdf.inputs[0].axes.slice(2)).toEqual([
    { ...axis, id: 'y', size: { min: 52, step: 4 } },
    { ...axis, id: 'x', size: { min: 52, step: 4 } },
  ]);
  expect(rdf.outputs[0].axes[2]).toEqual({
    ...axis,
    id: 'y',
    size: { tensor_id: 'image', axis_id: 'y', offset: 0 },
    halo: 24,
  });
  expect(rdf.weights.onnx).toMatchObject({ source: 'weights.onnx', opset_version: 18 });
  expect(rdf.weights.onnx.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(notes).toEqual(['Colour images have to be converted to grey first: 0.299 red + 0.587 green + 0.114 blue.']);
  expect(strFromU8(files['README.md'] as Uint8Array)).toContain(notes[0]);
});

test('the same model gives the same bytes', async () => {
  const [a, b] = [await packaged(0), await packaged(0)];
  expect(readFileSync(a.zip).equals(readFileSync(b.zip))).toBe(true);
});

test('the operations are the normalisation, to rounding', () => {
  for (const [name, { channels: count }, input] of CASES) {
    const { data } = picture(count);
    const page = { data, channels: count, height: HEIGHT, width: WIDTH, channelNames: input.channels.names };
    const tensor = { data: Float32Array.from(data), shape: [count, HEIGHT, WIDTH], axes: ['channel', 'y', 'x'] };
    const theirs = applyOperations(tensor, preprocessingOf(input).operations);
    expectAllClose(theirs, prepareInput(page, input), { rtol: 0, atol: 1e-5 });
    expect(new Set(theirs).size, name).toBeGreaterThan(50);
  }
});

test('what the format cannot say is said', () => {
  const unsaid = (normalisation: Partial<InputSpec['normalisation']>): string =>
    preprocessingOf({
      channels: STAINS,
      normalisation: { ...base, kind: 'percentile', scope: 'image', ...normalisation },
    }).unsaid.join(' ');
  expect(unsaid({ leastSpread: 12.345678 })).toMatch(/range is below 12\.35/);
  expect(unsaid({ invertBright: true })).toMatch(/inverted first/);
  expect(unsaid({ scope: 'dataset', numbers: [[-1000, 400]] })).toMatch(/below -1024/);
});

test('halos are whole steps, and tiles larger than two of them', () => {
  const sizes = { multiple: 16, offset: 0, min: 16, margin: 0 };
  expect(tilesOf({ ...sizes, halo: 94 })).toEqual({ min: 208, step: 16, halo: 96 });
  expect(tilesOf({ ...sizes, halo: 96 })).toEqual({ min: 208, step: 16, halo: 96 });
  expect(tilesOf({ ...sizes, halo: null })).toEqual({ min: 512, step: 16, halo: 0 });
  expect(tilesOf({ multiple: 16, offset: 12, min: 188, margin: 184, halo: 92 })).toEqual({
    min: 188,
    step: 16,
    halo: 0,
  });
});

test('names as the format takes them', () => {
  expect(identifiers(['cell wall', 'Cell-wall', '2nd', '細胞', 'ok'])).toEqual([
    'cell_wall',
    'Cell_wall_2',
    '_2nd',
    'channel_3',
    'ok',
  ]);
});

test('sizes of pixels are whole numbers, so that nobody computes 55 pixels from 56', () => {
  expect(pixelOf({ pixelMm: [0.000305, 0.000305] })).toEqual({ scale: 305, unit: 'nanometer' });
  expect(pixelOf({ pixelMm: [0.7, 0.7] })).toEqual({ scale: 700, unit: 'micrometer' });
  expect(pixelOf({ pixelMm: [0.0001234567, 0.0001234567] })).toEqual({ scale: 123_457, unit: 'picometer' });
  expect(pixelOf({ pixelMm: [0.0003, 0.0006] })).toEqual({});
});

describe('refused', () => {
  const write = (name: string, bytes: Uint8Array): string => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  const model = () => write('unet.onnx', randomModel(UNET));
  let count = 0;
  const attempt = (file: string, options = {}) =>
    exportBioImageIo(nodeHost, file, { bioimageio: join(folder, `refused-${count++}.zip`), ...options });

  test('names, references and files that exist', async () => {
    await expect(attempt(model(), { name: 'a' })).rejects.toThrow(/5 to 128/);
    await expect(attempt(model(), { name: 'semi;colon' })).rejects.toThrow(/5 to 128/);
    await expect(attempt(model(), { cite: ['A paper'] })).rejects.toThrow(/no DOI/);
    const there = write('there.zip', new Uint8Array(1));
    await expect(attempt(model(), { bioimageio: there })).rejects.toThrow(/exists already/);
    expect(readFileSync(there).length).toBe(1);
  });
  test('networks that take windows, and models of other programs', async () => {
    const bytes = randomModel(UNET);
    const own = JSON.parse(readSignature(bytes).metadata[METADATA_KEY] as string);
    const window = { ...own, network: { ...own.network, name: 'n1' } };
    const n1 = editOnnx(bytes, { metadata: { [METADATA_KEY]: JSON.stringify(window) } });
    await expect(attempt(write('n1.onnx', n1))).rejects.toThrow(/middle of a window/);
    const { task: _, ...rest } = own;
    const views = { stored: [9, 9], crop: [8, 8], views: 1 };
    const wholes = { ...rest, task: 'classification', input: { ...own.input, ...views } };
    const classifier = editOnnx(bytes, { metadata: { [METADATA_KEY]: JSON.stringify(wholes) } });
    await expect(attempt(write('classifier.onnx', classifier))).rejects.toThrow(/class of a whole image/);
    const other = writeOnnx(
      readOnnx(bytes, { shapes: { [readSignature(bytes).inputs[0]?.name ?? '']: [1, 1, 52, 52] } }),
    );
    await expect(attempt(write('other.onnx', other))).rejects.toThrow(/another program/);
    await expect(attempt(write('no.onnx', new Uint8Array(9)))).rejects.toThrow(/not an ONNX model/);
  });
  test('samples that are too small or have other channels', async () => {
    const small = write('small.tif', writeTiff({ ...picture(1), ...ndarray('uint8', [1, 20, 30]) }));
    await expect(attempt(model(), { sample: small })).rejects.toThrow(/30 x 20.*52 x 52/);
    const two = write('two.tif', writeTiff(picture(2)));
    await expect(attempt(model(), { sample: two })).rejects.toThrow(/channels/);
  });
  test('a sample becomes the test', async () => {
    const sample = write('sample.tif', writeTiff(picture(1)));
    const zip = join(folder, 'sampled.zip');
    await exportBioImageIo(nodeHost, model(), { bioimageio: zip, sample });
    const { shape, data } = readNpy(unzipSync(readFileSync(zip))['test_input.npy'] as Uint8Array);
    expect(shape).toEqual([1, 1, 52, 52]);
    expect(data[0]).toBe(picture(1).data[182 * WIDTH + 214]);
  });
});
