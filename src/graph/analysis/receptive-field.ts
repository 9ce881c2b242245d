/** Receptive fields and the tiling rule, computed from the graph. */
import { GraphError } from '../../errors.ts';
import { describeValue, type Graph, type Value } from '../ir.ts';
import { axesFrom } from '../op-row.ts';
import { rowOf } from '../ops/table.ts';
import type { AxisMaps } from './axis-map.ts';
import { type AxisTrace, identityMap, leastCommonMultiple, pixelInterval } from './axis-map.ts';
import { lost } from './axis-rules.ts';

interface Trace {
  readonly maps: AxisMaps;
  /** Names of the nodes on the path that depend on the whole image. */
  readonly globals: ReadonlySet<string>;
}

/** How each value depends on `input`. */
export interface Dependence {
  readonly input: Value;
  readonly traces: ReadonlyMap<Value, Trace>;
}

/** Traces the spatial axes of `input` through the graph. */
export function traceDependence(graph: Graph, input: Value, axes: readonly number[] = axesFrom(input, 2)): Dependence {
  const traces = new Map<Value, Trace>();
  traces.set(input, {
    maps: input.shape.map((_, i) => (axes.includes(i) ? identityMap(i) : undefined)),
    globals: new Set(),
  });
  const filled = new Set(graph.nodes.flatMap((node) => (node.op === 'ConstantOfShape' ? node.outputs : [])));
  const uniform = (value: Value): boolean => {
    const data = graph.constants.get(value)?.data;
    return filled.has(value) || (data as Float32Array | undefined)?.every((n) => n === data?.[0]) === true;
  };
  for (const node of graph.nodes) {
    const seen = node.inputs.flatMap((value) => (value && traces.get(value)) ?? []);
    const { axes } = rowOf(node.op);
    if (seen.length === 0 || axes === 'sizes') continue;
    const rule = typeof axes === 'function' ? axes : lost;
    const globals = new Set(seen.flatMap((trace) => [...trace.globals]));
    const maps = rule(node, {
      graph,
      maps: (value) => value && traces.get(value)?.maps,
      uniform,
      global: () => globals.add(`${node.op} '${node.name}'`),
    });
    for (const value of node.outputs) traces.set(value, { maps, globals });
  }
  return { input, traces };
}

/** A ratio of integers in lowest terms. */
export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
}

/** The receptive field of one element along one axis of the input. */
export interface ReceptiveField {
  /** Axis of the input tensor. */
  readonly axis: number;
  /** Maximum number of input pixels that one element depends on (fewer for some elements after upsampling). */
  readonly size: number;
  /** Distance in input pixels between neighbouring elements: 2 after a pooling, 1/2 if the output is finer. */
  readonly jump: Ratio;
  /** The first input pixel that element 0 depends on; negative if it reads padding. */
  readonly offset: number;
}

function fieldOf(map: AxisTrace): ReceptiveField {
  const sizes = map.low.map((low, r) => Math.max(0, map.high[r] - low + 1));
  const common = leastCommonMultiple(map.shift, map.period);
  return {
    axis: map.axis,
    size: Math.max(...sizes),
    jump: { numerator: common / map.period, denominator: common / map.shift },
    offset: map.low[0],
  };
}

/**
 * The receptive field of `value` along each spatial axis of the traced input, and the nodes that depend on the whole
 * image (the field is then a lower bound). No fields if the value does not follow the input.
 */
export function receptiveField(
  { traces }: Dependence,
  value: Value,
): { readonly fields: readonly ReceptiveField[]; readonly globalOps: readonly string[] } {
  const trace = traces.get(value);
  if (trace === undefined) return { fields: [], globalOps: [] };
  return { fields: trace.maps.flatMap((map) => (map ? [fieldOf(map)] : [])), globalOps: [...trace.globals] };
}

/**
 * First and last input pixel along `axis` (of the input tensor) that element `p` of `value` depends on, including
 * padding; undefined if the value does not follow that axis.
 */
export function dependsOn(
  { traces }: Dependence,
  value: Value,
  axis: number,
  p: number,
): readonly [number, number] | undefined {
  const map = traces.get(value)?.maps.find((candidate) => candidate?.axis === axis);
  return map && pixelInterval(map, p);
}

/** The tiling rule along one axis; all values in input pixels. */
export interface AxisTileRule {
  /** Axis of the input tensor: 2 is y and 3 is x in [N, C, H, W]. */
  readonly axis: number;
  /** Valid sizes are `offset` modulo `multiple`, and at least `minimum`. */
  readonly multiple: number;
  readonly offset: number;
  readonly minimum: number;
  /** Pixels missing in the output at the beginning and at the end: 92 and 92 for the U-Net of 2015. */
  readonly marginBefore: number;
  readonly marginAfter: number;
  /**
   * Output pixels closer than this to a border of the tile would change if the image extended beyond it. At least the
   * margin. A tile must start at a multiple of `multiple` from the start of the whole.
   */
  readonly haloBefore: number;
  readonly haloAfter: number;
  /** Output pixels per input pixel; 1 if the output has the input's resolution. */
  readonly scale: number;
}

export interface TileRule {
  /** One per spatial axis of the input, in order: y, x. */
  readonly axes: readonly AxisTileRule[];
  /** Whether assembled tiles equal the prediction of the whole. */
  readonly exact: boolean;
  /** The nodes that depend on the whole image, or could not be traced: `InstanceNormalization 'norm1'`. */
  readonly globalOps: readonly string[];
}

/** All values that `output` is computed from. */
function ancestors(graph: Graph, output: Value): ReadonlySet<Value> {
  const needed = new Set<Value>([output]);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (node === undefined || !node.outputs.some((value) => needed.has(value))) continue;
    for (const value of node.inputs) if (value !== undefined) needed.add(value);
  }
  return needed;
}

/** x rounded to the nearest integer; in case of a tie to the one closer to `towards`. */
function roundTowards(x: number, towards: number): number {
  const [low, high] = [Math.floor(x), Math.ceil(x)];
  if (x - low !== high - x) return Math.round(x);
  return Math.abs(low - towards) <= Math.abs(high - towards) ? low : high;
}

/**
 * The tiling rule of a network, from its strides, pads and receptive field. Exact for the sizes that the graph was
 * built for and all others that differ by a multiple of `multiple`.
 * @param input [N, C, spatial...]; other layouts name their spatial `axes`.
 * @throws GraphError if no axis of the output follows an axis of the input (a classifier).
 */
export function tileRule(
  graph: Graph,
  input: Value,
  output: Value,
  { axes = axesFrom(input, 2) }: { axes?: readonly number[] } = {},
): TileRule {
  const { traces } = traceDependence(graph, input, axes);
  const needed = ancestors(graph, output);
  const trace = traces.get(output);
  const rules = axes.map((axis): AxisTileRule => {
    const place = trace?.maps.findIndex((candidate) => candidate?.axis === axis) ?? -1;
    const map = trace?.maps[place];
    if (map === undefined) {
      throw new GraphError(
        `The output ${describeValue(output)} does not follow axis ${axis} of the input ${describeValue(input)}.`,
      );
    }
    let multiple = 1;
    for (const value of needed) {
      for (const other of traces.get(value)?.maps ?? []) {
        if (other?.axis === axis) multiple = leastCommonMultiple(multiple, other.shift);
      }
    }
    const size = input.shape[axis];
    // With `turns` multiples less, some intermediate value would be empty.
    let turns = Number.NEGATIVE_INFINITY;
    for (const value of needed) {
      traces.get(value)?.maps.forEach((other, i) => {
        if (other?.axis !== axis) return;
        const grows = (other.period * multiple) / other.shift;
        turns = Math.max(turns, Math.ceil((1 - value.shape[i]) / grows));
      });
    }
    const jump = map.shift / map.period;
    const lost = size - output.shape[place] * jump;
    const centres = map.low.map((low, r) => (low + map.high[r] + 1) / 2 - (r + 0.5) * jump);
    const start = centres.reduce((sum, c) => sum + c, 0) / centres.length;
    const marginBefore = roundTowards(start, lost / 2);
    const marginAfter = lost - marginBefore;
    return {
      axis,
      multiple,
      offset: size % multiple,
      minimum: size + turns * multiple,
      marginBefore,
      marginAfter,
      haloBefore: Math.max(0, Math.ceil(marginBefore + map.before * jump)),
      haloAfter: Math.max(0, Math.ceil(marginAfter + map.after * jump)),
      scale: 1 / jump,
    };
  });
  const globalOps = [...(trace?.globals ?? [])];
  return { axes: rules, exact: globalOps.length === 0, globalOps };
}
