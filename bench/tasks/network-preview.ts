/** A live preview's prediction, by Node's CPU and in a tab. */
import { availableParallelism } from 'node:os';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openBrowser } from '../../test/browser/harness.ts';
import { previewGraph } from '../preview-graph.ts';
import type { Task } from './task.ts';

export interface NetworkPreviewTask {
  readonly base: number;
  readonly size: number;
}

export async function networkPreviewTask(options: NetworkPreviewTask): Promise<Task> {
  const { graph, state, initial, feeds } = previewGraph(options);
  const runtime = await openRuntime({ device: 'cpu' });
  const program = await runtime.compile(graph, { state });
  await program.writeState(initial);
  return {
    about: runtime.description,
    run: async () => {
      await program.run(feeds);
    },
  };
}

export async function browserPreviewTask(options: NetworkPreviewTask): Promise<Task> {
  const browser = await openBrowser();
  const page = await browser.newPage();
  const about = await page.call<string>('bench/page.ts', 'preparePreview', {
    ...options,
    threads: availableParallelism(),
  });
  return { about, run: () => page.call<number>('bench/page.ts', 'run'), close: () => browser.close() };
}
