/** Packages of StarDist and Cellpose: objects are found with what they say, unless an option says otherwise. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, describe, expect, test } from 'vitest';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { writeNpy } from '../../src/export/bioimageio/npy.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { flowObjects } from '../../src/objects/flows/flow-objects.ts';
import { labelFlows } from '../../src/objects/flows/flow-targets.ts';
import { starObjects } from '../../src/objects/stars/star-objects.ts';
import { starDistances, starProbability } from '../../src/objects/stars/star-targets.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { type PredictMapsOptions, predictMapsFolder } from '../../src/workflows/predict-maps.ts';
import { COMMON } from '../support/bioimageio-package.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-package-objects-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const [HEIGHT, WIDTH, RAYS] = [64, 80, 16];

/** Discs, of which the first two overlap by a third, and the last is small. */
const labels = ndarray('int32', [HEIGHT, WIDTH]);
for (const [i, [cy, cx, r]] of [
  [20, 20, 10],
  [20, 33, 10],
  [48, 50, 9],
  [12, 66, 3],
].entries()) {
  for (let p = 0; p < HEIGHT * WIDTH; p++) {
    if ((Math.floor(p / WIDTH) - cy) ** 2 + ((p % WIDTH) - cx) ** 2 <= r * r) labels.data[p] = i + 1;
  }
}
const STARS = {
  // A slope, so that each disc has another probability.
  probability: float32(
    [HEIGHT, WIDTH],
    starProbability(labels).data.map((p, i) => p * (0.95 - ((i % WIDTH) * 0.5) / WIDTH)),
  ),
  distances: starDistances(labels, { rays: RAYS }),
};
const FLOWS = {
  flows: float32(
    [2, HEIGHT, WIDTH],
    labelFlows(labels).data.map((value) => 5 * value),
  ),
  cell: float32(
    [HEIGHT, WIDTH],
    Float32Array.from(labels.data, (label, i) => (label === 0 ? -3 : i % WIDTH < 42 ? 3 : 0.8)),
  ),
};

/** The package of a network that gives its image, whose channels are those maps; `change` edits its description. */
function packageOf(
  name: string,
  maps: readonly { readonly data: Float32Array }[],
  change: (made: ReturnType<typeof description>) => object,
  published?: NdArray<'float32'>,
): { readonly model: string; readonly image: string } {
  const data = Float32Array.from(maps.flatMap((map) => [...map.data]));
  const channels = data.length / (HEIGHT * WIDTH);
  const b = new GraphBuilder('maps');
  const x = b.input('input', 'float32', [1, channels, HEIGHT, WIDTH]);
  const weights = float32([channels, channels, 1, 1]);
  for (let c = 0; c < channels; c++) weights.data[c * channels + c] = 1;
  const bytes = writeOnnx(b.build([b.output(b.op('Conv', [x, b.constant(weights)]), 'output')]));
  const text = JSON.stringify(change(description(channels)));
  const [model, image] = [join(root, `${name}.zip`), join(root, `${name}.tif`)];
  const tests = published && {
    'a.npy': writeNpy(float32([1, channels, HEIGHT, WIDTH], data)),
    'b.npy': writeNpy(published),
  };
  writeFileSync(model, zipSync({ 'rdf.yaml': strToU8(text), 'weights.onnx': bytes, ...tests }));
  const names = Array.from({ length: channels }, (_, i) => `c${i}`);
  const shape = [channels, HEIGHT, WIDTH];
  writeFileSync(image, writeTiff({ dtype: 'float32', axes: 'cyx', shape, data, channels: names, spacing: {} }));
  return { model, image };
}

/** As StarDist's exporter lays it out, in model format 0.4. */
function description(channels: number) {
  const shape = [1, channels, HEIGHT, WIDTH];
  return {
    ...COMMON,
    format_version: '0.4.10',
    inputs: [{ name: 'input', axes: 'bcyx', shape, data_type: 'float32' }],
    outputs: [{ name: 'output', axes: 'bcyx', shape, data_type: 'float32' }] as object[],
    test_inputs: ['a.npy'],
    test_outputs: ['b.npy'],
    weights: { onnx: { source: 'weights.onnx' } },
  };
}

const withSteps = (id: string, kwargs: object) => (made: ReturnType<typeof description>) => ({
  ...made,
  outputs: [{ ...made.outputs[0], postprocessing: [{ name: id, kwargs }] }],
});

async function found(
  { model, image }: ReturnType<typeof packageOf>,
  options: Pick<PredictMapsOptions, 'separate'> & Partial<PredictMapsOptions>,
) {
  const notes: string[] = [];
  const out = join(root, 'pred');
  const done = await predictMapsFolder(
    nodeHost,
    [model],
    image,
    { out, device: 'cpu', ...options },
    { onOpen: ([opened]) => notes.push(...(opened?.notes ?? [])) },
  );
  const { data } = await readImageFile(done.images[0]?.objects as string);
  rmSync(out, { recursive: true });
  return { count: done.images[0]?.objectCount, labels: [...data].map(Number), notes: notes.join(' ') };
}

describe('StarDist', () => {
  const maps = [STARS.probability, STARS.distances];
  const own = (set: object) => [...starObjects(STARS, set).labels.data];

  test('thresholds of its exporter, and options before them', async () => {
    const files = packageOf('exported', maps, (made) => ({
      ...made,
      config: { stardist: { thresholds: { prob: 0.6, nms: 0.9 }, config: { n_rays: RAYS } } },
    }));
    const said = await found(files, { separate: 'stars' });
    expect(said.notes).toMatch(/Unless set otherwise, as its package says: threshold 0\.6, overlap 0\.9\./);
    expect(said.labels).toEqual(own({ threshold: 0.6, overlap: 0.9 }));
    // The thresholds matter here.
    expect(said.labels).not.toEqual(own({}));
    const set = await found(files, { separate: 'stars', threshold: 0.3, overlap: 0.1 });
    expect(set.labels).toEqual(own({ threshold: 0.3, overlap: 0.1 }));
    const one = await found(files, { separate: 'stars', threshold: 0.3 });
    expect(one.labels).toEqual(own({ threshold: 0.3, overlap: 0.9 }));
  });

  test('the operation of an output, with its border', async () => {
    const kwargs = { prob_threshold: 0.3, nms_threshold: 0.2, n_rays: RAYS, grid: [1, 1], b: 40 };
    const files = packageOf('operation', maps, withSteps('stardist_postprocessing', kwargs));
    const said = await found(files, { separate: 'stars' });
    expect(said.count).toBe(0);
    expect(said.notes).toMatch(/nothing within 40 pixels of the border/);
    const sides = {
      ...kwargs,
      b: [
        [3, 3],
        [3, 3],
      ],
    };
    const even = await found(packageOf('sides', maps, withSteps('stardist_postprocessing', sides)), {
      separate: 'stars',
    });
    expect(even.labels).toEqual(own({ threshold: 0.3, overlap: 0.2, margin: 3 }));
  });

  test('maps behind the rays are no distances', async () => {
    const classes = float32([3, HEIGHT, WIDTH]).data.fill(90);
    const files = packageOf('classes', [...maps, { data: classes }], (made) => ({
      ...made,
      config: { stardist: { thresholds: { prob: 0.3, nms: 0.4 }, config: { n_rays: RAYS } } },
    }));
    const said = await found(files, { separate: 'stars' });
    expect(said.labels).toEqual(own({ threshold: 0.3 }));
    expect(said.notes).toMatch(/It has 16 rays: 3 other maps, such as classes, are left out/);
    const fewer = packageOf('fewer', maps, (made) => ({
      ...made,
      config: { stardist: { config: { n_rays: 32 } } },
    }));
    await expect(found(fewer, { separate: 'stars' })).rejects.toThrow(/a probability and 32 rays.*gives 17 maps/);
  });

  test('values out of range, and volumes, are refused', async () => {
    const refused = (id: string, kwargs: object) =>
      found(packageOf('refused', maps, withSteps(id, kwargs)), { separate: 'stars' });
    await expect(refused('stardist_postprocessing', { prob_threshold: 69 })).rejects.toThrow(
      /prob_threshold' is 69, which is not in 0\.\.1/,
    );
    await expect(refused('stardist_postprocessing', { nms_threshold: 'low' })).rejects.toThrow(/nms_threshold' is no/);
    await expect(refused('stardist_postprocessing', { b: [[1, 2]] })).rejects.toThrow(/b' has another width at each/);
    await expect(refused('stardist_postprocessing', { n_rays: 7.5 })).rejects.toThrow(/n_rays' is no whole number/);
    await expect(refused('stardist_postprocessing', { anisotropy: [2, 1, 1] })).rejects.toThrow(/is of volumes/);
    await expect(refused('cellpose_flow_dynamics', { do_3D: true })).rejects.toThrow(/is of volumes/);
  });

  test('without a word its maps are no classes', async () => {
    const { model } = packageOf('silent', maps, (made) => ({ ...made, config: { stardist: {} } }));
    await expect(openModelFile(model, { device: 'cpu' })).rejects.toThrow(/as its package says, of stars.*`separate`/s);
  });
});

test('Cellpose: a logit, an error of flows and a smallest size, and options before them', async () => {
  const maps = [FLOWS.flows, FLOWS.cell];
  const kwargs = { cellprob_threshold: 1, flow_threshold: 0, do_3D: false, min_size: 400 };
  const files = packageOf('cellpose', maps, withSteps('cellpose_flow_dynamics', kwargs));
  const said = await found(files, { separate: 'flows' });
  expect(said.notes).toMatch(
    /as its package says: threshold 0\.7311, flow error 0, no object of fewer than 400 pixels\./,
  );
  const own = (set: object) => [...flowObjects(FLOWS, set).labels.data];
  expect(said.labels).toEqual(own({ threshold: 1, flowError: 0, minSize: 400 }));
  const set = await found(files, { separate: 'flows', threshold: 0.5, flowError: 0.4 });
  expect(set.labels).toEqual(own({ threshold: 0, flowError: 0.4, minSize: 400 }));
  const other = packageOf('cellpose-plain', maps, withSteps('cellpose_flow_dynamics', { ...kwargs, min_size: 0 }));
  expect((await found(other, { separate: 'flows' })).labels).toEqual(own({ threshold: 1, flowError: 0, minSize: 0 }));
});

describe('the check of a package whose output are objects', () => {
  const stars = [STARS.probability, STARS.distances];
  const flows = [FLOWS.flows, FLOWS.cell];
  const steps = {
    stardist_postprocessing: { prob_threshold: 0.3, nms_threshold: 0.2, n_rays: RAYS, grid: [1, 1], b: 2 },
    cellpose_flow_dynamics: { cellprob_threshold: 0, flow_threshold: 0.4, do_3D: false, min_size: 15 },
  };
  /** Those discs by other numbers, without those that `without` names. */
  const publishedBut = (...without: readonly number[]) =>
    float32(
      [1, 1, HEIGHT, WIDTH],
      Float32Array.from(labels.data, (label) => (label === 0 || without.includes(label) ? 0 : 9 - label)),
    );
  const checked = (id: keyof typeof steps, published: NdArray<'float32'>) => {
    const maps = id === 'stardist_postprocessing' ? stars : flows;
    const { model } = packageOf(`checked-${id}`, maps, withSteps(id, steps[id]), published);
    return inspect(nodeHost, model, { check: true });
  };

  test.each(['stardist_postprocessing', 'cellpose_flow_dynamics'] as const)(
    '%s: the network is run, and objects of our decoder are compared, whatever their numbers',
    async (id) => {
      const { describe: facts, text } = await checked(id, publishedBut());
      const [output] = facts.checked as readonly { readonly leastIou: number }[];
      expect(output).toMatchObject({ operation: id, published: 4, found: 4, matched: 4, passed: true });
      expect(output?.leastIou).toBeGreaterThan(0.75);
      expect(text).toMatch(
        /'output' \[1, 1, 64, 80\] is as published: 4 of 4 objects with an IoU of at least [01]\.\d+/,
      );
      expect(text).toContain(`the code of '${id}' is not run`);
      await expect(checked(id, publishedBut(2))).rejects.toThrow(
        /does not give what its package says: 'output' .* differs: 3 of 3 objects with an IoU .*, 4 found/,
      );
    },
  );

  test('an object that is missing or elsewhere fails it, and what is no label map is refused', async () => {
    const more = publishedBut();
    for (let y = 40; y < 60; y++) more.data.fill(20, y * WIDTH + 5, y * WIDTH + 25);
    await expect(checked('stardist_postprocessing', more)).rejects.toThrow(/4 of 5 objects/);
    const moved = publishedBut();
    moved.data.copyWithin(8, 0);
    await expect(checked('stardist_postprocessing', moved)).rejects.toThrow(/differs/);
    const maps = float32([1, 3, HEIGHT, WIDTH]);
    await expect(checked('cellpose_flow_dynamics', maps)).rejects.toThrow(/not maps and labels of one image/);
  });
});
