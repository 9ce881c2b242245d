/**
 * Arithmetic on shapes. Exporters compute sizes inside the graph (Shape, Gather, Concat, ...); once the inputs' sizes
 * are bound these are known numbers, which a graph with static shapes needs as constants.
 */
import { type DType, elementCount, type NdArray, type Shape } from '../../array/ndarray.ts';
import { broadcastShapes, integers } from '../op-row.ts';
import { pack } from '../pack.ts';
import { attributeNumber, numbersOf, type RawAttribute } from './raw-node.ts';

/** Larger tensors are data, not sizes. */
const MOST_ELEMENTS = 4096;

interface Known {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly values: readonly number[];
}

type Attributes = { readonly [name: string]: RawAttribute };
type Fold = (inputs: readonly Known[], attributes: Attributes) => Known | undefined;

function strides(shape: Shape): number[] {
  const steps = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) steps[i] = steps[i + 1] * shape[i + 1];
  return steps;
}

/** Every index of a shape in C order. */
function* positions(shape: Shape): Generator<readonly number[]> {
  const size = elementCount(shape);
  const steps = strides(shape);
  for (let flat = 0; flat < size; flat++) {
    yield shape.map((n, i) => Math.floor(flat / steps[i]) % n);
  }
}

function at(known: Known, index: readonly number[]): number {
  const steps = strides(known.shape);
  const extra = index.length - known.shape.length;
  let flat = 0;
  known.shape.forEach((n, i) => {
    flat += (n === 1 ? 0 : index[i + extra]) * steps[i];
  });
  return known.values[flat];
}

function elementwise(compute: (...operands: number[]) => number, dtype?: DType): Fold {
  return (inputs) => {
    const shape = inputs.reduce<Shape | undefined>((sofar, { shape }) => sofar && broadcastShapes(sofar, shape), []);
    if (shape === undefined) return undefined;
    const values = [...positions(shape)].map((index) => compute(...inputs.map((known) => at(known, index))));
    return { dtype: dtype ?? (inputs.at(-1) as Known).dtype, shape, values };
  };
}

function movedTo(x: Known, shape: Shape): Known | undefined {
  return elementCount(shape) === x.values.length ? { ...x, shape } : undefined;
}

function gathered(x: Known, shape: Shape, from: (index: readonly number[]) => readonly number[]): Known {
  return { dtype: x.dtype, shape, values: [...positions(shape)].map((index) => at(x, from(index))) };
}

function axisOf(attribute: RawAttribute | undefined, fallback: number, rank: number): number {
  const axis = attributeNumber(attribute) ?? fallback;
  return axis < 0 ? axis + rank : axis;
}

const isInteger = (dtype: DType) => dtype.startsWith('int') || dtype.startsWith('uint');

const FOLDS: { readonly [type: string]: Fold } = {
  Identity: ([x]) => x,
  Add: elementwise((p, q) => p + q),
  Sub: elementwise((p, q) => p - q),
  Mul: elementwise((p, q) => p * q),
  Div: (inputs, attributes) => {
    const whole = isInteger(inputs[0].dtype);
    return elementwise((p, q) => (whole ? Math.trunc(p / q) : p / q))(inputs, attributes);
  },
  // The sign of the divisor, or of the dividend with fmod
  Mod: (inputs, attributes) => {
    const truncates = attributeNumber(attributes.fmod) === 1;
    if (!truncates && !isInteger(inputs[0].dtype)) return undefined;
    return elementwise((p, q) => (truncates ? p % q : p - q * Math.floor(p / q)))(inputs, attributes);
  },
  Min: elementwise(Math.min),
  Max: elementwise(Math.max),
  Neg: elementwise((p) => -p),
  Abs: elementwise(Math.abs),
  Floor: elementwise(Math.floor),
  Ceil: elementwise(Math.ceil),
  Sqrt: elementwise(Math.sqrt),
  Not: elementwise((p) => Number(p === 0), 'bool'),
  Equal: elementwise((p, q) => Number(p === q), 'bool'),
  Less: elementwise((p, q) => Number(p < q), 'bool'),
  Greater: elementwise((p, q) => Number(p > q), 'bool'),
  LessOrEqual: elementwise((p, q) => Number(p <= q), 'bool'),
  GreaterOrEqual: elementwise((p, q) => Number(p >= q), 'bool'),
  And: elementwise((p, q) => Number(p !== 0 && q !== 0), 'bool'),
  Or: elementwise((p, q) => Number(p !== 0 || q !== 0), 'bool'),
  Where: elementwise((condition, p, q) => (condition !== 0 ? p : q)),
  Cast: ([x], { to }) => {
    if (x === undefined || typeof to !== 'string') return undefined;
    const dtype = to as DType;
    const values = isInteger(dtype) ? x.values.map(Math.trunc) : x.values;
    return { dtype, shape: x.shape, values };
  },
  Range: ([from, to, step]) => {
    if (from === undefined || to === undefined || step === undefined) return undefined;
    const [start, limit, delta] = [from.values[0], to.values[0], step.values[0]];
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!(count <= MOST_ELEMENTS)) return undefined;
    return { dtype: from.dtype, shape: [count], values: Array.from({ length: count }, (_, i) => start + i * delta) };
  },
  ConstantOfShape: ([shape], { value }) => {
    if (shape === undefined || elementCount(shape.values) > MOST_ELEMENTS) return undefined;
    const array = typeof value === 'object' && 'dtype' in value ? value : undefined;
    const fill = array === undefined ? 0 : Number(array.data[0]);
    return {
      dtype: array?.dtype ?? 'float32',
      shape: shape.values,
      values: Array(elementCount(shape.values)).fill(fill),
    };
  },
  Gather: ([x, indices], { axis }) => {
    if (x === undefined || indices === undefined) return undefined;
    const k = axisOf(axis, 0, x.shape.length);
    const rank = indices.shape.length;
    return gathered(x, [...x.shape.slice(0, k), ...indices.shape, ...x.shape.slice(k + 1)], (index) => {
      const chosen = at(indices, index.slice(k, k + rank));
      return [...index.slice(0, k), chosen < 0 ? chosen + x.shape[k] : chosen, ...index.slice(k + rank)];
    });
  },
  Concat: (inputs, { axis }) => {
    const first = inputs[0];
    const k = axisOf(axis, 0, first.shape.length);
    const lengths = inputs.map(({ shape }) => shape[k]);
    const shape = first.shape.map((n, i) => (i === k ? lengths.reduce((p, q) => p + q, 0) : n));
    const values = [...positions(shape)].map((index) => {
      let position = index[k];
      let which = 0;
      while (position >= lengths[which]) position -= lengths[which++];
      return at(
        inputs[which],
        index.map((n, i) => (i === k ? position : n)),
      );
    });
    return { dtype: first.dtype, shape, values };
  },
  Slice: ([x, starts, ends, axes, steps]) => {
    if (x === undefined || starts === undefined || ends === undefined) return undefined;
    const from = x.shape.map(() => 0);
    const by = x.shape.map(() => 1);
    const shape = [...x.shape];
    starts.values.forEach((start, i) => {
      const k = axisOf(axes?.values[i], i, x.shape.length);
      const n = x.shape[k];
      const step = steps?.values[i] ?? 1;
      const clamp = (p: number, low: number, high: number) => Math.min(Math.max(p < 0 ? p + n : p, low), high);
      const begin = step > 0 ? clamp(start, 0, n) : clamp(start, 0, n - 1);
      const end = step > 0 ? clamp(ends.values[i], 0, n) : clamp(ends.values[i], -1, n - 1);
      from[k] = begin;
      by[k] = step;
      shape[k] = Math.max(0, Math.ceil((end - begin) / step));
    });
    return gathered(x, shape, (index) => index.map((n, i) => from[i] + n * by[i]));
  },
  Transpose: ([x], { perm }) => {
    if (x === undefined) return undefined;
    const order = numbersOf(perm) ?? x.shape.map((_, i) => x.shape.length - 1 - i);
    const shape = order.map((p) => x.shape[p]);
    return gathered(x, shape, (index) => x.shape.map((_, i) => index[order.indexOf(i)]));
  },
  Reshape: ([x, wanted]) => {
    if (x === undefined || wanted === undefined) return undefined;
    const shape = wanted.values.map((n, i) => (n === 0 ? (x.shape[i] ?? 0) : n));
    const rest = shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
    return movedTo(
      x,
      shape.map((n) => (n === -1 ? x.values.length / rest : n)),
    );
  },
  Expand: ([x, wanted]) => {
    const shape = x && wanted && broadcastShapes(x.shape, wanted.values);
    return x && shape && gathered(x, shape, (index) => index);
  },
  Squeeze: ([x, axes]) => {
    if (x === undefined) return undefined;
    const gone = axes?.values.map((axis) => axisOf(axis, 0, x.shape.length));
    return movedTo(
      x,
      x.shape.filter((n, i) => (gone === undefined ? n !== 1 : !gone.includes(i))),
    );
  },
  Unsqueeze: ([x, axes]) => {
    if (x === undefined || axes === undefined) return undefined;
    const rank = x.shape.length + axes.values.length;
    const fresh = axes.values.map((axis) => axisOf(axis, 0, rank));
    const rest = [...x.shape];
    return movedTo(
      x,
      Array.from({ length: rank }, (_, i) => (fresh.includes(i) ? 1 : (rest.shift() as number))),
    );
  },
  ReduceProd: ([x], { keepdims }) => {
    if (x === undefined || x.shape.length > 1) return undefined;
    const product = x.values.reduce((p, q) => p * q, 1);
    return { dtype: x.dtype, shape: (attributeNumber(keepdims) ?? 1) ? x.shape.map(() => 1) : [], values: [product] };
  },
};

/** Whether the op's result depends only on the sizes of its input. */
export function readsSizes(type: string): boolean {
  return type === 'Shape' || type === 'Size';
}

/** The result of Shape or Size. */
export function foldSizes(type: string, shape: Shape, { start, end }: Attributes): NdArray {
  if (type === 'Size') return pack('int64', [], [elementCount(shape)]);
  const part = shape.slice(attributeNumber(start) ?? 0, attributeNumber(end) ?? shape.length);
  return pack('int64', [part.length], part);
}

/** The result of an op on small known inputs, or undefined if the op is not used for computing sizes. */
export function fold(
  type: string,
  inputs: readonly (NdArray | undefined)[],
  attributes: Attributes,
): NdArray | undefined {
  const rule = FOLDS[type];
  if (rule === undefined) return undefined;
  const known: (Known | undefined)[] = [];
  for (const input of inputs) {
    if (input !== undefined && (input.data.length > MOST_ELEMENTS || input.dtype === 'float16')) return undefined;
    known.push(input && { dtype: input.dtype, shape: input.shape, values: integers(input) });
  }
  const result = rule(known as Known[], attributes);
  if (result === undefined || result.dtype === 'float16') return undefined;
  if (result.values.length > MOST_ELEMENTS || result.values.includes(undefined as never)) return undefined;
  return pack(result.dtype, result.shape, result.values);
}
