/** A package of BioImage.IO of the network that runs train on from. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { strToU8, zipSync } from 'fflate';
import type { Step } from './bioimageio-package.ts';

/** A U-Net with batch normalisation that PyTorch exported (scripts/golden/train_on.py). */
export const OTHER = fileURLToPath(new URL('../golden/train-on.onnx', import.meta.url));

const axes = (names: readonly string[], side: object) => [
  { type: 'batch' },
  { type: 'channel', channel_names: names },
  { type: 'space', id: 'y', ...side },
  { type: 'space', id: 'x', ...side },
];
const same = (axis: string) => ({ size: { tensor_id: 'raw', axis_id: axis, offset: 0 }, halo: 8 });

/** The zip of the network with a description that says how images become its input, and what its classes are. */
export async function trainOnPackage(preprocessing: readonly Step[]): Promise<Uint8Array> {
  const weights = await readFile(OTHER);
  const description = {
    format_version: '0.5.4',
    type: 'model',
    name: 'Membranes',
    description: 'A small U-Net',
    license: 'CC0-1.0',
    authors: [{ name: 'A. Person' }],
    cite: [{ text: 'A paper', doi: '10.1000/182' }],
    documentation: 'README.md',
    inputs: [
      {
        id: 'raw',
        axes: axes(['EM'], { size: { min: 32, step: 2 } }),
        data: { type: 'float32' },
        test_tensor: { source: 'in.npy' },
        preprocessing,
      },
    ],
    outputs: [
      {
        id: 'classes',
        axes: axes(['inside', 'membrane'], {}).map((axis) =>
          'id' in axis ? { ...axis, ...same(String(axis.id)) } : axis,
        ),
        data: { type: 'float32' },
        test_tensor: { source: 'out.npy' },
      },
    ],
    weights: {
      onnx: {
        source: 'weights.onnx',
        sha256: createHash('sha256').update(weights).digest('hex'),
        opset_version: 17,
      },
    },
  };
  const files = { 'rdf.yaml': strToU8(JSON.stringify(description)), 'weights.onnx': new Uint8Array(weights) };
  return zipSync({ ...files, 'README.md': strToU8('# Validation\n') });
}
