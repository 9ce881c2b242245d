/** Elementwise operations, each computed from the previous value. */

import type { Node, Value } from 'lamella/graph';
import type { Point } from 'lamella/predict';
import type { ElementStep } from './explanation.ts';
import { numbersAt, type Probes } from './probes.ts';
import { approximate, roundingOfMean } from './rounding.ts';

/** `-0.312`: four digits. */
const short = (value: number): string => String(Number(value.toPrecision(4))).replace('-', '−');

type Element = (channel: number) => ElementStep | undefined;

/** One operation on a value; undefined for those without effect. */
export function planElement(node: Node, x: Value, probes: Probes, at: Point): Element | undefined {
  if (node.op === 'Identity' || node.op === 'Dropout') return undefined;
  if (node.op === 'InstanceNormalization') return planInstance(node as Node<'InstanceNormalization'>, probes, at);
  const own = node.inputs.indexOf(x);
  const others = node.inputs.map((value) => (value === undefined || value === x ? undefined : probes.part(value)));
  const before = numbersAt(probes, x, at);
  const after = numbersAt(probes, node.outputs[0], at);
  return (channel) => {
    const all = before.read();
    const operand = (i: number): number => {
      const data = others[i]?.read();
      return data === undefined ? Number.NaN : data[data.length === 1 ? 0 : channel];
    };
    const found = computed(node, all[channel], { own, operand, all, channel });
    if (found === undefined) return undefined;
    const graph = after.read()[channel];
    return { kind: 'element', op: node.op, ...found, graph, tolerance: approximate(found.total) };
  };
}

/** y = scale[c] (x - mean) / sqrt(variance + epsilon) + bias[c], mean and variance over all pixels of the map. */
function planInstance(
  { inputs, outputs, attributes }: Node<'InstanceNormalization'>,
  probes: Probes,
  at: Point,
): Element {
  const [x, scale, bias] = inputs as readonly [Value, Value, Value];
  const { epsilon = 1e-5 } = attributes;
  const [scales, biases] = [probes.part(scale), probes.part(bias)];
  const maps = probes.part(x);
  const [before, after] = [numbersAt(probes, x, at), numbersAt(probes, outputs[0], at)];
  const size = x.shape[2] * x.shape[3];
  return (channel) => {
    const map = maps.read().subarray(channel * size, (channel + 1) * size);
    const mean = map.reduce((sum, value) => sum + value, 0) / size;
    const variance = map.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    const magnitude = map.reduce((sum, value) => sum + Math.abs(value), 0) / size;
    const [v, s, b] = [before.read()[channel], scales.read()[channel], biases.read()[channel]] as [
      number,
      number,
      number,
    ];
    const deviation = Math.sqrt(variance + epsilon);
    const total = (s * (v - mean)) / deviation + b;
    const rounding = (Math.abs(s) / deviation) * roundingOfMean(Math.abs(v) + magnitude, size);
    return {
      kind: 'element',
      op: 'InstanceNormalization',
      formula: `${short(s)} · (${short(v)} − ${short(mean)}) / √(${short(variance)} + ${epsilon}) + ${short(b)}, with mean and variance of the ${size} numbers of the map`,
      total,
      graph: after.read()[channel],
      tolerance: approximate(total) + rounding,
    };
  };
}

interface Surroundings {
  /** Position of the value among the inputs. */
  readonly own: number;
  readonly operand: (input: number) => number;
  /** The values of all channels at this position. */
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
      for (let c = from; c <= to; c++) squares += all[c] ** 2;
      return {
        formula: `${short(v)} / (${short(bias)} + ${short(alpha / size)} · ${short(squares)})^${short(beta)}, ${short(squares)} the squares of maps ${from} to ${to} summed`,
        total: v / (bias + (alpha / size) * squares) ** beta,
      };
    }
    default:
      return undefined;
  }
}
