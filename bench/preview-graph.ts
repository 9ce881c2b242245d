/** A live preview's prediction: the graph with its weights as state, and an image. */
import { float32, type NdArray } from '../src/array/ndarray.ts';
import { GraphBuilder } from '../src/graph/builder.ts';
import type { Graph } from '../src/graph/ir.ts';
import { predictionGraph } from '../src/models/prediction.ts';
import { noise } from './unet-step.ts';

export interface PreviewGraph {
  readonly graph: Graph;
  readonly state: { readonly [input: string]: string };
  readonly initial: { readonly [input: string]: NdArray };
  readonly feeds: { readonly [input: string]: NdArray };
}

/** Of the network that learns while the user paints. */
export function previewGraph({ base, size }: { readonly base: number; readonly size: number }): PreviewGraph {
  const spec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: base, depth: 3, norm: 'none' } as const;
  const graph = predictionGraph(spec, [1, 1, size, size]);
  const random = noise(1);
  const filled = (shape: readonly number[]): NdArray => {
    const array = float32(shape);
    for (let i = 0; i < array.data.length; i++) array.data[i] = 0.1 * random();
    return array;
  };
  const [image, ...weights] = graph.inputs;
  if (image === undefined) throw new Error('The graph has no image.');
  const b = GraphBuilder.from(graph);
  const next = weights.map((value) => b.output(value, `next/${value.name}`));
  return {
    graph: b.build([...graph.outputs, ...next]),
    state: Object.fromEntries(weights.map(({ name }) => [name, `next/${name}`])),
    initial: Object.fromEntries(weights.map(({ name, shape }) => [name, filled(shape)])),
    feeds: { [image.name]: filled(image.shape) },
  };
}
