/** `lamella studio` as a program of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface Program {
  /** That it prints. */
  readonly address: string;
  /** Ends it as Ctrl-C does, or by another signal. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts the program on a folder. @throws Error if it ends before it has printed an address */
export async function startProgram(folder: string): Promise<Program> {
  const program: ChildProcess = spawn(process.execPath, [PROGRAM, 'studio', folder, '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await new Promise<string>((found, failed) => {
    let printed = '';
    program.stdout?.on('data', (text) => {
      printed += text;
      const [match] = /http:\S+/.exec(printed) ?? [];
      if (match !== undefined) found(match);
    });
    program.once('exit', () => failed(new Error(`lamella studio has ended: ${printed}`)));
  });
  return {
    address,
    async end(signal = 'SIGINT') {
      if (program.exitCode !== null || program.signalCode !== null) return;
      const ended = once(program, 'exit');
      program.kill(signal);
      await ended;
    },
  };
}
