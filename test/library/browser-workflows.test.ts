import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/platform/node/host.ts';
import { trainRun } from '../../src/platform/node/train-run.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { predictFolder } from '../../src/workflows/predict.ts';
import { writeReport } from '../../src/workflows/report.ts';
import { launchChromium, whyNoBrowser } from '../browser/harness.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { buildPages, type Site, serveSite } from './page-server.ts';
import { consumerFolder } from './snippets.ts';

/** What a page does with a folder that its user chooses: the run and its images in one. */
const PAGE = `
import { evaluate, inspect, measureFolder, predictFolder, writeReport } from 'lamella/workflows';
import { browserHost, chosenFiles } from 'lamella/browser';

document.querySelector('input').onchange = async ({ target }) => {
  const host = browserHost(chosenFiles(target.files), { device: 'wasm', threads: 2 });
  try {
    const { describe } = await inspect(host, 'all/run');
    const predicted = await predictFolder(host, ['all/run'], 'all/data', { out: 'pred', objects: true });
    const scores = await evaluate(host, 'pred', 'all/data', { metrics: ['overlap'] });
    const measured = await measureFolder(host, 'pred', { out: 'measures' });
    const { file, data } = await writeReport(host, 'all/run', { folder: 'all/data' });
    const zip = await host.files.zip('pred');
    const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    globalThis.result = {
      kind: describe.kind, images: predicted.images.length, objects: predicted.images[0].objectCount,
      dice: scores.overlap.meanDice, measured: measured.report.table.rows,
      csv: new TextDecoder().decode(await host.files.read('measures/objects.csv')), headline: data.headline, page: new TextDecoder().decode(await host.files.read(file)), zip: text(zip),
    };
  } catch (error) {
    globalThis.result = { error: String(error.stack) };
  }
};`;

const why = whyNoBrowser();

describe.skipIf(why !== undefined)(`workflows in a page${why === undefined ? '' : ` (SKIPPED: ${why})`}`, () => {
  let root: string;
  let folder: string;
  let site: Site;
  let browser: Browser;
  let warnings: readonly string[];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-workflows-'));
    await phantomFolder(join(root, 'all/data'), { slices: 4, side: 64, seed: 3 });
    const split = { names: ['2', '3'] };
    const small = {
      device: 'cpu',
      workers: 0,
      patch: [32, 32],
      depth: 1,
      batch: 2,
      baseChannels: 4,
      steps: 8,
    } as const;
    await trainRun(join(root, 'all/data'), { ...small, out: join(root, 'all/run'), split });
    folder = await consumerFolder();
    warnings = await buildPages(folder, { workflows: PAGE }, '<input type="file" webkitdirectory>');
    site = await serveSite(folder);
    browser = await launchChromium({ webgpu: false });
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    for (const path of [root, folder]) await rm(path, { recursive: true, force: true });
  });

  it('predict, evaluate and measure a chosen folder and write a report, with the numbers of Node', async () => {
    // Parts that the command line loads when needed are in this page from the start; that is no fault.
    expect(warnings.filter((text) => !text.includes('INEFFECTIVE_DYNAMIC_IMPORT'))).toEqual([]);
    const page = await browser.newPage();
    await page.goto(`${site.url}workflows.html`);
    await page.setInputFiles('input', join(root, 'all'));
    await page.waitForFunction(() => 'result' in globalThis);
    const result = (await page.evaluate('result')) as {
      error?: string;
      kind: string;
      images: number;
      objects: number;
      dice: number;
      measured: number;
      csv: string;
      headline: { label: string; value: string }[];
      page: string;
      zip: string;
    };
    expect(result.error).toBeUndefined();
    expect(result.kind).toBe('run');
    expect(result.images).toBe(4);

    const out = join(root, 'pred');
    const inNode = await predictFolder(nodeHost, [join(root, 'all/run')], join(root, 'all/data'), {
      out,
      objects: true,
    });
    expect(result.objects).toBe(inNode.images[0]?.objectCount);
    const evaluated = await evaluate(nodeHost, out, join(root, 'all/data'), { metrics: ['overlap'] });
    // A pixel at the threshold may fall to either side.
    expect(result.dice).toBeCloseTo(evaluated.overlap?.meanDice as number, 3);
    const measured = await measureFolder(nodeHost, out, { out: join(root, 'measures') });
    const rows = 'table' in measured.report ? measured.report.table.rows : Number.NaN;
    expect(result.measured).toBe(rows);
    expect(result.csv.trim().split('\n')).toHaveLength(rows + 1);
    const written = unzipSync(Buffer.from(result.zip, 'base64'));
    const labels = (await readdir(join(out, 'label'))).map((name) => `label/${name}`);
    expect(Object.keys(written)).toEqual(expect.arrayContaining(labels));
    for (const name of labels) {
      // Both are PNG files of the same labels, packed by different zlibs: their sizes may differ, their headers do not.
      expect([...(written[name] as Uint8Array).subarray(0, 33)]).toEqual([
        ...(await readFile(join(out, name))).subarray(0, 33),
      ]);
    }
    const { data } = await writeReport(nodeHost, join(root, 'all/run'), {
      folder: join(root, 'all/data'),
      out: join(root, 'report.html'),
      device: 'cpu',
    });
    // All but the time of training; scores have four digits.
    const scores = ({ headline }: { readonly headline: readonly { label: string; value: string }[] }) =>
      headline.filter(({ label }) => label !== 'Training').map(({ label, value }) => [label, Number.parseFloat(value)]);
    expect(scores(result).map(([label]) => label)).toEqual(scores(data).map(([label]) => label));
    scores(data).forEach(([, value], i) => {
      // A pixel at the threshold may fall to either side.
      expect(scores(result)[i]?.[1]).toBeCloseTo(value as number, 2);
    });

    // The page opens by itself and has nothing to complain of.
    const report = await browser.newPage();
    const errors: string[] = [];
    report.on('console', (message) => errors.push(message.text()));
    report.on('pageerror', (error) => errors.push(String(error)));
    await report.setContent(result.page);
    expect(await report.locator('figure.chart svg').count()).toBeGreaterThan(0);
    expect(errors).toEqual([]);
  });
});
