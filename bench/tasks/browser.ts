/** The training step in a headless Chromium's page, WASM, as many threads as in Node. */
import { availableParallelism } from 'node:os';
import { openBrowser } from '../../test/browser/harness.ts';
import type { StepTask } from './step.ts';
import type { Task } from './task.ts';

export async function browserTask(options: Omit<StepTask, 'net'>): Promise<Task> {
  const browser = await openBrowser();
  const page = await browser.newPage();
  const about = await page.call<string>('bench/page.ts', 'prepare', { ...options, threads: availableParallelism() });
  return {
    about,
    run: () => page.call<number>('bench/page.ts', 'run'),
    close: () => browser.close(),
  };
}
