/** Packages of BioImage.IO of other programs: what they say is done to images and results, as bioimageio.core computes it. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { readNpy, writeNpy } from '../../src/export/bioimageio/npy.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import {
  type Case,
  CHANNELS,
  COMMON,
  image,
  network,
  newDescription,
  pixels,
  SIDE,
  type Step,
  sha256,
} from '../support/bioimageio-package.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

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
