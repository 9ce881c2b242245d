/**
 * What it costs to carry state from step to step: a graph that halves 16 tensors of a million floats,
 * in each way that a device allows.
 *
 *   node bench/run.mjs state [cpu|webgpu]
 */
import * as ort from 'onnxruntime-node';
import { float32, type NdArray } from '../src/array/ndarray.ts';
import { GraphBuilder } from '../src/graph/builder.ts';
import { ortRuntime } from '../src/runtime/ort.ts';
import type { StateMode } from '../src/runtime/state.ts';

const TENSORS = 16;
const FLOATS = 1_000_000;

export async function main([device = 'cpu']: string[]): Promise<void> {
  const b = new GraphBuilder('halve');
  const inputs = Array.from({ length: TENSORS }, (_, i) => b.input(`s${i}`, 'float32', [FLOATS]));
  const outputs = inputs.map((value, i) => b.output(b.mul(value, b.scalar(0.5)), `n${i}`));
  const graph = b.build(outputs);
  const state = Object.fromEntries(inputs.map(({ name }, i) => [name, `n${i}`]));
  const modes: StateMode[] = device === 'webgpu' ? ['device', 'copy'] : ['swap', 'copy'];
  for (const stateMode of modes) {
    const runtime = ortRuntime(ort, {
      device: device as 'cpu' | 'webgpu',
      description: device,
      sessionOptions: { executionProviders: [device], logSeverityLevel: 3 },
      target: {},
      stateMode,
    });
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
      `${device} ${stateMode}: run min ${times[0]?.toFixed(1)} median ${times[10]?.toFixed(1)} ms, ` +
        `readState ${read.toFixed(0)} ms for ${(TENSORS * FLOATS * 4) / 1e6} MB`,
    );
    await runtime.dispose();
  }
}
