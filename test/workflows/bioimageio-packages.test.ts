import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { LamellaError } from '../../src/errors.ts';
import { writeNpy } from '../../src/export/bioimageio/npy.ts';
import { ModelProtoSchema, StringStringEntryProtoSchema } from '../../src/graph/onnx/messages.ts';
import { parseModel } from '../../src/graph/onnx/model.ts';
import { create, toBinary } from '../../src/graph/onnx/protobuf.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import {
  type Case,
  CHANNELS,
  image,
  network,
  newDescription,
  pixels,
  SIDE,
  sha256,
} from '../support/bioimageio-package.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-packages-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

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
    await refused(zipped('cut', undefined, 100), /truncated or damaged/);
    const none = join(folder, 'none.zip');
    writeFileSync(none, 'no zip');
    await refused(none, /truncated or damaged/);
    await refused(
      zipped('empty', (files) => {
        files['rdf.yaml'] = strToU8('type: model');
        files['other/rdf.yaml'] = strToU8('type: model');
      }),
      /'format_version' is no text/,
    );
  });

  test('a zip whose bytes are not those that were written, or whose lengths are lies', async () => {
    const changed = (name: string, change: (zip: Buffer) => void): string => {
      const path = zipped(name, (_, description) => {
        // Without one, only the zip's own checksum tells.
        description.weights.onnx.sha256 = undefined as never;
      });
      const zip = readFileSync(path);
      change(zip);
      writeFileSync(path, zip);
      return path;
    };
    /** Where the directory describes the network. */
    const inDirectory = (zip: Buffer): number => zip.lastIndexOf('weights.onnx') - 46;
    await opening(changed('as-it-is', () => {})).then((model) => model.close());
    await refused(
      changed('checksum', (zip) =>
        zip.writeUInt32LE(zip.readUInt32LE(inDirectory(zip) + 16) ^ 1, inDirectory(zip) + 16),
      ),
      /"weights\.onnx" is damaged/,
    );
    for (const [length, why] of [
      [10, /"weights\.onnx" is damaged/],
      [2 ** 31 - 2, /"weights\.onnx" in the zip archive says that it takes 2147483646 bytes/],
    ] as const) {
      await refused(
        changed('lying', (zip) => zip.writeUInt32LE(length, inDirectory(zip) + 24)),
        why,
      );
    }
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
      /"\.\.\/evil\.txt", which lies outside of it/,
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

  test('a description of another network', async () => {
    const other = (change: (description: ReturnType<typeof newDescription>) => void) =>
      zipped('other-network', (_, description) => change(description));
    const scale = (gain: readonly number[]) => [
      { id: 'scale_linear', kwargs: { gain, offset: gain.map(() => 0), axis: 'channel' } },
    ];
    const withInput = (more: object) =>
      other((description) => {
        description.inputs[0] = { ...description.inputs[0], ...more } as never;
      });
    await opening(withInput({ preprocessing: scale([1, 2]) })).then((model) => model.close());
    await refused(
      withInput({ preprocessing: scale([1, 2, 3]) }),
      /has 3 values of its operation 'scale_linear', and its network takes 2 channels\. Use the network/,
    );
    await refused(
      other(({ inputs: [input] }) => {
        (input as { axes: object[] }).axes[1] = { type: 'channel', channel_names: ['a', 'b', 'c'] };
      }),
      /has 3 channels, and its network takes 2 channels\. Use the network/,
    );
    await refused(
      other(({ outputs }) => outputs.push(outputs[0] as never)),
      /has 2 outputs, and its ONNX file 1\. Use the network/,
    );
    await refused(
      other(({ outputs: [output] }) => {
        const names = ['a', 'b', 'c', 'd', 'e'];
        (output as { axes: object[] }).axes[1] = { type: 'channel', channel_names: names };
      }),
      /2 classes, but 5 names are given/,
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
    await refused(post('stardist_postprocessing'), /no map of classes.*as its package says, of stars.*`separate`/);
    await refused(post('cellpose_flow_dynamics'), /no map of classes.*as its package says, of flows.*`separate`/);
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
