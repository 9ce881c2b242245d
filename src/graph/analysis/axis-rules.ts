/** How each operation transforms the dependence of its elements on the input's pixels. */
import { elementCount, type Shape } from '../../array/ndarray.ts';
import type { Node, Value } from '../ir.ts';
import { broadcastShapes, integers, normaliseAxis } from '../op-row.ts';
import {
  type AxisContext,
  type AxisMaps,
  type AxisRule,
  type AxisTrace,
  type Sampling,
  sample,
  strided,
  union,
  windows,
} from './axis-map.ts';

function dataOf(node: Node): Value {
  return node.inputs[0] as Value;
}

function out(node: Node): Value {
  return node.outputs[0];
}

/** The numbers of input `i`; undefined if it is missing or computed. */
function listed(node: Node, { graph }: AxisContext, i: number): readonly number[] | undefined {
  const array = node.inputs[i] && graph.constants.get(node.inputs[i]);
  return array && integers(array);
}

/** No axis follows the input any more. */
export function lost(node: Node, context: AxisContext): AxisMaps {
  if (node.inputs.some((value) => context.maps(value)?.some((map) => map !== undefined))) context.global();
  return out(node).shape.map(() => undefined);
}

/** One input's elements repeated to the size of the output. */
export function expand(node: Node, context: AxisContext): AxisMaps {
  return elementwise({ ...node, inputs: node.inputs.slice(0, 1) }, context);
}

/** Elements are combined with those at the same position. */
export function elementwise(node: Node, context: AxisContext): AxisMaps {
  const { shape } = out(node);
  return shape.map((size, i) => {
    let combined: AxisTrace | undefined;
    let fixed = false;
    for (const value of node.inputs) {
      const k = i - shape.length + (value?.shape.length ?? 0);
      if (value === undefined || k < 0 || (value.shape[k] === 1 && size !== 1)) continue;
      const map = context.maps(value)?.[k];
      if (map === undefined) fixed ||= size !== 1 && !context.uniform(value);
      else if (combined === undefined) combined = map;
      else {
        const both = union(combined, map);
        if (both === undefined) context.global();
        else combined = both;
      }
    }
    // A constant of the image's size does not move with the image.
    if (combined !== undefined && fixed) context.global();
    return combined;
  });
}

export function firstInput(node: Node, context: AxisContext): AxisMaps {
  return context.maps(dataOf(node)) ?? out(node).shape.map(() => undefined);
}

type SamplingOf = (axis: number) => Sampling | undefined;

/** Every spatial axis is sampled independently; channels are mixed, so they must not follow the input. */
export function sampled(node: Node, context: AxisContext, sampling: SamplingOf): AxisMaps {
  return firstInput(node, context)[1] === undefined ? sampledEach(node, context, sampling) : lost(node, context);
}

/** Every axis is sampled independently, channels too. */
function sampledEach(node: Node, context: AxisContext, sampling: SamplingOf): AxisMaps {
  const maps = firstInput(node, context);
  if (node.inputs.slice(1).some((value) => context.maps(value))) return lost(node, context);
  const [from, to] = [dataOf(node).shape, out(node).shape];
  return maps.map((map, i) => {
    if (map === undefined) return undefined;
    const how = sampling(i);
    if (how === undefined) {
      context.global();
      return undefined;
    }
    return sample(map, how, from[i], to[i]);
  });
}

type Pooling = 'MaxPool' | 'AveragePool';

export const pool: AxisRule<Pooling> = (node, context) => {
  const { kernel_shape: kernel, pads, strides, dilations } = node.attributes;
  return sampledEach(node, context, (axis) => {
    const i = axis - 2;
    return i < 0 ? strided(0, 1) : windows(kernel[i], strides?.[i] ?? 1, dilations?.[i] ?? 1, pads?.[i] ?? 0);
  });
};

/** The op depends on the whole extent of `axes`. */
function overAxes(node: Node, context: AxisContext, axes: readonly number[]): void {
  const maps = context.maps(dataOf(node));
  if (axes.some((axis) => maps?.[axis] !== undefined && dataOf(node).shape[axis] !== 1)) context.global();
}

type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ArgMax';

export const reduction: AxisRule<Reduction> = (node, context) => {
  const { shape } = dataOf(node);
  const { axis, keepdims = 1, noop_with_empty_axes: noop } = node.attributes as Readonly<Record<string, number>>;
  const given = node.op === 'ArgMax' ? [axis ?? 0] : (listed(node, context, 1) ?? []);
  const axes =
    given.length === 0
      ? noop
        ? []
        : shape.map((_, i) => i)
      : given.map((k) => normaliseAxis(k, shape.length, node.op));
  overAxes(node, context, axes);
  const maps = firstInput(node, context);
  const kept = maps.map((map, i) => (axes.includes(i) ? undefined : map));
  return keepdims ? kept : kept.filter((_, i) => !axes.includes(i));
};

export const softmax: AxisRule<'Softmax' | 'LogSoftmax'> = (node, context) => {
  overAxes(node, context, [normaliseAxis(node.attributes.axis ?? -1, dataOf(node).shape.length, node.op)]);
  return firstInput(node, context);
};

/** An axis survives if the number of elements before it is unchanged. */
export function reshaped(node: Node, context: AxisContext): AxisMaps {
  const maps = firstInput(node, context);
  const [from, to] = [dataOf(node).shape, out(node).shape];
  const result: (AxisTrace | undefined)[] = to.map(() => undefined);
  maps.forEach((map, i) => {
    if (map === undefined) return;
    const lead = elementCount(from.slice(0, i));
    const j = to.findIndex((n, k) => n === from[i] && elementCount(to.slice(0, k)) === lead);
    if (j >= 0) result[j] = map;
    else context.global();
  });
  return result;
}

function rational(scale: number): readonly [number, number] | undefined {
  for (let denominator = 1; denominator <= 64; denominator++) {
    const numerator = Math.round(scale * denominator);
    if (numerator > 0 && Math.abs(scale - numerator / denominator) < 1e-6 * scale) return [numerator, denominator];
  }
  return undefined;
}

export const resize: AxisRule<'Resize'> = (node, context) => {
  const { mode = 'nearest', coordinate_transformation_mode: transform = 'half_pixel', nearest_mode } = node.attributes;
  const [from, to] = [dataOf(node).shape, out(node).shape];
  const scales = node.inputs[2] && context.graph.constants.get(node.inputs[2])?.data;
  return sampledEach(node, context, (axis) => {
    const [inputs, outputs] = [from[axis], to[axis]];
    const ratio = rational(scales?.length ? Number(scales[axis]) : outputs / inputs);
    if (ratio !== undefined && ratio[0] === ratio[1]) return strided(0, 1);
    // With aligned corners the distance between samples depends on the size.
    if (ratio === undefined || transform === 'align_corners') return undefined;
    const [step, advance] = ratio;
    const position = (o: number) =>
      transform === 'asymmetric' ? (o * advance) / step : ((o + 0.5) * advance) / step - 0.5;
    // Tolerance for rounding of integer positions
    const tiny = 1e-9;
    const near = (o: number) =>
      nearest_mode === 'floor' ? Math.floor(position(o) + tiny) : Math.ceil(position(o) - 0.5 - tiny);
    const low = (o: number) => (mode === 'nearest' ? near(o) : Math.floor(position(o) + tiny));
    const high = (o: number) => (mode === 'nearest' ? near(o) : Math.ceil(position(o) - tiny));
    return {
      step,
      advance,
      first: low,
      last: high,
      taps: (o) => (low(o) === high(o) ? [low(o)] : [low(o), high(o)]),
    };
  });
};

export const slice: AxisRule<'Slice'> = (node, context) => {
  const { shape } = dataOf(node);
  const [starts = [], axes, steps] = [1, 3, 4].map((i) => listed(node, context, i));
  return sampledEach(node, context, (axis) => {
    const k = starts.findIndex((_, i) => normaliseAxis(axes?.[i] ?? i, shape.length, 'Slice') === axis);
    if (k < 0) return strided(0, 1);
    const [start, step] = [starts[k], steps?.[k] ?? 1];
    const n = shape[axis];
    return step > 0 ? strided(Math.min(n, Math.max(0, start < 0 ? start + n : start)), step) : undefined;
  });
};

export const pad: AxisRule<'Pad'> = (node, context) => {
  const pads = listed(node, context, 1) ?? [];
  return sampledEach(node, context, (axis) => strided(-(pads[axis] ?? 0), 1));
};

/** Concatenating zeros or the image's own border is padding; other concatenations along such an axis are not traced. */
export const concat: AxisRule<'Concat'> = (node, context) => {
  const { shape } = out(node);
  const axis = normaliseAxis(node.attributes.axis, shape.length, 'Concat');
  const parts = node.inputs as readonly Value[];
  const following = parts.filter((value) => context.maps(value)?.[axis] !== undefined);
  if (following.length > 1) return lost(node, context);
  const original = new Map(parts.map((value) => [widened(value, shape, axis), value]));
  const maps = elementwise(
    { ...node, inputs: [...original.keys()] },
    {
      ...context,
      maps: (value) => context.maps(value && original.get(value))?.map((map, i) => (i === axis ? undefined : map)),
      uniform: (value) => context.uniform(original.get(value) as Value),
    },
  );
  const [only] = following;
  if (only === undefined) return maps;
  const before = parts.slice(0, parts.indexOf(only)).reduce((sum, { shape: part }) => sum + part[axis], 0);
  const map = context.maps(only)?.[axis] as AxisTrace;
  const padded = sample(map, strided(-before, 1), only.shape[axis], shape[axis]);
  return maps.map((other, i) => (i === axis ? padded : other));
};

/** The value as if it had the result's length along `axis`. */
function widened(value: Value, shape: Shape, axis: number): Value {
  return { ...value, shape: value.shape.map((n, i) => (i === axis ? shape[axis] : n)) };
}

/** A list of indices 0..n-1 surrounded by others is padding with the image's own pixels. */
export const gather: AxisRule<'Gather'> = (node, context) => {
  const { shape } = dataOf(node);
  const axis = normaliseAxis(node.attributes.axis ?? 0, shape.length, 'Gather');
  const maps = firstInput(node, context);
  const indices = node.inputs[1] as Value;
  const array = context.graph.constants.get(indices);
  const outer = (map: AxisTrace | undefined) => [
    ...maps.slice(0, axis),
    ...indices.shape.map(() => map),
    ...maps.slice(axis + 1),
  ];
  const map = maps[axis];
  if (map === undefined) return outer(undefined);
  const list = array === undefined || indices.shape.length !== 1 ? [] : integers(array);
  const size = shape[axis];
  const before = list.findIndex((_, k) => list.slice(k, k + size).every((n, i) => n === i) && k + size <= list.length);
  if (before < 0) {
    context.global();
    return outer(undefined);
  }
  return outer(sample(map, strided(-before, 1), size, list.length));
};

export const transpose: AxisRule<'Transpose'> = (node, context) => {
  const maps = firstInput(node, context);
  const perm = node.attributes.perm ?? maps.map((_, i) => maps.length - 1 - i);
  return perm.map((p) => maps[p]);
};

/** Rows keep their position; the summed axis is read as a whole. */
export const matMul: AxisRule<'MatMul'> = (node, context) => {
  const [x, y] = node.inputs as readonly [Value, Value];
  const [p, q] = [context.maps(x), context.maps(y)];
  if (p?.at(-1) !== undefined || q?.at(-2) !== undefined) context.global();
  const { shape } = out(node);
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2)) ?? [];
  const leading = batch.map((_, i) => {
    const a = p?.[i - batch.length + x.shape.length - 2];
    const b = q?.[i - batch.length + y.shape.length - 2];
    return a !== undefined && b !== undefined ? union(a, b) : (a ?? b);
  });
  return [...leading, p?.at(-2), q?.at(-1)].slice(-shape.length);
};

export function blocks(node: Node<'DepthToSpace'> | Node<'SpaceToDepth'>, context: AxisContext): AxisMaps {
  const { blocksize: s } = node.attributes;
  return sampled(node, context, (axis) => {
    if (axis < 2) return strided(0, 1);
    if (node.op === 'SpaceToDepth') return windows(s, s, 1, 0);
    const at = (o: number) => Math.floor(o / s);
    return { step: s, advance: 1, taps: (o) => [at(o)], first: at, last: at };
  });
}

export const channelsOnly: AxisRule<'LRN'> = (node, context) => {
  overAxes(node, context, [1]);
  return firstInput(node, context);
};

export const wholeImage: AxisRule<'BatchNormalization' | 'InstanceNormalization' | 'GlobalAveragePool'> = (
  node,
  context,
) => {
  overAxes(
    node,
    context,
    dataOf(node)
      .shape.map((_, i) => i)
      .slice(2),
  );
  const maps = firstInput(node, context);
  return node.op === 'GlobalAveragePool' ? maps.map((map, i) => (i < 2 ? map : undefined)) : maps;
};

export const split: AxisRule<'Split'> = (node, context) => {
  const axis = normaliseAxis(node.attributes.axis ?? 0, dataOf(node).shape.length, 'Split');
  overAxes(node, context, [axis]);
  return firstInput(node, context).map((map, i) => (i === axis ? undefined : map));
};
