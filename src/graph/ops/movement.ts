/** Operations that slice, concatenate, gather and scatter elements. */

import { elementCount, int64, type NdArray, ndarray, type Shape } from '../../array/ndarray.ts';
import * as axes from '../analysis/axis-rules.ts';
import type { NoAttributes, OpName } from '../attributes.ts';
import type { Value } from '../ir.ts';
import { type Build, type InferContext, integers, normaliseAxis, type OpRow, onnxRow, unknown } from '../op-row.ts';

/** The attributes of each op. */
export interface Movement {
  Concat: { readonly axis: number };
  Split: { readonly axis?: number; readonly num_outputs?: number };
  Slice: NoAttributes;
  Pad: { readonly mode?: 'constant' };
  Gather: { readonly axis?: number };
  ScatterElements: { readonly axis?: number; readonly reduction?: 'none' | 'add' };
  DepthToSpace: { readonly blocksize: number; readonly mode?: 'DCR' | 'CRD' };
  SpaceToDepth: { readonly blocksize: number };
  Col2Im: {
    readonly dilations?: readonly number[];
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
  };
}

/**
 * Begin, end (exclusive) and step of each axis of a Slice, normalised and clamped.
 * @param input the numbers of an input: starts, ends, axes, steps
 */
function sliceRanges(shape: readonly number[], input: (i: number) => readonly number[] | undefined) {
  const [starts = [], ends = [], axes, steps] = [1, 2, 3, 4].map(input);
  const ranges = shape.map((n) => ({ start: 0, end: n, step: 1 }));
  starts.forEach((start, i) => {
    const axis = normaliseAxis(axes?.[i] ?? i, shape.length, 'Slice');
    const n = shape[axis] as number;
    const step = steps?.[i] ?? 1;
    const from = start < 0 ? start + n : start;
    const end = ends[i] as number;
    const to = end < 0 ? end + n : end;
    ranges[axis] =
      step > 0
        ? { start: Math.min(Math.max(from, 0), n), end: Math.min(Math.max(to, 0), n), step }
        : { start: Math.min(Math.max(from, 0), n - 1), end: Math.min(Math.max(to, -1), n - 1), step };
  });
  return ranges;
}

/** Zeros before and after `x` along its axes, by Concat, since Pad is slow on the CPU. */
function padWithZeros(b: Build, x: Value, before: readonly number[], after: readonly number[]): Value {
  let padded = x;
  for (let axis = 0; axis < x.shape.length; axis++) {
    const zeros = (count: number) =>
      count === 0 ? [] : [b.op('ConstantOfShape', [b.ints(padded.shape.map((n, i) => (i === axis ? count : n)))])];
    const parts = [...zeros(before[axis]), padded, ...zeros(after[axis])];
    if (parts.length > 1) padded = b.op('Concat', parts, { axis });
  }
  return padded;
}
function sizes<K extends OpName>(context: InferContext<K>, i: number): number[] {
  return integers(context.known(i));
}

/** Distance in memory of neighbours along each axis. */
export const stridesOf = (shape: Shape): number[] => shape.map((_, i) => elementCount(shape.slice(i + 1)));

/** Elements of `x` at these places in memory, an int64 tensor of any shape. */
export function elementsAt(b: Build, x: Value, places: Value): Value {
  return b.op('Gather', [b.reshape(x, [elementCount(x.shape)]), places], { axis: 0 });
}

/** Indices that may be negative, counted from the front of axes of this size. */
export function fromFront(b: Build, indices: Value, size: Value): Value {
  const whole = indices.dtype === 'int64' ? indices : b.op('Cast', [indices], { to: 'int64' });
  return b.op('Where', [b.op('Less', [whole, b.scalar(0, 'int64')]), b.add(whole, size), whole]);
}

/** `out[i] = x[indices[i]]` along an axis, for indices of the rank of x: ONNX's GatherElements. */
export function gatherElements(b: Build, x: Value, indices: Value, axis: number): Value {
  const at = normaliseAxis(axis, x.shape.length, 'GatherElements');
  const steps = stridesOf(x.shape);
  const own = stridesOf(indices.shape);
  // The place of the first element along the axis.
  const base = Array.from({ length: elementCount(indices.shape) }, (_, i) =>
    own.reduce((sum, step, k) => {
      const index = Math.floor(i / step) % (indices.shape[k] as number);
      return k === at ? sum : sum + index * (steps[k] as number);
    }, 0),
  );
  const whole = fromFront(b, indices, b.scalar(x.shape[at] as number, 'int64'));
  const along = b.mul(whole, b.scalar(steps[at] as number, 'int64'));
  return elementsAt(b, x, b.add(along, b.constant(ndarray('int64', indices.shape, int64(base).data))));
}

/** Blocks of an image [N, C, ...] as columns [N, C prod(block), L]: what Col2Im adds up. */
function columnsOf(b: Build, image: Value, block: readonly number[], attributes: Movement['Col2Im']): Value {
  const ones = block.map(() => 1);
  const { strides = ones, dilations = ones, pads = [...ones, ...ones].map(() => 0) } = attributes;
  const [begin, end] = [pads.slice(0, block.length), pads.slice(block.length)];
  const padded = padWithZeros(b, image, [0, 0, ...begin], [0, 0, ...end]);
  const [images, channels, ...sides] = padded.shape as readonly [number, number, ...number[]];
  const counts = sides.map((n, i) => Math.floor((n - dilations[i] * (block[i] - 1) - 1) / strides[i]) + 1);
  const taps = stridesOf(block);
  const rows = Array.from({ length: elementCount(block) }, (_, k) => {
    const starts = block.map((n, i) => dilations[i] * (Math.floor(k / taps[i]) % n));
    const ends = starts.map((start, i) => start + (counts[i] - 1) * strides[i] + 1);
    const axes = b.ints(block.map((_, i) => i + 2));
    const row = b.op('Slice', [padded, b.ints(starts), b.ints(ends), axes, b.ints(strides)]);
    return b.reshape(row, [images, channels, 1, elementCount(counts)]);
  });
  return b.reshape(b.op('Concat', rows, { axis: 2 }), [images, channels * rows.length, elementCount(counts)]);
}

export const MOVEMENTS: { readonly [K in keyof Movement]: OpRow<K> } = {
  Concat: onnxRow({
    opset: 13,
    arity: [1, Number.POSITIVE_INFINITY],
    attributes: { axis: 'int' },
    axes: axes.concat,
    traits: { kind: 'join' },
    infer: (context) => {
      const first = context.input(0);
      const axis = normaliseAxis(context.node.attributes.axis, first.shape.length, 'Concat');
      let total = 0;
      context.node.inputs.forEach((_, i) => {
        const { shape, dtype } = context.input(i);
        const fits = shape.length === first.shape.length && shape.every((n, k) => k === axis || n === first.shape[k]);
        if (!fits || dtype !== first.dtype) context.fail(`the inputs differ in more than axis ${axis}.`);
        total += shape[axis];
      });
      return [{ dtype: first.dtype, shape: first.shape.map((n, k) => (k === axis ? total : n)) }];
    },
    gradient: (b, node, d) => {
      const axis = normaliseAxis(node.attributes.axis, d.shape.length, 'Concat');
      let start = 0;
      return (node.inputs as readonly Value[]).map(({ shape }) => {
        const end = start + shape[axis];
        const part = b.slice(d, [start], [end], [axis]);
        start = end;
        return part;
      });
    },
  }),
  Split: onnxRow({
    opset: 18,
    arity: [1, 2],
    attributes: { axis: 'int', num_outputs: 'int' },
    axes: axes.split,
    traits: { kind: 'movement', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const axis = normaliseAxis(context.node.attributes.axis ?? 0, shape.length, 'Split');
      const n = shape[axis];
      const part = Math.ceil(n / context.outputs);
      const parts =
        context.node.inputs[1] === undefined
          ? Array.from({ length: context.outputs }, (_, i) => Math.min(part, n - i * part))
          : sizes(context, 1);
      return parts.map((size) => ({ dtype, shape: shape.map((m, k) => (k === axis ? size : m)) }));
    },
    gradient: (b, node, d, dOutputs) => {
      const { shape } = node.inputs[0] as Value;
      const axis = normaliseAxis(node.attributes.axis ?? 0, shape.length, 'Split');
      const rest = node.outputs
        .slice(1)
        .map((out, i) => dOutputs[i + 1] ?? b.op('ConstantOfShape', [b.ints(out.shape)]));
      return [b.op('Concat', [d, ...rest], { axis })];
    },
  }),
  // Inputs: data, starts, ends, axes, steps. The gradient of what was sliced off is zero.
  Slice: onnxRow({
    opset: 13,
    arity: [3, 5],
    attributes: {},
    axes: axes.slice,
    traits: { kind: 'movement', known: [1, 2, 3, 4] },
    infer: (context) => {
      const ranges = sliceRanges(context.input(0).shape, (i) =>
        i > 2 && context.node.inputs[i] === undefined ? undefined : integers(context.known(i)),
      );
      const shape = ranges.map(({ start, end, step }) => Math.max(0, Math.ceil((end - start) / step)));
      return [{ dtype: context.input(0).dtype, shape }];
    },
    gradient: (b, node, d) => {
      const x = node.inputs[0] as Value;
      const ranges = sliceRanges(x.shape, (i) => {
        const known = b.constantOf(node.inputs[i]);
        return known && integers(known);
      });
      if (ranges.every(({ step }) => step === 1)) {
        return [
          padWithZeros(
            b,
            d,
            ranges.map(({ start }) => start),
            ranges.map(({ end }, i) => x.shape[i] - end),
          ),
        ];
      }
      // With steps: scatter each sliced axis back by an index list.
      let dx = d;
      ranges.forEach(({ start, end, step }, axis) => {
        if (step === 1 && start === 0 && end === x.shape[axis]) return;
        const zeros = b.op('ConstantOfShape', [b.ints(dx.shape.map((n, i) => (i === axis ? x.shape[axis] : n)))]);
        const list = b.ints(Array.from({ length: dx.shape[axis] }, (_, i) => start + i * step));
        const column = b.reshape(
          list,
          dx.shape.map((n, i) => (i === axis ? n : 1)),
        );
        dx = b.op('ScatterElements', [zeros, b.op('Expand', [column, b.ints(dx.shape)]), dx], {
          axis,
          reduction: 'none',
        });
      });
      return [dx];
    },
  }),
  // Inputs: data, pads (begin of each axis, then end of each), value
  Pad: onnxRow({
    opset: 13,
    arity: [2, 3],
    attributes: { mode: 'string' },
    axes: axes.pad,
    traits: { kind: 'movement', known: [1] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      if ((context.node.attributes.mode ?? 'constant') !== 'constant')
        context.fail('only constant padding is supported.');
      const pads = sizes(context, 1);
      return [{ dtype, shape: shape.map((n, i) => n + pads[i] + pads[i + shape.length]) }];
    },
    gradient: (b, node, d) => {
      const { shape } = node.inputs[0] as Value;
      const known = b.constantOf(node.inputs[1]);
      const pads = known === undefined ? [] : integers(known);
      const axes = shape.map((_, i) => i);
      // Added padding is cropped; where padding was negative, zeros replace what was cropped.
      const added = (i: number) => Math.max(0, pads[i]);
      const removed = (i: number) => Math.max(0, -pads[i]);
      const inner = b.slice(
        d,
        axes.map(added),
        axes.map((i) => d.shape[i] - added(i + shape.length)),
        axes,
      );
      return [
        padWithZeros(
          b,
          inner,
          axes.map(removed),
          axes.map((i) => removed(i + shape.length)),
        ),
      ];
    },
  }),
  Gather: onnxRow({
    opset: 13,
    arity: [2, 2],
    attributes: { axis: 'int' },
    axes: axes.gather,
    traits: { kind: 'movement' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const axis = normaliseAxis(context.node.attributes.axis ?? 0, shape.length, 'Gather');
      return [{ dtype, shape: [...shape.slice(0, axis), ...context.input(1).shape, ...shape.slice(axis + 1)] }];
    },
    // dx is zero except where x was read; elements read several times receive the sum
    gradient: (b, node, d) => {
      const [x, indices] = node.inputs as readonly [Value, Value];
      const axis = normaliseAxis(node.attributes.axis ?? 0, x.shape.length, 'Gather');
      const count = elementCount(indices.shape);
      const shape = [...x.shape.slice(0, axis), count, ...x.shape.slice(axis + 1)];
      const column = b.reshape(
        indices,
        shape.map((n, i) => (i === axis ? n : 1)),
      );
      const zeros = b.op('ConstantOfShape', [b.ints(x.shape)]);
      return [
        b.op('ScatterElements', [zeros, b.op('Expand', [column, b.ints(shape)]), b.reshape(d, shape)], {
          axis,
          reduction: 'add',
        }),
      ];
    },
  }),
  ScatterElements: onnxRow({
    opset: 18,
    arity: [3, 3],
    attributes: { axis: 'int', reduction: 'string' },
    axes: unknown('places are data'),
    traits: { kind: 'movement' },
    infer: (context) => {
      if (context.input(1).shape.join() !== context.input(2).shape.join())
        context.fail('indices and updates differ in shape.');
      const { reduction = 'none' } = context.node.attributes;
      if (reduction !== 'none' && reduction !== 'add') context.fail(`the reduction '${reduction}' is not supported.`);
      return [{ dtype: context.input(0).dtype, shape: context.input(0).shape }];
    },
    // Updates receive the gradient of their places; so does the data, but where it has been replaced
    gradient: (b, node, d) => {
      const [, indices] = node.inputs as readonly [Value, Value];
      const { axis = 0, reduction = 'none' } = node.attributes;
      const zeros = b.op('ConstantOfShape', [b.ints(indices.shape)]);
      const kept = reduction === 'add' ? d : b.op('ScatterElements', [d, indices, zeros], { axis, reduction });
      return [kept, undefined, gatherElements(b, d, indices, axis)];
    },
  }),
  // DCR: channel = (dy * block + dx) * C' + c;  CRD: channel = (c * block + dy) * block + dx
  DepthToSpace: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { blocksize: 'int', mode: 'string' },
    axes: axes.blocks,
    traits: { kind: 'movement' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const { blocksize: s } = context.node.attributes;
      const [n, c, h, w] = shape;
      return [{ dtype, shape: [n, c / (s * s), h * s, w * s] }];
    },
    gradient: (b, node, d) => {
      const { blocksize: s, mode = 'DCR' } = node.attributes;
      const [n, c, h, w] = (node.inputs[0] as Value).shape;
      const split = b.reshape(d, [n, c / (s * s), h, s, w, s]);
      return [b.reshape(b.transpose(split, mode === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]), [n, c, h, w])];
    },
  }),
  SpaceToDepth: onnxRow({
    opset: 13,
    arity: [1, 1],
    attributes: { blocksize: 'int' },
    axes: axes.blocks,
    traits: { kind: 'movement' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const { blocksize: s } = context.node.attributes;
      const [n, c, h, w] = shape;
      return [{ dtype, shape: [n, c * s * s, h / s, w / s] }];
    },
    gradient: (b, node, d) => [b.op('DepthToSpace', [d], { blocksize: node.attributes.blocksize, mode: 'DCR' })],
  }),
  // Inputs: columns [N, C prod(block), L], image shape, block shape; overlapping blocks are summed
  Col2Im: onnxRow({
    opset: 18,
    arity: [3, 3],
    attributes: { dilations: 'ints', pads: 'ints', strides: 'ints' },
    axes: unknown('columns have no position in the image'),
    traits: { kind: 'movement', known: [1, 2] },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const block = elementCount(sizes(context, 2));
      return [{ dtype, shape: [shape[0], shape[1] / block, ...sizes(context, 1)] }];
    },
    // Each block of the image's gradient
    gradient: (b, node, d) => [
      columnsOf(b, d, integers(b.constantOf(node.inputs[2]) as NdArray), node.attributes),
      undefined,
      undefined,
    ],
  }),
};
