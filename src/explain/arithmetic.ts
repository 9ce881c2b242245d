/**
 * Single numbers of a network computed by hand from the numbers before them, so that each can be followed. Every step
 * starts from numbers of the graph, sums in double precision and keeps what the graph made of the same numbers.
 */
import type { PoolAttributes } from '../graph/attributes.ts';
import type { Node, Value } from '../graph/ir.ts';
import { convGeometry } from '../graph/ops/convolution.ts';
import type { ConvolutionStep, DenseStep, ElementStep, Point, PoolingStep, Step } from './explanation.ts';
import type { Layer } from './layers.ts';
import type { Probe, Probes, Range } from './probes.ts';

/** Asked for before the graph runs; `steps` afterwards. */
export interface PlannedPassage {
  readonly name: string;
  /** @param channel which map or unit; default: the one with the largest magnitude there */
  steps(channel?: number): readonly Step[];
}

/**
 * Plans to follow one number of a layer and what is done with it until the layer's end. Nothing for layers whose
 * arithmetic is not shown (transposed convolutions, global pooling, products of computed matrices).
 * @param at where in the layer's maps; of no meaning to dense layers
 */
export function planPassage(
  name: string,
  { node, behind, name: layer, kind }: Layer,
  probes: Probes,
  at: Point,
): PlannedPassage | undefined {
  const first =
    kind === 'dense'
      ? planDense(node, layer, probes)
      : node.op === 'Conv'
        ? planConvolution(node as Node<'Conv'>, layer, probes, at)
        : node.op === 'MaxPool' || node.op === 'AveragePool'
          ? planPooling(node as Node<'MaxPool' | 'AveragePool'>, layer, probes, at)
          : undefined;
  if (first === undefined) return undefined;
  const elements = behind.flatMap((next, i) => {
    const before = (behind[i - 1] ?? node).outputs[0] as Value;
    return planElement(next, before, probes, at) ?? [];
  });
  const last = numbersAt(probes, (behind.at(-1) ?? node).outputs[0] as Value, at);
  return {
    name,
    steps: (channel = strongest(last.read())) => [first(channel), ...elements.flatMap((step) => step(channel) ?? [])],
  };
}

function strongest(values: Float32Array): number {
  return values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best] as number) ? i : best), 0);
}

/** All channels at one place, or all units. */
function numbersAt(probes: Probes, value: Value, { x, y }: Point): Probe {
  return probes.part(value, value.shape.length === 4 ? { 2: [y, y + 1], 3: [x, x + 1] } : {});
}

/** Unit roundoff of float32. */
const ROUNDOFF = 2 ** -24;

/** n u sum |x w|: Higham, Accuracy and Stability of Numerical Algorithms, section 4.2; holds in any order of summation. */
function roundingOf(values: Float32Array, weights: Float32Array, bias: number): number {
  let size = Math.abs(bias);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isNaN(value)) size += Math.abs(value * (weights[i] as number));
  }
  return (values.length + 1) * ROUNDOFF * size;
}

/** Of functions of one number, whose kernels approximate them. */
const approximate = (value: number): number => 1e-5 * Math.max(1e-3, Math.abs(value));

interface Window {
  /** Where it begins, which may be in the padding. */
  readonly origin: Point;
  readonly kernel: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** What is asked of the maps before. */
  readonly range: Range;
}

function windowAt(
  { shape }: Value,
  at: Point,
  g: Pick<ReturnType<typeof convGeometry>, 'kernel' | 'strides' | 'dilations' | 'padsBegin'>,
): Window {
  const start = (i: 0 | 1): number => (i === 0 ? at.y : at.x) * (g.strides[i] as number) - (g.padsBegin[i] as number);
  const dilation = [g.dilations[0] as number, g.dilations[1] as number] as const;
  const kernel = [g.kernel[0] as number, g.kernel[1] as number] as const;
  const range = (i: 0 | 1): readonly [number, number] => {
    const end = start(i) + dilation[i] * (kernel[i] - 1) + 1;
    return [Math.max(0, start(i)), Math.min(shape[i + 2] as number, end)];
  };
  return { origin: { y: start(0), x: start(1) }, kernel, dilation, range: { 2: range(0), 3: range(1) } };
}

/** The numbers under the taps of a window, [channels, kernel height, kernel width]; NaN in the padding. */
function underTaps(
  probe: Probe,
  { origin, kernel, dilation, range }: Window,
  first: number,
  count: number,
): Float32Array {
  const data = probe.read();
  const [, , rows, columns] = probe.shape as readonly [number, number, number, number];
  const [top] = range[2] as readonly [number, number];
  const [left] = range[3] as readonly [number, number];
  const out = new Float32Array(count * kernel[0] * kernel[1]);
  let to = 0;
  for (let c = first; c < first + count; c++) {
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++) {
        const y = origin.y + i * dilation[0] - top;
        const x = origin.x + j * dilation[1] - left;
        const inside = y >= 0 && x >= 0 && y < rows && x < columns;
        out[to++] = inside ? (data[(c * rows + y) * columns + x] as number) : Number.NaN;
      }
    }
  }
  return out;
}

/** Sum of products; what lies in the padding counts as 0. */
function sumOfProducts(values: Float32Array, weights: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isNaN(value)) sum += value * (weights[i] as number);
  }
  return sum;
}

/** y[k] = b[k] + sum_{c,i,j} w[k,c,i,j] x[c, stride y + dilation i - pad, stride x + dilation j - pad] */
function planConvolution(
  { inputs, outputs, attributes }: Node<'Conv'>,
  layer: string,
  probes: Probes,
  at: Point,
): ((channel: number) => ConvolutionStep) | undefined {
  const [x, w, b] = inputs as readonly [Value, Value, Value | undefined];
  const g = convGeometry(attributes, w.shape.slice(2));
  if (g.kernel.length !== 2) return undefined;
  const window = windowAt(x, at, g);
  const values = probes.part(x, window.range);
  const weights = probes.part(w);
  const biases = b && probes.part(b);
  const results = numbersAt(probes, outputs[0] as Value, at);
  const [filters, inputsOfGroup] = [w.shape[0] as number, w.shape[1] as number];
  return (channel) => {
    const firstChannel = Math.floor(channel / (filters / g.group)) * inputsOfGroup;
    const size = inputsOfGroup * window.kernel[0] * window.kernel[1];
    const under = underTaps(values, window, firstChannel, inputsOfGroup);
    const kernel = weights.read().slice(channel * size, (channel + 1) * size);
    const bias = biases === undefined ? 0 : (biases.read()[channel] as number);
    return {
      kind: 'convolution',
      layer,
      channel,
      at,
      origin: window.origin,
      dilation: window.dilation,
      stride: [g.strides[0] as number, g.strides[1] as number],
      kernel: window.kernel,
      firstChannel,
      values: under,
      weights: kernel,
      bias,
      total: bias + sumOfProducts(under, kernel),
      tolerance: roundingOf(under, kernel, bias),
      graph: results.read()[channel] as number,
    };
  };
}

/** y[k] = b[k] + sum_i w[k,i] x[i] */
function planDense(node: Node, layer: string, probes: Probes): ((channel: number) => DenseStep) | undefined {
  const [x, w, b] = node.inputs as readonly [Value, Value, Value | undefined];
  const attributes = node.attributes as { transA?: 0 | 1; transB?: 0 | 1; alpha?: number; beta?: number };
  const { transA = 0, transB = 0, alpha = 1, beta = 1 } = node.op === 'Gemm' ? attributes : {};
  if (x.shape.length !== 2 || x.shape[0] !== 1 || w.shape.length !== 2 || transA === 1) return undefined;
  const values = probes.part(x);
  const weights = probes.part(w);
  const biases = b && probes.part(b);
  const results = probes.part(node.outputs[0] as Value);
  const count = x.shape[1] as number;
  const units = (transB === 1 ? w.shape[0] : w.shape[1]) as number;
  return (channel) => {
    const stored = weights.read();
    const row = Float32Array.from(
      { length: count },
      (_, i) => alpha * (stored[transB === 1 ? channel * count + i : i * units + channel] as number),
    );
    const under = Float32Array.from(values.read());
    const given = biases?.read();
    const bias = given === undefined ? 0 : beta * (given[given.length === 1 ? 0 : channel] as number);
    return {
      kind: 'dense',
      layer,
      channel,
      values: under,
      weights: row,
      bias,
      total: bias + sumOfProducts(under, row),
      tolerance: roundingOf(under, row, bias),
      graph: results.read()[channel] as number,
    };
  };
}

/** The largest number of a window, or the mean. */
function planPooling(
  node: Node<'MaxPool' | 'AveragePool'>,
  layer: string,
  probes: Probes,
  at: Point,
): ((channel: number) => PoolingStep) | undefined {
  const attributes: PoolAttributes & { readonly count_include_pad?: 0 | 1 } = node.attributes;
  const [x] = node.inputs as readonly [Value];
  const g = convGeometry(attributes, attributes.kernel_shape);
  if (g.kernel.length !== 2) return undefined;
  const window = windowAt(x, at, g);
  const values = probes.part(x, window.range);
  const results = numbersAt(probes, node.outputs[0] as Value, at);
  return (channel) => {
    const under = underTaps(values, window, channel, 1);
    const inside = Array.from(under).filter((value) => !Number.isNaN(value));
    const counted = attributes.count_include_pad === 1 ? under.length : inside.length;
    const maximum = node.op === 'MaxPool';
    const total = maximum ? Math.max(...inside) : inside.reduce((a, b) => a + b, 0) / counted;
    return {
      kind: 'pooling',
      layer,
      how: maximum ? 'maximum' : 'mean',
      channel,
      at,
      origin: window.origin,
      kernel: window.kernel,
      stride: [g.strides[0] as number, g.strides[1] as number],
      values: under,
      total,
      tolerance: maximum ? 0 : approximate(total),
      graph: results.read()[channel] as number,
    };
  };
}

/** `-0.312`: four digits. */
const short = (value: number): string => String(Number(value.toPrecision(4))).replace('-', '−');

type Element = (channel: number) => ElementStep | undefined;

/** One operation on a number; nothing for those that change nothing, or that look at the whole map. */
function planElement(node: Node, x: Value, probes: Probes, at: Point): Element | undefined {
  if (node.op === 'Identity' || node.op === 'Dropout' || node.op === 'InstanceNormalization') return undefined;
  const own = node.inputs.indexOf(x);
  const others = node.inputs.map((value) => (value === undefined || value === x ? undefined : probes.part(value)));
  const before = numbersAt(probes, x, at);
  const after = numbersAt(probes, node.outputs[0] as Value, at);
  return (channel) => {
    const all = before.read();
    const operand = (i: number): number => {
      const data = others[i]?.read();
      return data === undefined ? Number.NaN : (data[data.length === 1 ? 0 : channel] as number);
    };
    const found = computed(node, all[channel] as number, { own, operand, all, channel });
    if (found === undefined) return undefined;
    const graph = after.read()[channel] as number;
    return { kind: 'element', op: node.op, ...found, graph, tolerance: approximate(found.total) };
  };
}

interface Surroundings {
  /** Which input the number is. */
  readonly own: number;
  readonly operand: (input: number) => number;
  /** The number of every channel at this place. */
  readonly all: Float32Array;
  readonly channel: number;
}

function computed(
  node: Node,
  v: number,
  { own, operand, all, channel }: Surroundings,
): { readonly formula: string; readonly total: number } | undefined {
  const other = operand(1 - own);
  const pair = (sign: string): string => {
    const [a, b] = own === 0 ? [short(v), short(other)] : [short(other), short(v)];
    return `${a} ${sign} ${b}`;
  };
  switch (node.op) {
    case 'Relu':
      return { formula: `max(0, ${short(v)})`, total: Math.max(0, v) };
    case 'LeakyRelu': {
      const { alpha = 0.01 } = node.attributes as { alpha?: number };
      return { formula: v < 0 ? `${alpha} · ${short(v)}` : short(v), total: v < 0 ? alpha * v : v };
    }
    case 'Sigmoid':
      return { formula: `1 / (1 + exp(−(${short(v)})))`, total: 1 / (1 + Math.exp(-v)) };
    case 'Tanh':
      return { formula: `tanh(${short(v)})`, total: Math.tanh(v) };
    case 'Softplus':
      return { formula: `log(1 + exp(${short(v)}))`, total: Math.log1p(Math.exp(v)) };
    case 'Clip': {
      const [low, high] = [operand(1), operand(2)];
      const total = Math.min(Number.isNaN(high) ? v : high, Math.max(Number.isNaN(low) ? v : low, v));
      return { formula: `${short(v)} cut to ${short(low)} .. ${short(high)}`, total };
    }
    case 'Add':
      return { formula: pair('+'), total: v + other };
    case 'Sub':
      return { formula: pair('−'), total: own === 0 ? v - other : other - v };
    case 'Mul':
      return { formula: pair('·'), total: v * other };
    case 'Div':
      return { formula: pair('/'), total: own === 0 ? v / other : other / v };
    case 'BatchNormalization': {
      const { epsilon = 1e-5 } = node.attributes as { epsilon?: number };
      const [scale, bias, mean, variance] = [1, 2, 3, 4].map(operand) as [number, number, number, number];
      return {
        formula: `${short(scale)} · (${short(v)} − ${short(mean)}) / √(${short(variance)} + ${epsilon}) + ${short(bias)}`,
        total: (scale * (v - mean)) / Math.sqrt(variance + epsilon) + bias,
      };
    }
    case 'LRN': {
      const {
        size,
        alpha = 1e-4,
        beta = 0.75,
        bias = 1,
      } = node.attributes as {
        size: number;
        alpha?: number;
        beta?: number;
        bias?: number;
      };
      const from = Math.max(0, channel - Math.floor((size - 1) / 2));
      const to = Math.min(all.length - 1, channel + Math.ceil((size - 1) / 2));
      let squares = 0;
      for (let c = from; c <= to; c++) squares += (all[c] as number) ** 2;
      return {
        formula: `${short(v)} / (${short(bias)} + ${short(alpha / size)} · ${short(squares)})^${short(beta)}, ${short(squares)} the squares of maps ${from} to ${to} summed`,
        total: v / (bias + (alpha / size) * squares) ** beta,
      };
    }
    default:
      return undefined;
  }
}
