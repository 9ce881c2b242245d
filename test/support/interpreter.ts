/**
 * Evaluates a graph in float64 by plain loops, slow and obvious: the oracle for shape rules, gradients
 * and decompositions. Nothing here is shared with the rules under test but the attributes.
 */
import { elementCount, type NdArray, type Shape } from '../../src/array/ndarray.ts';
import type { AttributesOf, OpName } from '../../src/graph/attributes.ts';
import type { Graph, Node, Value } from '../../src/graph/ir.ts';

/** Numbers of any dtype as float64. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function tensor(shape: Shape, data: ArrayLike<number>): Tensor {
  return { shape, data: Float64Array.from(data) };
}

export function fromArray({ shape, data }: NdArray): Tensor {
  return { shape, data: Float64Array.from(data as ArrayLike<number | bigint>, Number) };
}

type Index = readonly number[];

function stridesOf(shape: Shape): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}

function flat(shape: Shape, index: Index): number {
  let sum = 0;
  for (let i = 0; i < shape.length; i++) sum = sum * (shape[i] as number) + (index[i] as number);
  return sum;
}

/** The element, or undefined outside of the tensor. */
function get(t: Tensor, index: Index): number | undefined {
  return index.every((p, i) => p >= 0 && p < (t.shape[i] as number)) ? t.data[flat(t.shape, index)] : undefined;
}

/** With numpy's broadcasting */
function cast(t: Tensor, index: Index): number {
  const extra = index.length - t.shape.length;
  return t.data[
    flat(
      t.shape,
      t.shape.map((n, i) => (n === 1 ? 0 : (index[i + extra] as number))),
    )
  ] as number;
}

function* indices(shape: Shape): Generator<Index> {
  const strides = stridesOf(shape);
  const size = elementCount(shape);
  for (let k = 0; k < size; k++) yield shape.map((n, i) => Math.floor(k / (strides[i] as number)) % n);
}

function fill(shape: Shape, value: (index: Index) => number): Tensor {
  return { shape, data: Float64Array.from(indices(shape), value) };
}

function erf(x: number): number {
  // Series for small arguments, continued fraction for large ones: both to full precision.
  const a = Math.abs(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

export type Evaluate<K extends OpName = OpName> = (x: readonly Tensor[], node: Node<K>) => readonly Tensor[];

function elementwise(compute: (...operands: number[]) => number): Evaluate<OpName> {
  return (x, node) => [fill(outShape(node), (index) => compute(...x.map((t) => cast(t, index))))];
}

function outShape(node: Node): Shape {
  return (node.outputs[0] as Value).shape;
}

const truth = (b: boolean): number => (b ? 1 : 0);

function reduction(
  combine: (values: number[]) => number,
): Evaluate<'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin'> {
  return ([x, axes], node) => {
    const t = x as Tensor;
    const rank = t.shape.length;
    const all = t.shape.map((_, i) => i);
    const listed = axes && axes.data.length > 0 ? Array.from(axes.data, (a) => (a < 0 ? a + rank : a)) : undefined;
    const over = listed ?? (node.attributes.noop_with_empty_axes ? [] : all);
    const keep = node.attributes.keepdims ?? 1;
    const groups = new Map<string, number[]>();
    for (const index of indices(t.shape)) {
      const key = (
        keep ? index.map((p, i) => (over.includes(i) ? 0 : p)) : index.filter((_, i) => !over.includes(i))
      ).join();
      groups.set(key, [...(groups.get(key) ?? []), t.data[flat(t.shape, index)] as number]);
    }
    return [fill(outShape(node), (index) => combine(groups.get(index.join()) ?? []))];
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function softmax(log: boolean): Evaluate<'Softmax' | 'LogSoftmax'> {
  return ([x], node) => {
    const t = x as Tensor;
    const given = node.attributes.axis ?? -1;
    const axis = given < 0 ? given + t.shape.length : given;
    return [
      fill(t.shape, (index) => {
        let total = 0;
        for (let k = 0; k < (t.shape[axis] as number); k++) total += Math.exp(get(t, index.with(axis, k)) as number);
        const value = get(t, index) as number;
        return log ? value - Math.log(total) : Math.exp(value) / total;
      }),
    ];
  };
}

interface Spatial {
  readonly kernel: Shape;
  readonly strides: Shape;
  readonly dilations: Shape;
  readonly pads: Shape;
  readonly group: number;
}

function spatial(attributes: AttributesOf['Conv'], kernel: Shape): Spatial {
  const ones = kernel.map(() => 1);
  return {
    kernel,
    strides: attributes.strides ?? ones,
    dilations: attributes.dilations ?? ones,
    pads: attributes.pads ?? [...ones, ...ones].map(() => 0),
    group: attributes.group ?? 1,
  };
}

/** Position in the convolution's input that output `p` reads with kernel element `k`. */
function read(s: Spatial, p: Index, k: Index): Index {
  return p.map(
    (q, i) => q * (s.strides[i] as number) + (k[i] as number) * (s.dilations[i] as number) - (s.pads[i] as number),
  );
}

/** Calls `visit` for every product in y[n,k,p] = sum w[k,c,i] x[n,g C + c, read(p, i)]. */
function eachProduct(
  s: Spatial,
  shapes: { x: Shape; y: Shape; channels: number },
  visit: (x: Index, w: Index, y: Index) => void,
): void {
  const perGroup = (shapes.y[1] as number) / s.group;
  for (const y of indices(shapes.y)) {
    const g = Math.floor((y[1] as number) / perGroup);
    for (const k of indices(s.kernel)) {
      const position = read(s, y.slice(2), k);
      if (position.some((q, i) => q < 0 || q >= (shapes.x[i + 2] as number))) continue;
      for (let c = 0; c < shapes.channels; c++) {
        visit([y[0] as number, g * shapes.channels + c, ...position], [y[1] as number, c, ...k], y);
      }
    }
  }
}

function accumulator(shape: Shape): { readonly tensor: Tensor; add(index: Index, value: number): void } {
  const t = fill(shape, () => 0);
  return {
    tensor: t,
    add: (index, value) => {
      t.data[flat(shape, index)] = (t.data[flat(shape, index)] as number) + value;
    },
  };
}

const conv: Evaluate<'Conv'> = ([x, w, bias], node) => {
  const [p, q] = [x as Tensor, w as Tensor];
  const y = accumulator(outShape(node));
  const s = spatial(node.attributes, q.shape.slice(2));
  eachProduct(s, { x: p.shape, y: y.tensor.shape, channels: q.shape[1] as number }, (at, k, out) => {
    y.add(out, (get(p, at) as number) * (get(q, k) as number));
  });
  if (bias !== undefined)
    for (const index of indices(y.tensor.shape)) y.add(index, bias.data[index[1] as number] as number);
  return [y.tensor];
};

/** The adjoint of conv in x */
function scatterConv(dy: Tensor, w: Tensor, s: Spatial, shape: Shape): ReturnType<typeof accumulator> {
  const dx = accumulator(shape);
  eachProduct(s, { x: shape, y: dy.shape, channels: w.shape[1] as number }, (at, k, out) => {
    dx.add(at, (get(dy, out) as number) * (get(w, k) as number));
  });
  return dx;
}

/** Windows of a pooling: the positions inside the input, for each output. */
function windowsOf(shape: Shape, p: Index, attributes: AttributesOf['MaxPool']): Index[] {
  const s = spatial({ ...attributes } as AttributesOf['Conv'], attributes.kernel_shape);
  return [...indices(s.kernel)]
    .map((k) => [...p.slice(0, 2), ...read(s, p.slice(2), k)])
    .filter((index) => index.every((q, i) => q >= 0 && q < (shape[i] as number)));
}

const maxPool: Evaluate<'MaxPool'> = ([x], node) => {
  const t = x as Tensor;
  const best = [...indices(outShape(node))].map((p) =>
    windowsOf(t.shape, p, node.attributes).reduce((a, b) => ((get(t, b) as number) > (get(t, a) as number) ? b : a)),
  );
  const shape = outShape(node);
  return [
    { shape, data: Float64Array.from(best, (index) => get(t, index) as number) },
    { shape, data: Float64Array.from(best, (index) => flat(t.shape, index)) },
  ];
};

const averagePool: Evaluate<'AveragePool'> = ([x], node) => {
  const t = x as Tensor;
  const { kernel_shape: kernel, count_include_pad: include = 0 } = node.attributes;
  const s = spatial({ ...node.attributes } as AttributesOf['Conv'], kernel);
  return [
    fill(outShape(node), (p) => {
      const window = windowsOf(t.shape, p, node.attributes);
      // With ceil_mode a window may reach beyond the padding too: that part is never counted.
      const padded = [...indices(kernel)].filter((k) =>
        read(s, p.slice(2), k).every((q, i) => q < (t.shape[i + 2] as number) + (s.pads[i + kernel.length] as number)),
      );
      return sum(window.map((index) => get(t, index) as number)) / (include ? padded.length : window.length);
    }),
  ];
};

function resizePosition(o: number, n: number, m: number, scale: number, transform: string | undefined): number {
  switch (transform) {
    case 'asymmetric':
      return o / scale;
    case 'align_corners':
      return m === 1 ? 0 : (o * (n - 1)) / (m - 1);
    case 'pytorch_half_pixel':
      return m === 1 ? 0 : (o + 0.5) / scale - 0.5;
    default:
      return (o + 0.5) / scale - 0.5;
  }
}

const resize: Evaluate<'Resize'> = (inputs, node) => {
  const t = inputs[0] as Tensor;
  const { mode = 'nearest', coordinate_transformation_mode: transform, nearest_mode: nearest } = node.attributes;
  const shape = outShape(node);
  const scales = node.inputs[2] === undefined ? undefined : (inputs[2] as Tensor).data;
  const corners = (o: number, axis: number): [number, number][] => {
    const [n, m] = [t.shape[axis] as number, shape[axis] as number];
    const at = resizePosition(o, n, m, scales?.[axis] ?? m / n, transform);
    const clamp = (i: number) => Math.min(n - 1, Math.max(0, i));
    if (mode === 'nearest') return [[clamp(nearest === 'floor' ? Math.floor(at) : Math.ceil(at - 0.5)), 1]];
    const low = Math.floor(at);
    return [
      [clamp(low), low + 1 - at],
      [clamp(low + 1), at - low],
    ];
  };
  return [
    fill(shape, (index) => {
      let terms: [number[], number][] = [[[], 1]];
      index.forEach((o, axis) => {
        terms = terms.flatMap(([at, w]) => corners(o, axis).map(([i, v]): [number[], number] => [[...at, i], w * v]));
      });
      return sum(terms.map(([at, w]) => w * (get(t, at) as number)));
    }),
  ];
};

const matMul: Evaluate<'MatMul'> = ([x, y], node) => {
  const [a, b] = [x as Tensor, y as Tensor];
  const inner = a.shape.at(-1) as number;
  return [
    fill(outShape(node), (index) => {
      const [lead, row, column] = [index.slice(0, -2), index.at(-2) as number, index.at(-1) as number];
      let total = 0;
      for (let k = 0; k < inner; k++) total += cast(a, [...lead, row, k]) * cast(b, [...lead, k, column]);
      return total;
    }),
  ];
};

const gemm: Evaluate<'Gemm'> = ([x, y, c], node) => {
  const [a, b] = [x as Tensor, y as Tensor];
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = node.attributes;
  const inner = a.shape[transA ? 0 : 1] as number;
  return [
    fill(outShape(node), ([i = 0, j = 0]) => {
      let total = 0;
      for (let k = 0; k < inner; k++) {
        total += (get(a, transA ? [k, i] : [i, k]) as number) * (get(b, transB ? [j, k] : [k, j]) as number);
      }
      return alpha * total + (c === undefined ? 0 : beta * cast(c, [i, j]));
    }),
  ];
};

const slice: Evaluate<'Slice'> = ([x, starts, , axes, steps], node) => {
  const t = x as Tensor;
  const from = t.shape.map(() => 0);
  const by = t.shape.map(() => 1);
  starts?.data.forEach((start, i) => {
    const given = axes?.data[i] ?? i;
    const axis = given < 0 ? given + t.shape.length : given;
    const n = t.shape[axis] as number;
    const step = steps?.data[i] ?? 1;
    from[axis] = Math.min(step > 0 ? n : n - 1, Math.max(0, start < 0 ? start + n : start));
    by[axis] = step;
  });
  return [
    fill(
      outShape(node),
      (index) =>
        get(
          t,
          index.map((p, i) => (from[i] as number) + p * (by[i] as number)),
        ) as number,
    ),
  ];
};

const instanceNormalization: Evaluate<'InstanceNormalization'> = ([x, scale, bias], node) => {
  const t = x as Tensor;
  const { epsilon = 1e-5 } = node.attributes;
  return [
    fill(t.shape, (index) => {
      const values = [...indices(t.shape.slice(2))].map((p) => get(t, [...index.slice(0, 2), ...p]) as number);
      const mean = sum(values) / values.length;
      const variance = sum(values.map((v) => (v - mean) ** 2)) / values.length;
      const c = index[1] as number;
      return (
        (((get(t, index) as number) - mean) / Math.sqrt(variance + epsilon)) * ((scale as Tensor).data[c] as number) +
        ((bias as Tensor).data[c] as number)
      );
    }),
  ];
};

const lrn: Evaluate<'LRN'> = ([x], node) => {
  const t = x as Tensor;
  const { size, alpha = 1e-4, beta = 0.75, bias = 1 } = node.attributes;
  return [
    fill(t.shape, (index) => {
      const c = index[1] as number;
      let squares = 0;
      for (let j = c - Math.floor((size - 1) / 2); j <= c + Math.ceil((size - 1) / 2); j++) {
        squares += (get(t, index.with(1, j)) ?? 0) ** 2;
      }
      return (get(t, index) as number) / (bias + (alpha / size) * squares) ** beta;
    }),
  ];
};

/** Same elements in another shape */
const reshaped: Evaluate<OpName> = ([x], node) => [{ shape: outShape(node), data: (x as Tensor).data }];

const EVALUATE: { readonly [K in OpName]?: Evaluate<K> } = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Pow: elementwise((a, b) => a ** b),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Equal: elementwise((a, b) => truth(a === b)),
  Greater: elementwise((a, b) => truth(a > b)),
  GreaterOrEqual: elementwise((a, b) => truth(a >= b)),
  Less: elementwise((a, b) => truth(a < b)),
  LessOrEqual: elementwise((a, b) => truth(a <= b)),
  And: elementwise((a, b) => truth(a !== 0 && b !== 0)),
  Or: elementwise((a, b) => truth(a !== 0 || b !== 0)),
  Where: elementwise((c, a, b) => (c !== 0 ? a : b)),
  Not: elementwise((a) => truth(a === 0)),
  Neg: elementwise((a) => -a),
  Abs: elementwise(Math.abs),
  Sign: elementwise(Math.sign),
  Sqrt: elementwise(Math.sqrt),
  Reciprocal: elementwise((a) => 1 / a),
  Exp: elementwise(Math.exp),
  Log: elementwise(Math.log),
  Relu: elementwise((a) => Math.max(a, 0)),
  LeakyRelu: ([x], node) => [
    fill(outShape(node), (i) => {
      const a = get(x as Tensor, i) as number;
      return a > 0 ? a : a * (node.attributes.alpha ?? 0.01);
    }),
  ],
  HardSigmoid: ([x], node) => [
    fill(outShape(node), (i) => {
      const { alpha = 0.2, beta = 0.5 } = node.attributes;
      return Math.max(0, Math.min(1, alpha * (get(x as Tensor, i) as number) + beta));
    }),
  ],
  Sigmoid: elementwise((a) => 1 / (1 + Math.exp(-a))),
  Tanh: elementwise(Math.tanh),
  Softplus: elementwise((a) => Math.log1p(Math.exp(a))),
  Erf: elementwise(erf),
  Sin: elementwise(Math.sin),
  Cos: elementwise(Math.cos),
  Floor: elementwise(Math.floor),
  Clip: (inputs, node) => {
    const [x, low, high] = node.inputs.map((value, i) => (value === undefined ? undefined : inputs[i]));
    return [
      fill(outShape(node), (i) =>
        Math.min(high?.data[0] ?? Infinity, Math.max(low?.data[0] ?? -Infinity, get(x as Tensor, i) as number)),
      ),
    ];
  },
  Identity: reshaped,
  Cast: ([x], node) => {
    const { to } = node.attributes;
    const convert = to === 'bool' ? (a: number) => truth(a !== 0) : to.includes('int') ? Math.trunc : (a: number) => a;
    return [fill(outShape(node), (i) => convert(get(x as Tensor, i) as number))];
  },
  Dropout: ([x], node) => [x as Tensor, fill(outShape(node), () => 1)],
  ReduceSum: reduction(sum),
  ReduceMean: reduction((values) => sum(values) / values.length),
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceMin: reduction((values) => Math.min(...values)),
  ArgMax: ([x], node) => {
    const t = x as Tensor;
    const { axis: given = 0, keepdims = 1, select_last_index: last = 0 } = node.attributes;
    const axis = given < 0 ? given + t.shape.length : given;
    return [
      fill(outShape(node), (index) => {
        const at = keepdims ? index : index.toSpliced(axis, 0, 0);
        let best = 0;
        for (let k = 1; k < (t.shape[axis] as number); k++) {
          const [a, b] = [get(t, at.with(axis, k)) as number, get(t, at.with(axis, best)) as number];
          if (last ? a >= b : a > b) best = k;
        }
        return best;
      }),
    ];
  },
  Softmax: softmax(false),
  LogSoftmax: softmax(true),
  Shape: ([x], node) => {
    const part = (x as Tensor).shape.slice(
      node.attributes.start ?? 0,
      node.attributes.end ?? (x as Tensor).shape.length,
    );
    return [tensor([part.length], part)];
  },
  ConstantOfShape: (_x, node) => [fill(outShape(node), () => Number(node.attributes.value?.data[0] ?? 0))],
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: ([x], node) => {
    const t = x as Tensor;
    const perm = node.attributes.perm ?? t.shape.map((_, i) => t.shape.length - 1 - i);
    return [
      fill(
        outShape(node),
        (index) =>
          get(
            t,
            t.shape.map((_, i) => index[perm.indexOf(i)] as number),
          ) as number,
      ),
    ];
  },
  Expand: ([x], node) => [fill(outShape(node), (index) => cast(x as Tensor, index))],
  Tile: ([x], node) => [
    fill(
      outShape(node),
      (index) =>
        get(
          x as Tensor,
          index.map((p, i) => p % ((x as Tensor).shape[i] as number)),
        ) as number,
    ),
  ],
  Concat: (x, node) => {
    const axis = node.attributes.axis < 0 ? node.attributes.axis + outShape(node).length : node.attributes.axis;
    return [
      fill(outShape(node), (index) => {
        let rest = index[axis] as number;
        for (const t of x) {
          if (rest < (t.shape[axis] as number)) return get(t, index.with(axis, rest)) as number;
          rest -= t.shape[axis] as number;
        }
        return Number.NaN;
      }),
    ];
  },
  Split: ([x], node) => {
    const t = x as Tensor;
    const given = node.attributes.axis ?? 0;
    const axis = given < 0 ? given + t.shape.length : given;
    let start = 0;
    return node.outputs.map(({ shape }) => {
      const from = start;
      start += shape[axis] as number;
      return fill(shape, (index) => get(t, index.with(axis, (index[axis] as number) + from)) as number);
    });
  },
  Slice: slice,
  Pad: ([x, pads, value], node) => [
    fill(
      outShape(node),
      (index) =>
        get(
          x as Tensor,
          index.map((p, i) => p - ((pads as Tensor).data[i] as number)),
        ) ??
        value?.data[0] ??
        0,
    ),
  ],
  Gather: ([x, list], node) => {
    const [t, at] = [x as Tensor, list as Tensor];
    const given = node.attributes.axis ?? 0;
    const axis = given < 0 ? given + t.shape.length : given;
    const rank = at.shape.length;
    return [
      fill(outShape(node), (index) => {
        const chosen = get(at, index.slice(axis, axis + rank)) as number;
        const k = chosen < 0 ? chosen + (t.shape[axis] as number) : chosen;
        return get(t, [...index.slice(0, axis), k, ...index.slice(axis + rank)]) as number;
      }),
    ];
  },
  ScatterElements: ([x, list, updates], node) => {
    const [t, at] = [x as Tensor, list as Tensor];
    const given = node.attributes.axis ?? 0;
    const axis = given < 0 ? given + t.shape.length : given;
    const result = { shape: t.shape, data: t.data.slice() };
    for (const index of indices(at.shape)) {
      const chosen = get(at, index) as number;
      const k = flat(t.shape, index.with(axis, chosen < 0 ? chosen + (t.shape[axis] as number) : chosen));
      const update = get(updates as Tensor, index) as number;
      result.data[k] = node.attributes.reduction === 'add' ? (result.data[k] as number) + update : update;
    }
    return [result];
  },
  DepthToSpace: ([x], node) => {
    const { blocksize: s, mode = 'DCR' } = node.attributes;
    const channels = outShape(node)[1] as number;
    return [
      fill(outShape(node), ([n = 0, c = 0, i = 0, j = 0]) => {
        const block = (i % s) * s + (j % s);
        const from = mode === 'DCR' ? block * channels + c : c * s * s + block;
        return get(x as Tensor, [n, from, Math.floor(i / s), Math.floor(j / s)]) as number;
      }),
    ];
  },
  SpaceToDepth: ([x], node) => {
    const { blocksize: s } = node.attributes;
    const channels = (x as Tensor).shape[1] as number;
    return [
      fill(outShape(node), ([n = 0, c = 0, i = 0, j = 0]) => {
        const block = Math.floor(c / channels);
        return get(x as Tensor, [n, c % channels, i * s + Math.floor(block / s), j * s + (block % s)]) as number;
      }),
    ];
  },
  Col2Im: ([x, , block], node) => {
    const t = x as Tensor;
    const kernel = Array.from((block as Tensor).data);
    const s = spatial(node.attributes, kernel);
    const shape = outShape(node);
    const result = accumulator(shape);
    const steps = shape.slice(2).map((size, i) => {
      const reach = (s.dilations[i] as number) * ((kernel[i] as number) - 1) + 1;
      return (
        Math.floor(
          (size + (s.pads[i] as number) + (s.pads[i + kernel.length] as number) - reach) / (s.strides[i] as number),
        ) + 1
      );
    });
    for (const [n = 0, row = 0, column = 0] of indices(t.shape)) {
      const [c, k] = [Math.floor(row / elementCount(kernel)), row % elementCount(kernel)];
      const tap = stridesOf(kernel).map((stride, i) => Math.floor(k / stride) % (kernel[i] as number));
      const p = stridesOf(steps).map((stride, i) => Math.floor(column / stride) % (steps[i] as number));
      const at = [n, c, ...read(s, p, tap)];
      if (at.every((q, i) => q >= 0 && q < (shape[i] as number))) result.add(at, get(t, [n, row, column]) as number);
    }
    return [result.tensor];
  },
  Resize: resize,
  MatMul: matMul,
  Gemm: gemm,
  Conv: conv,
  ConvTranspose: ([x, w, bias], node) => {
    const s = spatial(node.attributes, (w as Tensor).shape.slice(2));
    const y = scatterConv(x as Tensor, w as Tensor, s, outShape(node));
    if (bias !== undefined)
      for (const index of indices(y.tensor.shape)) y.add(index, bias.data[index[1] as number] as number);
    return [y.tensor];
  },
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: ([x], node) => [
    fill(outShape(node), ([n = 0, c = 0]) => {
      const values = [...indices((x as Tensor).shape.slice(2))].map((p) => get(x as Tensor, [n, c, ...p]) as number);
      return sum(values) / values.length;
    }),
  ],
  BatchNormalization: ([x, scale, bias, mean, variance], node) => {
    const of = (t: Tensor | undefined, index: Index) => t?.data[index[1] as number] as number;
    const { epsilon = 1e-5, momentum = 0.9, training_mode = 0 } = node.attributes;
    const overBatch = (value: (i: Index) => number) =>
      fill((mean as Tensor).shape, ([c = 0]) => {
        const own = [...indices((x as Tensor).shape)].filter((i) => i[1] === c).map(value);
        return sum(own) / own.length;
      });
    const batchMean = overBatch((i) => get(x as Tensor, i) as number);
    const batchVariance = overBatch((i) => ((get(x as Tensor, i) as number) - of(batchMean, i)) ** 2);
    const [average, spread] = training_mode === 1 ? [batchMean, batchVariance] : [mean, variance];
    const y = fill(outShape(node), (i) => {
      const normal = ((get(x as Tensor, i) as number) - of(average, i)) / Math.sqrt(of(spread, i) + epsilon);
      return of(scale, i) * normal + of(bias, i);
    });
    const moved = (stored: Tensor | undefined, batch: Tensor) =>
      fill(
        batch.shape,
        (i) => momentum * (get(stored as Tensor, i) as number) + (1 - momentum) * (get(batch, i) as number),
      );
    return training_mode === 1 ? [y, moved(mean, batchMean), moved(variance, batchVariance)] : [y];
  },
  InstanceNormalization: instanceNormalization,
  LRN: lrn,
  'lamella.ConvGradInput': ([dy, w], node) => {
    const s = spatial(node.attributes, (w as Tensor).shape.slice(2));
    return [scatterConv(dy as Tensor, w as Tensor, s, outShape(node)).tensor];
  },
  'lamella.ConvGradWeight': ([dy, x], node) => {
    const [d, t] = [dy as Tensor, x as Tensor];
    const s = spatial(node.attributes, node.attributes.kernel_shape);
    const dw = accumulator(outShape(node));
    eachProduct(s, { x: t.shape, y: d.shape, channels: (t.shape[1] as number) / s.group }, (at, k, out) => {
      dw.add(k, (get(d, out) as number) * (get(t, at) as number));
    });
    return [dw.tensor];
  },
  'lamella.MaxPoolGrad': ([x, dy], node) => {
    const [t, d] = [x as Tensor, dy as Tensor];
    const dx = accumulator(t.shape);
    for (const p of indices(d.shape)) {
      const at = windowsOf(t.shape, p, node.attributes).reduce((a, b) =>
        (get(t, b) as number) > (get(t, a) as number) ? b : a,
      );
      dx.add(at, get(d, p) as number);
    }
    return [dx.tensor];
  },
};

/** Ops whose case in `graph/cases.ts` says what they compute. */
const OF_CASES = new Map<OpName, Evaluate>();

export function interpretAs(op: OpName, evaluate: Evaluate): void {
  OF_CASES.set(op, evaluate);
}

/**
 * Every output of the graph, by name, in float64.
 * Absent optional inputs are passed as an empty tensor.
 */
export function interpret(
  graph: Graph,
  feeds: { readonly [input: string]: Tensor },
): { readonly [output: string]: Tensor } {
  const values = new Map<Value, Tensor>();
  for (const value of graph.inputs) values.set(value, feeds[value.name] as Tensor);
  for (const [value, array] of graph.constants) values.set(value, fromArray(array));
  for (const node of graph.nodes) {
    const evaluate = (EVALUATE[node.op] as Evaluate | undefined) ?? OF_CASES.get(node.op);
    if (evaluate === undefined) throw new Error(`${node.op} is not interpreted`);
    const inputs = node.inputs.map((value) => (value === undefined ? tensor([0], []) : (values.get(value) as Tensor)));
    const results = evaluate(inputs, node);
    node.outputs.forEach((value, i) => {
      values.set(value, results[i] as Tensor);
    });
  }
  return Object.fromEntries(graph.outputs.map((value) => [value.name, values.get(value) as Tensor]));
}
