/** Networks whose maps are stars or flows: what of them is found in images, as a whole and in tiles. */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Value } from '../../src/graph/ir.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { descriptionEntry } from '../../src/models/described.ts';
import { flowObjects } from '../../src/objects/flows/flow-objects.ts';
import { labelFlows } from '../../src/objects/flows/flow-targets.ts';
import type { MapKind } from '../../src/objects/object-maps.ts';
import { starObjects } from '../../src/objects/stars/star-objects.ts';
import { starDistances, starProbability } from '../../src/objects/stars/star-targets.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { AS_THEY_ARE } from '../../src/predict/foreign.ts';
import { openMapModel, predictMaps } from '../../src/predict/map-model.ts';
import { mapObjects } from '../../src/predict/map-objects.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { predictMapsFolder } from '../../src/workflows/predict-maps.ts';

let runtime: Runtime;
const root = mkdtempSync(join(tmpdir(), 'lamella-maps-'));
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(async () => {
  await runtime.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** Discs, some of which touch. */
function discs(height: number, width: number) {
  const labels = ndarray('int32', [height, width]);
  const centres = [
    [14, 15, 9],
    [15, 34, 10],
    [40, 20, 12],
    [44, 48, 11],
    [70, 30, 10],
    [20, 62, 8],
  ];
  for (const [index, [cy, cx, r]] of (centres as [number, number, number][]).entries()) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if ((y - cy) ** 2 + (x - cx) ** 2 <= r * r) labels.data[y * width + x] = index + 1;
      }
    }
  }
  return labels;
}

const imageOf = (
  maps: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[],
): Image<'float32'> => {
  const [height, width] = (maps[0]?.shape ?? []).slice(-2) as [number, number];
  const data = Float32Array.from(maps.flatMap((map) => [...map.data]));
  const channels = data.length / (height * width);
  return {
    ...{ dtype: 'float32', axes: 'cyx', shape: [channels, height, width], data, spacing: {} },
    channels: Array.from({ length: channels }, (_, i) => `c${i}`),
  };
};

const conv = (b: GraphBuilder, x: Value, weights: ReturnType<typeof float32>, stride = 1): Value => {
  const side = weights.shape[2] as number;
  const pad = (side - 1) / 2;
  return b.op('Conv', [x, b.constant(weights)], {
    ...{ kernel_shape: [side, side], strides: [stride, stride], pads: [pad, pad, pad, pad] },
  });
};

/** Gives some channels of an image as they are, at every `stride`-th pixel. */
const picking = (b: GraphBuilder, x: Value, from: number, to: number, stride = 1): Value => {
  const inputs = x.shape[1] as number;
  const weights = float32([to - from, inputs, 1, 1]);
  for (let k = from; k < to; k++) weights.data[(k - from) * inputs + k] = 1;
  return conv(b, x, weights, stride);
};

/** A network of open size, whose package says that pixels go in as they are. */
function network(
  channels: number,
  build: (b: GraphBuilder, x: Value) => Readonly<Record<string, Value>>,
  { isDescribed = true }: { readonly isDescribed?: boolean } = {},
): Uint8Array {
  const b = new GraphBuilder('other');
  const x = b.input('x', 'float32', [1, channels, 64, 64]);
  const outputs = Object.entries(build(b, x)).map(([name, value]) => b.output(value, name));
  const graph = b.build(outputs);
  const symbols = new Map<string, readonly (number | string)[]>([
    ['x', ['n', channels, 'h', 'w']],
    ...outputs.map(({ name, shape }) => [name, ['n', shape[1] as number, `${name}_h`, `${name}_w`]] as const),
  ]);
  const input = { channels: { mode: 'asis', count: channels }, normalisation: AS_THEY_ARE };
  const described = { name: 'other', input: JSON.parse(JSON.stringify(input)), classes: {}, notes: [] };
  return writeOnnx({ ...graph, symbols }, { metadata: isDescribed ? descriptionEntry(described) : {} });
}

const labels = discs(83, 75);
const stars = { probability: starProbability(labels), distances: starDistances(labels, { rays: 16 }) };
const flows = {
  flows: float32(
    [2, 83, 75],
    labelFlows(labels).data.map((value) => 5 * value),
  ),
  cell: float32(
    [83, 75],
    Float32Array.from(labels.data, (label) => (label > 0 ? 3 : -3)),
  ),
};

async function foundBy(kind: MapKind, bytes: Uint8Array, image: Image) {
  const model = await openMapModel(runtime, bytes, kind);
  const found = await mapObjects(model, image);
  for (const { program } of model.parts) await program.dispose();
  return { ...found, model };
}

describe('objects in what a network gives', () => {
  const expected = starObjects(stars);

  test('a probability and distances in one map', async () => {
    const bytes = network(17, (b, x) => ({ y: picking(b, x, 0, 17) }));
    const found = await foundBy('stars', bytes, imageOf([stars.probability, stars.distances]));
    expect(found.count).toBe(6);
    expect(found.labels).toMatchObject({ dtype: 'uint16', axes: 'yx', shape: [83, 75], labelKind: 'objects' });
    expect([...found.labels.data]).toEqual([...expected.labels.data]);
  });

  test('a probability and distances in two maps, in any order', async () => {
    const bytes = network(17, (b, x) => ({ distances: picking(b, x, 1, 17), probability: picking(b, x, 0, 1) }));
    const found = await foundBy('stars', bytes, imageOf([stars.probability, stars.distances]));
    expect([...found.labels.data]).toEqual([...expected.labels.data]);
    expect(found.model.notes.join(' ')).toMatch(/'probability' and 'distances': taken as a probability and distances/);
  });

  test('stars that are coarser than the image, of a size that is no multiple', async () => {
    const bytes = network(17, (b, x) => ({ y: picking(b, x, 0, 17, 2) }));
    const image = imageOf([stars.probability, stars.distances]);
    const found = await foundBy('stars', bytes, image);
    expect(found.model).toMatchObject({ grid: 2 });
    const [rows, columns] = [42, 38];
    const every = (channels: number, data: Float32Array, shape: readonly number[]) =>
      float32(
        shape,
        Float32Array.from({ length: channels * rows * columns }, (_, i) => {
          const [c, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
          return data[(c * 83 + 2 * y) * 75 + 2 * x] as number;
        }),
      );
    const own = starObjects(
      {
        probability: every(1, stars.probability.data, [rows, columns]),
        distances: every(16, stars.distances.data, [16, rows, columns]),
      },
      { grid: 2, shape: [83, 75] },
    );
    expect(own.count).toBe(6);
    expect([...found.labels.data]).toEqual([...own.labels.data]);
    const model = await openMapModel(runtime, bytes, 'stars');
    await expect(mapObjects(model, image, { tile: 32 })).rejects.toThrow(/not for this network/);
    await model.parts[0].program.dispose();
  });

  test('flows and a logit of cells', async () => {
    const bytes = network(3, (b, x) => ({ y: picking(b, x, 0, 3) }));
    const found = await foundBy('flows', bytes, imageOf([flows.flows, flows.cell]));
    expect(found.count).toBe(6);
    expect([...found.labels.data]).toEqual([...flowObjects(flows).labels.data]);
    // Of the threshold 0.96 the logit is 3.18.
    const model = await openMapModel(runtime, bytes, 'flows');
    expect((await mapObjects(model, imageOf([flows.flows, flows.cell]), { threshold: 0.96 })).count).toBe(0);
    await expect(mapObjects(model, imageOf([flows.flows, flows.cell]), { overlap: 0.3 })).rejects.toThrow(/An overlap/);
    await model.parts[0].program.dispose();
  });

  test('of two channels, of which an image has one: that of nuclei is empty', async () => {
    const weights = float32([3, 2, 1, 1], [1, 7, 2, 7, -1, 7]);
    const bytes = network(2, (b, x) => ({ y: conv(b, x, weights) }));
    const model = await openMapModel(runtime, bytes, 'flows');
    const data = Float32Array.from({ length: 64 * 64 }, (_, i) => 1 + (i % 97));
    const maps = await predictMaps(model, { data, height: 64, width: 64, channels: 1 });
    expect(maps.data).toEqual(
      Float32Array.from([1, 2, -1].flatMap((factor) => Array.from(data, (value) => factor * value))),
    );
    const { notes } = await mapObjects(model, imageOf([float32([1, 64, 64], data)]));
    expect(notes.join(' ')).toMatch(/that of nuclei is left empty/);
    await model.parts[0].program.dispose();
  });

  test('in tiles, and as a whole', async () => {
    const random = stream(3, 'maps');
    const weights = float32(
      [3, 1, 5, 5],
      Float32Array.from({ length: 75 }, () => random.uniform() - 0.5),
    );
    const model = await openMapModel(
      runtime,
      network(1, (b, x) => ({ y: conv(b, x, weights) }), { isDescribed: false }),
      'flows',
    );
    expect(model.notes.join(' ')).toMatch(/percentiles 1 and 99 of each channel become 0 and 1/);
    const planes = Float32Array.from({ length: 150 * 130 }, () => 200 * random.uniform());
    const page = { data: planes, height: 150, width: 130, channels: 1 };
    const [whole, tiled] = [await predictMaps(model, page), await predictMaps(model, page, { tile: 48 })];
    expect(whole.shape).toEqual([3, 150, 130]);
    const furthest = whole.data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (tiled.data[i] as number))),
      0,
    );
    expect(furthest).toBeLessThan(1e-6);
    await model.parts[0].program.dispose();
  });

  test('networks without such maps are refused with what they give', async () => {
    const bytes = network(2, (b, x) => ({ y: picking(b, x, 0, 2) }));
    await expect(openMapModel(runtime, bytes, 'stars')).rejects.toThrow(/No map has distances.*y: float32 \[n, 2/s);
    await expect(openMapModel(runtime, bytes, 'flows')).rejects.toThrow(/No map has the channels y, x and cell/);
    const several = network(4, (b, x) => ({ a: picking(b, x, 0, 4), c: picking(b, x, 0, 4) }));
    await expect(openMapModel(runtime, several, 'stars')).rejects.toThrow(/Several maps may be stars/);
    const { model } = await foundBy(
      'stars',
      network(17, (b, x) => ({ y: picking(b, x, 0, 17) })),
      imageOf([stars.probability, stars.distances]),
    );
    expect(model.parts).toHaveLength(1);
  });
});

describe('predict by maps', () => {
  test('writes objects alone, and refuses what is for classes', async () => {
    const bytes = network(3, (b, x) => ({ flows: picking(b, x, 0, 3) }));
    await writeFile(join(root, 'cells.onnx'), bytes);
    await writeFile(join(root, 'cells.tif'), writeTiff(imageOf([flows.flows, flows.cell])));
    const [model, image, out] = ['cells.onnx', 'cells.tif', 'pred'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    const notes: string[] = [];
    const onOpen = (opened: readonly { readonly notes: readonly string[] }[]) =>
      notes.push(...(opened[0]?.notes ?? []));
    const done = await predictMapsFolder(
      nodeHost,
      [model],
      image,
      { separate: 'flows', out, device: 'cpu' },
      { onOpen },
    );
    expect(done.images[0]).toMatchObject({ objectCount: 6, objects: join(out, 'objects/cells.tif') });
    expect(notes.join(' ')).toMatch(/taken as flows/);
    const written = await readImageFile(join(out, 'objects/cells.tif'));
    expect([...written.data].map(Number)).toEqual([...flowObjects(flows).labels.data]);
    const set = { separate: 'flows', out } as const;
    await expect(predictMapsFolder(nodeHost, [model], image, { ...set, tta: 4 })).rejects.toThrow(/tta/);
    await expect(predictMapsFolder(nodeHost, [model, model], image, set)).rejects.toThrow(/mean of several/);
    // Without a word they are no classes.
    await expect(predictFolder(nodeHost, [model], image, { out, device: 'cpu' })).rejects.toThrow(
      /no map of classes.*`separate` for stars and flows/s,
    );
  });
});
