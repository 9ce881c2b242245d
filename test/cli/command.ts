import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Whether another user may run the built command line: every folder on the way to it is open to all. */
export function othersMayRun(): boolean {
  for (let folder = dirname(MAIN); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o5) !== 0o5) return false;
    if (folder === dirname(folder)) return true;
  }
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line, as a user does. `onStdout` may look at what it prints and signal the process. */
export function lamella(
  args: readonly string[],
  {
    cwd,
    uid,
    onStdout,
  }: {
    readonly cwd?: string;
    /** Runs it as another user. */
    readonly uid?: number;
    readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  } = {},
): Promise<Outcome> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not built: run npm run build first.`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd, uid, env: { ...process.env, NO_COLOR: '1' } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onStdout?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
