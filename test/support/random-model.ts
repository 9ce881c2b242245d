import type { NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { LabelMapping } from '../../src/dataset/labels/labels.ts';
import { tileRule } from '../../src/graph/analysis/receptive-field.ts';
import type { Value } from '../../src/graph/ir.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { InputSpec } from '../../src/input/normalise.ts';
import { type ModelMetadata, metadataEntry } from '../../src/models/metadata.ts';
import { exportNetwork } from '../../src/models/prediction.ts';
import { buildNetwork, type ModelSpec, sizesOf } from '../../src/models/registry.ts';
import { classInfos } from '../../src/train/model-file.ts';

/** Standard deviations from 0, one grey channel. */
const INPUT = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    kind: 'zscore',
    scope: 'dataset',
    percentiles: [1, 99],
    perChannel: false,
    numbers: [[0, 1]],
    leastSpread: 0,
  },
} as const;

/** The bytes of a network with random weights, with its metadata. */
export function randomModel(
  spec: ModelSpec,
  {
    input = INPUT,
    classes = ['membrane', 'cell'],
    labels,
  }: { readonly input?: InputSpec; readonly classes?: readonly string[]; readonly labels?: LabelMapping } = {},
): Uint8Array {
  const { min, multiple, margin } = sizesOf(spec);
  const side = min + 8 * multiple;
  const network = buildNetwork(spec, [1, spec.channels, side, side]);
  const weights: Record<string, NdArray> = {};
  for (const [i, { value, initialise }] of network.parameters.entries()) {
    weights[value.name] = initialise(value.shape, stream(3, 'weights', 0, i));
  }
  const graph = exportNetwork(spec, weights);
  const { axes, exact } = tileRule(graph, graph.inputs[0] as Value, graph.outputs[0] as Value);
  const [rule] = axes;
  if (rule === undefined) throw new Error('no axis');
  return writeOnnx(graph, {
    metadata: metadataEntry({
      version: 1,
      network: spec,
      axes: 'nchw',
      input: input as unknown as ModelMetadata['input'],
      classes: labels === undefined ? classes.map((name, i) => ({ name, value: i * 255 })) : classInfos(labels),
      activation: spec.numClasses === 1 ? 'sigmoid' : 'softmax',
      tile: {
        multiple: rule.multiple,
        offset: rule.offset,
        min,
        margin,
        halo: exact ? Math.max(rule.haloBefore, rule.haloAfter) : null,
      },
      ...(labels && {
        training: { network: spec, labels: labels as unknown as NonNullable<ModelMetadata['training']>['labels'] },
      }),
      provenance: {},
      licence: null,
    }),
  });
}
