import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page as pageOf } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { trainRun } from '../../src/platform/node/train-run.ts';
import { parseConfig, recipeHash } from '../../src/train/config.ts';
import { parseLog } from '../../src/train/log.ts';
import { type BrowserPage, type BrowserSession, openBrowser, whyNoBrowser } from '../browser/harness.ts';

const PAGE = 'test/studio/page.ts';
const { image } = phantom({ width: 48, height: 32, depth: 2, cellPx: 16, seed: 3 });
const pngs = [0, 1].map((z) => [...writePng(pageOf(image, z))]);
async function runOf(folder: string) {
  const config = parseConfig(await readFile(join(folder, 'config.json')), folder);
  const log = parseLog(await readFile(join(folder, 'log.jsonl'), 'utf8'));
  return { config, losses: log.flatMap((line) => (line.kind === 'step' ? line.loss : [])) };
}

const why = whyNoBrowser();

describe.skipIf(why !== undefined)(`Studio's worker${why === undefined ? '' : ` (SKIPPED: ${why})`}`, () => {
  let profile: string;
  let session: BrowserSession;
  let tab: BrowserPage;
  let id: string;

  beforeAll(async () => {
    profile = await mkdtemp(join(tmpdir(), 'lamella-studio-'));
    // Tabs that share their storage.
    session = await openBrowser({ profile });
    tab = await session.newPage();
  });
  afterAll(async () => {
    await session?.close();
    await rm(profile, { recursive: true, force: true });
  });

  it('says what it runs on', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await tab.call(PAGE, 'start')).toEqual({
      place: 'tab',
      version,
      threads: await tab.page.evaluate('navigator.hardwareConcurrency'),
      devices: ['wasm'],
    });
  });

  it('keeps a project in the storage of the page', async () => {
    const made = await tab.call<{ id: string }>(PAGE, 'makeProject', pngs);
    id = made.id;
    expect(made).toEqual({ id: 'cells', images: ['0', '1'], problems: [], values: [...pageOf(image, 1).data] });
  });

  it('shows what a quick model makes of two strokes', async () => {
    expect(await tab.call(PAGE, 'preview')).toEqual({
      model: 'quick',
      view: { image: '1', page: 0, rect: { x: 0, y: 0, width: 48, height: 32 } },
      classes: [0, 1],
      sequence: 2,
    });
  });

  it('trains, segments, measures and exports', async () => {
    const done = await tab.call(PAGE, 'work');
    expect(done).toEqual({
      run: 'runs/1',
      steps: 4,
      images: ['0', '1'],
      failed: [],
      isMeasured: true,
      zip: ['cells.zip', true, true],
      runs: ['runs/1'],
      problems: [],
      painted: expect.any(Number),
    });
    expect((done as { readonly painted: number }).painted).toBeGreaterThan(30);
    expect(tab.errors).toEqual([]);
  });

  it('trains a project as Node does on the same folder', async () => {
    const stack = phantom({ width: 64, height: 64, depth: 4, cellPx: 20, seed: 5 });
    const files = Object.fromEntries(
      [0, 1, 2, 3].flatMap((z) => [
        [`images/${z}.png`, [...writePng(pageOf(stack.image, z))]],
        [`labels/${z}.png`, [...writePng(pageOf(stack.label, z))]],
      ]),
    );
    const settings = { seed: 0, baseChannels: 8, depth: 2, patch: [32, 32] as const };
    const made = await tab.call<{ problems: unknown; run: string; zip: string }>(PAGE, 'trainAndExport', files, {
      steps: 30,
      settings,
      from: 'scratch',
    });
    expect([made.problems, made.run]).toEqual([[], 'runs/1']);
    const folder = join(profile, 'unzipped');
    for (const [name, bytes] of Object.entries(unzipSync(Buffer.from(made.zip, 'base64')))) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes);
    }
    const project = join(folder, 'trained');
    const out = join(folder, 'in-node');
    await trainRun(project, { ...settings, patch: [32, 32], steps: 30, out, device: 'cpu' });
    const [there, here] = await Promise.all([join(project, made.run), out].map(runOf));
    expect(recipeHash(there.config.recipe)).toBe(recipeHash(here.config.recipe));
    expect([there.config.validationImages, there.config.recipe.input]).toEqual([
      here.config.validationImages,
      here.config.recipe.input,
    ]);
    expect(there.losses.length).toBe(30);
    for (let i = 0; i < 10; i++)
      expect(Math.abs((there.losses[i] as number) - (here.losses[i] as number))).toBeLessThan(1e-3);
  });

  it('opens it read-only where another tab has it, and with its journal once that is closed', async () => {
    const other = await session.newPage();
    await other.call(PAGE, 'start');
    expect(await tab.call(PAGE, 'openAgain', id)).toMatchObject({ readOnly: false });
    expect(await other.call(PAGE, 'openAgain', id)).toMatchObject({ readOnly: true, undo: 'brush' });
    await tab.page.reload();
    await expect.poll(() => other.call(PAGE, 'openAgain', id)).toMatchObject({ readOnly: false });
    expect(await other.call(PAGE, 'openAgain', id)).toEqual({ images: ['0', '1'], undo: 'brush', readOnly: false });
    expect(await other.call(PAGE, 'forget', id)).toEqual({ bytes: expect.any(Number), left: [] });
    expect(other.errors).toEqual([]);
    expect(tab.errors).toEqual([]);
  });
});
