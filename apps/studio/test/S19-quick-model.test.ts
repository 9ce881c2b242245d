/** S19: the quick model of the live preview, exported, is an ordinary ONNX file: Python's onnxruntime computes what Lamella does. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { predictImage, writePng } from 'lamella';
import { openModelFile, readImageFile } from 'lamella/node';
import { phantom } from 'lamella/phantom';
import { expect, it } from 'vitest';
import { parseModel } from '../../../src/graph/onnx/model.ts';
import { page as pageOf } from '../../../src/image/convert.ts';
import { inputPages, prepareInput } from '../../../src/input/network-input.ts';
import { argmaxClasses } from '../../../src/metrics/argmax.ts';
import { askPeer, describeWithPeers } from '../../../test/support/peers.ts';
import { inWindow, studioPages, takeIn, whyNoPage } from './studio-page.ts';

const [WIDTH, HEIGHT] = [300, 200];
const { image } = phantom({ width: WIDTH, height: HEIGHT, depth: 1, cellPx: 40, seed: 4 });

describeWithPeers(`S19 quick model${whyNoPage === undefined ? '' : ` (SKIPPED: ${whyNoPage})`}`, () => {
  const pages = studioPages();

  it.skipIf(whyNoPage !== undefined)('is exported from the page, and runs in Python to the same result', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-studio-'));
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('cells.png'), writePng(pageOf(image, 0)));
    const { page, errors, close } = await pages.open({ dialogs: false, live: true });
    await takeIn(page, { 'cells.png': readFileSync(at('cells.png')) });
    const drag = async (from: readonly [number, number], to: readonly [number, number]): Promise<void> => {
      const [a, b] = [await inWindow(page, ...from), await inWindow(page, ...to)];
      await page.mouse.move(a.x, a.y);
      await page.mouse.down();
      await page.mouse.move(b.x, b.y, { steps: 3 });
      await page.mouse.up();
    };
    const choices = page.getByRole('dialog').getByRole('checkbox');
    const openExport = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Export', exact: true }).click();
      await choices.first().waitFor();
    };
    // The network, which learns beside it, never takes its place.
    await page.evaluate(() => {
      studio.live.wanted.value = 'quick';
    });
    await page.keyboard.press('b');
    await page.keyboard.press('2');
    await drag([30, 30], [70, 45]);
    await page.keyboard.press('1');
    await drag([150, 120], [260, 160]);
    // The preview of the whole image, by the model that has learned from both strokes.
    await page.waitForFunction(
      ([width, height]) =>
        studio.live.hasQuick.value &&
        studio.live.tiles.value.some(({ rect }) => rect.x + rect.width === width && rect.y + rect.height === height),
      [WIDTH, HEIGHT],
    );
    await page.evaluate(() => studio.live.set({ on: false, model: 'quick' }));

    await openExport();
    for (const choice of await choices.all()) if (await choice.isEnabled()) await choice.uncheck();
    await page.getByRole('dialog').getByRole('checkbox', { name: 'Quick model' }).check();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('cells-quick.onnx');
    await download.saveAs(at('quick.onnx'));
    const tiles = await page.evaluate(() =>
      studio.live.tiles.value.map(({ rect, classes }) => ({ rect, classes: [...classes] })),
    );
    expect(errors).toEqual([]);
    await close();

    const nodes = parseModel(readFileSync(at('quick.onnx'))).graph.node;
    expect(nodes.length).toBeGreaterThan(5);
    expect(nodes.filter(({ domain }) => domain !== '' && domain !== 'ai.onnx')).toEqual([]);

    const model = await openModelFile(at('quick.onnx'), { device: 'cpu' });
    const read = await readImageFile(at('cells.png'));
    const own = await predictImage(model, read);
    expect(model.metadata?.classes).toEqual([
      { name: 'background', value: 0 },
      { name: 'foreground', value: 1 },
    ]);
    const [only] = inputPages(read).pages;
    if (only === undefined) throw new Error('The image has no page.');
    writeFileSync(at('input'), prepareInput(only, model.input));
    await model.close();
    const theirs = askPeer<object>(
      'run_onnx.py',
      ...[at('quick.onnx'), at('input'), `1,1,${HEIGHT},${WIDTH}`, '32', at('output')],
    );
    expect(theirs).toEqual({ shape: [1, 2, HEIGHT, WIDTH], dtype: 'float32', metadata: ['lamella'] });
    const bytes = readFileSync(at('output'));
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    let worst = 0;
    for (let i = 0; i < values.length; i++) {
      worst = Math.max(worst, Math.abs((values[i] as number) - (own.data[i] as number)));
    }
    console.log(`S19: probabilities differ by at most ${worst.toExponential(1)}`);
    expect(own.data.length).toBe(values.length);
    expect(worst).toBeLessThanOrEqual(1e-5);

    // It is the model that was shown: only pixels of two equal probabilities may be another class.
    const classes = argmaxClasses(own).data;
    const seen = new Set(classes);
    expect([...seen].sort()).toEqual([0, 1]);
    let [compared, different] = [0, 0];
    for (const { rect, classes: shown } of tiles) {
      for (let i = 0; i < shown.length; i++) {
        const p = (rect.y + Math.floor(i / rect.width)) * WIDTH + rect.x + (i % rect.width);
        compared++;
        if (shown[i] !== classes[p] && Math.abs((own.data[p] as number) - 0.5) > 1e-4) different++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(WIDTH * HEIGHT);
    expect(different).toBe(0);
    rmSync(folder, { recursive: true });
  });
});
