/**
 * From a network's specification to prediction graphs: with weights as inputs, or exported with weights as constants.
 */
import { float32, type NdArray, type Shape4, type Shape5 } from '../array/ndarray.ts';
import { ModelError } from '../errors.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Network } from '../nn/network.ts';
import { foldStandardised } from '../nn/standardise.ts';
import type { BuildOptions } from './definition.ts';
import type { ModelSpec } from './registry.ts';
import { buildNetwork, shapeOfSide, sizesOf } from './registry.ts';

/** Name of the output of prediction graphs. */
export const PROBABILITIES_NAME = 'probabilities';

/**
 * Inputs `image` [N,C,H,W] and all parameters, output `probabilities` [N,numClasses,H',W']: sigmoid for a single
 * channel, otherwise softmax over the channels. No dropout. For scoring during training, where the weights change.
 * @throws UsageError if the network does not support the shape.
 */
export const predictionGraph = (
  spec: ModelSpec,
  shape: Shape4 | Shape5,
  { file }: Pick<BuildOptions, 'file'> = {},
): Graph => probabilityGraph(buildNetwork(spec, shape, { file }));

/** As `predictionGraph`, of a network that is built. */
export function probabilityGraph({ builder, logits }: Network): Graph {
  const probabilities: Value =
    logits.shape[1] === 1 ? builder.op('Sigmoid', [logits]) : builder.op('Softmax', [logits], { axis: 1 });
  return builder.build([builder.output(probabilities, PROBABILITIES_NAME)]);
}

/** The network in an exported file: without standardisation, which is folded into the weights. */
export function exportedSpec(spec: ModelSpec): ModelSpec {
  return (spec.name === 'unet' || spec.name === 'unet3d') && spec.norm === 'weight' ? { ...spec, norm: 'none' } : spec;
}

/**
 * The prediction graph with `weights` (by parameter name) as constants, for `writeOnnx`. Batch, height and width are
 * symbolic in the file: it runs on every size that the network supports (windows have only one). Standardised weights
 * are folded, so the file contains plain convolutions.
 * @param graphOf what it gives; default: probabilities
 * @throws ModelError if a weight is missing or has the wrong shape.
 */
export function exportNetwork(
  spec: ModelSpec,
  weights: { readonly [parameter: string]: NdArray },
  graphOf: (network: Network) => Graph = probabilityGraph,
): Graph {
  const plain = exportedSpec(spec);
  const values = plain === spec ? weights : foldStandardised(weights);
  const { shape, symbols } = exportedShape(plain);
  const graph = graphOf(buildNetwork(plain, shape));
  const [image, ...parameters] = graph.inputs as readonly [Value, ...Value[]];
  const constants = new Map(graph.constants);
  for (const parameter of parameters) {
    const array = values[parameter.name];
    if (array === undefined || array.shape.join() !== parameter.shape.join() || array.dtype !== 'float32') {
      const found = array === undefined ? 'missing' : `[${array.shape.join(', ')}]`;
      throw new ModelError(
        `The weight '${parameter.name}' of the network '${spec.name}' is ${found}, not [${parameter.shape.join(', ')}].`,
      );
    }
    constants.set(parameter, float32(array.shape, array.data as Float32Array));
  }
  return {
    ...graph,
    inputs: [image],
    constants,
    symbols: new Map([
      [image.name, symbols.image],
      [(graph.outputs[0] as Value).name, symbols.probabilities],
    ]),
  };
}

type Dims = readonly (number | string)[];

/** A shape to build the network for, and the sizes that its file leaves symbolic. */
function exportedShape(spec: ModelSpec): {
  readonly shape: Shape4 | Shape5;
  readonly symbols: { readonly image: Dims; readonly probabilities: Dims };
} {
  const { channels, numClasses } = spec;
  if ('input' in spec) {
    const [height, width] = spec.input;
    const symbols = { image: ['batch', channels, height, width], probabilities: ['batch', numClasses] };
    return { shape: [1, channels, height, width], symbols };
  }
  const shape = shapeOfSide(spec, ({ min }) => min);
  if (shape.length === 5) {
    const sides = ['depth', 'height', 'width'];
    return {
      shape,
      symbols: { image: ['batch', channels, ...sides], probabilities: ['batch', numClasses, ...sides] },
    };
  }
  const { min, margin, window = false } = sizesOf(spec);
  const [height, width] = window ? [min, min] : ['height', 'width'];
  const [tall, wide] = window ? [1, 1] : margin === 0 ? ['height', 'width'] : ['output_height', 'output_width'];
  return {
    shape,
    symbols: { image: ['batch', channels, height, width], probabilities: ['batch', numClasses, tall, wide] },
  };
}
