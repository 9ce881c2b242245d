/** S14: a run that was begun in the tab goes on in Node from the saved project, and in the tab again; nothing is left out. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { resumeTraining, train } from 'lamella/node';
import { describe, expect, it } from 'vitest';
import { labelledFiles, lossesOf } from './labelled-files.ts';
import { isLong, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const STEPS = isLong ? 300 : 150;
const SETTINGS = { seed: 3, patch: [32, 32], depth: 1, baseChannels: 8, batch: 2 } as const;
/** When the tab is told to stop; it does so after this step, or one of the next. */
const STOP_AT = 5;
/** So many steps more are made in Node. */
const MORE = 25;

describe.skipIf(whyNoPage !== undefined)(`S14 resume${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('goes from the tab to Node and back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const { page, errors, close } = await pages.open({ dialogs: false });
    /** Saves the open project as a zip, as Ctrl+S does, and unpacks it. @returns its folder */
    const save = async (name: string): Promise<string> => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Control+s')]);
      const zip = join(folder, `${name}.zip`);
      await download.saveAs(zip);
      for (const [path, bytes] of Object.entries(unzipSync(readFileSync(zip)))) {
        const to = join(folder, name, path);
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, bytes);
      }
      return join(folder, name, readdirSync(join(folder, name))[0] as string);
    };

    await takeIn(page, labelledFiles({ seed: 3 }));
    const begun = await page.evaluate(
      async ({ options, stopAt }) => {
        const leave = studio.engine.subscribe((event) => {
          if (event.kind === 'step' && event.step === stopAt) void studio.engine.stop();
        });
        try {
          return await studio.engine.train(options);
        } finally {
          leave();
        }
      },
      { options: { steps: STEPS, settings: SETTINGS, from: 'scratch' as const }, stopAt: STOP_AT },
    );
    expect(begun).toMatchObject({ run: 'runs/1', stopped: true });
    expect(begun.steps).toBeGreaterThanOrEqual(STOP_AT);
    const stopInNode = begun.steps + MORE;
    expect(stopInNode).toBeLessThan(STEPS);

    const project = await save('first');
    const run = join(project, 'runs/1');
    expect(lossesOf(run).length).toBe(begun.steps);
    // As an older version would have left it.
    const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'));
    writeFileSync(join(run, 'config.json'), JSON.stringify({ ...config, lamella: '0.0.9' }));
    const warnings: string[] = [];
    const stop = new AbortController();
    const resumed = resumeTraining(
      run,
      { workers: 0 },
      {
        signal: stop.signal,
        warn: (line) => warnings.push(line),
        onEvent: (event) => {
          if (event.kind === 'step' && event.step === stopInNode) stop.abort();
        },
      },
    );
    await expect(resumed).rejects.toThrow(`stopped after step ${stopInNode} of ${STEPS}`);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^The run began on WASM, \d+ threads? with version 0\.0\.9 and continues on CPU.* with version \d+\.\d+\.\d+: its numbers (may|will) differ/,
      ),
    ]);

    const back = Object.fromEntries(
      readdirSync(project, { recursive: true, withFileTypes: true }).flatMap((entry) => {
        const path = join(entry.parentPath, entry.name);
        return entry.isFile() ? [[path.slice(dirname(project).length + 1), new Uint8Array(readFileSync(path))]] : [];
      }),
    );
    await page.getByRole('button', { name: 'All projects' }).click();
    await takeIn(page, { 'cells.zip': zipSync(back) });
    await page.getByRole('tab', { name: 'Train' }).click();
    await page.getByRole('button', { name: `Go on with runs/1: step ${stopInNode} of ${STEPS}` }).click();
    await page.waitForFunction(() => studio.training.runs.value.at(-1)?.steps === studio.training.steps.value);
    await page.getByRole('button', { name: 'Go on' }).waitFor({ state: 'detached' });
    expect(await page.evaluate(() => studio.training.runs.value.map((own) => own.run))).toEqual(['runs/1']);
    const again = await save('second');
    expect(errors).toEqual([]);
    await close();

    const losses = lossesOf(join(again, 'runs/1'));
    expect(losses.map(([step]) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    // It went on with the same samples: as a run that was never stopped.
    const whole = join(folder, 'whole');
    await train(project, { ...SETTINGS, steps: STEPS, out: whole, workers: 0, device: 'cpu' });
    const expected = lossesOf(whole);
    const worst = Math.max(...losses.map(([, loss], i) => Math.abs(loss - (expected[i] as readonly number[])[1])));
    console.log(
      `S14: losses of ${STEPS} steps differ by at most ${worst.toExponential(1)} from those of one run in Node`,
    );
    expect(worst).toBeLessThan(1e-3);
    rmSync(folder, { recursive: true });
  });
});
