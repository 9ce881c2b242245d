/** The program of a thread that computes gradients on one device: receives weights and images, returns gradients. */

import { parentPort, workerData } from 'node:worker_threads';
import type { Arrays, GradientAnswer, GradientWorkerData } from './gradient-devices.ts';
import { openRuntime } from './runtime.ts';

const { graph, exact, threads, device, index } = workerData as GradientWorkerData;

const say = (answer: GradientAnswer): void => {
  const arrays = 'outputs' in answer ? Object.values(answer.outputs) : [];
  parentPort?.postMessage(
    answer,
    arrays.map(({ data }) => data.buffer as ArrayBuffer),
  );
};
const problemOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

try {
  const runtime = await openRuntime({ device, threads, ...(device === 'cpu' ? {} : { index }) });
  const program = await runtime.compile(graph, { exact });
  parentPort?.on('message', (feeds: Arrays) => {
    program.run(feeds).then(
      // Copies: the device's arrays must not be transferred.
      (outputs) =>
        say({
          outputs: Object.fromEntries(
            Object.entries(outputs).map(([name, array]) => [name, { ...array, data: array.data.slice() }]),
          ) as Arrays,
        }),
      (cause: unknown) => say({ problem: problemOf(cause) }),
    );
  });
  say({ outputs: {} });
} catch (cause) {
  say({ problem: problemOf(cause) });
}
