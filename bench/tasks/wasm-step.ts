/** The training step by ONNX Runtime's WebAssembly as a page has it, called in Node. */
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-web';
import { webRuntime } from '../../src/platform/browser/runtime.ts';
import { unetStep } from '../unet-step.ts';
import type { BrowserTask } from './browser.ts';
import type { Task } from './task.ts';

export async function wasmStepTask({ base, size, batch }: BrowserTask): Promise<Task> {
  const { graph, state, initial, feeds } = unetStep({ base, size, batch });
  const runtime = webRuntime(ort, 'wasm', { threads: availableParallelism() });
  const program = await runtime.compile(graph, { state });
  await program.writeState(initial);
  return {
    about: `${runtime.description}, in Node`,
    run: async () => {
      await program.run(feeds);
    },
  };
}
