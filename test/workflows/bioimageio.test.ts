/** Packages of BioImage.IO of other programs: what they say is done, to what bioimageio.core computes; damage is named. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { LamellaError } from '../../src/errors.ts';
import { readNpy, writeNpy } from '../../src/export/bioimageio/npy.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { ModelProtoSchema, StringStringEntryProtoSchema } from '../../src/graph/onnx/messages.ts';
import { parseModel } from '../../src/graph/onnx/model.ts';
import { create, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

const SIDE = 48;
const CHANNELS = 2;

/** A network of one layer, [1, 2, 48, 48] -> [1, outputs, 48, 48]. */
function network(outputs: number): Uint8Array {
  const b = new GraphBuilder('network');
  const random = stream(outputs, 'network');
  const x = b.input('raw', 'float32', [1, CHANNELS, SIDE, SIDE]);
  const kernel = Float32Array.from({ length: outputs * CHANNELS * 9 }, () => random.normal() / 3);
  const w = b.constant(float32([outputs, CHANNELS, 3, 3], kernel), 'kernel');
  return writeOnnx(b.build([b.output(b.op('Conv', [x, w], { pads: [1, 1, 1, 1] }), 'scores')]));
}

/** Two channels of different brightness, in the values of 12 bits. */
const pixels = (): Float32Array<ArrayBuffer> => {
  const random = stream(7, 'pixels');
  return Float32Array.from({ length: CHANNELS * SIDE * SIDE }, (_, i) => {
    const [c, p] = [Math.floor(i / SIDE ** 2), i % SIDE ** 2];
    const wave = Math.sin((p % SIDE) / 5) * Math.cos(p / SIDE / 7);
    return Math.round(300 + 900 * c + 200 * wave + random.between(0, 100));
  });
};

interface Step {
  readonly id: string;
  readonly kwargs?: object;
}

interface Case {
  readonly outputs: number;
  readonly pre: readonly Step[];
  readonly post: readonly Step[];
}

const BOTH = ['channel', 'y', 'x'];
const NEW: { readonly [name: string]: Case } = {
  'range of the image': {
    outputs: 2,
    pre: [{ id: 'scale_range', kwargs: { axes: BOTH, min_percentile: 1, max_percentile: 99.8 } }],
    post: [{ id: 'softmax', kwargs: { axis: 'channel' } }],
  },
  'range of each channel, cut': {
    outputs: 1,
    pre: [
      { id: 'scale_range', kwargs: { axes: ['y', 'x'], min_percentile: 5, max_percentile: 90 } },
      { id: 'clip', kwargs: { min: 0, max: 1 } },
    ],
    post: [{ id: 'sigmoid' }],
  },
  'mean and deviation of each channel': {
    outputs: 1,
    pre: [{ id: 'zero_mean_unit_variance', kwargs: { axes: ['y', 'x'] } }],
    post: [
      { id: 'sigmoid' },
      { id: 'binarize', kwargs: { threshold: 0.4 } },
      { id: 'ensure_dtype', kwargs: { dtype: 'float32' } },
    ],
  },
  'stated mean and deviation': {
    outputs: 3,
    pre: [{ id: 'fixed_zero_mean_unit_variance', kwargs: { axis: 'channel', mean: [300, 1200], std: [150, 200] } }],
    post: [{ id: 'softmax', kwargs: { axis: 'channel' } }],
  },
  'percentiles that cut, and a factor for each channel': {
    outputs: 1,
    pre: [
      { id: 'clip', kwargs: { axes: ['y', 'x'], min_percentile: 3, max_percentile: 97 } },
      { id: 'scale_linear', kwargs: { axis: 'channel', gain: [0.01, 0.004], offset: [-3, -4.5] } },
    ],
    post: [
      { id: 'sigmoid' },
      { id: 'scale_linear', kwargs: { gain: 0.5, offset: 0.25 } },
      { id: 'clip', kwargs: { min: 0.3, max: 0.7 } },
    ],
  },
  'a threshold, a sigmoid and a softmax of the input': {
    outputs: 1,
    pre: [
      { id: 'scale_linear', kwargs: { gain: 0.001, offset: -0.5 } },
      { id: 'sigmoid' },
      { id: 'softmax', kwargs: { axis: 'channel' } },
      { id: 'binarize', kwargs: { threshold: 0.45 } },
      { id: 'ensure_dtype', kwargs: { dtype: 'float32' } },
    ],
    post: [{ id: 'sigmoid' }],
  },
};

/** The same in the words of format 0.4. */
const OLD: { readonly [name: string]: Case } = {
  'range of each channel': {
    outputs: 1,
    pre: [{ id: 'scale_range', kwargs: { mode: 'per_sample', axes: 'xy', min_percentile: 1, max_percentile: 99 } }],
    post: [{ id: 'sigmoid' }],
  },
  'mean and deviation of the image': {
    outputs: 1,
    pre: [{ id: 'zero_mean_unit_variance', kwargs: { mode: 'per_sample', axes: 'cxy' } }],
    post: [{ id: 'sigmoid' }],
  },
  'stated mean and deviation of each channel': {
    outputs: 1,
    pre: [{ id: 'zero_mean_unit_variance', kwargs: { mode: 'fixed', axes: 'xy', mean: [300, 1200], std: [150, 200] } }],
    post: [{ id: 'sigmoid' }, { id: 'binarize', kwargs: { threshold: 0.5 } }],
  },
};

const COMMON = {
  name: 'Made for the tests',
  description: 'One layer',
  license: 'CC0-1.0',
  authors: [{ name: 'A. Person' }],
  cite: [{ text: 'A paper', doi: '10.1000/182' }],
  documentation: 'README.md',
  type: 'model',
};

const spaceAxis = (id: string) => ({ type: 'space', id, size: SIDE, scale: 0.25, unit: 'micrometer' });

function newDescription({ outputs, pre, post }: Case, bytes: Uint8Array) {
  const classNames = ['membrane', 'nucleus', 'cytoplasm'].slice(0, outputs);
  return {
    ...COMMON,
    format_version: '0.5.4',
    inputs: [
      {
        id: 'raw',
        axes: [
          { type: 'batch', size: 1 },
          { type: 'channel', channel_names: ['DAPI', 'GFP'] },
          spaceAxis('y'),
          spaceAxis('x'),
        ],
        data: { type: 'float32' },
        test_tensor: { source: 'test_input.npy' },
        preprocessing: pre,
      },
    ],
    outputs: [
      {
        id: 'classes',
        axes: [
          { type: 'batch', size: 1 },
          { type: 'channel', channel_names: classNames },
          spaceAxis('y'),
          spaceAxis('x'),
        ],
        data: { type: 'float32' },
        test_tensor: { source: 'test_output.npy' },
        postprocessing: post,
      },
    ],
    weights: { onnx: { source: 'weights.onnx', sha256: sha256(bytes), opset_version: 18 } },
  };
}

function oldDescription({ outputs, pre, post }: Case, bytes: Uint8Array) {
  const renamed = (steps: readonly Step[]) => steps.map(({ id, kwargs }) => ({ name: id, ...(kwargs && { kwargs }) }));
  return {
    ...COMMON,
    format_version: '0.4.10',
    timestamp: '2024-01-01T00:00:00',
    inputs: [
      {
        name: 'raw',
        axes: 'bcyx',
        data_type: 'float32',
        shape: [1, CHANNELS, SIDE, SIDE],
        preprocessing: renamed(pre),
      },
    ],
    outputs: [
      {
        name: 'classes',
        axes: 'bcyx',
        data_type: 'float32',
        shape: [1, outputs, SIDE, SIDE],
        postprocessing: renamed(post),
      },
    ],
    test_inputs: ['test_input.npy'],
    test_outputs: ['test_output.npy'],
    weights: { onnx: { source: 'weights.onnx', sha256: sha256(bytes), opset_version: 18 } },
  };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-packages-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A package in a folder of its own, with a test output that is still to be computed. */
function written(name: string, description: (made: Case, bytes: Uint8Array) => object, made: Case): string {
  const place = join(folder, name.replace(/\W+/g, '-'));
  mkdirSync(place);
  const bytes = network(made.outputs);
  const put = (file: string, content: string | Uint8Array) => writeFileSync(join(place, file), content);
  put('weights.onnx', bytes);
  put('rdf.yaml', `%YAML 1.2\n---\n# A comment\n${JSON.stringify(description(made, bytes), undefined, 1)}\n`);
  put('README.md', '# Validation\n');
  put('test_input.npy', writeNpy(float32([1, CHANNELS, SIDE, SIDE], pixels())));
  put('test_output.npy', writeNpy(float32([1, made.outputs, SIDE, SIDE])));
  return place;
}

const image = (): Image<'float32'> => ({
  ...ndarray('float32', [CHANNELS, SIDE, SIDE], pixels()),
  axes: 'cyx',
  spacing: { y: { value: 0.25, unit: 'um' }, x: { value: 0.25, unit: 'um' } },
  channels: ['DAPI', 'GFP'],
});

describeWithPeers(
  'what bioimageio.core computes',
  () => {
    test('is what is predicted, and what the check of the package finds', { timeout: 300_000 }, async () => {
      const cases = [
        ...Object.entries(NEW).map(([name, made]) => ({ name, made, place: written(name, newDescription, made) })),
        ...Object.entries(OLD).map(([name, made]) => ({
          name,
          made,
          place: written(`old ${name}`, oldDescription, made),
        })),
      ];
      const args = cases.flatMap(({ place }) => [join(place, 'rdf.yaml'), `${place}.zip`]);
      const ranges = askPeerOf<readonly (readonly [number, number])[]>('bioimageio', 'bioimageio_write.py', ...args);
      for (const [i, { name, made, place }] of cases.entries()) {
        const [low, high] = ranges[i] as readonly [number, number];
        expect(high - low, name).toBeGreaterThan(0.1);
        const expected = readNpy(readFileSync(join(place, 'test_output.npy')));
        for (const path of [place, `${place}.zip`]) {
          const { describe: found } = await inspect(nodeHost, path, { check: true });
          const [output] = found.checked as readonly { readonly largestDifference: number }[];
          expect(output?.largestDifference, `${name}: ${path}`).toBeLessThan(1e-4);
          const model = await openModelFile(path, { device: 'cpu' });
          const own = await predictImage(model, image(), { border: 0 });
          // Of one map the probability of the background comes first.
          const first = made.outputs === 1 ? own.data.subarray(SIDE ** 2) : own.data;
          expectAllClose(first, expected.data, { rtol: 0, atol: 1e-4 });
          await model.close();
        }
      }
    });
  },
  'bioimageio',
);

const PLAIN: Case = {
  outputs: 1,
  pre: [{ id: 'scale_linear', kwargs: { gain: 0.001, offset: 0 } }],
  post: [{ id: 'sigmoid' }],
};

/** A zip of a package, as a file, with some of its files replaced, or left out. */
function zipped(
  name: string,
  change: (files: { [name: string]: Uint8Array }, description: ReturnType<typeof newDescription>) => void = () => {},
  cut = 0,
): string {
  const bytes = network(1);
  const description = newDescription(PLAIN, bytes);
  const files: { [name: string]: Uint8Array } = {
    'weights.onnx': bytes,
    'test_input.npy': writeNpy(float32([1, CHANNELS, SIDE, SIDE], pixels())),
    'test_output.npy': writeNpy(float32([1, 1, SIDE, SIDE])),
  };
  change(files, description);
  files['rdf.yaml'] ??= strToU8(JSON.stringify(description));
  const zip = zipSync(files);
  const path = join(folder, `${name}.zip`);
  writeFileSync(path, zip.subarray(0, zip.length - cut));
  return path;
}

const opening = (path: string) => openModelFile(path, { device: 'cpu' });

test('classes, channels and pixels are those of the package', async () => {
  const model = await opening(zipped('facts'));
  expect(model.classes).toEqual(['background', 'membrane']);
  expect(model.input.channels).toEqual({ mode: 'asis', count: 2, names: ['DAPI', 'GFP'] });
  expect(model.input.pixelMm).toEqual([0.00025, 0.00025]);
  expect(model.outputName).toBe('classes');
  expect(model.notes).toContain("From the package 'Made for the tests'.");
  await model.close();
});

test('a network that does not give its test output fails the check', async () => {
  await expect(inspect(nodeHost, zipped('other-output'), { check: true })).rejects.toThrow(
    /does not give what its package says: 'classes' \[1, 1, 48, 48\] differs: by at most/,
  );
  await expect(inspect(nodeHost, 'package.json', { check: true })).rejects.toThrow();
});

describe('what is damaged, lies or leads elsewhere is refused by name', () => {
  const refused = async (path: string, pattern: RegExp) => {
    const cause: unknown = await opening(path).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(cause).toBeInstanceOf(LamellaError);
    expect((cause as LamellaError).message).toMatch(pattern);
    expect((cause as LamellaError).file).toBe(path);
  };

  test('a zip that is cut off, or none', async () => {
    await refused(zipped('cut', undefined, 100), /not a zip, or it is damaged/);
    const none = join(folder, 'none.zip');
    writeFileSync(none, 'no zip');
    await refused(none, /not a zip, or it is damaged/);
    await refused(
      zipped('empty', (files) => {
        files['rdf.yaml'] = strToU8('type: model');
        files['other/rdf.yaml'] = strToU8('type: model');
      }),
      /'format_version' is no text/,
    );
  });

  test('another file than the description means, and none', async () => {
    await refused(
      zipped('lies', (_, description) => {
        description.weights.onnx.sha256 = '0'.repeat(64);
      }),
      /'weights\.onnx' is not the file that the description means/,
    );
    await refused(
      zipped('lacks', (files) => {
        delete files['weights.onnx'];
      }),
      /names 'weights\.onnx', which is not in the package/,
    );
  });

  test('names that lead out of the package, and addresses', async () => {
    for (const source of ['../weights.onnx', '/etc/passwd', 'a/../../weights.onnx', 'C:\\weights.onnx']) {
      const path = zipped('out', (_, description) => {
        description.weights.onnx.source = source;
      });
      await refused(path, /leads out of the package/);
    }
    await refused(
      zipped('entry', (files) => {
        files['../evil.txt'] = strToU8('x');
      }),
      /'\.\.\/evil\.txt' leads out of the package/,
    );
    await refused(
      zipped('web', (_, description) => {
        description.weights.onnx.source = 'https://example.org/weights.onnx';
      }),
      /refers to https:\/\/example\.org\/weights\.onnx/,
    );
  });

  test('YAML whose anchors grow without end, and no YAML', async () => {
    const lists = Array.from(
      { length: 12 },
      (_, i) =>
        `l${i}: &l${i} [${
          i === 0
            ? 'x'
            : Array(9)
                .fill(`*l${i - 1}`)
                .join()
        }]`,
    );
    await refused(
      zipped('anchors', (files) => {
        files['rdf.yaml'] = strToU8(`${lists.join('\n')}\ntype: model\n`);
      }),
      /not YAML: Excessive alias count/,
    );
    await refused(
      zipped('no-yaml', (files) => {
        files['rdf.yaml'] = strToU8('a: [1, 2');
      }),
      /not YAML/,
    );
  });

  test('formats and things that are not read', async () => {
    const other = (change: object) =>
      zipped('other', (files, description) => {
        files['rdf.yaml'] = strToU8(JSON.stringify({ ...description, ...change }));
      });
    await refused(other({ format_version: '0.3.6' }), /model format 0\.3\.6; supported are 0\.4 and 0\.5/);
    await refused(other({ type: 'dataset' }), /a thing of type 'dataset'/);
    await refused(
      other({ weights: { torchscript: { source: 'a.pt' }, keras_hdf5: { source: 'b.h5' } } }),
      /no ONNX file; its weights are torchscript, keras_hdf5/,
    );
    await refused(other({ inputs: [] }), /names no inputs/);
  });

  test('operations that need code, or are not known', async () => {
    const post = (id: string) =>
      zipped('operation', (_, description) => {
        description.outputs[0] = { ...description.outputs[0], postprocessing: [{ id, kwargs: {} }] } as never;
      });
    await refused(post('custom'), /'custom' needs code of the package/);
    await refused(post('stardist_postprocessing'), /needs the code of StarDist/);
    await refused(post('cellpose_flow_dynamics'), /needs the code of Cellpose/);
    await refused(post('scale_mean_variance'), /restores an image/);
    await refused(post('zero_mean_unit_variance'), /depends on the whole image/);
    await refused(post('made_up'), /'made_up' is not known/);
  });

  test('inspect says what is in a package that cannot be used', async () => {
    const path = zipped('unusable', (_, description) => {
      description.weights = { torchscript: { source: 'a.pt' } } as never;
    });
    const { text } = await inspect(nodeHost, path);
    expect(text).toMatch(/weights +torchscript/);
    expect(text).toMatch(/cannot be used here: the package has no ONNX file/);
  });
});

test('weights beside the ONNX file are those of the package', async () => {
  const { graph, model } = parseModel(network(1));
  const [kernel] = graph.initializer as [(typeof graph.initializer)[number]];
  const data = kernel.rawData;
  const external = (location: string) => {
    kernel.rawData = new Uint8Array(0);
    kernel.dataLocation = 1;
    kernel.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: location })];
    return toBinary(ModelProtoSchema, model);
  };
  const beside = (location: string) =>
    zipped('beside', (files, description) => {
      files['weights.onnx'] = external(location);
      files['weights.onnx.data'] = data;
      description.weights.onnx.sha256 = sha256(files['weights.onnx']);
    });
  const [whole, parts] = [await opening(zipped('whole')), await opening(beside('weights.onnx.data'))];
  const [a, b] = [await predictImage(whole, image()), await predictImage(parts, image())];
  expect(b.data).toEqual(a.data);
  await whole.close();
  await parts.close();
  await expect(opening(beside('../../secret'))).rejects.toThrow(/is in a file named '\.\.\/\.\.\/secret'/);
});
