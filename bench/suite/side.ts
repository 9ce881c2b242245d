/** One side of a comparison: a process that prepares a task and then does it once each time it is told to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a task is given: sizes, folders, files. */
export type TaskOptions = { readonly [name: string]: string | number };

interface Answer {
  readonly about?: string;
  readonly peerAbout?: string;
  readonly ms?: number;
  readonly error?: string;
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
  /** What does the same in the same process, where the task has that. */
  readonly beside?: Side;
}

/** No task takes as long on a machine that has nothing else to do. */
const LIMIT_MS = 15 * 60_000;

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
  const kill = () => void child.kill('SIGKILL');
  const answer = async (): Promise<Answer> => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, LIMIT_MS);
    try {
      for (;;) {
        const { value, done } = await lines.next();
        if (late) throw new Error(`no answer within ${LIMIT_MS / 60_000} minutes`);
        if (done) throw new Error(lastLine(errors.join('')) ?? 'the process ended without a word');
        // Libraries may print; answers are the lines that are JSON objects.
        if (value.startsWith('{')) return JSON.parse(value) as Answer;
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const ask = (word: string): Promise<Answer> => {
    child.stdin.write(`${word}\n`);
    return answer();
  };
  child.stdin.on('error', () => {
    // The process is gone; the answer that does not come says why.
  });
  const { about = '', peerAbout } = await answer().catch((cause) => {
    kill();
    throw cause;
  });
  const beside = {
    about: peerAbout ?? '',
    run: async () => {
      const { ms, error } = await ask('peer');
      if (ms === undefined) throw new Error(error);
      return ms;
    },
    close: async () => Number.NaN,
    kill,
  };
  return {
    about,
    run: async () => (await ask('run')).ms as number,
    close: async () => {
      const { peakMiB = Number.NaN } = await ask('end');
      await ended(child);
      return peakMiB;
    },
    kill,
    ...(peerAbout !== undefined && { beside }),
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
    child.stdin?.end();
  });
}

/** Of a stack or traceback, the line that says what happened. */
function lastLine(text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => /^(\w*Error|Caused by)\b.*: /.test(line)) ?? lines.filter((line) => line !== '').at(-1);
}
