/** The training step in a headless Chromium's page, WASM, as many threads as in Node. */
import { availableParallelism } from 'node:os';
import { type BrowserPage, openBrowser } from '../../test/browser/harness.ts';
import { TENSORFLOW, TENSORFLOW_STEP } from '../suite/tensorflow.ts';
import type { StepTask } from './step.ts';
import type { Task } from './task.ts';

export interface BrowserTask extends Omit<StepTask, 'net'> {
  /** Also TensorFlow.js in the same tab. */
  readonly tensorflow?: 1;
}

export async function browserTask({ tensorflow, ...options }: BrowserTask): Promise<Task> {
  const browser = await openBrowser({ webgl: tensorflow !== undefined });
  const page = await browser.newPage();
  const about = await page.call<string>('bench/page.ts', 'prepare', { ...options, threads: availableParallelism() });
  return {
    about,
    run: () => page.call<number>('bench/page.ts', 'run'),
    ...(tensorflow !== undefined && { peer: await tensorflowStep(page, options) }),
    close: () => browser.close(),
  };
}

async function tensorflowStep({ page }: BrowserPage, options: object): Promise<NonNullable<Task['peer']>> {
  try {
    for (const path of [TENSORFLOW, TENSORFLOW_STEP]) await page.addScriptTag({ path });
    // As text: the page's own objects.
    const about = await page.evaluate<string>(`tensorflowStep.prepare(${JSON.stringify(options)})`);
    return { about, run: () => page.evaluate<number>('tensorflowStep.run()') };
  } catch (cause) {
    return { about: 'TensorFlow.js', run: () => Promise.reject(cause) };
  }
}
