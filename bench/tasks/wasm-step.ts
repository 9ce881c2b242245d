/** The training step by ONNX Runtime's WebAssembly as a page has it, called in Node. */
import { availableParallelism } from 'node:os';
import { openWasm } from '../../src/platform/browser/web-assembly.ts';
import { unetStep } from '../unet-step.ts';
import type { BrowserTask } from './browser.ts';
import type { Task } from './task.ts';

export async function wasmStepTask({ base, size, batch }: BrowserTask): Promise<Task> {
  const { graph, state, initial, feeds } = unetStep({ base, size, batch });
  const runtime = await openWasm({ threads: availableParallelism() });
  const program = await runtime.compile(graph, { state });
  await program.writeState(initial);
  return {
    about: `${runtime.description}, in Node`,
    run: async () => {
      await program.run(feeds);
    },
  };
}
