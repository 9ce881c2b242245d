import { float32, type NdArray } from '../array/ndarray.ts';
import { ModelError, UsageError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { graphCost } from '../graph/analysis/cost.ts';
import { graphLayers, type Layer } from '../graph/analysis/summary.ts';
import { inputsToConstants, parametersOf } from '../graph/constants.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { classifiesPatches, denseGraph } from '../predict/dense.ts';
import { INSERTED, type Profile, sumProfile } from '../runtime/profile.ts';
import type { DeviceName } from '../runtime/runtime.ts';
import type { Host } from './host.ts';
import { modelGraph, namedGraph } from './model-graph.ts';

/** Small values without an exploitable pattern; no zeros, no subnormals. */
function filled({ shape }: Value): NdArray<'float32'> {
  const array = float32(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = (((i * 7919) % 1009) - 504.5) / 50_450;
  return array;
}

export interface ProfileOptions {
  /** Height and width of the image; default: the network's usual input size. */
  readonly size?: readonly [number, number];
  /** Number of timed runs, after one warm-up run; default 10. */
  readonly runs?: number;
  readonly device?: DeviceName | 'auto';
}

/** The graph to run, with its weights; for a patch classifier with a size the dense one. */
async function graphToRun(
  files: WritableFiles,
  what: string,
  size: readonly [number, number] | undefined,
): Promise<{ readonly title: string; readonly graph: Graph; readonly dense: boolean }> {
  const { title, graph, parameters, spec } = await modelGraph(files, what).catch((cause: unknown) => {
    if (size === undefined) throw cause;
    return modelGraph(files, what, size);
  });
  const weights = (of: Graph, trained: readonly Value[]): Graph =>
    spec === undefined ? of : inputsToConstants(of, Object.fromEntries(trained.map((v) => [v.name, filled(v)])));
  const whole = weights(graph, parameters);
  if (size === undefined) return { title, graph: whole, dense: false };
  const [input, output] = [whole.inputs[0], whole.outputs[0]];
  const isClassifier = spec !== undefined && 'input' in spec;
  if (!isClassifier && classifiesPatches(input?.shape, output?.shape)) {
    const [tall, wide] = (input as Value).shape.slice(2) as [number, number];
    const framed = [size[0] + 2 * Math.floor(tall / 2), size[1] + 2 * Math.floor(wide / 2)] as const;
    return { title, graph: denseGraph(whole, { size: framed }), dense: true };
  }
  const bound = spec === undefined ? await modelGraph(files, what, size) : namedGraph(spec.name, size);
  return { title, graph: weights(bound.graph, bound.parameters), dense: false };
}

/** Times `runs` runs and sums them per layer. */
async function timed(host: Host, graph: Graph, layers: readonly Layer[], { runs = 10, device }: ProfileOptions) {
  const layerOfNode = new Map<string, string>();
  layers.forEach(({ nodes }, i) => {
    for (const { name } of nodes) layerOfNode.set(name, String(i));
  });
  // A node's name with the parts added by lowering and ONNX Runtime: `conv1/Conv_0/Conv_0_nchwc`, `fused dense/Gemm_0`.
  const layer = (name: string): string => {
    for (
      let rest = name.replace(/^fused /, '');
      rest !== '';
      rest = rest.slice(0, Math.max(rest.lastIndexOf('/'), rest.lastIndexOf('_'), 0))
    ) {
      const found = layerOfNode.get(rest);
      if (found !== undefined) return found;
    }
    return '';
  };
  if (host.openTrace === undefined) {
    throw new UsageError('Profiling is not supported in a browser.', { remedy: 'Use Node.js.' });
  }
  const runtime = await host.openRuntime(device);
  const trace = await host.openTrace(runs + 1);
  try {
    const program = await runtime.compile(graph, { profile: trace.request });
    const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, filled(input)]));
    for (let run = 0; run <= runs; run++) await program.run(feeds);
    await program.dispose();
    const text = await trace.text();
    if (text === undefined) throw new ModelError('ONNX Runtime wrote no trace.');
    return { profile: sumProfile(text, { leaveOut: 1, layer }), device: runtime.description };
  } finally {
    await trace.close();
    await runtime.dispose();
  }
}

export interface LayerTime extends Pick<Layer, 'name' | 'op' | 'parameters' | 'macs' | 'bytes'> {
  readonly output: readonly number[];
  readonly ms: number;
  /** Fraction of the total kernel time, 0..1. */
  readonly share: number;
}

function rowsOf(layers: readonly Layer[], { layers: times, kernelsMs }: Profile): readonly LayerTime[] {
  const msOf = new Map(times.map(({ name, ms }) => [name, ms]));
  const share = (ms: number): number => (kernelsMs > 0 ? ms / kernelsMs : 0);
  const rows = layers.map(({ name, op, shape, parameters, macs, bytes }, i) => {
    const ms = msOf.get(String(i)) ?? 0;
    return { name, op, output: shape, parameters, macs, bytes, ms, share: share(ms) };
  });
  const inserted = msOf.get(INSERTED) ?? 0;
  if (inserted === 0) return rows;
  const none = { op: 'Identity', output: [], parameters: 0, macs: 0, bytes: 0 } as const;
  return [...rows, { ...none, name: INSERTED, ms: inserted, share: share(inserted) }];
}

export interface NetworkProfile {
  /** The network's name or its file. */
  readonly network: string;
  /** Whether a patch classifier was run at every pixel at once. */
  readonly dense: boolean;
  /** Shape of the input. */
  readonly input: readonly number[];
  readonly device: string;
  readonly runs: number;
  /** Mean time per run. */
  readonly runMs: number;
  /** Peak memory, including weights. */
  readonly peakBytes: number;
  readonly layers: readonly LayerTime[];
  readonly total: Pick<LayerTime, 'parameters' | 'macs' | 'bytes' | 'ms'>;
}

/**
 * Time and cost of each layer of a network: by its name, of a run folder or of an ONNX file.
 * @throws as `modelGraph`; UsageError where the platform cannot trace; DeviceError.
 */
export async function profileNetwork(host: Host, what: string, options: ProfileOptions = {}): Promise<NetworkProfile> {
  const { title, graph, dense } = await graphToRun(host.files, what, options.size);
  const parameters = parametersOf(graph);
  const layers = graphLayers(graph, { parameters });
  const { peakBytes, ...cost } = graphCost(graph, { parameters });
  const { profile, device } = await timed(host, graph, layers, options);
  return {
    network: title,
    dense,
    input: (graph.inputs[0] as Value).shape,
    device,
    runs: profile.runs,
    runMs: profile.runMs,
    peakBytes,
    layers: rowsOf(layers, profile),
    total: { parameters: cost.parameters, macs: cost.macs, bytes: cost.activationBytes, ms: profile.kernelsMs },
  };
}
