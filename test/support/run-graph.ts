import type { NdArray } from '../../src/array/ndarray.ts';
import type { Graph } from '../../src/graph/ir.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';

let opened: Promise<Runtime> | undefined;

/** The CPU, opened once for a test file. */
export function cpu(): Promise<Runtime> {
  opened ??= openRuntime({ device: 'cpu', threads: 2 });
  return opened;
}

/** Compiles a graph on the CPU, runs it once and disposes of it. */
export async function runGraph(
  graph: Graph,
  feeds: { readonly [input: string]: NdArray },
): Promise<{ readonly [output: string]: NdArray }> {
  const program = await (await cpu()).compile(graph, { exact: true });
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}
