/**
 * Networks of whole numbers and of 16-bit floats as the networks of float32 that they stand for, so that they can be
 * trained: weights are what their numbers mean, results are no longer rounded, but stay within the range that whole
 * numbers had, which is how quantisation expresses a ReLU. Q/DQ, QOperator and dynamic quantisation of ONNX Runtime
 * (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
 */

import { float16ToNumber } from '../../array/float16.ts';
import { ndarray } from '../../array/ndarray.ts';
import { type GraphProto, ModelProtoSchema, type NodeProto, type TensorProto } from './messages.ts';
import { domainOf, type ParsedModel, parseModel } from './model.ts';
import { inOrder, inputsOf } from './plain-nodes.ts';
import { toBinary } from './protobuf.ts';
import { Quantised } from './quantised.ts';
import { DATA_TYPES, tensorFromProto, tensorToProto } from './tensor.ts';

export interface FloatForm {
  readonly bytes: Uint8Array;
  /** What was changed, one sentence each. */
  readonly notes: readonly string[];
}

const FLOAT16 = DATA_TYPES.float16;
const BFLOAT16 = 16;
const isHalf = (type: number | undefined): boolean => type === FLOAT16 || type === BFLOAT16;

/**
 * The file in that form, unchanged where it has it.
 * @throws FormatError if the bytes are not ONNX
 * @throws GraphError, naming the node, for a quantisation that cannot be undone: scales that depend on data
 */
export function floatForm(bytes: Uint8Array): FloatForm {
  const parsed = parseModel(bytes);
  const halves = widenHalves(parsed);
  const wholes = undoQuantisation(parsed);
  const notes = [
    ...(wholes > 0 ? [`Its ${wholes} quantised operations are computed in float32 from now on.`] : []),
    ...(halves ? ['Its numbers of 16 bits become float32.'] : []),
  ];
  if (notes.length === 0) return { bytes, notes };
  const { model, graph } = parsed;
  graph.valueInfo = [];
  const used = new Set([...graph.node.flatMap(inputsOf), ...graph.output.map(({ name }) => name)]);
  graph.initializer = graph.initializer.filter(({ name }) => used.has(name));
  return { bytes: toBinary(ModelProtoSchema, model), notes };
}

/** @returns the number of operations on whole numbers */
function undoQuantisation({ graph, opsets }: ParsedModel): number {
  const quantised = new Quantised(graph, opsets[''] ?? 1);
  graph.node = inOrder(graph.node).flatMap((node) => {
    const isOwn = domainOf(node.domain) === '' || node.domain === 'com.microsoft';
    return isOwn ? quantised.rewritten(node) : [node];
  });
  return quantised.count;
}

/** Tensors, casts and declarations of 16-bit floats as those of 32 bits. @returns whether there are any */
function widenHalves({ model, graph }: ParsedModel): boolean {
  let isChanged = false;
  const widened = (tensor: TensorProto): TensorProto => {
    if (!isHalf(tensor.dataType)) return tensor;
    isChanged = true;
    // bfloat16 is read as float32.
    const { dtype, shape, data } = tensorFromProto(tensor);
    const numbers =
      dtype === 'float16' ? Float32Array.from(data as Uint16Array, float16ToNumber) : (data as Float32Array);
    return tensorToProto(ndarray('float32', shape, numbers), tensor.name || undefined);
  };
  const widenNodes = (nodes: readonly NodeProto[]): void => {
    for (const { opType, attribute } of nodes) {
      for (const each of attribute) {
        if (each.t !== undefined) each.t = widened(each.t);
        if (each.g !== undefined) widenGraph(each.g);
        if (opType !== 'Cast' || each.name !== 'to' || !isHalf(Number(each.i))) continue;
        each.i = BigInt(DATA_TYPES.float32);
        isChanged = true;
      }
    }
  };
  const widenGraph = (of: GraphProto): void => {
    of.initializer = of.initializer.map(widened);
    for (const { type } of [...of.input, ...of.output]) {
      if (type?.tensorType === undefined || !isHalf(type.tensorType.elemType)) continue;
      type.tensorType.elemType = DATA_TYPES.float32;
      isChanged = true;
    }
    widenNodes(of.node);
  };
  widenGraph(graph);
  for (const { node } of model.functions) widenNodes(node);
  return isChanged;
}
