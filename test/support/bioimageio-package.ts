/** Packages of BioImage.IO of one layer, made for tests. */

import { createHash } from 'node:crypto';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { Image } from '../../src/image/image.ts';

export const SIDE = 48;
export const CHANNELS = 2;

/** A network of one layer, [1, 2, 48, 48] -> [1, outputs, 48, 48]. */
export function network(outputs: number): Uint8Array {
  const b = new GraphBuilder('network');
  const random = stream(outputs, 'network');
  const x = b.input('raw', 'float32', [1, CHANNELS, SIDE, SIDE]);
  const kernel = Float32Array.from({ length: outputs * CHANNELS * 9 }, () => random.normal() / 3);
  const w = b.constant(float32([outputs, CHANNELS, 3, 3], kernel), 'kernel');
  return writeOnnx(b.build([b.output(b.op('Conv', [x, w], { pads: [1, 1, 1, 1] }), 'scores')]));
}

/** Two channels of different brightness, in the values of 12 bits. */
export const pixels = (): Float32Array<ArrayBuffer> => {
  const random = stream(7, 'pixels');
  return Float32Array.from({ length: CHANNELS * SIDE * SIDE }, (_, i) => {
    const [c, p] = [Math.floor(i / SIDE ** 2), i % SIDE ** 2];
    const wave = Math.sin((p % SIDE) / 5) * Math.cos(p / SIDE / 7);
    return Math.round(300 + 900 * c + 200 * wave + random.between(0, 100));
  });
};

export interface Step {
  readonly id: string;
  readonly kwargs?: object;
}

export interface Case {
  readonly outputs: number;
  readonly pre: readonly Step[];
  readonly post: readonly Step[];
}

export const COMMON = {
  name: 'Made for the tests',
  description: 'One layer',
  license: 'CC0-1.0',
  authors: [{ name: 'A. Person' }],
  cite: [{ text: 'A paper', doi: '10.1000/182' }],
  documentation: 'README.md',
  type: 'model',
};

const spaceAxis = (id: string) => ({ type: 'space', id, size: SIDE, scale: 0.25, unit: 'micrometer' });

export function newDescription({ outputs, pre, post }: Case, bytes: Uint8Array) {
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

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The pixels as an image. */
export const image = (): Image<'float32'> => ({
  ...ndarray('float32', [CHANNELS, SIDE, SIDE], pixels()),
  axes: 'cyx',
  spacing: { y: { value: 0.25, unit: 'um' }, x: { value: 0.25, unit: 'um' } },
  channels: ['DAPI', 'GFP'],
});
