/** A node being converted from a file to the graph: ONNX's name and attributes, our values. */

import { int64, type NdArray, ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { type AttributeProto, AttributeType as Type } from './messages.ts';
import { type ExternalData, tensorFromProto } from './tensor.ts';
import { decodeText } from './wire.ts';

export type RawAttribute = number | string | readonly number[] | readonly string[] | NdArray;

export interface RawNode {
  /** `Conv`, or `lamella.MaxPoolGrad`, `nchwc.Conv`; other domains as `domain.Type`. */
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly string[];
  readonly attributes: { readonly [name: string]: RawAttribute };
}

/** What the translation of a node may use. */
export interface Reading {
  readonly b: GraphBuilder;
  /** Opset version of ONNX's own domain in the file. */
  readonly opset: number;
  /** Content of a value that follows from constants and the sizes of the inputs. */
  known(value: Value | undefined): NdArray | undefined;
  /** Records that the result is valid only for the sizes that the inputs were bound to. */
  fixSizes(): void;
  fail(problem: string): never;
}

/** The node's result, or several, or undefined if the row supports the node unchanged. */
export type Translate = (
  node: RawNode,
  reading: Reading,
  inputs: readonly Value[],
) => Value | readonly Value[] | undefined;

/** A constant of the type of `x`. */
export function scalarLike(b: GraphBuilder, x: Value, n: number): Value {
  return b.scalar(n, x.dtype);
}

/** The shortest decimal number that rounds to the same float32: 0.01, not 0.009999999776482582. */
export function shortestFloat(f: number): number {
  if (!Number.isFinite(f)) return f;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(f.toPrecision(digits));
    if (Math.fround(short) === f) return short;
  }
  return f;
}

/** The attribute's content, or undefined for a kind that none of our ops has (subgraphs, types). */
export function rawAttribute(
  proto: AttributeProto,
  file: string | undefined,
  external: ExternalData | undefined,
): RawAttribute | undefined {
  switch (proto.type) {
    case Type.FLOAT:
      return shortestFloat(proto.f);
    case Type.INT:
      return Number(proto.i);
    case Type.STRING:
      return decodeText(proto.s);
    case Type.FLOATS:
      return proto.floats.map(shortestFloat);
    case Type.INTS:
      return proto.ints.map(Number);
    case Type.STRINGS:
      return proto.strings.map(decodeText);
    case Type.TENSOR:
      return proto.t === undefined ? undefined : tensorFromProto(proto.t, file, external);
    default:
      return undefined;
  }
}

export function attributeNumber(attribute: RawAttribute | undefined): number | undefined {
  return typeof attribute === 'number' ? attribute : undefined;
}

export function textOf(attribute: RawAttribute | undefined): string | undefined {
  return typeof attribute === 'string' ? attribute : undefined;
}

export function numbersOf(attribute: RawAttribute | undefined): readonly number[] | undefined {
  return Array.isArray(attribute) && attribute.every((n) => typeof n === 'number') ? attribute : undefined;
}

/** The content of a Constant node. */
export function constantContent(node: RawNode): NdArray | undefined {
  const { value, value_float, value_floats, value_int, value_ints } = node.attributes;
  if (typeof value === 'object' && 'dtype' in value) return value;
  const float = attributeNumber(value_float);
  if (float !== undefined) return ndarray('float32', [], Float32Array.of(float));
  const int = attributeNumber(value_int);
  if (int !== undefined) return ndarray('int64', [], BigInt64Array.of(BigInt(int)));
  const floats = numbersOf(value_floats);
  if (floats !== undefined) return ndarray('float32', [floats.length], Float32Array.from(floats));
  const ints = numbersOf(value_ints);
  return ints === undefined ? undefined : int64(ints);
}
