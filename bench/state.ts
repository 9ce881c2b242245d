/**
 * What it costs to carry state from step to step: a graph that halves 16 tensors of a million floats.
 *
 *   node bench/run.mjs state [cpu|webgpu|wasm]
 */
import * as ort from 'onnxruntime-node';
import { float32, type NdArray } from '../src/array/ndarray.ts';
import { GraphBuilder } from '../src/graph/builder.ts';
import { openWasm } from '../src/platform/browser/web-assembly.ts';
import { ortRuntime } from '../src/runtime/ort.ts';
import type { Runtime } from '../src/runtime/runtime.ts';

const TENSORS = 16;
const FLOATS = 1_000_000;

export async function main([device = 'cpu']: string[]): Promise<void> {
  const b = new GraphBuilder('halve');
  const inputs = Array.from({ length: TENSORS }, (_, i) => b.input(`s${i}`, 'float32', [FLOATS]));
  const outputs = inputs.map((value, i) => b.output(b.mul(value, b.scalar(0.5)), `n${i}`));
  const graph = b.build(outputs);
  const state = Object.fromEntries(inputs.map(({ name }, i) => [name, `n${i}`]));
  const runtime = await open(device as 'cpu' | 'webgpu' | 'wasm');
  const program = await runtime.compile(graph, { state });
  const start: { [input: string]: NdArray } = {};
  for (const { name } of inputs) start[name] = float32([FLOATS]);
  await program.writeState(start);
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const begin = performance.now();
    await program.run({});
    times.push(performance.now() - begin);
  }
  const begin = performance.now();
  await program.readState();
  const read = performance.now() - begin;
  times.sort((x, y) => x - y);
  console.log(
    `${device}: run min ${times[0]?.toFixed(1)} median ${times[10]?.toFixed(1)} ms, ` +
      `readState ${read.toFixed(0)} ms for ${(TENSORS * FLOATS * 4) / 1e6} MB`,
  );
  await runtime.dispose();
}

async function open(device: 'cpu' | 'webgpu' | 'wasm'): Promise<Runtime> {
  if (device === 'wasm') return openWasm({ threads: 1 });
  return ortRuntime(ort, {
    device,
    description: device,
    sessionOptions: { executionProviders: [device], logSeverityLevel: 3 },
    target: {},
    stateMode: device === 'webgpu' ? 'device' : 'swap',
  });
}
