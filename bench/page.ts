/** The page's side of tasks/browser.ts. */
import { openRuntime } from '../src/platform/browser/runtime.ts';
import type { Program } from '../src/runtime/runtime.ts';
import { type PreviewGraph, previewGraph } from './preview-graph.ts';
import { type UnetStepOptions, unetStep } from './unet-step.ts';

type Work = Pick<PreviewGraph, 'graph' | 'state' | 'initial' | 'feeds'>;

let held: { readonly program: Program; readonly work: Work } | undefined;

async function open(work: Work, threads: number): Promise<string> {
  const runtime = await openRuntime({ device: 'wasm', threads });
  const program = await runtime.compile(work.graph, { state: work.state });
  await program.writeState(work.initial);
  held = { program, work };
  return runtime.description;
}

export const prepare = ({ threads, ...options }: UnetStepOptions & { readonly threads: number }): Promise<string> =>
  open(unetStep(options), threads);

export const preparePreview = ({
  threads,
  ...options
}: Parameters<typeof previewGraph>[0] & { readonly threads: number }): Promise<string> =>
  open(previewGraph(options), threads);

/** @returns milliseconds */
export async function run(): Promise<number> {
  if (held === undefined) throw new Error('Call prepare first.');
  const start = performance.now();
  await held.program.run(held.work.feeds);
  return performance.now() - start;
}
