/**
 * How the elements along one axis of a tensor depend on the pixels along one axis of the network's input.
 *
 * Convolution, pooling and resizing are translation-equivariant: after `period` elements everything repeats, shifted by
 * `shift` input pixels. Within a period each element has its own interval of input pixels, since after upsampling
 * neighbours have different receptive fields.
 */
import type { OpName } from '../attributes.ts';
import type { Graph, Node, Value } from '../ir.ts';

export interface AxisTrace {
  /** Axis of the input tensor. */
  readonly axis: number;
  readonly period: number;
  readonly shift: number;
  /** First and last input pixel that element r = 0..period-1 depends on; low > high if there is none. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** How many elements at the beginning, and at the end, would change if the input extended beyond its border. */
  readonly before: number;
  readonly after: number;
}

/** The map of each axis of a tensor; undefined for an axis that does not follow the input (channels). */
export type AxisMaps = readonly (AxisTrace | undefined)[];

export interface AxisContext {
  readonly graph: Graph;
  /** Maps of an input, or undefined if it does not depend on the network's input. */
  maps(value: Value | undefined): AxisMaps | undefined;
  /** Whether a value that does not depend on the input is constant everywhere. */
  uniform(value: Value): boolean;
  /** Records that the node depends on the whole extent, or in a way that cannot be traced. */
  global(): void;
}

/** The maps of a node's outputs, which all have the same axes. */
export type AxisRule<K extends OpName> = (node: Node<K>, context: AxisContext) => AxisMaps;

/** Which input elements each output element of an op reads, along one axis. */
export interface Sampling {
  /** Output elements `step` apart read input elements `advance` apart. */
  readonly step: number;
  readonly advance: number;
  /** All input elements that output element o reads; those outside the input are padding. */
  readonly taps: (o: number) => readonly number[];
  /** The first and the last of them, or their positions if the kernel had no gaps. */
  readonly first: (o: number) => number;
  readonly last: (o: number) => number;
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

/** The input itself: each element depends on its own pixel. */
export function identityMap(axis: number): AxisTrace {
  return { axis, period: 1, shift: 1, low: [0], high: [0], before: 0, after: 0 };
}

/** First and last input pixel that element `p` depends on; p may be outside the tensor. */
export function pixelInterval({ period, shift, low, high }: AxisTrace, p: number): readonly [number, number] {
  const turns = Math.floor(p / period);
  const r = p - turns * period;
  return [low[r] + turns * shift, high[r] + turns * shift];
}

/** The map of an op's output, given the sizes of its input and output along the axis. */
export function sample(map: AxisTrace, sampling: Sampling, inputSize: number, outputSize: number): AxisTrace {
  const { step, advance, taps, first, last } = sampling;
  const turns = map.period / greatestCommonDivisor(map.period, advance);
  const period = turns * step;
  const low: number[] = [];
  const high: number[] = [];
  for (let r = 0; r < period; r++) {
    const seen = taps(r).map((t) => pixelInterval(map, t));
    low.push(Math.min(...seen.map(([from]) => from)));
    high.push(Math.max(...seen.map(([, to]) => to)));
  }
  // Padding counts as input that would change if the image extended beyond its border.
  let before = 0;
  while (first(before) < map.before) before++;
  let after = 0;
  while (last(outputSize - 1 - after) >= inputSize - map.after) after++;
  return { axis: map.axis, period, shift: (map.shift * turns * advance) / map.period, low, high, before, after };
}

/** Both dependences combined, or undefined if their periods do not match. */
export function union(a: AxisTrace, b: AxisTrace): AxisTrace | undefined {
  if (a === b) return a;
  if (a.axis !== b.axis || a.shift * b.period !== b.shift * a.period) return undefined;
  const period = leastCommonMultiple(a.period, b.period);
  const both = Array.from({ length: period }, (_, r) => [pixelInterval(a, r), pixelInterval(b, r)] as const);
  return {
    axis: a.axis,
    period,
    shift: (a.shift * period) / a.period,
    low: both.map(([p, q]) => Math.min(p[0], q[0])),
    high: both.map(([p, q]) => Math.max(p[1], q[1])),
    before: Math.max(a.before, b.before),
    after: Math.max(a.after, b.after),
  };
}

/** Windows of `kernel` taps with `dilation` and `stride`, the first starting `pad` before the input. */
export function windows(kernel: number, stride: number, dilation: number, pad: number): Sampling {
  const taps = Array.from({ length: kernel }, (_, k) => k * dilation - pad);
  return {
    step: 1,
    advance: stride,
    taps: (o) => taps.map((t) => o * stride + t),
    first: (o) => o * stride - pad,
    last: (o) => o * stride - pad + (kernel - 1) * dilation,
  };
}

/** The adjoint of `windows`: output o reads every i with o = i stride + k dilation - pad. */
export function transposedWindows(kernel: number, stride: number, dilation: number, pad: number): Sampling {
  const first = (o: number) => Math.ceil((o + pad - (kernel - 1) * dilation) / stride);
  const last = (o: number) => Math.floor((o + pad) / stride);
  return {
    step: stride,
    advance: 1,
    first,
    last,
    taps: (o) => {
      const taps: number[] = [];
      for (let i = first(o); i <= last(o); i++) if ((o + pad - i * stride) % dilation === 0) taps.push(i);
      return taps;
    },
  };
}

/** One element each: output o reads o advance / step + begin (step 1), or o in blocks of `step`. */
export function strided(begin: number, advance: number): Sampling {
  const at = (o: number) => o * advance + begin;
  return { step: 1, advance, taps: (o) => [at(o)], first: at, last: at };
}
