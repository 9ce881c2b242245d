/**
 * The intermediate representation: ONNX with static shapes. A graph is immutable; `GraphBuilder` makes
 * one, `rewrite` makes another one from it. Sizes that vary (batch, height, width) are fixed when the
 * graph is built or bound, and only the file calls them by a symbol (`Graph.symbols`).
 */
import type { DType, NdArray, Shape } from '../array/ndarray.ts';
import type { AttributesOf, OpName } from './attributes.ts';

/** One tensor in a graph, known by identity; `name` is unique within the graph. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One operation. Optional inputs that are left out are `undefined`, as ONNX's empty names are. */
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
  /** Values that are known: ONNX initializers. */
  readonly constants: ReadonlyMap<Value, NdArray>;
  /** Symbolic dimensions to declare in a file, by the name of the input or output. */
  readonly symbols?: ReadonlyMap<string, readonly (number | string)[]>;
}

/** `name: float32[1, 64, 128, 128]`, as errors and the printer show a value. */
export function describeValue(value: Value | undefined): string {
  return value === undefined ? '(absent)' : `${value.name}: ${value.dtype}[${value.shape.join(', ')}]`;
}
