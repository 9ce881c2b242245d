/** Gradients of one value of a network with respect to the image and to the maps of a layer. */

import { LamellaError, type NdArray, type Runtime } from 'lamella';
import { type Graph, GraphBuilder, gradient, type Value } from 'lamella/graph';
import type { Point } from 'lamella/predict';

/** One element of a value [1, C] or [1, C, H, W]; without a channel the sum over all channels at the position. */
export interface Target {
  readonly value: Value;
  readonly channel?: number;
  readonly at?: Point;
  /** -1 for the first of two classes that share a score. */
  readonly sign?: 1 | -1;
}

/** Appends the number defined by a target. */
function numberOf(b: GraphBuilder, { value, channel, at, sign = 1 }: Target): Value {
  const isMap = value.shape.length === 4 && at !== undefined;
  const starts = [channel ?? 0, ...(isMap ? [at.y, at.x] : [])];
  const ends = [channel === undefined ? value.shape[1] : channel + 1, ...(isMap ? [at.y + 1, at.x + 1] : [])];
  const part = b.slice(
    value,
    starts,
    ends,
    starts.map((_, i) => i + 1),
  );
  const sum = b.reshape(
    b.sum(
      part,
      part.shape.map((_, i) => i),
    ),
    [],
  );
  return sign === 1 ? sum : b.neg(sum);
}

/**
 * The gradients of each target with respect to the values `on`, in order.
 * @throws GraphError if an operation on the path has no gradient.
 */
export async function gradientsOf(
  runtime: Runtime,
  graph: Graph,
  feed: NdArray<'float32'>,
  targets: readonly { readonly target: Target; readonly on: readonly Value[] }[],
): Promise<readonly (readonly NdArray<'float32'>[])[]> {
  let built: Graph = { ...graph, outputs: [] };
  const named: string[][] = [];
  for (const { target, on } of targets) {
    const b = GraphBuilder.from(built);
    const number = b.scoped('explained', () => numberOf(b, target));
    const asked = b.build([...built.outputs, number]);
    const made = gradient(asked, number, on);
    named.push(made.outputs.slice(-on.length).map(({ name }) => name));
    // Without the number itself.
    built = { ...made, outputs: made.outputs.filter((value) => value !== number) };
  }
  const program = await runtime.compile(built, { exact: true });
  try {
    const [input] = graph.inputs;
    const result = await program.run({ [input?.name ?? '']: feed });
    return named.map((names) => names.map((name) => result[name] as NdArray<'float32'>));
  } finally {
    await program.dispose();
  }
}

/** Magnitudes of a gradient [1, C, H, W] at each pixel: their sum over the channels, or the largest. */
export function magnitudes({ shape, data }: NdArray<'float32'>, how: 'sum' | 'largest'): Float32Array {
  const [, channels, height, width] = shape;
  const pixels = height * width;
  const out = new Float32Array(pixels);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) {
      const size = Math.abs(data[c * pixels + p]);
      out[p] = how === 'sum' ? out[p] + size : Math.max(out[p], size);
    }
  }
  return out;
}

/**
 * Grad-CAM: L = ReLU(sum_k a_k A_k), a_k = mean over the map of dY/dA_k. Selvaraju et al. 2017, equations 1 and 2.
 * @returns [H, W]
 */
export function gradCam(maps: NdArray<'float32'>, gradients: NdArray<'float32'>): Float32Array {
  const [, channels, height, width] = maps.shape;
  const pixels = height * width;
  const out = new Float32Array(pixels);
  for (let k = 0; k < channels; k++) {
    let weight = 0;
    for (let p = 0; p < pixels; p++) weight += gradients.data[k * pixels + p];
    weight /= pixels;
    for (let p = 0; p < pixels; p++) out[p] = out[p] + weight * maps.data[k * pixels + p];
  }
  for (let p = 0; p < pixels; p++) out[p] = Math.max(0, out[p]);
  return out;
}

/** Half the side of the smallest square around a pixel that contains a fraction of a plane's sum; 0 if the sum is 0. */
export function halfSideHolding(
  plane: Float32Array,
  { height, width }: { readonly height: number; readonly width: number },
  { x, y }: Point,
  share: number,
): number {
  const rings = new Float64Array(Math.max(height, width) + 1);
  let total = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = plane[row * width + column];
      const ring = Math.max(Math.abs(row - y), Math.abs(column - x));
      rings[ring] = rings[ring] + value;
      total += value;
    }
  }
  let sum = 0;
  for (let half = 0; half < rings.length; half++) {
    sum += rings[half];
    if (sum >= share * total) return half;
  }
  return 0;
}

/** Why there is no gradient, if the graph is the reason. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof LamellaError) return cause.message;
  throw cause;
}
