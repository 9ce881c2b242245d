/**
 * Patch classifiers evaluated at every pixel at once. A network of convolutions, pooling and dense layers that was
 * trained on patches repeats most of its computations for neighbouring patches; here each layer is computed once for
 * the whole image. Strides become dilations of everything after them (a trous; Giusti et al. 2013, Sermanet et al.
 * 2014), dense layers become convolutions:
 *
 *     stride s, dilation e, after a product of strides d   ->   stride 1, dilation e d, and d s from there on
 */
import { ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { describeValue, type Graph, type Node, type Value } from '../graph/ir.ts';
import {
  type AxisPair,
  cropped,
  type DenseContext,
  type Field,
  isPixel,
  pair,
  refuse,
  trimmed,
} from './dense-field.ts';
import { denseRule } from './dense-rules.ts';

/** Input and output of a patch classifier. */
export interface PatchClassifier {
  readonly input: Value;
  readonly output: Value;
  /** Height and width of a patch. */
  readonly window: AxisPair;
  readonly channels: number;
  readonly outputs: number;
}

/** Whether tensors of these shapes belong to a patch classifier: an image in, one number per class out. */
export function classifiesPatches(
  input: readonly unknown[] | undefined,
  output: readonly unknown[] | undefined,
): boolean {
  if (input?.length !== 4 || (output?.length !== 2 && output?.length !== 4)) return false;
  const [height, width] = input.slice(2);
  return (
    typeof height === 'number' &&
    typeof width === 'number' &&
    height * width > 1 &&
    output.slice(2).every((side) => side === 1)
  );
}

/**
 * Interprets a graph as a patch classifier: its first input is float32 [N, C, H, W], its first output [N, classes] or
 * [N, classes, 1, 1].
 * @throws ModelError if it is not one.
 */
export function patchClassifier(graph: Graph): PatchClassifier {
  const [input] = graph.inputs;
  const [output] = graph.outputs;
  if (input === undefined || output === undefined || !classifiesPatches(input.shape, output.shape)) {
    throw new ModelError(
      `This is no classifier of patches: it takes ${describeValue(input)} and gives ${describeValue(output)}.`,
      { remedy: 'Use a network from [N, C, H, W] to [N, classes].' },
    );
  }
  const [, channels, height, width] = input.shape as readonly [number, number, number, number];
  return { input, output, window: [height, width], channels, outputs: output.shape[1] };
}

/**
 * The graph that evaluates a patch classifier at every position of its window in an image of `size`: [N, C, H, W] to
 * [N, classes, H', W'], where a side of n pixels leaves n - 2 floor(window / 2). Element (y, x) of the output belongs
 * to the patch whose pixel (floor(h / 2), floor(w / 2)) is the input's pixel (y + floor(h / 2), x + floor(w / 2)); for
 * windows with an even side the last position is dropped, so that both sides lose equally much. Nothing in it depends
 * on `size`: written to a file it runs on every image at least as large as the window.
 *
 * @param size height and width to infer shapes for; default one patch
 * @throws ModelError if the graph is not a patch classifier, or an operation has no dense form, naming it: padding
 * inside a patch, resizing, or anything other than pooling that depends on all pixels of a patch.
 */
export function denseGraph(graph: Graph, { batch = 1, size }: { batch?: number; size?: AxisPair } = {}): Graph {
  const { input, output, window, channels } = patchClassifier(graph);
  const [height, width] = size ?? pair((i) => 2 * Math.floor(window[i] / 2) + 1);
  const b = new GraphBuilder(graph.name);
  b.reserve([output.name]);
  const image = b.input(input.name, input.dtype, [batch, channels, height, width]);
  const whole: Field = { map: image, channels, extent: window, flat: false, dilation: [1, 1], spare: [0, 0] };
  const fields = new Map<Value, Field>([[input, whole]]);
  const fixed = new Map<Value, Value>();
  for (const value of graph.inputs.slice(1)) fixed.set(value, b.input(value.name, value.dtype, value.shape));
  for (const [value, array] of graph.constants) fixed.set(value, b.constant(array, value.name));
  const context: DenseContext = {
    b,
    graph,
    field: (value) => value && fields.get(value),
    fixed: (value) => value && fixed.get(value),
    batch: input.shape[0],
  };
  for (const node of graph.nodes) {
    if (node.inputs.some((value) => value !== undefined && fields.has(value))) {
      const rule = denseRule(node.op);
      if (rule === undefined) refuse(node, 'is not known to be the same for all patches');
      fields.set(
        node.outputs[0],
        b.scoped(node.name, () => rule(node, context)),
      );
    } else copyFixed(b, node, fixed);
  }
  const field = fields.get(output);
  if (field === undefined || !isPixel(field)) {
    throw new ModelError(`The output ${describeValue(output)} does not depend on the image.`);
  }
  // The last position of an even window.
  const even = pair((i) => 1 - (window[i] % 2));
  const map = cropped(b, trimmed(b, field).map, [0, 0], even);
  const named = b.output(map, output.name);
  const symbols: (readonly [string, readonly (number | string)[]])[] = [
    [input.name, ['batch', channels, 'height', 'width']],
    [output.name, ['batch', field.channels, 'output_height', 'output_width']],
  ];
  return b.build([named], { symbols: new Map(symbols) });
}

/** Copies a node that does not depend on the image, such as one that computes weights. */
function copyFixed(b: GraphBuilder, node: Node, fixed: Map<Value, Value>): void {
  const inputs = node.inputs.map((value) => (value === undefined ? undefined : fixed.get(value)));
  const made = b.ops(node.op, inputs, node.attributes, node.outputs.length, node.name);
  node.outputs.forEach((value, i) => {
    fixed.set(value, made[i]);
  });
}
