/** The conformance jobs in a page. */
import { type BrowserDevice, openRuntime } from '../../src/platform/browser/runtime.ts';
import { GRADIENT_NAMES, type GradientName, runKind } from './formulations.ts';
import { type Result, runJobs } from './jobs.ts';

export async function runAll(device: BrowserDevice): Promise<{ [job: string]: Result }> {
  const runtime = await openRuntime({ device, threads: 2 });
  const results = await runJobs(runtime);
  await runtime.dispose();
  return results;
}

/** The first `count` random shapes of every gradient that is lowered. */
export async function runGradients(
  device: BrowserDevice,
  count: number,
): Promise<{ [kind in GradientName]?: readonly Result[] }> {
  const runtime = await openRuntime({ device, threads: 2 });
  const results: { [kind in GradientName]?: readonly Result[] } = {};
  for (const kind of GRADIENT_NAMES) results[kind] = await runKind(runtime, kind, count);
  await runtime.dispose();
  return results;
}
