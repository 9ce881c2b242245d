/** Which tensors of an imported network are trained. */

import type { NdArray } from '../../array/ndarray.ts';
import { parametersOf } from '../../graph/constants.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { opKind, rowOf } from '../../graph/ops/table.ts';

const LAYERS: ReadonlySet<string> = new Set(['convolution', 'upconvolution', 'dense']);

const every = (array: NdArray | undefined, n: number): boolean =>
  array !== undefined && (array.data as Float32Array).every((value) => value === n);

/** Ones and zeros inside of a group normalisation as PyTorch writes it, whose own scale and bias follow. */
function isPlainNorm(node: Node, graph: Graph, makers: ReadonlyMap<Value, Node>): boolean {
  const [x, scale, bias] = node.inputs as readonly [Value, Value, Value];
  const reshaped = node.op === 'InstanceNormalization' && makers.get(x)?.op === 'Reshape';
  return reshaped && every(graph.constants.get(scale), 1) && every(graph.constants.get(bias), 0);
}

/**
 * Kernels, biases, and scales of normalisations. Not: what is done to the image before the first layer, such as the
 * subtraction of a mean colour; statistics of batch normalisations.
 */
export function trainedTensors(graph: Graph, image: Value): readonly Value[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const ofImage = new Set([image]);
  const behindLayer = new Set<Value>();
  const fixed = new Set<Value>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.filter((value) => value !== undefined);
    const isLayer = LAYERS.has(opKind(node.op)) && inputs.some((value) => ofImage.has(value));
    if (inputs.some((value) => ofImage.has(value))) for (const value of node.outputs) ofImage.add(value);
    const deep = isLayer || inputs.some((value) => behindLayer.has(value));
    if (deep) for (const value of node.outputs) behindLayer.add(value);
    const early = !deep && inputs.some((value) => ofImage.has(value));
    if (early || isPlainNorm(node, graph, makers)) for (const value of inputs) fixed.add(value);
    if (node.op === 'BatchNormalization') for (const value of inputs.slice(3)) fixed.add(value);
  }
  return parametersOf(graph).filter((value) => value.dtype === 'float32' && !fixed.has(value));
}

/** An operation that keeps the loss from telling a tensor how to change. */
export interface Barrier {
  readonly tensor: string;
  /** `Col2Im 'fold'`, with the reason. */
  readonly op: string;
}

function whyNoGradient(node: Node): string | undefined {
  const { gradient } = rowOf(node.op);
  const named = `${node.op} '${node.name}'`;
  if (typeof gradient !== 'function') return `${named} has no gradient, ${gradient.why}`;
  const [{ dtype }] = node.outputs as readonly [Value];
  return dtype.startsWith('float') ? undefined : `${named} makes ${dtype}, which has no gradient`;
}

/** The trained tensors that no gradient reaches from the logits. */
export function withoutGradient(graph: Graph, logits: Value, trained: readonly Value[]): readonly Barrier[] {
  const ops = new Map<Value, string>();
  const reached = new Set([logits]);
  for (const node of graph.nodes.toReversed()) {
    const own = whyNoGradient(node);
    const stopped = node.outputs.map((value) => ops.get(value)).find((op) => op !== undefined);
    const flows = node.outputs.some((value) => reached.has(value));
    for (const value of node.inputs) {
      if (value === undefined) continue;
      if (flows && own === undefined) reached.add(value);
      else if (flows || stopped !== undefined) ops.set(value, stopped ?? (own as string));
    }
  }
  return trained.flatMap((value) => {
    const op = ops.get(value);
    return reached.has(value) || op === undefined ? [] : [{ tensor: value.name, op }];
  });
}

/** Tensors of layers before the first one that makes maps larger: the encoder of a network that has one. */
export function encoderTensors(graph: Graph, trained: readonly Value[]): readonly string[] {
  const behind = new Set<Value>();
  const later = new Set<Value>();
  for (const node of graph.nodes) {
    const [x] = node.inputs;
    const area = (value: Value | undefined) =>
      value?.shape.length === 4 ? (value.shape[2] as number) * (value.shape[3] as number) : 0;
    const enlarges = area(x) > 0 && area(node.outputs[0]) > area(x);
    const after = enlarges || node.inputs.some((value) => value !== undefined && behind.has(value));
    if (!after) continue;
    for (const value of node.outputs) behind.add(value);
    for (const value of node.inputs) if (value !== undefined) later.add(value);
  }
  const early = trained.filter((value) => !later.has(value));
  return behind.size === 0 || early.length === trained.length ? [] : early.map(({ name }) => name);
}
