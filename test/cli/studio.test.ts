import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, openPage, whyNoBrowser } from '../browser/harness.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { lamella, MAIN } from './command.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-cli-studio-'));
  await phantomFolder(join(root, 'cells'), { slices: 3, side: 48 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Runs `lamella studio` until `body` is done with its address, and ends it by Ctrl-C. */
async function withStudio(args: readonly string[], body: (address: string) => Promise<void>): Promise<string> {
  const child = spawn(process.execPath, [MAIN, 'studio', ...args, '--no-open'], { cwd: root });
  let text = '';
  const address = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (part) => {
      text += part;
      const found = /http:\S+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    child.stderr.on('data', (part) => {
      text += part;
    });
    child.on('exit', () => reject(new Error(text)));
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  try {
    await body(await address);
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended).toBe(0);
  return text;
}

describe('lamella studio', () => {
  it('serves the page on this machine and ends with Ctrl-C', async () => {
    const text = await withStudio(['cells'], async (address) => {
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
      expect(await (await fetch(address)).text()).toContain('<title>Lamella Studio</title>');
    });
    expect(text).toMatch(/the project in .*cells; Ctrl-C ends it/);
  });

  it('says what is wrong', async () => {
    expect(await lamella(['studio', 'missing', '--no-open'], { cwd: root })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no such file or folder'),
    });
    expect(await lamella(['studio', 'cells/label/0.png', '--no-open'], { cwd: root })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cells/label/0.png: this is a file; expected a folder.'),
    });
    await withStudio([], async (address) => {
      const { port } = new URL(address);
      const second = await lamella(['studio', '--no-open', '--port', port], { cwd: root });
      expect([second.code, second.stderr]).toEqual([
        1,
        expect.stringContaining(`port ${port} is in use. Use another --port`),
      ]);
    });
  });
});

const why = whyNoBrowser();
describe.skipIf(why !== undefined)(`its page in a browser${why === undefined ? '' : ` (SKIPPED: ${why})`}`, () => {
  it('opens a data folder as it is, by the engine of the program', async () => {
    const labels = await readFile(join(root, 'cells/label/0.png'));
    await withStudio(['cells'], async (address) => {
      const browser = await launchChromium();
      try {
        const page = await openPage(browser);
        const errors: string[] = [];
        page.on('pageerror', (error) => errors.push(String(error)));
        page.on('console', (message) => void (message.type() === 'error' && errors.push(message.text())));
        await page.goto(address);
        const described = () => page.evaluate('globalThis.studio?.description.value?.place');
        await expect.poll(described).toBe('server');
        expect(page.url()).not.toContain('#');
        expect(await page.evaluate('crossOriginIsolated')).toBe(true);
        const opened =
          await page.evaluate(`globalThis.studio.engine.open('cells').then(({ images, project, problems }) => ({
          images: images.map(({ id, file }) => [id, file]), classes: project.classes.map(({ name, value }) => [name, value]), problems }))`);
        expect(opened).toEqual({
          images: [
            ['0', 'image/0.png'],
            ['1', 'image/1.png'],
            ['2', 'image/2.png'],
          ],
          classes: [
            ['background', 0],
            ['foreground', 1],
          ],
          problems: [],
        });
        // A tab keeps what it needs to come back.
        await page.reload();
        await expect.poll(described).toBe('server');
        expect(errors).toEqual([]);
      } finally {
        await browser.close();
      }
    });
    expect(Buffer.compare(labels, await readFile(join(root, 'cells/label/0.png')))).toBe(0);
    expect(JSON.parse(await readFile(join(root, 'cells/lamella.json'), 'utf8'))).toMatchObject({
      task: 'classes',
      classes: [
        { name: 'background', value: 0 },
        { name: 'foreground', value: 255 },
      ],
      notAnnotated: 65_535,
      images: [{ id: '0', file: 'image/0.png', labels: 'label/0.png' }, {}, {}],
    });
    const { code, stdout } = await lamella(['inspect', 'cells'], { cwd: root });
    expect([code, stdout]).toEqual([0, expect.stringContaining('project: cells (lamella.json)')]);
  });
});
