/** What comes before the input and after the outputs of a network, in its file: nodes that are put there. */

import type { DType, NdArray } from '../../array/ndarray.ts';
import {
  AttributeProtoSchema,
  AttributeType,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './messages.ts';
import { domainOf, fedInputs, parseModel } from './model.ts';
import { create, toBinary } from './protobuf.ts';
import { DATA_TYPES, tensorToProto } from './tensor.ts';
import { dimensionsToProto } from './write.ts';

/** One operation of ONNX on the value before. */
export interface Step {
  readonly op: string;
  readonly attributes?: { readonly [name: string]: number | readonly number[] };
  /** Further inputs, or those before the value where it is the last. */
  readonly constants?: readonly NdArray[];
}

export interface NewInput {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly (number | string)[];
  /** From this input to what was the input before. */
  readonly steps: readonly Step[];
}

export interface NewOutput {
  /** A value of the graph. */
  readonly from: string;
  readonly name: string;
  readonly dims: readonly (number | string)[];
  /** From the value to this output, which is float32. */
  readonly steps: readonly Step[];
}

/**
 * The file with another input and other outputs. With the name of an old one and no steps an output stays as it is.
 * @throws FormatError if the bytes are not ONNX
 */
export function withEnds(
  bytes: Uint8Array,
  { input, outputs }: { readonly input?: NewInput; readonly outputs?: readonly NewOutput[] },
): Uint8Array {
  const { model, graph } = parseModel(bytes);
  graph.valueInfo = [];
  if (input !== undefined) {
    const [old] = fedInputs(graph) as [ValueInfoProto];
    const nodes = chain(graph, input.name, input.steps, old.name);
    graph.node = [...nodes, ...graph.node];
    graph.input = graph.input.map((each) => (each === old ? declaration(input, input.dtype) : each));
  }
  if (outputs !== undefined) {
    graph.output = outputs.map((output) => {
      const kept = graph.output.find(({ name }) => name === output.name);
      if (kept !== undefined && output.from === output.name) return kept;
      graph.node.push(...chain(graph, output.from, output.steps, output.name));
      return declaration(output, 'float32');
    });
  }
  return toBinary(ModelProtoSchema, model);
}

function declaration({ name, dims }: Pick<NewInput, 'name' | 'dims'>, dtype: DType): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: { tensorType: { elemType: DATA_TYPES[dtype], shape: dimensionsToProto(dims) } },
  });
}

/** Nodes from one value to another, at least one. */
function chain(graph: GraphProto, from: string, steps: readonly Step[], to: string): NodeProto[] {
  const all = steps.length === 0 ? [{ op: 'Identity' }] : steps;
  let value = from;
  return all.map(({ op, attributes = {}, constants = [] }: Step, i) => {
    const output = i === all.length - 1 ? to : `${to}/${i}`;
    const others = constants.map((constant, k) => {
      const name = `${to}/${i}/${k}`;
      graph.initializer.push(tensorToProto(constant, name));
      return name;
    });
    const node = create(NodeProtoSchema, {
      opType: op,
      name: output,
      input: [value, ...others],
      output: [output],
      attribute: Object.entries(attributes).map(([name, content]) =>
        create(
          AttributeProtoSchema,
          typeof content === 'number'
            ? { name, type: AttributeType.INT, i: BigInt(content) }
            : { name, type: AttributeType.INTS, ints: content.map(BigInt) },
        ),
      ),
    });
    value = output;
    return node;
  });
}

/** The name, or with a number where a value of the graph has it. */
export function freeName(bytes: Uint8Array, wanted: string): string {
  const { graph } = parseModel(bytes);
  const taken = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const name of graph.node.flatMap(({ output }) => output)) taken.add(name);
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  return name;
}

/** Operations that give the classes of a map, or other forms of them. */
const OF_LABELS = ['Cast', 'Squeeze', 'Unsqueeze', 'Identity', 'Reshape'];

/** What an output of labels is the largest of, and along which axis; undefined if it is no ArgMax. */
export function behindArgMax(
  bytes: Uint8Array,
  output: string,
): { readonly value: string; readonly axis: number } | undefined {
  const { graph } = parseModel(bytes);
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  for (let node = makers.get(output); node !== undefined; node = makers.get(node.input[0] ?? '')) {
    if (domainOf(node.domain) !== '') return undefined;
    if (node.opType === 'ArgMax') {
      const axis = node.attribute.find(({ name }) => name === 'axis');
      return { value: node.input[0] as string, axis: Number(axis?.i ?? 0n) };
    }
    if (!OF_LABELS.includes(node.opType)) return undefined;
  }
  return undefined;
}
