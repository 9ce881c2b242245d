import type { Shape4 } from '../../array/ndarray.ts';
import { ModelError } from '../../errors.ts';
import type { NetworkDefinition, NetworkSpec } from '../definition.ts';
import { regularSizes, type TileSizes } from '../sizes.ts';
import { UNET } from '../unet.ts';

/** Name of every network that a file holds. */
export const ONNX_NAME = 'onnx';

export const BATCH_NORMS = ['fixed', 'train'] as const;

/** A network that a file of another program holds. This says what is trained; how it is computed, the file says. */
export interface OnnxSpec extends NetworkSpec {
  readonly name: typeof ONNX_NAME;
  readonly tile: TileSizes;
  /**
   * Whether batch normalisations use and keep the running statistics of the file, or use those of each batch, which
   * the running ones follow; undefined if there are none.
   */
  readonly batchNorm?: (typeof BATCH_NORMS)[number];
}

export const ONNX: Omit<NetworkDefinition<OnnxSpec>, 'typical'> = {
  title: 'A network of an ONNX file',
  summary: 'the network of an ONNX file of another program',
  build: (spec, shape, { file, ...options } = {}) => {
    if (file !== undefined) return file.build(spec, shape as Shape4, options);
    throw new ModelError("the network 'onnx' is in a file, which is missing.", {
      remedy: 'Pass the file that it was trained on from.',
    });
  },
  sizes: ({ tile: { multiple, offset, min, margin } }) =>
    regularSizes(multiple, min, margin, offset === 0 ? `multiples of ${multiple}` : `${offset} modulo ${multiple}`),
  options: [],
  training: UNET.training,
};
