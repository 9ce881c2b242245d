/**
 * Pooling of blocked values, and the gradient of a max pool whose windows tile the input exactly.
 *
 * y = max over windows:  dx = (x == up(y)) up(dy), with `up` the nearest upsampling by the window's size. Elements of a
 * window that tie for the maximum each receive the whole gradient; the reference assigns it to the first. After a ReLU
 * ties are at zero, where the ReLU's own gradient is zero, so the gradient through ReLU and pool is the same.
 */
import { float32 } from '../../array/ndarray.ts';
import type { Value } from '../../graph/ir.ts';
import type { PoolAttributes } from '../../graph/ops/pooling.ts';
import { blockUpsamplingFactors } from '../../graph/ops/resize.ts';
import type { Formulation } from '../context.ts';

const NEAREST = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' } as const;

export const maxPoolBlocked: Formulation<'MaxPool'> = ({ b, forms }, node) => {
  const x = node.inputs[0] as Value;
  const { storage_order: _, ...attributes } = node.attributes;
  if (node.outputs.length !== 1 || !forms.only(x, 'blocked')) return false;
  forms.set(node.outputs[0], 'blocked', b.op('nchwc.MaxPool', [forms.blocked(x)], attributes));
  return true;
};

export const averagePoolBlocked: Formulation<'AveragePool'> = ({ b, forms }, node) => {
  const x = node.inputs[0] as Value;
  if (!forms.only(x, 'blocked')) return false;
  forms.set(node.outputs[0], 'blocked', b.op('nchwc.AveragePool', [forms.blocked(x)], node.attributes));
  return true;
};

/** The factors of pooling whose windows tile the input exactly; undefined otherwise. */
function exactWindows(shape: readonly number[], attributes: PoolAttributes): readonly [number, number] | undefined {
  const { kernel_shape: kernel, strides = [1, 1], pads = [], dilations = [] } = attributes;
  const exact =
    shape.length === 4 &&
    kernel.every((n, i) => strides[i] === n && shape[i + 2] % n === 0) &&
    pads.every((pad) => pad === 0) &&
    dilations.every((d) => d === 1);
  return exact ? (kernel as readonly [number, number]) : undefined;
}

export const maxPoolGradByComparison: Formulation<'lamella.MaxPoolGrad'> = ({ b, forms }, node) => {
  const [x, dy, y] = node.inputs as readonly [Value, Value, Value];
  const factors = exactWindows(x.shape, node.attributes);
  if (factors === undefined || x.dtype !== 'float32') return false;
  const layout = forms.has(x, 'blocked') ? 'blocked' : 'plain';
  const scales = [1, 1, ...factors];
  const up = (value: Value) =>
    layout === 'blocked'
      ? b.op('nchwc.Upsample', [forms.blocked(value)], { scales, mode: 'nearest' })
      : b.op('Resize', [forms.plain(value), undefined, b.constant(float32([4], scales))], NEAREST);
  const isMaximum = b.op('Cast', [b.op('Equal', [forms.get(x, layout), up(y)])], { to: 'float32' });
  forms.set(node.outputs[0], layout, b.mul(up(dy), isMaximum));
  return true;
};

/**
 * The gradient of average pooling over windows that tile the input: a depthwise ConvGradInput with an all-ones kernel
 * and stride equal to its size is nearest upsampling.
 */
export const averageGradByUpsampling: Formulation<'lamella.ConvGradInput'> = ({ b, forms, graph }, node) => {
  const [dy, w] = node.inputs as readonly [Value, Value];
  const { group = 1, strides = [1, 1], pads, dilations, input_shape: shape } = node.attributes;
  const ones = graph.constants.get(w);
  if (group !== dy.shape[1] || group === 1 || w.shape[1] !== 1 || ones === undefined) return false;
  if (!forms.only(dy, 'blocked') || (ones.data as Float32Array).some((value) => value !== 1)) return false;
  const factors = exactWindows(shape, {
    kernel_shape: w.shape.slice(2),
    strides,
    ...(pads && { pads }),
    ...(dilations && { dilations }),
  });
  if (factors === undefined) return false;
  const made = b.op('nchwc.Upsample', [forms.blocked(dy)], { scales: [1, 1, ...factors], mode: 'nearest' });
  forms.set(node.outputs[0], 'blocked', made);
  return true;
};

/** Nearest resizing by integer factors. */
export const upsampleBlocked: Formulation<'Resize'> = ({ b, forms, graph }, node) => {
  const x = node.inputs[0] as Value;
  const y = node.outputs[0];
  const scales = forms.only(x, 'blocked') ? blockUpsamplingFactors(graph, node) : undefined;
  if (scales === undefined) return false;
  forms.set(y, 'blocked', b.op('nchwc.Upsample', [forms.blocked(x)], { scales, mode: 'nearest' }));
  return true;
};
