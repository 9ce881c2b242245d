/**
 * Changes to an ONNX file that leave the rest of it as it is: operations that the table lacks, their versions, names and
 * open sizes, which reading and writing a graph would lose.
 */

import { elementCount, type NdArray } from '../../array/ndarray.ts';
import {
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  AttributeType as Type,
  type ValueInfoProto,
} from './messages.ts';
import { domainOf, fedInputs, type ParsedModel, parseModel } from './model.ts';
import { inOrder, inputsOf } from './plain-nodes.ts';
import { create, toBinary } from './protobuf.ts';
import { DATA_TYPES, tensorToProto } from './tensor.ts';
import { dimensionsToProto } from './write.ts';

type Dims = readonly (number | string)[];

export interface OnnxEdits {
  /** In place of stored tensors, by name. Shapes may differ; that of the declared input is then to be changed too. */
  readonly tensors?: { readonly [name: string]: NdArray };
  /** Declared sizes of the input. */
  readonly inputDims?: Dims;
  /** The only output; others, and what is computed for them alone, are removed. */
  readonly output?: {
    /** An output, or any value of the graph. */
    readonly value: string;
    readonly dims: Dims;
    /** Appended over the channels of [N, C, H, W], as the output of this name. */
    readonly activation?: { readonly kind: 'Softmax' | 'Sigmoid'; readonly name: string };
  };
  /** Entries to add or replace. */
  readonly metadata?: { readonly [key: string]: string };
}

/** @throws FormatError if the bytes are not ONNX. */
export function editOnnx(bytes: Uint8Array, { tensors = {}, inputDims, output, metadata = {} }: OnnxEdits): Uint8Array {
  const { model, graph, opsets } = parseForEdit(bytes);
  graph.initializer = graph.initializer.map((stored) => {
    const array = tensors[stored.name];
    return array === undefined ? stored : tensorToProto(array, stored.name);
  });
  const [input] = graph.input;
  if (input !== undefined && inputDims !== undefined) declareDims(input, inputDims);
  if (output !== undefined) setOutput(graph, output, opsets[''] ?? 1);
  const others = model.metadataProps.filter(({ key }) => metadata[key] === undefined);
  const own = Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  model.metadataProps = [...others, ...own];
  return toBinary(ModelProtoSchema, model);
}

/** Without shapes noted inside, which may not hold any more, and inputs with a stored value: constants of older files. */
function parseForEdit(bytes: Uint8Array): ParsedModel {
  const parsed = parseModel(bytes);
  const { model, graph } = parsed;
  graph.valueInfo = [];
  graph.input = fedInputs(graph);
  if (model.irVersion < 4n) model.irVersion = 4n;
  return parsed;
}

function declareDims(info: ValueInfoProto, dims: Dims): void {
  const tensor = info.type?.tensorType;
  if (tensor !== undefined) tensor.shape = dimensionsToProto(dims);
}

function setOutput(
  graph: GraphProto,
  { value, dims, activation }: NonNullable<OnnxEdits['output']>,
  opset: number,
): void {
  const declared = graph.output.find(({ name }) => name === value) ?? graph.output[0];
  if (activation !== undefined) graph.node.push(...activationNodes(value, activation, opset));
  const output = { ...(declared as ValueInfoProto), name: activation?.name ?? value };
  declareDims(output, dims);
  graph.output = [output];
  const needed = new Set([output.name]);
  graph.node = inOrder(graph.node)
    .toReversed()
    .filter((node) => {
      if (!node.output.some((name) => needed.has(name))) return false;
      for (const name of inputsOf(node)) needed.add(name);
      return true;
    })
    .reverse();
  graph.initializer = graph.initializer.filter(({ name }) => needed.has(name));
}

/** Before opset 13 Softmax went over all axes from its own on, so that the channels have to be the last one. */
function activationNodes(value: string, { kind, name }: { kind: string; name: string }, opset: number): NodeProto[] {
  const node = (opType: string, input: string, output: string, attribute: NodeProto['attribute'] = []) =>
    create(NodeProtoSchema, { opType, name: output, input: [input], output: [output], attribute });
  const axis = (i: number) => [create(AttributeProtoSchema, { name: 'axis', type: Type.INT, i: BigInt(i) })];
  if (kind === 'Sigmoid') return [node('Sigmoid', value, name)];
  if (opset >= 13) return [node('Softmax', value, name, axis(1))];
  const perm = (axes: readonly number[]) => [
    create(AttributeProtoSchema, { name: 'perm', type: Type.INTS, ints: axes.map(BigInt) }),
  ];
  return [
    node('Transpose', value, `${name}/last`, perm([0, 2, 3, 1])),
    node('Softmax', `${name}/last`, `${name}/softmax`, axis(3)),
    node('Transpose', `${name}/softmax`, name, perm([0, 3, 1, 2])),
  ];
}

/** At most one axis is longer than 1: a bias, a scale per channel. */
function isVector({ dims, dataType }: TensorProto): boolean {
  const lengths = dims.map(Number);
  return dataType === DATA_TYPES.float32 && lengths.length > 0 && Math.max(...lengths) === elementCount(lengths);
}

/**
 * The file with every bias and scale stored for itself. Exporters store equal tensors once, so that in a fresh network
 * all biases, which are zero, would be trained as one, together with the running means. Kernels that several nodes use
 * stay shared. Float tensors of Constant nodes become stored ones.
 * @throws FormatError if the bytes are not ONNX.
 */
export function separateVectors(bytes: Uint8Array): Uint8Array {
  const { model, graph } = parseForEdit(bytes);
  const taken = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
    ...graph.input.map(({ name }) => name),
  ]);
  const outputs = new Set(graph.output.map(({ name }) => name));
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const named = (tensor: TensorProto, name: string): TensorProto => create(TensorProtoSchema, { ...tensor, name });
  // What is a constant under another name.
  graph.node = graph.node.filter(({ opType, domain, input, output, attribute }) => {
    const [name = ''] = output;
    const own = domainOf(domain) === '';
    const constant = opType === 'Constant' ? attribute.find((one) => one.name === 'value')?.t : undefined;
    const same = opType === 'Identity' ? stored.get(input[0] ?? '') : undefined;
    const tensor = constant ?? (same !== undefined && isVector(same) ? same : undefined);
    if (!own || tensor?.dataType !== DATA_TYPES.float32 || outputs.has(name)) return true;
    stored.set(name, named(tensor, name));
    return false;
  });
  const used = new Set<string>();
  for (const node of graph.node) {
    node.input = node.input.map((name) => {
      const tensor = stored.get(name);
      if (tensor === undefined || !isVector(tensor)) return name;
      if (!used.has(name)) {
        used.add(name);
        return name;
      }
      let own = name;
      for (let i = 2; taken.has(own); i++) own = `${name}/${i}`;
      taken.add(own);
      stored.set(own, named(tensor, own));
      return own;
    });
  }
  graph.initializer = [...stored.values()];
  return toBinary(ModelProtoSchema, model);
}
