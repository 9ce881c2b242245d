/**
 * Computes single values of a network step by step from their inputs, so that each can be followed. Every step starts
 * from values of the graph, sums in double precision and keeps the graph's own result.
 */

import { convGeometry, type Node, type Value } from 'lamella/graph';
import type { Point } from 'lamella/predict';
import { planElement } from './elements.ts';
import type { ConvolutionStep, DenseStep, PoolingStep, Step } from './explanation.ts';
import type { ExplainedLayer } from './layers.ts';
import { numbersAt, type Probe, type Probes, type Range } from './probes.ts';
import { approximate, roundingOfMean, roundingOfSum } from './rounding.ts';

/** Requested before the graph runs; `steps` are available afterwards. */
export interface PlannedPassage {
  readonly name: string;
  /** @param channel index of the map or unit; default: the one with the largest magnitude there */
  steps(channel?: number): readonly Step[];
}

/**
 * Plans the computation of one value of a layer and the operations on it until the layer's end. Undefined for layers
 * whose arithmetic is not shown (volumes, products of computed matrices, transposed convolutions with dilation).
 * @param at position in the layer's maps; ignored for dense layers
 */
export function planPassage(
  name: string,
  { node, behind, name: layer, kind }: ExplainedLayer,
  probes: Probes,
  at: Point,
): PlannedPassage | undefined {
  const first = planFirst(node, kind, layer, probes, at);
  if (first === undefined) return undefined;
  const elements = behind.flatMap((next, i) => {
    const before = (behind[i - 1] ?? node).outputs[0];
    return planElement(next, before, probes, at) ?? [];
  });
  const last = numbersAt(probes, (behind.at(-1) ?? node).outputs[0], at);
  return {
    name,
    steps: (channel = strongest(last.read())) => [first(channel), ...elements.flatMap((step) => step(channel) ?? [])],
  };
}

type First = (channel: number) => ConvolutionStep | DenseStep | PoolingStep;

function planFirst(
  node: Node,
  kind: ExplainedLayer['kind'],
  layer: string,
  probes: Probes,
  at: Point,
): First | undefined {
  if (kind === 'dense') return planDense(node, layer, probes);
  switch (node.op) {
    case 'Conv':
      return planConvolution(node as Node<'Conv'>, layer, probes, at);
    case 'ConvTranspose':
      return planTransposed(node as Node<'ConvTranspose'>, layer, probes, at);
    case 'MaxPool':
    case 'AveragePool':
      return planPooling(node as Node<'MaxPool' | 'AveragePool'>, layer, probes, at);
    case 'GlobalAveragePool':
      return planMean(node, layer, probes);
    default:
      return undefined;
  }
}

function strongest(values: Float32Array): number {
  return values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
}

interface Window {
  /** Origin of the window, which may be in the padding. */
  readonly origin: Point;
  readonly kernel: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** The requested part of the input maps. */
  readonly range: Range;
}

function windowAt(
  { shape }: Value,
  at: Point,
  g: Pick<ReturnType<typeof convGeometry>, 'kernel' | 'strides' | 'dilations' | 'padsBegin'>,
): Window {
  const start = (i: 0 | 1): number => (i === 0 ? at.y : at.x) * g.strides[i] - g.padsBegin[i];
  const dilation = [g.dilations[0], g.dilations[1]] as const;
  const kernel = [g.kernel[0], g.kernel[1]] as const;
  const range = (i: 0 | 1): readonly [number, number] => {
    const end = start(i) + dilation[i] * (kernel[i] - 1) + 1;
    return [Math.max(0, start(i)), Math.min(shape[i + 2], end)];
  };
  return { origin: { y: start(0), x: start(1) }, kernel, dilation, range: { 2: range(0), 3: range(1) } };
}

/** The values under the taps of a window, [channels, kernel height, kernel width]; NaN in the padding. */
function underTaps(
  probe: Probe,
  { origin, kernel, dilation, range }: Window,
  first: number,
  count: number,
): Float32Array {
  const data = probe.read();
  const [, , rows, columns] = probe.shape;
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
        out[to++] = inside ? data[(c * rows + y) * columns + x] : Number.NaN;
      }
    }
  }
  return out;
}

/** Sum of products; padding counts as 0. */
function sumOfProducts(values: Float32Array, weights: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isNaN(value)) sum += value * weights[i];
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
  const results = numbersAt(probes, outputs[0], at);
  const [filters, inputsOfGroup] = [w.shape[0], w.shape[1]];
  return (channel) => {
    const firstChannel = Math.floor(channel / (filters / g.group)) * inputsOfGroup;
    const size = inputsOfGroup * window.kernel[0] * window.kernel[1];
    const under = underTaps(values, window, firstChannel, inputsOfGroup);
    const kernel = weights.read().slice(channel * size, (channel + 1) * size);
    const bias = biases === undefined ? 0 : biases.read()[channel];
    return {
      kind: 'convolution',
      layer,
      channel,
      at,
      origin: window.origin,
      dilation: window.dilation,
      stride: [g.strides[0], g.strides[1]],
      kernel: window.kernel,
      firstChannel,
      values: under,
      weights: kernel,
      bias,
      total: bias + sumOfProducts(under, kernel),
      tolerance: roundingOfSum(under, kernel, bias),
      graph: results.read()[channel],
    };
  };
}

/**
 * Along one axis: the positions of the inputs that contribute to an output, and their kernel taps, in the order of the
 * input.
 */
function reaching(
  at: number,
  { kernel, strides, padsBegin }: Pick<ReturnType<typeof convGeometry>, 'kernel' | 'strides' | 'padsBegin'>,
  axis: 0 | 1,
): { readonly from: number; readonly taps: readonly number[] } {
  const [size, stride, pad] = [kernel[axis], strides[axis], padsBegin[axis]] as [number, number, number];
  const taps: number[] = [];
  for (let tap = size - 1; tap >= 0; tap--) if ((at + pad - tap) % stride === 0) taps.push(tap);
  return { from: (at + pad - (taps[0] ?? 0)) / stride, taps };
}

/**
 * y[k, stride i + t - pad] = b[k] + sum_{c,t} w[c,k,t] x[c,i]: for every input the tap that contributes to the output.
 */
function planTransposed(
  { inputs, outputs, attributes }: Node<'ConvTranspose'>,
  layer: string,
  probes: Probes,
  at: Point,
): First | undefined {
  const [x, w, b] = inputs as readonly [Value, Value, Value | undefined];
  const g = convGeometry(attributes, w.shape.slice(2));
  const [rows, columns] = [reaching(at.y, g, 0), reaching(at.x, g, 1)];
  const kernel = [rows.taps.length, columns.taps.length] as const;
  if (g.kernel.length !== 2 || g.dilations.some((d) => d > 1) || kernel[0] * kernel[1] === 0) return undefined;
  const origin = { y: rows.from, x: columns.from };
  const inside = (axis: 2 | 3, from: number, count: number): readonly [number, number] => {
    const size = x.shape[axis];
    const begin = Math.min(size - 1, Math.max(0, from));
    return [begin, Math.max(begin + 1, Math.min(size, from + count))];
  };
  const range: Range = { 2: inside(2, origin.y, kernel[0]), 3: inside(3, origin.x, kernel[1]) };
  const window: Window = { origin, kernel, dilation: [1, 1], range };
  const values = probes.part(x, range);
  const weights = probes.part(w);
  const biases = b && probes.part(b);
  const results = numbersAt(probes, outputs[0], at);
  const [channels, filters] = w.shape as readonly number[] as readonly [number, number];
  const inputsOfGroup = channels / g.group;
  const taps = rows.taps.flatMap((i) => columns.taps.map((j) => i * g.kernel[1] + j));
  const size = g.kernel[0] * g.kernel[1];
  return (channel) => {
    const firstChannel = Math.floor(channel / filters) * inputsOfGroup;
    const own = channel % filters;
    const stored = weights.read();
    const chosen = Float32Array.from(
      { length: inputsOfGroup * taps.length },
      (_, n) => stored[((firstChannel + Math.floor(n / taps.length)) * filters + own) * size + taps[n % taps.length]],
    );
    const under = underTaps(values, window, firstChannel, inputsOfGroup);
    const bias = biases === undefined ? 0 : biases.read()[channel];
    return {
      kind: 'convolution',
      transposed: { kernel: [g.kernel[0], g.kernel[1]] },
      layer,
      channel,
      at,
      origin,
      dilation: [1, 1],
      stride: [g.strides[0], g.strides[1]],
      kernel,
      firstChannel,
      values: under,
      weights: chosen,
      bias,
      total: bias + sumOfProducts(under, chosen),
      tolerance: roundingOfSum(under, chosen, bias),
      graph: results.read()[channel],
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
  const results = probes.part(node.outputs[0]);
  const count = x.shape[1];
  const units = transB === 1 ? w.shape[0] : w.shape[1];
  return (channel) => {
    const stored = weights.read();
    const row = Float32Array.from(
      { length: count },
      (_, i) => alpha * stored[transB === 1 ? channel * count + i : i * units + channel],
    );
    const under = Float32Array.from(values.read());
    const given = biases?.read();
    const bias = given === undefined ? 0 : beta * given[given.length === 1 ? 0 : channel];
    return {
      kind: 'dense',
      layer,
      channel,
      values: under,
      weights: row,
      bias,
      total: bias + sumOfProducts(under, row),
      tolerance: roundingOfSum(under, row, bias),
      graph: results.read()[channel],
    };
  };
}

/** The maximum of a window, or the mean. */
function planPooling(
  node: Node<'MaxPool' | 'AveragePool'>,
  layer: string,
  probes: Probes,
  at: Point,
): ((channel: number) => PoolingStep) | undefined {
  const attributes: Node<'AveragePool'>['attributes'] = node.attributes;
  const [x] = node.inputs as readonly [Value];
  const g = convGeometry(attributes, attributes.kernel_shape);
  if (g.kernel.length !== 2) return undefined;
  const window = windowAt(x, at, g);
  const values = probes.part(x, window.range);
  const results = numbersAt(probes, node.outputs[0], at);
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
      stride: [g.strides[0], g.strides[1]],
      values: under,
      total,
      tolerance: maximum ? 0 : approximate(total),
      graph: results.read()[channel],
    };
  };
}

/** y[k] = sum_p x[k,p] / P over all P pixels of the map. */
function planMean(node: Node, layer: string, probes: Probes): First | undefined {
  const [x] = node.inputs as readonly [Value];
  if (x.shape.length !== 4) return undefined;
  const kernel = [x.shape[2], x.shape[3]] as const;
  const size = kernel[0] * kernel[1];
  const maps = probes.part(x);
  const results = probes.part(node.outputs[0]);
  return (channel) => {
    const values = maps.read().slice(channel * size, (channel + 1) * size);
    const magnitude = values.reduce((sum, value) => sum + Math.abs(value), 0) / size;
    return {
      kind: 'pooling',
      layer,
      how: 'mean',
      channel,
      at: { x: 0, y: 0 },
      origin: { x: 0, y: 0 },
      kernel,
      values,
      total: values.reduce((sum, value) => sum + value, 0) / size,
      tolerance: roundingOfMean(magnitude, size),
      graph: results.read()[channel],
    };
  };
}
