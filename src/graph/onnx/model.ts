/** The declarations of an ONNX file, read without interpreting its operations. */
import { type DType, elementCount } from '../../array/ndarray.ts';
import { FormatError } from '../../errors.ts';
import { type GraphProto, type ModelProto, ModelProtoSchema, type ValueInfoProto } from './messages.ts';
import { fromBinary } from './protobuf.ts';
import { describeDataType } from './tensor.ts';

/** An input or output as the file declares it. */
export interface DeclaredTensor {
  readonly name: string;
  /** Our dtype, or ONNX's name of a type that we do not support (`string`, `bfloat16`). */
  readonly dtype: DType | (string & {});
  /**
   * A number, or the name of a symbolic size. An unnamed symbolic size is called `<tensor>_<axis>`. `undefined` if the
   * file does not even declare the rank.
   */
  readonly dims: readonly (number | string)[] | undefined;
}

export interface Signature {
  readonly graphName: string;
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  /** Version of each domain's operations; ONNX's own domain is ''. */
  readonly opsets: { readonly [domain: string]: number };
  readonly irVersion: number;
  readonly metadata: { readonly [key: string]: string };
  readonly producer: string;
  readonly producerVersion: string;
  /** Number of nodes per type, `domain.Type` outside ONNX's own domain, most frequent first. */
  readonly operations: ReadonlyMap<string, number>;
  /** Total number of elements of the stored tensors. */
  readonly storedElements: number;
}

/** A parsed file that contains a graph. */
export interface ParsedModel {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly opsets: { readonly [domain: string]: number };
}

/** ONNX's own domain has two names. */
export function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/**
 * Parses the bytes of an ONNX file.
 * @throws FormatError if they are not ONNX or are truncated.
 */
export function parseModel(bytes: Uint8Array, file?: string): ParsedModel {
  const remedy = 'Use a complete ONNX model file, as it was exported.';
  if (bytes.length === 0) throw new FormatError('The file is empty, not an ONNX model.', { file, remedy });
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new FormatError('This is not an ONNX model, or it is cut off.', { file, remedy, cause });
  }
  const { graph } = model;
  const opsets = Object.fromEntries(
    model.opsetImport.map(({ domain, version }) => [domainOf(domain), Number(version)] as const),
  );
  if (graph === undefined || model.opsetImport.length === 0 || graph.output.length === 0) {
    throw new FormatError('This is not an ONNX model, or it is cut off: it has no graph.', { file, remedy });
  }
  return { model, graph, opsets };
}

/** The declaration of an input or output. */
export function declared(info: ValueInfoProto): DeclaredTensor {
  const { name } = info;
  const tensor = info.type?.tensorType;
  if (tensor === undefined) return { name, dtype: 'no tensor', dims: undefined };
  const dims = tensor.shape?.dim.map(({ dimValue, dimParam }, axis) => {
    if (dimParam !== undefined && dimParam !== '') return dimParam;
    if (dimValue !== undefined && dimValue >= 0n) return Number(dimValue);
    return `${name}_${axis}`;
  });
  return { name, dtype: describeDataType(tensor.elemType), dims };
}

/** The inputs that must be fed: older files also list the weights among them. */
export function fedInputs(graph: GraphProto): ValueInfoProto[] {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !stored.has(name));
}

/**
 * Inputs, outputs, opsets, metadata and operation counts of any ONNX file, including files with unknown operations.
 * @throws FormatError if the bytes are not ONNX.
 */
export function readSignature(bytes: Uint8Array, { file }: { file?: string } = {}): Signature {
  const { model, graph, opsets } = parseModel(bytes, file);
  const counts = new Map<string, number>();
  for (const { opType, domain } of graph.node) {
    const type = domainOf(domain) === '' ? opType : `${domain}.${opType}`;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  let storedElements = 0;
  for (const { dims } of graph.initializer) storedElements += elementCount(dims.map(Number));
  return {
    graphName: graph.name,
    inputs: fedInputs(graph).map(declared),
    outputs: graph.output.map(declared),
    opsets,
    irVersion: Number(model.irVersion),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    producer: model.producerName,
    producerVersion: model.producerVersion,
    operations: new Map([...counts].sort((a, b) => b[1] - a[1])),
    storedElements,
  };
}
