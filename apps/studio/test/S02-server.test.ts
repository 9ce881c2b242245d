/** S02: the walk of S01 with `lamella studio`, whose engine is a program on this machine. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { walkWithin } from './five-minutes.ts';
import { startProgram } from './program.ts';
import { openRecorded } from './recorded-page.ts';
import { isLong, whyNoPage } from './studio-page.ts';
import { drawnNuclei, realNuclei, whyNoNuclei } from './walks.ts';

const why = whyNoPage ?? (isLong ? whyNoNuclei : undefined);
const GATES = isLong ? { seconds: 240, countError: 0.15, dice: 0.85 } : { seconds: 120, countError: 0.3, dice: 0.75 };

describe.skipIf(why !== undefined)(`S02 server${why === undefined ? '' : ` (${why})`}`, () => {
  it('leads from images to numbers, with lamella studio', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamella-projects-'));
    const { walk, done } = await (isLong ? realNuclei() : drawnNuclei());
    const program = await startProgram(folder);
    const opened = await openRecorded(program.address);
    await walkWithin(opened, walk, GATES);
    await opened.close();
    await program.end();
    await done();
    await rm(folder, { recursive: true });
  });
});
