/** The page's side of tasks/browser.ts. */
import { openRuntime } from '../src/platform/browser/runtime.ts';
import type { Program } from '../src/runtime/runtime.ts';
import { type UnetStep, type UnetStepOptions, unetStep } from './unet-step.ts';

let held: { readonly program: Program; readonly step: UnetStep } | undefined;

export async function prepare({
  threads,
  ...options
}: UnetStepOptions & { readonly threads: number }): Promise<string> {
  const runtime = await openRuntime({ device: 'wasm', threads });
  const step = unetStep(options);
  const program = await runtime.compile(step.graph, { state: step.state });
  await program.writeState(step.initial);
  held = { program, step };
  return runtime.description;
}

/** @returns milliseconds */
export async function run(): Promise<number> {
  if (held === undefined) throw new Error('Call prepare first.');
  const start = performance.now();
  await held.program.run(held.step.feeds);
  return performance.now() - start;
}
