/** A tensor of a patch classifier for all patches at once, and how maps are cropped to match each other. */
import { ndarray, type Shape } from '../array/ndarray.ts';
import { ModelError } from '../errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';

/** Along y and x. */
export type AxisPair = readonly [number, number];

/**
 * The tensors of one value of the patch classifier for every position p of its window, stored in one map:
 *
 *     T_p[c, i, j] = map[c, p_y + dilation_y i, p_x + dilation_x j]
 */
export interface Field {
  /** [N, channels, rows, columns] in the dense graph. */
  readonly map: Value;
  readonly channels: number;
  /** Height and width of T_p. */
  readonly extent: AxisPair;
  /** Whether T_p has been flattened to a vector [channels x height x width]. */
  readonly flat: boolean;
  /** Meaningless if T_p is a single pixel. */
  readonly dilation: AxisPair;
  /** Rows and columns at the end of the map that no patch reads. */
  readonly spare: AxisPair;
}

/** What a rule needs to build the dense graph. */
export interface DenseContext {
  readonly b: GraphBuilder;
  /** The patch classifier. */
  readonly graph: Graph;
  /** The field of an input, or undefined if it does not depend on the image. */
  field(value: Value | undefined): Field | undefined;
  /** A value that does not depend on the image, in the dense graph. */
  fixed(value: Value | undefined): Value | undefined;
  /** Patches per run of the patch classifier. */
  readonly batch: number;
}

export function refuse({ op, name }: Pick<Node, 'op' | 'name'>, why: string): never {
  throw new ModelError(`This network cannot be evaluated at every pixel at once: ${op} '${name}' ${why}.`, {
    remedy: 'Evaluate it patch by patch.',
  });
}

export function pair(of: (axis: 0 | 1) => number): AxisPair {
  return [of(0), of(1)];
}

export function isPixel({ extent }: Pick<Field, 'extent'>): boolean {
  return extent[0] === 1 && extent[1] === 1;
}

/** The map without `begin` rows and columns at the start and `end` at the end. */
export function cropped(b: GraphBuilder, map: Value, begin: AxisPair, end: AxisPair): Value {
  const axes = [0, 1].filter((i) => begin[i as 0 | 1] > 0 || end[i as 0 | 1] > 0) as (0 | 1)[];
  if (axes.length === 0) return map;
  // Ends are counted from the end, so that the same graph serves every size.
  const open = Number.MAX_SAFE_INTEGER;
  return b.slice(
    map,
    axes.map((i) => begin[i]),
    axes.map((i) => (end[i] > 0 ? -end[i] : open)),
    axes.map((i) => i + 2),
  );
}

/** The same field with at most `spare` unused rows and columns. */
export function trimmed(b: GraphBuilder, field: Field, spare: AxisPair = [0, 0]): Field {
  const end = pair((i) => Math.max(0, field.spare[i] - spare[i]));
  return { ...field, map: cropped(b, field.map, [0, 0], end), spare: pair((i) => field.spare[i] - end[i]) };
}

/** A fixed value in another shape; a constant stays a constant. */
export function reshaped(b: GraphBuilder, value: Value, shape: Shape): Value {
  if (value.shape.join() === shape.join()) return value;
  const known = b.constantOf(value);
  return known === undefined
    ? b.reshape(value, shape)
    : b.constant(ndarray(known.dtype, shape, known.data as Float32Array));
}
