import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page as pageOf } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { type BrowserPage, type BrowserSession, openBrowser, whyNoBrowser } from '../browser/harness.ts';

const PAGE = 'test/studio/page.ts';
const { image } = phantom({ width: 48, height: 32, depth: 2, cellPx: 16, seed: 3 });
const pngs = [0, 1].map((z) => [...writePng(pageOf(image, z))]);

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
