/** A model or a run that is dropped on the page is what a training can begin with, as with `lamella train --from`. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { train } from 'lamella/node';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/train/config.ts';
import { labelledFiles, lossesOf } from './labelled-files.ts';
import { studioPages, takeIn, whyNoPage } from './studio-page.ts';

const SETTINGS = { seed: 2, batch: 2 } as const;
const STEPS = 10;

describe.skipIf(whyNoPage !== undefined)(`Warm start${whyNoPage === undefined ? '' : ` (${whyNoPage})`}`, () => {
  const pages = studioPages();

  it('from a dropped model and a dropped run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const at = (...path: string[]): string => join(folder, ...path);
    for (const [path, bytes] of Object.entries(labelledFiles({ seed: 8 }))) {
      mkdirSync(dirname(at('theirs', path)), { recursive: true });
      writeFileSync(at('theirs', path), bytes);
    }
    const theirs = at('their-run');
    await train(at('theirs'), { steps: 20, depth: 1, baseChannels: 4, patch: [32, 32], out: theirs, workers: 0 });
    const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(theirs, name)));

    const { page, errors, close } = await pages.open({ dialogs: false });
    await takeIn(page, labelledFiles({ seed: 3 }));
    await takeIn(page, { 'colleague.onnx': file('best.onnx') });
    const names = ['config.json', 'log.jsonl', 'best.onnx', 'last.onnx'];
    await takeIn(page, Object.fromEntries(names.map((name) => [`their-run/${name}`, file(name)])));
    await takeIn(page, { 'broken.onnx': new Uint8Array([1, 2, 3]) });
    await page.getByText('broken.onnx').first().waitFor();
    await page.getByRole('tab', { name: 'Train' }).click();
    const choice = page.getByLabel('Start from');
    await choice.waitFor();
    expect(await choice.locator('option').allTextContents()).toEqual([
      'A new network',
      'models/colleague.onnx',
      'models/their-run.onnx',
    ]);
    await choice.selectOption('models/colleague.onnx');
    await page.getByText('--from untitled/models/colleague.onnx').waitFor();
    const { run } = await page.evaluate(
      ({ settings, steps }) => studio.engine.train({ settings, steps, from: studio.training.from.value }),
      { settings: SETTINGS, steps: STEPS },
    );
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Control+s')]);
    await download.saveAs(at('project.zip'));
    expect(errors).toEqual([]);
    await close();

    for (const [path, bytes] of Object.entries(unzipSync(readFileSync(at('project.zip'))))) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), bytes);
    }
    const out = at('beside');
    const project = at('untitled');
    const from = join(project, 'models/colleague.onnx');
    await train(project, { ...SETTINGS, steps: STEPS, from, out, workers: 0, device: 'cpu' });
    const [there, here] = [join(project, run), out];
    const startOf = (own: string) => {
      const { recipe } = parseConfig(readFileSync(join(own, 'config.json')), own);
      return { ...recipe, start: { ...recipe.start, model: '' } };
    };
    expect(startOf(there)).toEqual(startOf(here));
    const [losses, expected] = [lossesOf(there), lossesOf(here)];
    expect(losses.map(([step]) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    const worst = Math.max(...losses.map(([, loss], i) => Math.abs(loss - (expected[i] as readonly number[])[1])));
    console.log(`Warm start: losses differ by at most ${worst.toExponential(1)} from those in Node`);
    expect(worst).toBeLessThan(1e-3);
    rmSync(folder, { recursive: true });
  });
});
