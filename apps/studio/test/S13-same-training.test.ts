/** S13: the tab trains a project as the command line does, by the command that the page shows. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import { describe, expect, it } from 'vitest';
import { page as pageOf } from '../../../src/image/convert.ts';
import { parseConfig, recipeHash } from '../../../src/train/config.ts';
import { dataFolder } from '../../../test/support/data.ts';
import { lossesOf } from './labelled-files.ts';
import { isLong, studioPages, takeIn, whyNoPage } from './studio-page.ts';
import { whyNoNuclei } from './walks.ts';

const SETTINGS = { seed: 0, baseChannels: 8, depth: 2, patch: [128, 128] } as const;
const STEPS = 30;

/** Twelve images of real nuclei, or four drawn ones, with labels. */
function files(): Readonly<Record<string, Uint8Array>> {
  if (isLong && whyNoNuclei === undefined) {
    const folder = join(dataFolder(), 'nuclei');
    const rows = readFileSync(join(folder, 'index.csv'), 'utf8').trim().split('\n');
    const ids = rows.filter((row) => row.includes(',gray_dark,256,256,')).slice(0, 12);
    return Object.fromEntries(
      ids.flatMap((row) =>
        ['images', 'labels'].map((part) => {
          const name = `${part}/${row.split(',')[0]}.png`;
          return [name, new Uint8Array(readFileSync(join(folder, name)))];
        }),
      ),
    );
  }
  const { image, label } = phantom({ width: 128, height: 128, depth: 4, cellPx: 24, seed: 5 });
  return Object.fromEntries(
    [0, 1, 2, 3].flatMap((z) => [
      [`images/${z}.png`, writePng(pageOf(image, z))],
      [`labels/${z}.png`, writePng(pageOf(label, z))],
    ]),
  );
}

describe.skipIf(whyNoPage !== undefined)(`S13 same training${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('has the recipe, the split and the losses of the command line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-same-'));
    const { page, errors, close } = await pages.open({ dialogs: false });
    await takeIn(page, files());
    const options = { steps: STEPS, settings: SETTINGS, from: 'scratch' as const };
    const { command, run, zip } = await page.evaluate(async (wanted) => {
      const command = await studio.engine.trainCommand(wanted);
      const { run } = await studio.engine.train(wanted);
      const { content } = await studio.engine.export({ formats: ['project'] });
      const bytes = new Uint8Array(await (content as Blob).arrayBuffer());
      return { command, run, zip: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) };
    }, options);
    expect(errors).toEqual([]);
    await close();
    for (const [path, bytes] of Object.entries(unzipSync(Buffer.from(zip, 'base64')))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    const [program, verb, project, ...rest] = command.split(' ');
    expect([program, verb]).toEqual(['lamella', 'train']);
    expect(rest.join(' ')).toBe(`--seed 0 --base 8 --depth 2 --patch 128x128 --steps ${STEPS}`);
    const out = join(folder, 'by-command');
    const args = [join(process.cwd(), 'dist/cli/main.js'), 'train', project as string, ...rest, '--out', out];
    execFileSync(process.execPath, [...args, '--device', 'cpu'], { cwd: folder, stdio: 'ignore' });

    const inTab = join(folder, project as string, run);
    const [there, here] = [inTab, out].map((at) => parseConfig(readFileSync(join(at, 'config.json')), at));
    expect(recipeHash(there.recipe)).toBe(recipeHash(here.recipe));
    expect([there.validationImages, there.recipe.input]).toEqual([here.validationImages, here.recipe.input]);
    const [inTabLosses, byCommand] = [inTab, out].map(lossesOf);
    expect(inTabLosses.length).toBe(STEPS);
    const differences = inTabLosses.slice(0, 10).map(([, loss], i) => Math.abs(loss - byCommand[i][1]));
    console.log(`S13: the first ten losses differ by at most ${Math.max(...differences).toExponential(1)}`);
    expect(Math.max(...differences)).toBeLessThan(1e-3);
    rmSync(folder, { recursive: true });
  });
});
