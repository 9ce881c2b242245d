import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resumeRun } from '../../../src/platform/node/train-run.ts';
import { parseLog } from '../../../src/train/log.ts';
import { phantomFolder } from '../../support/phantom-folder.ts';
import { type BrowserPage, type BrowserSession, openBrowser, whyNoBrowser } from '../harness.ts';
import type { Told } from './page.ts';

const MODULE = 'test/browser/runs/page.ts';
const STEPS = 20;
/** One thread: the bits of WebAssembly do not depend on how busy the machine is, but on the number of threads. */
const SMALL = {
  steps: STEPS,
  baseChannels: 4,
  depth: 1,
  patch: [32, 32],
  device: 'wasm',
  threads: 1,
  checkpointEvery: { steps: 5 },
};

type Files = Readonly<Record<string, string>>;

const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
const lossesIn = (log: string): number[] => parseLog(log).flatMap((line) => (line.kind === 'step' ? [line.loss] : []));
const stepsIn = (log: string): number[] => parseLog(log).flatMap((line) => (line.kind === 'step' ? [line.step] : []));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const why = whyNoBrowser();

describe.skipIf(why !== undefined)(
  `runs in the storage of a page${why === undefined ? '' : ` (SKIPPED: ${why})`}`,
  () => {
    let folder: string;
    let browser: BrowserSession;
    let page: BrowserPage;
    let whole: Files;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lamella-opfs-'));
      browser = await openBrowser({ profile: join(folder, 'profile') });
      page = await browser.newPage();
      await page.call<Told>(MODULE, 'trainHere', { ...SMALL, workers: 0, out: 'runs/whole' });
      whole = await page.call<Files>(MODULE, 'filesOf', 'runs/whole');
    });
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('have the files of a run folder', () => {
      expect(Object.keys(whole).sort()).toEqual([
        'best.onnx',
        'checkpoints/step-000000015.ckpt',
        'checkpoints/step-000000020.ckpt',
        'config.json',
        'last.onnx',
        'log.jsonl',
      ]);
      const config = JSON.parse(String(bytes(whole['config.json'] as string)));
      expect([config.folder, config.machine.device]).toEqual(['data', 'wasm']);
    });

    it('that a killed tab left go on from the last checkpoint, to the same bits, with workers', async () => {
      const killed = await browser.newPage();
      const devtools = await killed.page.context().newCDPSession(killed.page);
      const reached = killed.page.waitForEvent('console', (message) => message.text() === 'here');
      killed
        .call(MODULE, 'trainHere', { ...SMALL, workers: 1, out: 'runs/killed' }, { hangAt: 13 })
        .catch(() => undefined);
      await reached;
      expect(await page.call(MODULE, 'problemOf', 'open', 'runs/killed')).toMatch(
        'RunError: runs/killed: this run is in use by another tab or worker.',
      );
      const crashed = killed.page.waitForEvent('crash');
      devtools.send('Page.crash').catch(() => undefined);
      await crashed;

      const { losses, warnings, problem } = await page.call<Told>(MODULE, 'resumeHere', 'runs/killed', 2);
      expect([problem, warnings]).toEqual([undefined, []]);
      const resumed = await page.call<Files>(MODULE, 'filesOf', 'runs/killed');
      const last = `checkpoints/step-0000000${STEPS}.ckpt`;
      expect(resumed[last]).toBe(whole[last]);
      const expected = lossesIn(String(bytes(whole['log.jsonl'] as string)));
      expect(losses).toEqual(expected.slice(10));
      expect(lossesIn(String(bytes(resumed['log.jsonl'] as string)))).toEqual(expected);
    });

    it('keep the old file when a tab is killed while it writes, and no part of a new one', async () => {
      const killed = await browser.newPage();
      const devtools = await killed.page.context().newCDPSession(killed.page);
      await killed.call(MODULE, 'tear', 'runs/torn');
      const crashed = killed.page.waitForEvent('crash');
      devtools.send('Page.crash').catch(() => undefined);
      await crashed;
      expect(await page.call(MODULE, 'bytesOf', 'runs/torn', 'best.onnx')).toEqual([1, 2, 3]);
      expect(Object.keys(await page.call<Files>(MODULE, 'filesOf', 'runs/torn')).sort()).toEqual([
        'best.onnx',
        'config.json',
      ]);
    });

    it('lie beside the speed of the device, which another tab need not measure again', async () => {
      expect(await page.call(MODULE, 'speedHere')).toBeNull();
      expect(await page.call(MODULE, 'speedHere', 3e10)).toBe(3e10);
      expect(await (await browser.newPage()).call(MODULE, 'speedHere')).toBe(3e10);
    });

    it('may be a session, which goes on where it was left', async () => {
      expect(await page.call(MODULE, 'takeSteps', 'runs/live', 3)).toEqual([0, 3]);
      expect(await page.call(MODULE, 'takeSteps', 'runs/live', 2)).toEqual([3, 5]);
    });

    it('have the same losses with 0, 1 and 2 workers', async () => {
      const expected = lossesIn(String(bytes(whole['log.jsonl'] as string)));
      const started: string[] = [];
      page.page.on('worker', (worker) => started.push(worker.url()));
      for (const workers of [1, 2]) {
        const { losses } = await page.call<Told>(MODULE, 'trainHere', { ...SMALL, workers });
        expect(losses).toEqual(expected);
      }
      expect(started.filter((url) => url.includes('sampler-worker'))).toHaveLength(3);
      expect(page.errors).toEqual([]);
    });

    it('go on in Node, and back in a page', async () => {
      const data = join(folder, 'data');
      const run = join(folder, 'run');
      await phantomFolder(data);
      const begun = await page.call<Told>(MODULE, 'trainHere', { ...SMALL, out: 'runs/trip' }, { stopAt: 7 });
      expect(begun.problem).toMatch('Interrupted: runs/trip: stopped after step 7 of 20.');

      const zip = unzipSync(bytes(await page.call<string>(MODULE, 'zipOf', 'runs/trip')));
      for (const [name, content] of Object.entries(zip)) {
        await mkdir(dirname(join(run, name)), { recursive: true });
        await writeFile(join(run, name), content);
      }
      const stop = new AbortController();
      const warnings: string[] = [];
      const inNode = resumeRun(
        run,
        { folder: data, workers: 0 },
        {
          signal: stop.signal,
          warn: (line) => warnings.push(line),
          onEvent: (event) => {
            if (event.kind === 'step' && event.step === 12) stop.abort();
          },
        },
      );
      await expect(inNode).rejects.toThrow('stopped after step 12 of 20');
      expect(warnings).toEqual([expect.stringMatching(/^The run began on WASM, 1 thread and continues on CPU.* may /)]);
      expect(stepsIn(await readFile(join(run, 'log.jsonl'), 'utf8'))).toEqual(upTo(12));

      const contents: Record<string, string> = {};
      for (const name of await readdir(run, { recursive: true })) {
        const content = await readFile(join(run, name)).catch(() => undefined);
        if (content !== undefined) contents[name] = content.toString('base64');
      }
      await page.call(MODULE, 'putRun', contents, 'runs/back');
      const back = await page.call<Told>(MODULE, 'resumeHere', 'runs/back', 1);
      // It began here, on this device: nothing to warn of.
      expect([back.problem, back.losses.length, back.warnings]).toEqual([undefined, 8, []]);
      const { 'log.jsonl': log } = await page.call<Files>(MODULE, 'filesOf', 'runs/back');
      expect(stepsIn(String(bytes(log as string)))).toEqual(upTo(STEPS));
      // The devices differ in their last bits, which the first steps multiply.
      const expected = lossesIn(String(bytes(whole['log.jsonl'] as string)));
      const [loss] = lossesIn(String(bytes(log as string))).slice(-1);
      expect(Math.abs((loss as number) - (expected.at(-1) as number))).toBeLessThan(1e-3);
    });

    it('say what is wrong, and what to do', async () => {
      const again = await page.call<Told>(MODULE, 'trainHere', { ...SMALL, out: 'runs/whole' });
      expect(again.problem).toMatch('RunError: runs/whole: this folder contains another run. Resume it');
      const problem = (action: string, out: string) => page.call<string>(MODULE, 'problemOf', action, out);
      expect((await page.call<Told>(MODULE, 'resumeHere', 'runs/none', 0)).problem).toMatch(
        'RunError: runs/none: this folder contains no run to resume.',
      );
      expect(await problem('export', 'runs/none')).toMatch('contains no run');
      expect(await problem('import', 'runs/new')).toMatch('RunError: run: this folder contains no run to resume.');
      expect(await problem('open', '../runs')).toMatch("UsageError: '../runs' is not a folder in the storage");
      expect(await problem('remove', 'runs')).toMatch('RunError: runs: this folder holds other things, such as');
      expect(await problem('remove', 'runs/killed')).toBe('nothing');
      expect(await problem('export', 'runs/killed')).toMatch('contains no run');

      const devtools = await page.page.context().newCDPSession(page.page);
      const origin = new URL(page.page.url()).origin;
      await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3e6 });
      expect(await problem('fill', 'runs/full')).toMatch(
        /LamellaError: runs\/full\/best\.onnx: no space is left in the storage of this page \(.* are used\)\. Remove runs/,
      );
      expect(await page.call(MODULE, 'bytesOf', 'runs/full', 'best.onnx')).toEqual(Array(10).fill(7));
    });
  },
);
