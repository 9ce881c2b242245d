/** ONNX operations that the table lacks, or variants that its rows lack, expressed by operations that it has. */
import { elementCount, type NdArray, type Shape } from '../../array/ndarray.ts';
import type { Value } from '../ir.ts';
import { axesFrom, integers, normaliseAxis } from '../op-row.ts';
import { gatherElements } from '../ops/movement.ts';
import { pack } from '../pack.ts';
import { ACTIVATIONS } from './activations.ts';
import { attention } from './attention.ts';
import { einsum } from './einsum.ts';
import { gridSample } from './grid-sample.ts';
import { gatherNd, maxUnpool, replaceKnown, scatterNd, topK } from './indexing.ts';
import { NORMALISATIONS } from './normalisations.ts';
import {
  attributeNumber,
  numbersOf,
  type RawAttribute,
  type RawNode,
  type Reading,
  scalarLike,
  type Translate,
  textOf,
} from './raw-node.ts';
import { resample } from './resample.ts';
import { isPlainResize } from './upgrade.ts';

/** Elements that a CumSum may go over: its matrix has their square. */
const MOST_SUMMED = 4096;
/** Values that a TopK may take: each is a node of its own. */
const MOST_LARGEST = 32;

function chain(op: 'Add' | 'Max' | 'Min'): Translate {
  return (node, { b }, inputs) => {
    if (op !== 'Add' && inputs.length === 2) return undefined;
    const [first, ...rest] = inputs as [Value, ...Value[]];
    return rest.reduce(
      (sofar, value) => b.op(op, [sofar, value]),
      node.type === op ? first : b.op('Identity', [first]),
    );
  };
}

/** Before opset 13 the axes from `axis` on were flattened: softmax ran over all of them. */
function softmax(op: 'Softmax' | 'LogSoftmax'): Translate {
  return (node, { b, opset }, [x]) => {
    if (x === undefined || opset >= 13) return undefined;
    const given = attributeNumber(node.attributes.axis) ?? 1;
    const axis = given < 0 ? given + x.shape.length : given;
    const matrix = b.reshape(x, [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))]);
    return b.reshape(b.op(op, [matrix], { axis: 1 }), x.shape);
  };
}

/** Position in the input of each position of the padded axis. */
function paddedPositions(mode: string, n: number, before: number, after: number): number[] | undefined {
  const positions = Array.from({ length: before + n + after }, (_, i) => i - before);
  if (mode === 'edge') return positions.map((p) => Math.min(n - 1, Math.max(0, p)));
  if (mode === 'wrap') return positions.map((p) => ((p % n) + n) % n);
  if (mode !== 'reflect') return undefined;
  const period = Math.max(1, 2 * (n - 1));
  return positions.map((p) => {
    const q = ((p % period) + period) % period;
    return q < n ? q : period - q;
  });
}

/** Padding with the image's own content: one Gather per axis. */
const pad: Translate = (node, { b, known, fail, fixSizes }, inputs) => {
  const mode = textOf(node.attributes.mode) ?? 'constant';
  const [x, pads] = inputs;
  if (mode === 'constant' || x === undefined) return undefined;
  const list = known(pads);
  if (list === undefined) return fail('its pads depend on data.');
  const amounts = integers(list);
  fixSizes();
  let padded = x;
  x.shape.forEach((n, axis) => {
    const [before, after] = [amounts[axis], amounts[axis + x.shape.length]];
    if (before === 0 && after === 0) return;
    const positions = paddedPositions(mode, n, before, after);
    if (positions === undefined || before < 0 || after < 0) fail(`the mode '${mode}' is not supported.`);
    else padded = b.op('Gather', [padded, b.ints(positions)], { axis });
  });
  return padded === x ? b.op('Identity', [x]) : padded;
};

/** Vectors as rows or columns. */
const matMul: Translate = (_node, { b }, [x, y]) => {
  if (x === undefined || y === undefined || (x.shape.length > 1 && y.shape.length > 1)) return undefined;
  const row = x.shape.length === 1 ? b.reshape(x, [1, elementCount(x.shape)]) : x;
  const column = y.shape.length === 1 ? b.reshape(y, [elementCount(y.shape), 1]) : y;
  const product = b.op('MatMul', [row, column]);
  let shape: Shape = product.shape;
  if (x.shape.length === 1) shape = [...shape.slice(0, -2), shape.at(-1) as number];
  if (y.shape.length === 1) shape = shape.slice(0, -1);
  return b.reshape(product, shape);
};

type Composed = (b: Reading['b'], x: Value) => Value;
const squared: Composed = (b, x) => b.mul(x, x);

/** The sum of what is made of each element, over the axes. */
function reduced(each: Composed, last: Composed = (_b, x) => x): Translate {
  return ({ attributes }, { b, known, fail }, [x, given]) => {
    const list: NdArray | undefined = given && known(given);
    if (given !== undefined && list === undefined) return fail('its axes depend on data.');
    const noop = attributeNumber(attributes.noop_with_empty_axes) === 1 ? 1 : 0;
    const keepdims = attributeNumber(attributes.keepdims) === 0 ? 0 : 1;
    const axes = list && b.ints(integers(list));
    return x && last(b, b.op('ReduceSum', [each(b, x), axes], { keepdims, noop_with_empty_axes: noop }));
  };
}

const FOREIGN: { readonly [type: string]: Translate } = {
  ...ACTIVATIONS,
  ...NORMALISATIONS,
  Sum: chain('Add'),
  Max: chain('Max'),
  Min: chain('Min'),
  Mean: (node, reading, inputs) => {
    const { b } = reading;
    const [first, ...rest] = inputs as [Value, ...Value[]];
    const sum = rest.reduce((sofar, value) => b.add(sofar, value), first);
    return b.mul(sum, scalarLike(b, sum, 1 / node.inputs.length));
  },
  Softmax: softmax('Softmax'),
  LogSoftmax: softmax('LogSoftmax'),
  Pad: pad,
  MatMul: matMul,
  GlobalMaxPool: (_node, { b }, [x]) => x && b.op('ReduceMax', [x, b.ints(axesFrom(x, 2))], { keepdims: 1 }),
  ReduceSumSquare: reduced(squared),
  ReduceL1: reduced((b, x) => b.op('Abs', [x])),
  ReduceL2: reduced(squared, (b, x) => b.op('Sqrt', [x])),
  Ceil: (_node, { b }, [x]) => x && b.neg(b.op('Floor', [b.neg(x)])),
  CastLike: (_node, { b }, [x, like]) => x && like && b.op('Cast', [x], { to: like.dtype }),
  ArgMin: (node, { b }, [x]) => {
    const keepdims = attributeNumber(node.attributes.keepdims) === 0 ? 0 : 1;
    const last = attributeNumber(node.attributes.select_last_index) === 1 ? 1 : 0;
    const axis = attributeNumber(node.attributes.axis) ?? 0;
    return x && b.op('ArgMax', [b.neg(x)], { axis, keepdims, select_last_index: last });
  },
  // The sums up to each place: a product with a triangle of ones
  CumSum: (node, { b, known, fail, fixSizes }, [x, given]) => {
    const place = known(given);
    if (x === undefined || place === undefined) return fail('its axis depends on data.');
    const axis = normaliseAxis(integers(place)[0] as number, x.shape.length, 'CumSum');
    const size = x.shape[axis] as number;
    if (size > MOST_SUMMED) return fail(`it sums over ${size} elements; at most ${MOST_SUMMED} are supported.`);
    fixSizes();
    const { exclusive, reverse } = node.attributes;
    const own = attributeNumber(exclusive) === 1 ? 1 : 0;
    const isBefore = (from: number, to: number): boolean =>
      attributeNumber(reverse) === 1 ? from >= to + own : from + own <= to;
    const ones = Array.from({ length: size * size }, (_, i) => Number(isBefore(Math.floor(i / size), i % size)));
    const triangle = b.constant(pack(x.dtype, [size, size], ones));
    const last = x.shape.length - 1;
    const perm = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return b.transpose(b.op('MatMul', [b.transpose(x, perm), triangle]), perm);
  },
  // The triangle below or above a diagonal; zeros elsewhere
  Trilu: (node, { b, known, fail, fixSizes }, [x, given]) => {
    const place = given === undefined ? undefined : known(given);
    if (x === undefined || (given !== undefined && place === undefined)) return fail('its diagonal depends on data.');
    fixSizes();
    const k = place === undefined ? 0 : (integers(place)[0] as number);
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const isUpper = attributeNumber(node.attributes.upper) !== 0;
    const kept = Array.from({ length: rows * columns }, (_, i) => {
      const distance = (i % columns) - Math.floor(i / columns);
      return Number(isUpper ? distance >= k : distance <= k);
    });
    return b.op('Where', [b.constant(pack('bool', [rows, columns], kept)), x, scalarLike(b, x, 0)]);
  },
  Einsum: (node, { b, fail, fixSizes }, inputs) => {
    fixSizes();
    return einsum(b, textOf(node.attributes.equation) ?? '', inputs, fail);
  },
  GatherElements: (node, { b, fixSizes }, [x, indices]) => {
    fixSizes();
    return x && indices && gatherElements(b, x, indices, attributeNumber(node.attributes.axis) ?? 0);
  },
  GatherND: (node, { b, fixSizes }, [x, indices]) => {
    fixSizes();
    return x && indices && gatherNd(b, x, indices, attributeNumber(node.attributes.batch_dims) ?? 0);
  },
  ScatterND: (node, { b, known, fail, fixSizes }, [data, indices, updates]) => {
    if (data === undefined || indices === undefined || updates === undefined) return undefined;
    const reduction = textOf(node.attributes.reduction) ?? 'none';
    if (reduction !== 'none' && reduction !== 'add') return fail(`the reduction '${reduction}' is not supported.`);
    const places = known(indices);
    fixSizes();
    if (places !== undefined && reduction === 'none') return replaceKnown(b, data, places, updates);
    return scatterNd(b, data, indices, updates, reduction);
  },
  MaxUnpool: (node, { b, known, fail, fixSizes }, [x, indices, given]) => {
    if (x === undefined || indices === undefined) return undefined;
    const { kernel_shape, strides, pads } = node.attributes;
    const kernel = numbersOf(kernel_shape) ?? [];
    const steps = numbersOf(strides) ?? kernel.map(() => 1);
    const cut = numbersOf(pads) ?? [...kernel, ...kernel].map(() => 0);
    const sides = kernel.map((size, i) => {
      const around = (cut[i] as number) + (cut[i + kernel.length] as number);
      return ((x.shape[i + 2] as number) - 1) * (steps[i] as number) + size - around;
    });
    const shape = [...x.shape.slice(0, 2), ...sides];
    const wanted = given === undefined ? undefined : known(given);
    if (given !== undefined && wanted === undefined) return fail('its output_shape depends on data.');
    if (wanted !== undefined && integers(wanted).join() !== shape.join()) {
      const both = `[${integers(wanted).join(', ')}] is not the [${shape.join(', ')}] of its kernel`;
      return fail(`its output_shape ${both}, for which programs do not agree.`);
    }
    fixSizes();
    return maxUnpool(b, x, indices, shape);
  },
  // Query, key, value, mask, keys and values of before
  Attention: ({ attributes, outputs }, { b, fail, fixSizes }, inputs) => {
    const [query, key, value, mask, pastKey, pastValue, lengths] = inputs;
    if (query === undefined || key === undefined || value === undefined) return undefined;
    if (lengths !== undefined) return fail('a number of keys for each image is not supported.');
    if (outputs[3]) return fail('its products as an output are not supported.');
    const softcap = attributeNumber(attributes.softcap) ?? 0;
    const isCausal = attributeNumber(attributes.is_causal) === 1;
    if (softcap !== 0 && (mask !== undefined || isCausal)) return fail('softcap with a mask is not supported.');
    fixSizes();
    return attention(
      b,
      { query, key, value, mask, pastKey, pastValue },
      {
        queryHeads: attributeNumber(attributes.q_num_heads),
        keyHeads: attributeNumber(attributes.kv_num_heads),
        scale: attributeNumber(attributes.scale),
        softcap,
        isCausal,
      },
    );
  },
  TopK: (node, { b, known, fail, fixSizes }, [x, given]) => {
    const count = known(given);
    const k = count === undefined ? attributeNumber(node.attributes.k) : integers(count)[0];
    if (x === undefined || k === undefined) return fail('its number of values depends on data.');
    if (k > MOST_LARGEST) return fail(`it takes ${k} values; at most ${MOST_LARGEST} are supported.`);
    if (x.dtype !== 'float32') return fail(`it is of ${x.dtype}; only float32 is supported.`);
    fixSizes();
    const axis = attributeNumber(node.attributes.axis) ?? -1;
    if (attributeNumber(node.attributes.largest) !== 0) return topK(b, x, k, axis);
    const [values, indices] = topK(b, b.neg(x), k, axis);
    return [b.neg(values), indices];
  },
  GridSample: (node, { b, fail, fixSizes }, [x, grid]) => {
    if (x === undefined || grid === undefined) return undefined;
    const named = textOf(node.attributes.mode) ?? 'linear';
    // Since opset 20 without `bi`.
    const mode = named.replace(/^bi/, '');
    if (mode !== 'nearest' && mode !== 'linear' && mode !== 'cubic')
      return fail(`the mode '${named}' is not supported.`);
    const padding = textOf(node.attributes.padding_mode) ?? 'zeros';
    if (padding !== 'zeros' && padding !== 'border' && padding !== 'reflection')
      return fail(`the padding_mode '${padding}' is not supported.`);
    if (mode === 'cubic' && x.shape.length !== 4) return fail(`the mode '${named}' is for images, not volumes.`);
    fixSizes();
    const alignCorners = attributeNumber(node.attributes.align_corners) === 1;
    return gridSample(b, x, grid, { mode, padding, alignCorners });
  },
  // Forms that the table lacks
  Resize: ({ attributes, inputs }, { b, known, fail, fixSizes }) => {
    const [x, region, scales, sizes] = inputs;
    const mode = textOf(attributes.mode) ?? 'nearest';
    const transform = textOf(attributes.coordinate_transformation_mode) ?? 'half_pixel';
    const nearest = textOf(attributes.nearest_mode) ?? 'round_prefer_floor';
    const excludesOutside = attributeNumber(attributes.exclude_outside) === 1;
    const antialias = attributeNumber(attributes.antialias) === 1;
    if (x === undefined) return undefined;
    const [factors, lengths] = [known(scales), known(sizes)];
    if (factors === undefined && lengths === undefined) return fail('its sizes depend on data.');
    const exact = x.shape.map((n, i) => n * Number(factors?.data[i]));
    const outputs = lengths === undefined ? exact.map(Math.floor) : integers(lengths);
    if (
      transform === 'align_corners' &&
      lengths === undefined &&
      exact.some((n, i) => n > (outputs[i] as number) + 1e-4)
    )
      return fail('its scales give no whole sizes.');
    if (isPlainResize(attributes)) return undefined;
    fixSizes();
    const each = x.shape.map((n, i) => (factors === undefined ? (outputs[i] as number) / n : Number(factors.data[i])));
    const cubic = attributeNumber(attributes.cubic_coeff_a) ?? -0.75;
    const box = transform === 'tf_crop_and_resize' ? known(region) : undefined;
    const made = resample(b, x, outputs, each, {
      mode,
      transform,
      nearest,
      cubic,
      excludesOutside,
      antialias,
      crop: box && Array.from(box.data as ArrayLike<number>),
      outside: attributeNumber(attributes.extrapolation_value) ?? 0,
    });
    return made ?? fail(`the mode '${mode}' with '${transform}' and '${nearest}' is not supported.`);
  },
};

/** Attributes that change nothing here: how numbers are held in between, and whether the largest are in order. */
const IDLE = ['stash_type', 'sorted'];

/** The result of a node that no row supports unchanged, composed of nodes of the table; undefined for all others. */
export function translate(node: RawNode, reading: Reading): Value | readonly Value[] | undefined {
  const read = new Set(IDLE);
  const get = (all: RawNode['attributes'], name: string): RawAttribute | undefined => {
    read.add(name);
    return all[name];
  };
  const attributes = new Proxy(node.attributes, { get: get as never });
  const made = FOREIGN[node.type]?.({ ...node, attributes }, reading, node.inputs as readonly Value[]);
  // One that is never read would be passed over.
  const other = made && Object.keys(node.attributes).find((name) => !read.has(name));
  return other === undefined ? made : reading.fail(`the attribute '${other}' is not supported.`);
}
