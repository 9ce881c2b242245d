/**
 * The operations by which BioImage.IO describes how values become a network's input, and what becomes of its output
 * (model format 0.5, `bioimageio.spec`): those that need no code of other programs, and what they compute.
 */

import { quantile } from '../array/quantile.ts';
import { ModelError } from '../errors.ts';

/** One value for all, or one for each position along `axis`. */
type Values = number | readonly number[];

/** The values of an operation: names of axes as a package has them (`channel`, `y`, `x`), percentiles 0..100. */
interface OperationValues {
  ensure_dtype: { readonly dtype: string };
  /** 1 above the threshold, else 0. */
  binarize: { readonly threshold: Values; readonly axis?: string };
  clip: {
    readonly min?: number;
    readonly max?: number;
    readonly min_percentile?: number;
    readonly max_percentile?: number;
    readonly axes?: readonly string[];
  };
  /** gain x + offset */
  scale_linear: { readonly gain: Values; readonly offset: Values; readonly axis?: string };
  /** (x - low) / (high - low + eps) by percentiles over the axes; default: over all. */
  scale_range: {
    readonly axes?: readonly string[];
    readonly min_percentile: number;
    readonly max_percentile: number;
    readonly eps?: number;
  };
  /** (x - mean) / (deviation + eps) over the axes; default: over all. */
  zero_mean_unit_variance: { readonly axes?: readonly string[]; readonly eps?: number };
  fixed_zero_mean_unit_variance: { readonly mean: Values; readonly std: Values; readonly axis?: string };
  sigmoid: { readonly [none: string]: never };
  softmax: { readonly axis: string };
}

/** One step. */
export type Operation = {
  [I in keyof OperationValues]: { readonly id: I; readonly kwargs: OperationValues[I] };
}[keyof OperationValues];

export interface NamedAxes {
  readonly data: Float32Array;
  readonly shape: readonly number[];
  /** A name for each axis. */
  readonly axes: readonly string[];
}

/** What is added to a range and to a deviation where a package does not say. */
const EPSILON = 1e-6;

/** Whether a value depends on the others, so that it cannot be computed for a part of an image. */
export function needsAll({ id, kwargs }: Operation): boolean {
  return (
    id === 'scale_range' ||
    id === 'zero_mean_unit_variance' ||
    (id === 'clip' && (kwargs.min_percentile !== undefined || kwargs.max_percentile !== undefined))
  );
}

/**
 * What the operations make of a tensor. Percentiles are NumPy's: interpolated for `scale_range`, values of the tensor for
 * `clip`.
 * @throws ModelError for another operation
 */
export function applyOperations(
  { data, shape, axes }: NamedAxes,
  operations: readonly Operation[],
): Float32Array<ArrayBuffer> {
  const out = Float32Array.from(data);
  for (const operation of operations) apply(operation, { data: out, shape, axes });
  return out;
}

function apply(operation: Operation, tensor: NamedAxes): void {
  const { data } = tensor;
  const each = (f: (value: number, i: number) => number): void => {
    for (let i = 0; i < data.length; i++) data[i] = f(data[i], i);
  };
  switch (operation.id) {
    case 'ensure_dtype': {
      const { dtype } = operation.kwargs;
      if (dtype === 'bool') each((x) => Number(x !== 0));
      else if (!dtype.startsWith('float')) each(Math.trunc);
      break;
    }
    case 'binarize': {
      const threshold = valuesAlong(tensor, operation.kwargs.axis, operation.kwargs.threshold);
      each((x, i) => Number(x > threshold(i)));
      break;
    }
    case 'scale_linear': {
      const gain = valuesAlong(tensor, operation.kwargs.axis, operation.kwargs.gain);
      const offset = valuesAlong(tensor, operation.kwargs.axis, operation.kwargs.offset);
      each((x, i) => x * gain(i) + offset(i));
      break;
    }
    case 'fixed_zero_mean_unit_variance': {
      const mean = valuesAlong(tensor, operation.kwargs.axis, operation.kwargs.mean);
      const std = valuesAlong(tensor, operation.kwargs.axis, operation.kwargs.std);
      each((x, i) => (x - mean(i)) / std(i));
      break;
    }
    case 'sigmoid':
      each((x) => 1 / (1 + Math.exp(-x)));
      break;
    case 'softmax':
      eachBlock(tensor, [operation.kwargs.axis], (values) => {
        const most = values.reduce((a, b) => Math.max(a, b));
        const sum = values.reduce((total, x) => total + Math.exp(x - most), 0);
        return (x) => Math.exp(x - most) / sum;
      });
      break;
    case 'scale_range': {
      const { axes, min_percentile: from, max_percentile: to, eps = EPSILON } = operation.kwargs;
      eachBlock(tensor, axes, (values) => {
        values.sort();
        const low = quantile(values, from / 100);
        const range = quantile(values, to / 100) - low + eps;
        return (x) => (x - low) / range;
      });
      break;
    }
    case 'zero_mean_unit_variance': {
      const { axes, eps = EPSILON } = operation.kwargs;
      eachBlock(tensor, axes, (values) => {
        const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
        const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) + eps;
        return (x) => (x - mean) / deviation;
      });
      break;
    }
    case 'clip': {
      const { min, max, min_percentile: from, max_percentile: to, axes } = operation.kwargs;
      if (!needsAll(operation)) {
        each(within(min, max));
        break;
      }
      eachBlock(tensor, axes, (values) => {
        values.sort();
        return within(min ?? valueAt(values, from), max ?? valueAt(values, to));
      });
      break;
    }
    default: {
      const { id } = operation as { readonly id: string };
      throw new ModelError(`the operation '${id}' is not known.`);
    }
  }
}

const within =
  (min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY) =>
  (x: number): number =>
    Math.min(max, Math.max(min, x));

/** The least of ascending values that as many percent of them do not exceed (NumPy's `inverted_cdf`). */
const valueAt = (ascending: Float32Array, percent: number | undefined): number | undefined =>
  percent === undefined ? undefined : ascending[Math.max(0, Math.ceil((ascending.length * percent) / 100 - 1))];

/** The value for the element at a place in memory. @throws ModelError for another number of values than there is room for */
function valuesAlong({ shape, axes }: NamedAxes, axis: string | undefined, values: Values): (i: number) => number {
  if (typeof values === 'number') return () => values;
  if (values.length === 1) return () => values[0] as number;
  const k = axes.indexOf(axis ?? '');
  const size = shape[k];
  if (size !== values.length) {
    throw new ModelError(
      `an operation has ${values.length} values along the axis '${axis}', which has ${size ?? 'none'}.`,
    );
  }
  const stride = shape.slice(k + 1).reduce((product, n) => product * n, 1);
  return (i) => values[Math.floor(i / stride) % size] as number;
}

/**
 * Changes each block of the elements that differ in their place along some axes only.
 * @param over these axes; default: all, so that there is one block
 * @param rule from the values of a block, which it may sort
 */
function eachBlock(
  { data, shape, axes }: NamedAxes,
  over: readonly string[] | undefined,
  rule: (values: Float32Array) => (value: number) => number,
): void {
  const isOver = axes.map((axis) => over?.includes(axis) ?? true);
  // What follows in memory belongs together as far as the last axes do.
  const inner = isOver.lastIndexOf(false) + 1;
  const run = shape.slice(inner).reduce((product, n) => product * n, 1);
  const blocks = new Map<number, number[]>();
  for (let start = 0; start < data.length; start += run) {
    let rest = start / run;
    let block = 0;
    for (let axis = inner - 1; axis >= 0; axis--) {
      const size = shape[axis] as number;
      block = block * size + (isOver[axis] === true ? 0 : rest % size);
      rest = Math.floor(rest / size);
    }
    const starts = blocks.get(block);
    if (starts === undefined) blocks.set(block, [start]);
    else starts.push(start);
  }
  for (const starts of blocks.values()) {
    const values = new Float32Array(starts.length * run);
    for (const [i, start] of starts.entries()) values.set(data.subarray(start, start + run), i * run);
    const change = rule(values);
    for (const start of starts) for (let i = start; i < start + run; i++) data[i] = change(data[i]);
  }
}
