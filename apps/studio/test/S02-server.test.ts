/** S02: the walk of S01 with `lamella studio`, whose engine is a program on this machine. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { walkWithin } from './five-minutes.ts';
import { openRecorded } from './recorded-page.ts';
import { isLong, whyNoPage } from './studio-page.ts';
import { drawnNuclei, realNuclei, whyNoNuclei } from './walks.ts';

const why = whyNoPage ?? (isLong ? whyNoNuclei : undefined);
const PROGRAM = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const GATES = isLong ? { seconds: 240, countError: 0.15, dice: 0.85 } : { seconds: 120, countError: 0.3, dice: 0.75 };

/** The program on a folder of projects, and the address that it prints. */
async function startProgram(folder: string) {
  const program = spawn(process.execPath, [PROGRAM, 'studio', folder, '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await new Promise<string>((found, failed) => {
    let printed = '';
    program.stdout.on('data', (text) => {
      printed += text;
      const [match] = /http:\S+/.exec(printed) ?? [];
      if (match !== undefined) found(match);
    });
    program.once('exit', () => failed(new Error(`lamella studio has ended: ${printed}`)));
  });
  return { program, address };
}

describe.skipIf(why !== undefined)(`S02 server${why === undefined ? '' : ` (${why})`}`, () => {
  it('leads from images to numbers, with lamella studio', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamella-projects-'));
    const { walk, done } = await (isLong ? realNuclei() : drawnNuclei());
    const { program, address } = await startProgram(folder);
    const opened = await openRecorded(address);
    await walkWithin(opened, walk, GATES);
    await opened.close();
    const ended = once(program, 'exit');
    program.kill('SIGINT');
    await ended;
    await done();
    await rm(folder, { recursive: true });
  });
});
