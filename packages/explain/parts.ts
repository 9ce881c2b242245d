/** Images of a network's inside as planes: its first filters, its maps, its sequence of layers. */
import { elementCount } from 'lamella';
import { graphCost, type Node, receptiveField, type Value } from 'lamella/graph';
import type { ExplainedInput } from './explained-input.ts';
import type { FeatureMaps, Filters, LayerSummary, Plane } from './explanation.ts';
import { type ExplainedLayer, isMap } from './layers.ts';
import type { Probe } from './probes.ts';
import { cropPlane, mapInView, type View } from './view.ts';

/** The network's input, cropped to the image. */
export function inputPlanes({ feed, shown }: ExplainedInput): Plane[] {
  const [, channels, height, width] = feed.shape;
  return Array.from({ length: channels }, (_, c) =>
    cropPlane(feed.data.subarray(c * height * width, (c + 1) * height * width), width, shown),
  );
}

/** The network's input at the pixel, one number per channel. */
export function inputAt({ feed, pixel }: ExplainedInput): number[] {
  const [, channels, height, width] = feed.shape;
  return Array.from({ length: channels }, (_, c) => feed.data[(c * height + pixel.y) * width + pixel.x]);
}

/** Every layer with its cost and a small image of its output. */
export function summarise(
  layers: readonly ExplainedLayer[],
  means: readonly Probe[],
  { graph }: ExplainedInput,
  view: View,
): LayerSummary[] {
  const costs = new Map(graphCost(graph).nodes.map((cost) => [cost.node, cost]));
  return layers.map(({ name, node, behind, result }, i) => {
    const own = [node, ...behind].map((each) => costs.get(each));
    const { fields, globalOps } = receptiveField(view.dependence, result);
    const [y, x] = [2, 3].map((axis) => fields.find((field) => field.axis === axis)?.size);
    const data = means[i].read();
    return {
      name,
      op: node.op,
      shape: result.shape,
      parameters: own.reduce((sum, cost) => sum + (cost?.parameters ?? 0), 0),
      macs: own.reduce((sum, cost) => sum + (cost?.macs ?? 0), 0),
      ...(y === undefined || x === undefined || globalOps.length > 0 ? {} : { sees: [y, x] as const }),
      mean: isMap(result) ? mapInView(data, result, 0, view) : { height: 1, width: data.length, data },
    };
  });
}

/** The channels [1, C, ...] with the largest mean magnitude, in the order of their numbers. */
function strongestChannels(data: Float32Array, channels: number, most: number): number[] {
  const size = data.length / channels;
  const strength = Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let p = c * size; p < (c + 1) * size; p++) sum += Math.abs(data[p]);
    return sum;
  });
  const order = strength.map((_, c) => c).sort((a, b) => strength[b] - strength[a]);
  return order.slice(0, most).sort((a, b) => a - b);
}

/** The maps of a layer with the strongest response to this image. */
export function featuresOf({ name, result }: ExplainedLayer, probe: Probe, view: View, most: number): FeatureMaps {
  const data = probe.read();
  return {
    layer: name,
    shape: result.shape,
    maps: strongestChannels(data, result.shape[1], most).map((channel) => ({
      channel,
      map: mapInView(data, result, channel, view),
    })),
  };
}

export interface FilterProbes {
  readonly weights: Probe;
  /** For a convolution: its maps. For a dense layer: its units. */
  readonly results: Probe;
}

/** The weights of the first layer as images; for a convolution with its response to the image. */
export function filtersOf(
  { name, node, result }: ExplainedLayer,
  { weights, results }: FilterProbes,
  { feed, shown }: ExplainedInput,
  view: View,
  most: number,
): Filters | undefined {
  const w = node.inputs[1] as Value;
  const data = weights.read();
  if (node.op === 'Conv' && w.shape.length === 4) {
    const [total, channels, height, width] = w.shape;
    const count = Math.min(most, total);
    const plane = (k: number, c: number): Plane => {
      const from = (k * channels + c) * height * width;
      return { height, width, data: data.slice(from, from + height * width) };
    };
    return {
      layer: name,
      kernels: Array.from({ length: count }, (_, k) => ({
        channel: k,
        planes: Array.from({ length: channels }, (_, c) => plane(k, c)),
        response: mapInView(results.read(), result, k, view),
      })),
      total,
    };
  }
  const [, channels, height, width] = feed.shape;
  const inputs = channels * height * width;
  if (elementCount(w.shape) % inputs !== 0 || !(node.op === 'Gemm' || node.op === 'MatMul')) return undefined;
  const units = elementCount(w.shape) / inputs;
  const byRows = (node as Node<'Gemm'>).attributes.transB === 1;
  if ((byRows ? w.shape[1] : w.shape[0]) !== inputs) return undefined;
  return {
    layer: name,
    kernels: strongestChannels(results.read(), units, most).map((k) => ({
      channel: k,
      planes: Array.from({ length: channels }, (_, c) => {
        const own = Float32Array.from({ length: height * width }, (_, p) => {
          const i = c * height * width + p;
          return data[byRows ? k * inputs + i : i * units + k];
        });
        return cropPlane(own, width, shown);
      }),
      value: results.read()[k],
    })),
    total: units,
  };
}
