/** The built command line, a process for each run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogLine, parseLog } from '../../src/train/log.ts';
import { medianOfSteps } from './step.ts';
import type { Task } from './task.ts';

const MAIN = 'dist/cli/main.js';

/** From the start of the process to its end. */
export async function commandTask({ args }: { readonly args: string }): Promise<Task> {
  return {
    run: async () => {
      const start = performance.now();
      await finished(spawn(process.execPath, [MAIN, ...args.split(' ')], { stdio: 'ignore' }));
      return performance.now() - start;
    },
  };
}

export interface TrainTask {
  readonly data: string;
  readonly args: string;
  /** `whole`: the command from start to end; `step`: its median step; `first`: start to the end of the first step. */
  readonly what: 'whole' | 'step' | 'first';
}

export async function trainTask({ data, args, what }: TrainTask): Promise<Task> {
  return {
    run: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lamella-bench-'));
      const out = join(folder, 'run');
      try {
        const start = performance.now();
        const child = spawn(process.execPath, [MAIN, 'train', data, '--out', out, '--quiet', ...args.split(' ')], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        if (what === 'first') {
          await firstStep(child, join(out, 'log.jsonl'));
          const ms = performance.now() - start;
          child.kill('SIGKILL');
          await finished(child).catch(() => {});
          return ms;
        }
        await finished(child);
        if (what === 'whole') return performance.now() - start;
        const steps = linesOf(join(out, 'log.jsonl')).filter((line) => line.kind === 'step');
        return medianOfSteps(steps.map(({ ms }) => ms));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function linesOf(file: string): readonly LogLine[] {
  return parseLog(readFileSync(file, 'utf8'));
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null) => {
      if (code === 0) resolve();
      else reject(new Error(`The command ended with ${code}.`));
    };
    if (child.exitCode !== null) end(child.exitCode);
    else child.once('exit', end);
  });
}

async function firstStep(child: ChildProcess, log: string): Promise<void> {
  while (child.exitCode === null) {
    try {
      if (linesOf(log).some((line) => line.kind === 'step')) return;
    } catch {
      // The file is not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`The command ended with ${child.exitCode} before its first step.`);
}
