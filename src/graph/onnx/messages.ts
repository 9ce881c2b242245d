/**
 * The part of ONNX's file format that is read and written: names, numbers and types of the fields, as in onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */

import { type Schema, schemaOf } from './protobuf.ts';

export const AttributeType = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
} as const;

/** `TensorProto.dataLocation` of a tensor in a file beside the model. */
export const EXTERNAL = 1;

export interface AttributeProto {
  name: string;
  f: number;
  i: bigint;
  s: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  docString: string;
  /** One of `AttributeType`, among others. */
  type: number;
  refAttrName: string;
}

export interface ValueInfoProto {
  name: string;
  type?: TypeProto;
  docString: string;
}

export interface NodeProto {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  attribute: AttributeProto[];
  docString: string;
  domain: string;
}

export interface ModelProto {
  irVersion: bigint;
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: bigint;
  docString: string;
  graph?: GraphProto;
  opsetImport: OperatorSetIdProto[];
  metadataProps: StringStringEntryProto[];
  functions: FunctionProto[];
}

export interface StringStringEntryProto {
  key: string;
  value: string;
}

export interface GraphProto {
  node: NodeProto[];
  name: string;
  initializer: TensorProto[];
  docString: string;
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
}

export interface TensorProto {
  dims: bigint[];
  /** Of `DATA_TYPES` or another. */
  dataType: number;
  floatData: number[];
  int32Data: number[];
  stringData: Uint8Array[];
  int64Data: bigint[];
  name: string;
  rawData: Uint8Array;
  doubleData: number[];
  uint64Data: bigint[];
  docString: string;
  externalData: StringStringEntryProto[];
  dataLocation: number;
}

/** One of `dimValue` and `dimParam`, or an open size without a name. */
export interface Dimension {
  dimValue?: bigint;
  dimParam?: string;
  denotation: string;
}

export interface TensorShapeProto {
  dim: Dimension[];
}

export interface TensorTypeProto {
  elemType: number;
  shape?: TensorShapeProto;
}

/** One of `tensorType` and `sequenceType`, or a type that is not read. */
export interface TypeProto {
  tensorType?: TensorTypeProto;
  sequenceType?: SequenceTypeProto;
  denotation: string;
}

export interface SequenceTypeProto {
  elemType?: TypeProto;
}

export interface OperatorSetIdProto {
  domain: string;
  version: bigint;
}

export interface FunctionProto {
  name: string;
  input: string[];
  output: string[];
  attribute: string[];
  node: NodeProto[];
  domain: string;
}

export const AttributeProtoSchema: Schema<AttributeProto> = schemaOf({
  name: [1, 'string'],
  f: [2, 'float'],
  i: [3, 'int64'],
  s: [4, 'bytes'],
  t: [5, () => TensorProtoSchema],
  g: [6, () => GraphProtoSchema],
  floats: [7, 'float', 'list'],
  ints: [8, 'int64', 'list'],
  strings: [9, 'bytes', 'list'],
  tensors: [10, () => TensorProtoSchema, 'list'],
  graphs: [11, () => GraphProtoSchema, 'list'],
  docString: [13, 'string'],
  type: [20, 'int32'],
  refAttrName: [21, 'string'],
});

export const ValueInfoProtoSchema: Schema<ValueInfoProto> = schemaOf({
  name: [1, 'string'],
  type: [2, () => TypeProtoSchema],
  docString: [3, 'string'],
});

export const NodeProtoSchema: Schema<NodeProto> = schemaOf({
  input: [1, 'string', 'list'],
  output: [2, 'string', 'list'],
  name: [3, 'string'],
  opType: [4, 'string'],
  attribute: [5, () => AttributeProtoSchema, 'list'],
  docString: [6, 'string'],
  domain: [7, 'string'],
});

export const ModelProtoSchema: Schema<ModelProto> = schemaOf({
  irVersion: [1, 'int64'],
  producerName: [2, 'string'],
  producerVersion: [3, 'string'],
  domain: [4, 'string'],
  modelVersion: [5, 'int64'],
  docString: [6, 'string'],
  graph: [7, () => GraphProtoSchema],
  opsetImport: [8, () => OperatorSetIdProtoSchema, 'list'],
  metadataProps: [14, () => StringStringEntryProtoSchema, 'list'],
  functions: [25, () => FunctionProtoSchema, 'list'],
});

export const StringStringEntryProtoSchema: Schema<StringStringEntryProto> = schemaOf({
  key: [1, 'string'],
  value: [2, 'string'],
});

export const GraphProtoSchema: Schema<GraphProto> = schemaOf({
  node: [1, () => NodeProtoSchema, 'list'],
  name: [2, 'string'],
  initializer: [5, () => TensorProtoSchema, 'list'],
  docString: [10, 'string'],
  input: [11, () => ValueInfoProtoSchema, 'list'],
  output: [12, () => ValueInfoProtoSchema, 'list'],
  valueInfo: [13, () => ValueInfoProtoSchema, 'list'],
});

export const TensorProtoSchema: Schema<TensorProto> = schemaOf({
  dims: [1, 'int64', 'list'],
  dataType: [2, 'int32'],
  floatData: [4, 'float', 'packed'],
  int32Data: [5, 'int32', 'packed'],
  stringData: [6, 'bytes', 'list'],
  int64Data: [7, 'int64', 'packed'],
  name: [8, 'string'],
  rawData: [9, 'bytes'],
  doubleData: [10, 'double', 'packed'],
  uint64Data: [11, 'uint64', 'packed'],
  docString: [12, 'string'],
  externalData: [13, () => StringStringEntryProtoSchema, 'list'],
  dataLocation: [14, 'int32'],
});

export const TensorShapeProtoSchema: Schema<TensorShapeProto> = schemaOf({
  dim: [1, () => DimensionSchema, 'list'],
});

const DimensionSchema: Schema<Dimension> = schemaOf({
  dimValue: [1, 'int64', 'oneof'],
  dimParam: [2, 'string', 'oneof'],
  denotation: [3, 'string'],
});

const TypeProtoSchema: Schema<TypeProto> = schemaOf({
  tensorType: [1, () => TensorTypeSchema],
  sequenceType: [4, () => SequenceTypeSchema],
  denotation: [6, 'string'],
});

const TensorTypeSchema: Schema<TensorTypeProto> = schemaOf({
  elemType: [1, 'int32'],
  shape: [2, () => TensorShapeProtoSchema],
});

const SequenceTypeSchema: Schema<SequenceTypeProto> = schemaOf({ elemType: [1, () => TypeProtoSchema] });

export const OperatorSetIdProtoSchema: Schema<OperatorSetIdProto> = schemaOf({
  domain: [1, 'string'],
  version: [2, 'int64'],
});

const FunctionProtoSchema: Schema<FunctionProto> = schemaOf({
  name: [1, 'string'],
  input: [4, 'string', 'list'],
  output: [5, 'string', 'list'],
  attribute: [6, 'string', 'list'],
  node: [7, () => NodeProtoSchema, 'list'],
  domain: [10, 'string'],
});
