/** The GPU of a page, if it has one. */

import { DeviceError } from '../../errors.ts';
import type { Program, Runtime } from '../../runtime/runtime.ts';

/** `software`: WebGPU computed by the CPU, slower than WASM. */
export type Adapter = 'gpu' | 'software' | 'none';

/** What stands behind the page's WebGPU, or a worker's. */
export async function findAdapter(): Promise<Adapter> {
  try {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return 'none';
    return adapter.info.isFallbackAdapter === true ? 'software' : 'gpu';
  } catch {
    return 'none';
  }
}

/**
 * A runtime whose failures after its GPU is gone say so: a driver that was reset, a computer that slept, a tab that used
 * too much memory.
 * @param device of the runtime's sessions, once there is one
 */
export function explainingLoss(runtime: Runtime, device: () => Promise<Pick<GPUDevice, 'lost'>>): Runtime {
  let lost: string | undefined;
  let watched = false;
  const watch = async (): Promise<void> => {
    if (watched) return;
    watched = true;
    const { lost: loss } = await device();
    loss.then(({ message, reason }) => {
      // On purpose: ONNX Runtime destroys its device once no session is left, and makes another one for the next.
      if (reason === 'destroyed') watched = false;
      else lost = message || reason;
    });
  };
  const explained = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (cause) {
      // The promise of the loss is settled in the same turn at the latest.
      await Promise.resolve();
      if (lost === undefined) throw cause;
      throw new DeviceError(`The GPU was lost: ${lost.replace(/\.$/, '')}.`, {
        remedy: 'Reload the page; if it happens again, use the device wasm or smaller patches.',
        facts: { code: 'device-lost' },
        cause,
      });
    }
  };
  const wrap = (program: Program): Program => ({
    inputs: program.inputs,
    outputs: program.outputs,
    ...(program.fingerprint !== undefined && { fingerprint: program.fingerprint }),
    run: (feeds) => explained(program.run(feeds)),
    writeState: (state) => explained(program.writeState(state)),
    readState: () => explained(program.readState()),
    dispose: () => program.dispose(),
  });
  const opened = async (program: Promise<Program>): Promise<Program> => {
    const made = await explained(program);
    await watch();
    return wrap(made);
  };
  return {
    device: runtime.device,
    description: runtime.description,
    layout: runtime.layout,
    compile: (graph, options) => opened(runtime.compile(graph, options)),
    load: (model) => opened(runtime.load(model)),
    dispose: () => runtime.dispose(),
  };
}
