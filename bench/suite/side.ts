/** One side of a comparison: a process that prepares a task and then does it once each time it is told to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a task is given: sizes, folders, files. */
export type TaskOptions = { readonly [name: string]: string | number };

interface Answer {
  readonly about?: string;
  readonly ms?: number;
  readonly peakMiB?: number;
}

/** A task that is ready, and what it says of itself (versions, the way it found fastest). */
export interface Side {
  readonly about: string;
  /** Does the task once. @returns milliseconds, measured inside. */
  run(): Promise<number>;
  /** Ends the process. @returns the most memory that it ever held. */
  close(): Promise<number>;
  /** Ends the process whatever it does, if it is still there. */
  kill(): void;
}

export function ours(task: string, options: TaskOptions): Promise<Side> {
  return open(process.execPath, ['bench/run.mjs', 'worker', task, JSON.stringify(options)]);
}

export function peer(python: string, task: string, options: TaskOptions): Promise<Side> {
  return open(python, ['bench/peers/worker.py', task, JSON.stringify(options)]);
}

async function open(command: string, args: readonly string[]): Promise<Side> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Answer> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended:\n${errors.join('').slice(-2000)}`);
      // Libraries may print; answers are the lines that are JSON objects.
      if (value.startsWith('{')) return JSON.parse(value) as Answer;
    }
  };
  const ask = (word: string): Promise<Answer> => {
    child.stdin.write(`${word}\n`);
    return answer();
  };
  const { about = '' } = await answer();
  return {
    about,
    run: async () => (await ask('run')).ms as number,
    close: async () => {
      const { peakMiB = Number.NaN } = await ask('end');
      await ended(child);
      return peakMiB;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve();
    else child.once('exit', () => resolve());
    child.stdin?.end();
  });
}
