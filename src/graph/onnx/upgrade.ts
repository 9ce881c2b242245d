/** Upgrades older and more general variants of operations to the one that the table's rows support. */
import type { DType } from '../../array/ndarray.ts';
import { integers } from '../op-row.ts';
import { pack } from '../pack.ts';
import { attributeNumber, numbersOf, type RawNode, type Reading, textOf } from './raw-node.ts';
import { DATA_TYPES, dtypeOf } from './tensor.ts';

type Upgrade = (node: RawNode, reading: Reading) => RawNode;

function without(node: RawNode, ...names: string[]): RawNode['attributes'] {
  return Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)));
}

/** Moves the attribute `name`, a list of integers, to input number `position`. */
function attributeToInput(node: RawNode, name: string, position: number, { b }: Reading): RawNode {
  const list = numbersOf(node.attributes[name]);
  if (list === undefined) return node;
  const inputs = [...node.inputs];
  while (inputs.length < position) inputs.push(undefined);
  inputs[position] = b.ints(list);
  return { ...node, inputs, attributes: without(node, name) };
}

const axesToInput: Upgrade = (node, reading) => attributeToInput(node, 'axes', 1, reading);

/** Total pads as pads at the beginning and the end, the larger half at the end with SAME_UPPER. */
function halves(totals: readonly number[], auto: string): number[] {
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total) => Math.ceil(total / 2));
  return auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
}

/** ceil(size / stride) outputs; an odd remainder of the padding goes to the end or to the beginning. */
const explicitPads: Upgrade = (node, reading) => {
  const auto = textOf(node.attributes.auto_pad) ?? 'NOTSET';
  const rest = { ...node, attributes: without(node, 'auto_pad') };
  if (auto === 'NOTSET') return rest;
  const kernel = numbersOf(node.attributes.kernel_shape) ?? node.inputs[1]?.shape.slice(2) ?? [];
  const strides = numbersOf(node.attributes.strides) ?? kernel.map(() => 1);
  const dilations = numbersOf(node.attributes.dilations) ?? kernel.map(() => 1);
  const sizes = node.inputs[0]?.shape.slice(2) ?? [];
  if (auto === 'VALID')
    return { ...rest, attributes: { ...rest.attributes, pads: [...kernel, ...kernel].map(() => 0) } };
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') reading.fail(`auto_pad '${auto}' is unknown.`);
  if (strides.some((stride) => stride !== 1)) reading.fixSizes();
  const totals = kernel.map((k, i) => {
    const stride = strides[i];
    const reach = dilations[i] * (k - 1) + 1;
    return Math.max(0, (Math.ceil(sizes[i] / stride) - 1) * stride + reach - sizes[i]);
  });
  return { ...rest, attributes: { ...rest.attributes, pads: halves(totals, auto) } };
};

/** The pads that result in the requested output size: ONNX puts the larger half at the beginning unless SAME_UPPER. */
const explicitTransposedPads: Upgrade = (node, reading) => {
  const auto = textOf(node.attributes.auto_pad) ?? 'NOTSET';
  const wanted = numbersOf(node.attributes.output_shape)?.slice(-((node.inputs[1]?.shape.length ?? 2) - 2));
  const rest = { ...node, attributes: without(node, 'auto_pad', 'output_shape') };
  if (wanted === undefined && (auto === 'NOTSET' || auto === 'VALID')) return rest;
  reading.fixSizes();
  const kernel = node.inputs[1]?.shape.slice(2) ?? [];
  const strides = numbersOf(node.attributes.strides) ?? kernel.map(() => 1);
  const dilations = numbersOf(node.attributes.dilations) ?? kernel.map(() => 1);
  const extra = numbersOf(node.attributes.output_padding) ?? kernel.map(() => 0);
  const sizes = node.inputs[0]?.shape.slice(2) ?? [];
  const totals = kernel.map((k, i) => {
    const [stride, size] = [strides[i], sizes[i]];
    const output = wanted?.[i] ?? size * stride;
    return stride * (size - 1) + extra[i] + (k - 1) * dilations[i] + 1 - output;
  });
  if (totals.some((total) => total < 0)) reading.fail('its output_shape is larger than its kernel reaches.');
  return { ...rest, attributes: { ...rest.attributes, pads: halves(totals, auto) } };
};

/** Before opset 7 the second operand was aligned at `axis`, not at the end. */
const alignedBroadcast: Upgrade = (node, { b, opset }) => {
  if (opset >= 7) return node;
  const [x, y] = node.inputs;
  const axis = attributeNumber(node.attributes.axis);
  const rest = { ...node, attributes: without(node, 'axis', 'broadcast') };
  if (x === undefined || y === undefined || axis === undefined || y.shape.length === 0) return rest;
  const trailing = x.shape.length - (axis < 0 ? axis + x.shape.length : axis) - y.shape.length;
  return trailing <= 0 ? rest : { ...rest, inputs: [x, b.reshape(y, [...y.shape, ...Array(trailing).fill(1)])] };
};

const scaledResize: Upgrade = (node, { b }) => {
  const scales = numbersOf(node.attributes.scales);
  const input = scales === undefined ? node.inputs[1] : b.constant(pack('float32', [scales.length], scales));
  const mode = textOf(node.attributes.mode) ?? 'nearest';
  return {
    ...node,
    type: 'Resize',
    inputs: [node.inputs[0], undefined, input],
    attributes: {
      mode: mode === 'bilinear' || mode === 'trilinear' ? 'linear' : mode,
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    },
  };
};

/** Whether the table's row has this form of Resize. */
export function isPlainResize(attributes: RawNode['attributes']): boolean {
  const transform = textOf(attributes.coordinate_transformation_mode) ?? 'half_pixel';
  const mode = textOf(attributes.mode) ?? 'nearest';
  const nearest = textOf(attributes.nearest_mode) ?? 'round_prefer_floor';
  return (
    ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'].includes(transform) &&
    (mode === 'nearest' ? ['floor', 'round_prefer_floor'].includes(nearest) : mode === 'linear') &&
    attributeNumber(attributes.antialias) !== 1 &&
    attributeNumber(attributes.exclude_outside) !== 1
  );
}

const resize: Upgrade = (node, reading) => {
  if (reading.opset < 11) return scaledResize(node, reading);
  const { b, fail } = reading;
  const transform = textOf(node.attributes.coordinate_transformation_mode);
  const [x, region, scales, sizes] = node.inputs;
  // Before opset 13 an unused input was an empty tensor.
  const used = (value: typeof x) => (value !== undefined && value.shape[0] === 0 ? undefined : value);
  const crop = transform === 'tf_crop_and_resize' ? region : undefined;
  let inputs = [x, crop, used(scales), used(sizes)];
  const axes = numbersOf(node.attributes.axes);
  if (axes !== undefined && x !== undefined) {
    const spread = (list: readonly number[], fill: readonly number[]) => {
      const all = [...fill];
      list.forEach((n, i) => {
        const axis = axes[i];
        all[axis < 0 ? axis + all.length : axis] = n;
      });
      return all;
    };
    const spreadInput = (value: typeof x | undefined, fill: readonly number[], dtype: DType) => {
      const list = value && reading.known(value);
      return list && b.constant(pack(dtype, [fill.length], spread(integers(list), fill)));
    };
    const [zeros, ones] = [x.shape.map(() => 0), x.shape.map(() => 1)];
    const corners = crop && reading.known(crop);
    const ends = corners && integers(corners);
    const all = ends && [...spread(ends.slice(0, axes.length), zeros), ...spread(ends.slice(axes.length), ones)];
    const whole = all === undefined ? crop : b.constant(pack('float32', [all.length], all));
    inputs = [x, whole, spreadInput(inputs[2], ones, 'float32'), spreadInput(inputs[3], x.shape, 'int64')];
    if (inputs[3] !== undefined) reading.fixSizes();
  }
  const policy = textOf(node.attributes.keep_aspect_ratio_policy) ?? 'stretch';
  if (policy !== 'stretch') fail(`the keep_aspect_ratio_policy '${policy}' is not supported.`);
  // Other forms are composed of other operations (`resample`).
  const whole = { ...node, inputs, attributes: without(node, 'axes', 'keep_aspect_ratio_policy') };
  if (!isPlainResize(node.attributes)) return whole;
  const idle = ['antialias', 'cubic_coeff_a', 'exclude_outside', 'extrapolation_value'];
  return { ...whole, attributes: without(whole, ...idle) };
};

const pad: Upgrade = (node, reading) => {
  const { b } = reading;
  const listed = numbersOf(node.attributes.pads ?? node.attributes.paddings);
  const mode = textOf(node.attributes.mode) ?? 'constant';
  const [x, pads, value, axes] = node.inputs;
  if (listed !== undefined) {
    const fill = attributeNumber(node.attributes.value) ?? 0;
    const inputs = [x, b.ints(listed), ...(fill === 0 ? [] : [b.scalar(fill, x?.dtype ?? 'float32')])];
    return { ...node, inputs, attributes: { mode } };
  }
  const chosen = reading.known(axes);
  const amounts = reading.known(pads);
  if (axes === undefined || chosen === undefined || amounts === undefined || x === undefined) return node;
  const rank = x.shape.length;
  const all = Array.from({ length: 2 * rank }, () => 0);
  const list = integers(chosen);
  list.forEach((axis, i) => {
    const k = axis < 0 ? axis + rank : axis;
    all[k] = Number(amounts.data[i]);
    all[k + rank] = Number(amounts.data[i + list.length]);
  });
  return { ...node, inputs: [x, b.ints(all), value] };
};

const clip: Upgrade = (node, { b }) => {
  const { min, max } = node.attributes;
  if (min === undefined && max === undefined) return node;
  const dtype = node.inputs[0]?.dtype ?? 'float32';
  const bound = (attribute: typeof min) => (typeof attribute === 'number' ? b.scalar(attribute, dtype) : undefined);
  return { ...node, inputs: [node.inputs[0], bound(min), bound(max)], attributes: {} };
};

const slice: Upgrade = (node, reading) => {
  let upgraded = node;
  ['starts', 'ends', 'axes'].forEach((name, i) => {
    upgraded = attributeToInput(upgraded, name, i + 1, reading);
  });
  return upgraded;
};

const split: Upgrade = (node, reading) => {
  const upgraded = attributeToInput(node, 'split', 1, reading);
  if (upgraded.inputs[1] !== undefined || upgraded.attributes.num_outputs !== undefined) return upgraded;
  return { ...upgraded, attributes: { ...upgraded.attributes, num_outputs: node.outputs.length } };
};

/** The target of a Cast by name: `float32`. Opset 1 used ONNX's names. */
const cast: Upgrade = (node, { fail }) => {
  const { to } = node.attributes;
  const number = typeof to === 'number' ? to : undefined;
  const named = typeof to === 'string' ? (to.toLowerCase() as DType) : undefined;
  const dtype =
    number !== undefined
      ? dtypeOf(number)
      : named === ('float' as string)
        ? 'float32'
        : named === ('double' as string)
          ? 'float64'
          : named !== undefined && named in DATA_TYPES
            ? named
            : undefined;
  if (dtype === undefined) return fail(`casting to type ${String(to)} is not supported.`);
  return { ...node, attributes: { to: dtype } };
};

const pool: Upgrade = (node, reading) => {
  if (attributeNumber(node.attributes.storage_order) === 1) reading.fail('storage_order 1 is not supported.');
  return explicitPads(node, reading);
};

const convolution: Upgrade = (node, reading) => {
  const kernel = numbersOf(node.attributes.kernel_shape);
  const weights = node.inputs[1]?.shape.slice(2) ?? [];
  if (kernel !== undefined && kernel.join() !== weights.join()) {
    reading.fail(`kernel_shape [${kernel.join(', ')}] differs from the weights' [${weights.join(', ')}].`);
  }
  return explicitPads(node, reading);
};

/** Before opset 14 the same operation trained, if it had more outputs. */
const batchNormalization: Upgrade = (node, { fail, opset }) => {
  const { training_mode: mode, spatial, is_test } = node.attributes;
  const trained = opset < 7 ? is_test !== 1 : opset < 14 && node.outputs.some((name, i) => i > 0 && name !== '');
  if (trained) fail('it is in training mode; export the model for prediction.');
  if (spatial === 0) fail('spatial 0 is not supported.');
  const outputs = mode === 1 ? node.outputs : node.outputs.slice(0, 1);
  return { ...node, outputs, attributes: without(node, 'spatial', 'is_test') };
};

const powerOfSameType: Upgrade = (node, reading) => {
  const upgraded = alignedBroadcast(node, reading);
  const [x, y] = upgraded.inputs;
  if (x === undefined || y === undefined || x.dtype === y.dtype) return upgraded;
  return { ...upgraded, inputs: [x, reading.b.op('Cast', [y], { to: x.dtype })] };
};

const UPGRADES: { readonly [type: string]: Upgrade } = {
  Add: alignedBroadcast,
  Sub: alignedBroadcast,
  Mul: alignedBroadcast,
  Div: alignedBroadcast,
  Pow: powerOfSameType,
  Equal: alignedBroadcast,
  Greater: alignedBroadcast,
  Less: alignedBroadcast,
  And: alignedBroadcast,
  Or: alignedBroadcast,
  ReduceSum: axesToInput,
  ReduceMean: axesToInput,
  ReduceMax: axesToInput,
  ReduceMin: axesToInput,
  ReduceProd: axesToInput,
  ReduceL1: axesToInput,
  ReduceL2: axesToInput,
  ReduceSumSquare: axesToInput,
  Squeeze: axesToInput,
  Unsqueeze: axesToInput,
  Reshape: (node, reading) => attributeToInput(node, 'shape', 1, reading),
  Concat: (node) => ({ ...node, attributes: { ...node.attributes, axis: node.attributes.axis ?? 1 } }),
  Split: split,
  Slice: slice,
  Pad: pad,
  Clip: clip,
  Cast: cast,
  Dropout: (node) => ({ ...node, attributes: without(node, 'ratio', 'is_test') }),
  Upsample: scaledResize,
  Resize: resize,
  Conv: convolution,
  ConvTranspose: explicitTransposedPads,
  MaxPool: pool,
  AveragePool: pool,
  BatchNormalization: batchNormalization,
  Gemm: (node) => ({ ...node, attributes: without(node, 'broadcast') }),
  Scatter: (node) => ({ ...node, type: 'ScatterElements' }),
};

/** The node in the form of the table's row. @throws GraphError for a variant that no row expresses. */
export function upgrade(node: RawNode, reading: Reading): RawNode {
  const current = { ...node, attributes: without(node, 'consumed_inputs') };
  return UPGRADES[current.type]?.(current, reading) ?? current;
}
