/** The conformance jobs in a page. */
import { type BrowserDevice, openRuntime } from '../../src/platform/browser/runtime.ts';
import { GRADIENT_NAMES, type GradientName, runKind, VOLUME_NAMES, type VolumeName } from './formulations.ts';
import { type Result, runJobs } from './jobs.ts';

export async function runAll(device: BrowserDevice): Promise<{ [job: string]: Result }> {
  const runtime = await openRuntime({ device, threads: 2 });
  const results = await runJobs(runtime);
  await runtime.dispose();
  return results;
}

/** The first `count` random shapes of every gradient that is lowered, the first `volumes` of layers on volumes, and on WASM some by Winograd's algorithm. */
export async function runGradients(
  device: BrowserDevice,
  count: number,
  volumes: number,
): Promise<{ [kind in GradientName | VolumeName | '3 x 3 convolution']?: readonly Result[] }> {
  const runtime = await openRuntime({ device, threads: 2 });
  const results: { [kind in GradientName | VolumeName | '3 x 3 convolution']?: readonly Result[] } = {};
  for (const kind of GRADIENT_NAMES) results[kind] = await runKind(runtime, kind, count);
  for (const kind of VOLUME_NAMES) results[kind] = await runKind(runtime, kind, volumes);
  await runtime.dispose();
  if (device === 'wasm') {
    const winograd = await openRuntime({ device, threads: 2, winograd: 'always' });
    results['3 x 3 convolution'] = await runKind(winograd, '3 x 3 convolution', 8);
    await winograd.dispose();
  }
  return results;
}
