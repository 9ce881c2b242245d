/**
 * The intermediate representation: ONNX with static shapes. A graph is immutable; `GraphBuilder` creates one, `rewrite`
 * derives another. Sizes that vary (batch, height, width) are fixed when the graph is built or bound, and are symbolic
 * only in the file (`Graph.symbols`).
 */
import type { DType, NdArray, Shape } from '../array/ndarray.ts';
import type { AttributesOf, OpName } from './attributes.ts';

/** One tensor in a graph, compared by identity; `name` is unique within the graph. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One operation. Omitted optional inputs are `undefined`, corresponding to ONNX's empty names. */
export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly name: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: AttributesOf[K];
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Values known in advance: ONNX initializers. */
  readonly constants: ReadonlyMap<Value, NdArray>;
  /** Symbolic dimensions to declare in a file, by the name of the input or output. */
  readonly symbols?: ReadonlyMap<string, readonly (number | string)[]>;
}

/** `name: float32[1, 64, 128, 128]`, the form of a value in errors and print-outs. */
export function describeValue(value: Value | undefined): string {
  return value === undefined ? '(absent)' : `${value.name}: ${value.dtype}[${value.shape.join(', ')}]`;
}
