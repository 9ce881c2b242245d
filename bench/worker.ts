/** Our side of a comparison, in a process of its own: node bench/run.mjs worker TASK '{"option": 1}' */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Task } from './tasks/task.ts';
import { TASKS } from './tasks/tasks.ts';

export async function main([name = '', options = '{}']: string[]): Promise<void> {
  const make = TASKS[name];
  if (make === undefined) throw new Error(`There is no task '${name}': ${Object.keys(TASKS).join(', ')}.`);
  const task = await make(JSON.parse(options));
  const say = (answer: object) => console.log(JSON.stringify(answer));
  say({ about: task.about ?? '', ...(task.peer !== undefined && { peerAbout: task.peer.about }) });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'end') break;
    if (line === 'peer') {
      say(await peerOf(task));
      continue;
    }
    const start = performance.now();
    // Tasks that start processes measure for themselves.
    const measured = await task.run();
    say({ ms: measured ?? performance.now() - start });
  }
  await task.close?.();
  say({ peakMiB: peakMiB() });
  process.exit(0);
}

/** A peer that fails does not end the process that is ours too. */
async function peerOf(task: Task): Promise<object> {
  try {
    return { ms: await task.peer?.run() };
  } catch (cause) {
    return { error: (cause as Error).message };
  }
}

function peakMiB(): number {
  try {
    const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return Number(kib) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
