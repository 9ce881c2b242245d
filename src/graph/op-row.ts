/** The definition of a row of the operator table, and small helpers shared by rows. */
import type { DType, NdArray, Shape } from '../array/ndarray.ts';
import { GraphError } from '../errors.ts';
import type { AxisRule } from './analysis/axis-map.ts';
import type { AttributeKind, AttributesOf, OpName } from './attributes.ts';
import type { Node, Value } from './ir.ts';

/** The dtype and shape of an output. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The building operations that gradient rules and decompositions use; `GraphBuilder` implements it. */
export interface Build {
  /** Appends a node with one output and returns that output. */
  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: AttributesOf[K]): Value;
  /** Appends a node with several outputs. */
  ops<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: AttributesOf[K],
    outputs: number,
  ): readonly Value[];
  constant(array: NdArray, name?: string): Value;
  /** Runs `body` with the prefix `scope/` on the names of everything it adds. */
  scoped<T>(scope: string, body: () => T): T;
  /** A constant scalar, shape []. */
  scalar(value: number, dtype?: DType): Value;
  /** A constant int64 vector. */
  ints(values: readonly number[]): Value;
  /** The known content of a value, if it is a constant. */
  constantOf(value: Value | undefined): NdArray | undefined;

  add(a: Value, b: Value): Value;
  sub(a: Value, b: Value): Value;
  mul(a: Value, b: Value): Value;
  div(a: Value, b: Value): Value;
  neg(x: Value): Value;
  reshape(x: Value, shape: Shape): Value;
  transpose(x: Value, perm: readonly number[]): Value;
  /** ReduceSum over the axes; without axes the value itself. */
  sum(x: Value, axes: readonly number[], options?: { keepdims?: boolean }): Value;
  slice(x: Value, starts: readonly number[], ends: readonly number[], axes: readonly number[]): Value;
}

export interface InferContext<K extends OpName> {
  readonly node: Pick<Node<K>, 'op' | 'name' | 'inputs' | 'attributes'>;
  /** The i-th input, which must be present. */
  input(i: number): Value;
  /** Known content of the i-th input, which must be a constant. */
  known(i: number): NdArray;
  /** Number of outputs requested. */
  readonly outputs: number;
  fail(problem: string): never;
}

/**
 * Gradient of each input, `undefined` if there is none, given the gradient `d` of the first output and those of all
 * outputs. `d` is zero if the loss depends on another output only.
 */
export type GradientRule<K extends OpName> = (
  b: Build,
  node: Node<K>,
  d: Value,
  dOutputs: readonly (Value | undefined)[],
) => readonly (Value | undefined)[];

/** The shape rule of an op that keeps dtype and shape of its first input. */
export function inferSame<K extends OpName>(context: InferContext<K>): readonly TensorType[] {
  const { dtype, shape } = context.input(0);
  return [{ dtype, shape }];
}

/** An op through which no gradient flows, and why. */
export interface NoGradient {
  readonly why: string;
}

/** A property that has not been worked out, and why: its users must make the safe choice. */
export interface Unknown {
  readonly unknown: string;
}

export function unknown(why: string): Unknown {
  return { unknown: why };
}

/** The kind of an op for display: how it is drawn, listed and explained. `lowered` ops occur in no network. */
export type OpKind =
  | 'activation'
  | 'arithmetic'
  | 'convolution'
  | 'dense'
  | 'dropout'
  | 'elementwise'
  | 'gradient'
  | 'identity'
  | 'join'
  | 'lowered'
  | 'movement'
  | 'normalisation'
  | 'pooling'
  | 'reduction'
  | 'shape'
  | 'softmax'
  | 'upconvolution'
  | 'upsampling';

export interface OpTraits {
  readonly kind: OpKind;
  /** MACs, from the first two inputs and the output. */
  readonly macs: 0 | ((x: Value, w: Value, y: Value) => number) | Unknown;
  /** Positions of trainable inputs; `through`: a trained value may pass through the first input before its use. */
  readonly trainable: readonly number[] | 'through';
  /** Positions of inputs that must be known when the graph is built. */
  readonly known: readonly number[];
}

export interface OpRow<K extends OpName> {
  /** '' is ONNX's own domain. */
  readonly domain: '' | 'lamella' | 'com.microsoft' | 'com.microsoft.nchwc';
  /** First opset version whose form of the op we write and read. */
  readonly opset: number;
  /** Minimum and maximum number of inputs. */
  readonly arity: readonly [number, number];
  readonly attributes: { readonly [A in keyof Required<AttributesOf[K]>]: AttributeKind };
  /** How its elements depend on those of its inputs; `sizes`: only on shapes, not on elements. */
  readonly axes: AxisRule<K> | 'sizes' | Unknown;
  readonly traits: OpTraits;
  /** Shape and dtype of every output. */
  readonly infer: (context: InferContext<K>) => readonly TensorType[];
  readonly gradient: GradientRule<K> | NoGradient;
  /**
   * For our own ops: the equivalent in standard ONNX, which defines the op. For standard ops with variants that a device
   * may lack: the same by other ops, or undefined for the variants that all have.
   */
  readonly decompose?: (b: Build, node: Node<K>) => readonly Value[] | undefined;
}

/** A row of ONNX's own domain; its traits leave out what is 0 or empty. */
export function onnxRow<K extends OpName>({
  traits,
  ...row
}: Omit<OpRow<NoInfer<K>>, 'domain' | 'traits'> & {
  readonly traits: Pick<OpTraits, 'kind'> & Partial<OpTraits>;
}): OpRow<K> {
  return { domain: '', ...row, traits: { macs: 0, trainable: [], known: [], ...traits } };
}

/** The row of an op of our own for the backward pass. */
export function backwardRow<K extends OpName>({
  macs = 0,
  ...row
}: Omit<OpRow<NoInfer<K>>, 'domain' | 'opset' | 'axes' | 'traits'> & Partial<Pick<OpTraits, 'macs'>>): OpRow<K> {
  const traits = { kind: 'gradient', macs, trainable: [], known: [] } as const;
  return { domain: 'lamella', opset: 1, ...row, axes: unknown('it belongs to the backward pass'), traits };
}

/** The row of an integer, boolean or piecewise-constant op. */
export function noGradient(why: string): NoGradient {
  return { why };
}

/** The shape of two shapes combined by NumPy's broadcasting, or undefined if they are incompatible. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) return undefined;
    shape.push(p === 1 ? q : p);
  }
  return shape;
}

/** Sums `x` over the axes along which `shape` was broadcast to x's shape: the adjoint of broadcasting. */
export function sumTo(b: Build, x: Value, shape: Shape): Value {
  const extra = x.shape.length - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < x.shape.length; i++) {
    if (i < extra || (shape[i - extra] === 1 && x.shape[i] !== 1)) axes.push(i);
  }
  if (axes.length === 0) return x;
  const summed = b.sum(x, axes, { keepdims: true });
  return extra === 0 ? summed : b.reshape(summed, shape);
}

/** `axis` counted from the front. @throws GraphError if it is out of range. */
export function normaliseAxis(axis: number, rank: number, what: string): number {
  if (axis < -rank || axis >= rank) throw new GraphError(`${what}: axis ${axis} is outside a tensor of rank ${rank}.`);
  return axis < 0 ? axis + rank : axis;
}

/** Axes of a tensor from `first` on; from 2 on those of space in [N, C, ...]. */
export function axesFrom({ shape }: Pick<Value, 'shape'>, first: number): number[] {
  return shape.map((_, i) => i).slice(first);
}

/** The integers in a constant. */
export function integers(array: NdArray): number[] {
  return Array.from(array.data as ArrayLike<number | bigint>, Number);
}
