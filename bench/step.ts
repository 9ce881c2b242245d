/**
 * Time of a training step (forward, softmax cross entropy, backward, SGD with momentum in one graph).
 *
 *   node bench/run.mjs step --base 32 --size 256 --steps 10 [--exact] [--device cpu] [--profile]
 */
import { parseArgs } from 'node:util';
import { type NodeDevice, openRuntime } from '../src/platform/node/runtime.ts';
import { unetStep } from './unet-step.ts';

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      base: { type: 'string', default: '32' },
      size: { type: 'string', default: '256' },
      batch: { type: 'string', default: '1' },
      levels: { type: 'string', default: '5' },
      steps: { type: 'string', default: '10' },
      up: { type: 'string', default: 'transposed' },
      device: { type: 'string', default: 'cpu' },
      exact: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  const step = unetStep({
    base: Number(values.base),
    size: Number(values.size),
    batch: Number(values.batch),
    levels: Number(values.levels),
    up: values.up as 'transposed' | 'nearest',
  });
  const runtime = await openRuntime({ device: values.device as NodeDevice });
  const begin = performance.now();
  const program = await runtime.compile(step.graph, { state: step.state, exact: values.exact });
  await program.writeState(step.initial);
  const ready = performance.now() - begin;
  const times: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < Number(values.steps); i++) {
    const start = performance.now();
    const { loss } = await program.run(step.feeds);
    times.push(performance.now() - start);
    losses.push(loss?.data[0] as number);
  }
  times.sort((a, b) => a - b);
  console.log(
    `${runtime.description}: ${step.parameterCount} parameters, compiled in ${ready.toFixed(0)} ms; ` +
      `step min ${times[0]?.toFixed(0)} median ${times[times.length >> 1]?.toFixed(0)} ms; ` +
      `loss ${losses[0]?.toFixed(6)} -> ${losses.at(-1)?.toFixed(6)}`,
  );
  await runtime.dispose();
}
