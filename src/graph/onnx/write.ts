/** Writes a graph as an ONNX file. */

import type { NdArray } from '../../array/ndarray.ts';
import { GraphError } from '../../errors.ts';
import type { AttributeKind, OpName } from '../attributes.ts';
import type { Graph, Node, Value } from '../ir.ts';
import { rowOf } from '../ops/table.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorShapeProto,
  TensorShapeProtoSchema,
  AttributeType as Type,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './messages.ts';
import { create, type Init, toBinary } from './protobuf.ts';
import { DATA_TYPES, tensorToProto } from './tensor.ts';
import { encodeText } from './wire.ts';

/** The version of ONNX's own domain; supported by ONNX Runtime since 1.14. */
export const WRITTEN_OPSET = 18;
/** The file format version corresponding to opset 18. */
const IR_VERSION = 8;
/** protobuf's size limit for one message. */
const MOST_BYTES = 2 ** 31 - 1;

export interface WriteOptions {
  /** Free entries: key to text. */
  readonly metadata?: { readonly [key: string]: string };
  readonly producer?: string;
  readonly producerVersion?: string;
  /** Name of an additional output, placed before all others: a sequence without elements. */
  readonly emptySequence?: string;
}

/** Name of the op in its domain: `lamella.MaxPoolGrad` is `MaxPoolGrad` there. */
function plainName(op: OpName): string {
  return op.slice(op.indexOf('.') + 1);
}

function attributeToProto(name: string, kind: AttributeKind, value: unknown): AttributeProto {
  const make = (content: Init<AttributeProto>) => create(AttributeProtoSchema, { name, ...content });
  switch (kind) {
    case 'int':
      return make({ type: Type.INT, i: BigInt(value as number) });
    case 'ints':
      return make({ type: Type.INTS, ints: (value as number[]).map(BigInt) });
    case 'float':
      return make({ type: Type.FLOAT, f: value as number });
    case 'string':
      return make({ type: Type.STRING, s: encodeText(value as string) });
    case 'tensor':
      return make({ type: Type.TENSOR, t: tensorToProto(value as NdArray) });
    case 'dtype':
      return make({ type: Type.INT, i: BigInt(DATA_TYPES[value as keyof typeof DATA_TYPES]) });
  }
}

function nodeToProto(node: Node): NodeProto {
  const { domain, attributes } = rowOf(node.op);
  const kinds = attributes as { readonly [name: string]: AttributeKind };
  const inputs = node.inputs.map((value) => value?.name ?? '');
  while (inputs.at(-1) === '') inputs.pop();
  return create(NodeProtoSchema, {
    input: inputs,
    output: node.outputs.map((value) => value.name),
    name: node.name,
    opType: plainName(node.op),
    ...(domain !== '' && { domain }),
    attribute: Object.entries(node.attributes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        const kind = kinds[name];
        if (kind === undefined) throw new GraphError(`${node.op} '${node.name}' has no attribute '${name}'.`);
        return attributeToProto(name, kind, value);
      }),
  });
}

/** Sizes as a file declares them: numbers, or names of sizes that are open. */
export function dimensionsToProto(dims: readonly (number | string)[]): TensorShapeProto {
  return create(TensorShapeProtoSchema, {
    dim: dims.map((n) => (typeof n === 'number' ? { dimValue: BigInt(n) } : { dimParam: n })),
  });
}

function valueToProto(value: Value, symbols: Graph['symbols']): ValueInfoProto {
  const dims = symbols?.get(value.name) ?? value.shape;
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: { tensorType: { elemType: DATA_TYPES[value.dtype], shape: dimensionsToProto(dims) } },
  });
}

function emptySequenceToProto(name: string): NodeProto {
  return create(NodeProtoSchema, { output: [name], name, opType: 'SequenceEmpty' });
}

function sequenceValueToProto(name: string): ValueInfoProto {
  const elemType = { tensorType: { elemType: DATA_TYPES.float32 } };
  return create(ValueInfoProtoSchema, { name, type: { sequenceType: { elemType } } });
}

/**
 * The bytes of an ONNX file that contains the graph. The same graph produces the same bytes. Remaining custom ops are
 * written under the domain `lamella`, which no other program supports: `decompose` the graph first.
 * @throws GraphError if the constants exceed the size limit of an ONNX file (2 GB).
 */
export function writeOnnx(
  graph: Graph,
  { metadata = {}, producer = 'lamella', producerVersion = '', emptySequence }: WriteOptions = {},
): Uint8Array {
  let bytes = 0;
  for (const array of graph.constants.values()) bytes += array.data.byteLength;
  if (bytes > MOST_BYTES) {
    throw new GraphError(
      `The graph '${graph.name}' holds ${(bytes / 1e9).toFixed(1)} GB of constants; an ONNX file holds 2 GB.`,
      { remedy: 'Use a smaller network (fewer channels or less depth).' },
    );
  }
  const sequences = emptySequence === undefined ? [] : [emptySequence];
  const domains = new Set(graph.nodes.map((node) => rowOf(node.op).domain));
  domains.delete('');
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: producer,
    ...(producerVersion !== '' && { producerVersion }),
    graph: {
      name: graph.name,
      node: [...sequences.map(emptySequenceToProto), ...graph.nodes.map(nodeToProto)],
      initializer: [...graph.constants].map(([value, array]) => tensorToProto(array, value.name)),
      input: graph.inputs.map((value) => valueToProto(value, graph.symbols)),
      output: [
        ...sequences.map(sequenceValueToProto),
        ...graph.outputs.map((value) => valueToProto(value, graph.symbols)),
      ],
    },
    opsetImport: [
      { domain: '', version: BigInt(WRITTEN_OPSET) },
      ...[...domains].sort().map((domain) => ({ domain, version: 1n })),
    ],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}
