import { float32, type NdArray } from '../../array/ndarray.ts';
import { ModelError } from '../../errors.ts';
import { costOf } from '../../graph/analysis/cost.ts';
import { type Layer, layersOf } from '../../graph/analysis/summary.ts';
import { inputsToConstants, parametersOf } from '../../graph/constants.ts';
import type { Graph, Value } from '../../graph/ir.ts';
import { openTrace } from '../../platform/node/profile.ts';
import { openRuntime } from '../../platform/node/runtime.ts';
import { classifiesPatches, denseGraph } from '../../predict/dense.ts';
import { INSERTED, type Profile, sumProfile } from '../../runtime/profile.ts';
import type { ProfileFlags } from '../commands/profile.ts';
import { modelGraph, namedGraph } from './model-graph.ts';

/** Small numbers without a pattern that a kernel could profit from; no zeros, no subnormals. */
function filled({ shape }: Value): NdArray<'float32'> {
  const array = float32(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = (((i * 7919) % 1009) - 504.5) / 50_450;
  return array;
}

/** The graph to run, its weights in it; of a network that sees one window with a size the dense one. */
async function graphToRun(
  what: string,
  size: readonly [number, number] | undefined,
): Promise<{ readonly title: string; readonly graph: Graph; readonly dense: boolean }> {
  const { title, graph, parameters, spec } = await modelGraph(what).catch((cause: unknown) => {
    if (size === undefined) throw cause;
    return modelGraph(what, size);
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
  const bound = spec === undefined ? await modelGraph(what, size) : namedGraph(spec.name, size);
  return { title, graph: weights(bound.graph, bound.parameters), dense: false };
}

/** Times `runs` runs and sums them by layer. */
async function timed(graph: Graph, layers: readonly Layer[], { runs, device }: ProfileFlags) {
  const layerOfNode = new Map<string, string>();
  layers.forEach(({ nodes }, i) => {
    for (const { name } of nodes) layerOfNode.set(name, String(i));
  });
  // A node's name with what lowering and ONNX Runtime put around it: `conv1/Conv_0/Conv_0_nchwc`, `fused dense/Gemm_0`.
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
  const runtime = await openRuntime({ device });
  const trace = await openTrace({ runs: runs + 1 });
  try {
    const program = await runtime.compile(graph, { profile: trace.request });
    const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, filled(input)]));
    for (let run = 0; run <= runs; run++) await program.run(feeds);
    await program.dispose();
    const text = await trace.text();
    if (text === undefined) throw new ModelError('ONNX Runtime left no trace of the runs.');
    return { profile: sumProfile(text, { leaveOut: 1, layer }), device: runtime.description };
  } finally {
    await trace.close();
    await runtime.dispose();
  }
}

const big = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(2)} G`
    : value >= 1e6
      ? `${(value / 1e6).toFixed(2)} M`
      : value >= 1e3
        ? `${(value / 1e3).toFixed(1)} k`
        : value === 0
          ? ''
          : String(value);

interface Row extends Pick<Layer, 'name' | 'op' | 'parameters' | 'macs' | 'bytes'> {
  readonly output: readonly number[];
  readonly ms: number;
  /** Of the time of all kernels, 0..1. */
  readonly share: number;
}

function rowsOf(layers: readonly Layer[], { layers: times, kernelsMs }: Profile): readonly Row[] {
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

function tableOf(rows: readonly Row[], total: Row): string {
  const cells = [...rows, total].map(({ name, op, output, parameters, macs, bytes, ms, share }) => [
    name,
    output.length === 0 ? '' : op,
    output.join(' x '),
    parameters === 0 ? '' : parameters.toLocaleString('en'),
    big(macs),
    bytes === 0 ? '' : `${big(bytes)}B`,
    ms.toFixed(2),
    `${(100 * share).toFixed(1)} %`,
  ]);
  const lines = [['layer', 'op', 'output', 'parameters', 'MAC', 'memory', 'ms', 'share'], ...cells];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export async function runProfile(what: string, flags: ProfileFlags): Promise<void> {
  const { title, graph, dense } = await graphToRun(what, flags.size);
  const parameters = parametersOf(graph);
  const layers = layersOf(graph, { parameters });
  const { peakBytes, ...cost } = costOf(graph, { parameters });
  const { profile, device } = await timed(graph, layers, flags);
  const rows = rowsOf(layers, profile);
  const total: Row = {
    name: 'total',
    op: 'Identity',
    output: [],
    parameters: cost.parameters,
    macs: cost.macs,
    bytes: cost.activationBytes,
    ms: profile.kernelsMs,
    share: 1,
  };
  const shape = (graph.inputs[0] as Value).shape;
  if (flags.json === true) {
    const { name: _, op: _op, output: _output, share: _share, ...sums } = total;
    const facts = { network: title, dense, input: shape, device, runs: profile.runs, runMs: profile.runMs, peakBytes };
    process.stdout.write(`${JSON.stringify({ ...facts, layers: rows, total: sums }, null, 2)}\n`);
    return;
  }
  const gflops = (2 * cost.macs) / (profile.runMs * 1e6);
  process.stdout.write(
    [
      `${title}${dense ? ', at every pixel at once' : ''}: input ${shape.join(' x ')}; ${device}`,
      '',
      tableOf(rows, total),
      '',
      `a run takes ${profile.runMs.toFixed(2)} ms (mean of ${profile.runs}), ${gflops.toFixed(1)} GFLOP/s; at most ${big(peakBytes)}B are needed at one time, weights among them`,
      '',
    ].join('\n'),
  );
}
