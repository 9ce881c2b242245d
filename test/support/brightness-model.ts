/** A model that knows classes by their brightness: what it finds can be told from the image alone. */

import { float32 } from '../../src/array/ndarray.ts';
import type { LabelMapping } from '../../src/dataset/labels/labels.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { metadataEntry } from '../../src/models/metadata.ts';
import { classInfos } from '../../src/train/model-file.ts';

const INPUT = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    ...{ kind: 'zscore', scope: 'dataset', percentiles: [1, 99], perChannel: false },
    ...{ numbers: [[0, 1]], leastSpread: 0 },
  },
} as const;
/** Logits of a few units where grey values differ by one. */
const SOFTNESS = 1000;

/**
 * The bytes of a model of grey images in which a pixel is of the class whose level is nearest to its value.
 * @param levels grey values of the classes, as many
 */
export function brightnessModel(classes: readonly string[], levels: readonly number[]): Uint8Array {
  const { length } = classes;
  const b = new GraphBuilder('brightness');
  const image = b.input('image', 'float32', [1, 1, 8, 8]);
  // -(v - level)^2 without v^2, which all classes have.
  const weights = levels.map((level) => (2 * level) / SOFTNESS);
  const bias = levels.map((level) => -(level ** 2) / SOFTNESS);
  const logits = b.op('Conv', [
    image,
    b.constant(float32([length, 1, 1, 1], weights)),
    b.constant(float32([length], bias)),
  ]);
  const graph = b.build([b.output(b.op('Softmax', [logits], { axis: 1 }), 'probabilities')]);
  const labels: LabelMapping = {
    kind: 'integer',
    classes: classes.map((name, i) => ({ name, values: [i] })),
    ignore: [],
  };
  const network = { name: 'unet', channels: 1, numClasses: length, baseChannels: 4, depth: 1 } as const;
  const symbols = new Map<string, readonly (number | string)[]>([
    ['image', ['batch', 1, 'height', 'width']],
    ['probabilities', ['batch', length, 'height', 'width']],
  ]);
  return writeOnnx(
    { ...graph, symbols },
    {
      metadata: metadataEntry({
        ...{ version: 1, network, axes: 'nchw', input: INPUT, classes: classInfos(labels), activation: 'softmax' },
        tile: { multiple: 1, offset: 0, min: 1, margin: 0, halo: 0 },
        training: { network, labels: labels as never },
        ...{ provenance: {}, licence: null },
      }),
    },
  );
}
