import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { canMount, onSmallDisk, whyNot } from '../support/small-disk.ts';
import { lamella, type Outcome, othersMayRun } from './command.ts';

let root: string;
let good: string;
let folders = 0;

const grey = (height: number, width: number, value: (p: number) => number): Image<'uint8'> => ({
  ...ndarray(
    'uint8',
    [height, width],
    Uint8Array.from({ length: height * width }, (_, p) => value(p)),
  ),
  axes: 'yx',
  spacing: {},
});
const picture = (height = 32, width = 32) => writePng(grey(height, width, (p) => (p * 37) % 251));
const mask = (height = 32, width = 32) => writePng(grey(height, width, (p) => (p % width < width / 2 ? 0 : 255)));

/** A data folder of these files. */
async function folderOf(files: { readonly [path: string]: Uint8Array | string }): Promise<string> {
  const folder = join(root, `data-${folders++}`);
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** One clear sentence that names the file, no stack trace, and the exit code. */
function expectSentence({ code, stderr }: Outcome, exitCode: number, ...parts: readonly (string | RegExp)[]): void {
  for (const part of parts) expect(stderr).toMatch(part);
  expect(stderr).toMatch(/^lamella: /);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stderr).not.toMatch(/something went wrong that should not/);
  expect(stderr.trim().split('\n').length).toBe(1);
  expect(code).toBe(exitCode);
}

/** Trains on what is wrong, in a folder of its own that must not be there afterwards. */
async function trainFails(folder: string, ...options: readonly string[]): Promise<Outcome> {
  const out = join(root, `out-${folders++}`);
  const outcome = await lamella(['train', folder, '--out', out, '--steps', '2', '--workers', '0', ...options]);
  expect(await readdir(out).catch(() => 'not there')).toBe('not there');
  return outcome;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-bad-'));
  good = join(root, 'good');
  const { image, label } = phantom({ width: 64, height: 64, depth: 3, cellPx: 20, seed: 1 });
  for (const [part, stack] of [
    ['image', image],
    ['label', label],
  ] as const) {
    await mkdir(join(good, part), { recursive: true });
    for (let z = 0; z < 3; z++) await writeFile(join(good, part, `${z}.png`), writePng(page(stack, z)));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('data to train on', () => {
  test('a folder that is not there', async () => {
    expectSentence(await trainFails(join(root, 'nowhere')), 1, 'nowhere', /no such file or folder/);
  });

  test('an empty folder', async () => {
    expectSentence(await trainFails(await folderOf({})), 1, /there are no images here/, /Use a folder with/);
  });

  test('images without labels', async () => {
    const folder = await folderOf({ 'image/a.png': picture(), 'image/b.png': picture() });
    expectSentence(await trainFails(folder), 1, /2 images .* but no labels/, /x\.png and x_mask\.png/);
  });

  test('images of which none matches the label', async () => {
    const folder = await folderOf({ 'image/a.png': picture(), 'image/b.png': picture(), 'label/c.png': mask() });
    expectSentence(await trainFails(folder), 1, /the image "image\/a\.png" has no label/);
  });

  test('a label without its image', async () => {
    const folder = await folderOf({ 'image/a.png': picture(), 'label/a.png': mask(), 'label/b.png': mask() });
    expectSentence(await trainFails(folder), 1, /the label "label\/b\.png" has no image/);
  });

  test('sizes that differ', async () => {
    const folder = await folderOf({ 'image/a.png': picture(32, 32), 'label/a.png': mask(32, 40) });
    expectSentence(await trainFails(folder), 1, 'image/a.png', /is 32 x 32, its labels .* are 40 x 32/);
  });

  test('a zero-byte file', async () => {
    const folder = await folderOf({ 'image/a.png': '', 'label/a.png': mask() });
    expectSentence(await trainFails(folder), 1, 'image/a.png', /is empty \(0 bytes\)/);
  });

  test('a truncated file', async () => {
    const folder = await folderOf({ 'image/a.png': picture().subarray(0, 300), 'label/a.png': mask() });
    expectSentence(await trainFails(folder), 1, 'image/a.png');
  });

  test('a mislabelled file', async () => {
    const folder = await folderOf({ 'image/a.png': '<!doctype html><title>404</title>', 'label/a.png': mask() });
    expectSentence(await trainFails(folder), 1, 'image/a.png', /a web page/);
  });

  test('a picture bomb', async () => {
    const bomb = Buffer.from(picture(8, 8));
    // The header's width and height, and their checksum left as it was: either is reason enough.
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const folder = await folderOf({ 'image/a.png': bomb, 'label/a.png': mask() });
    expectSentence(await trainFails(folder), 1, 'image/a.png');
  });

  test('NaN and infinity in a float TIFF', async () => {
    const image: Image<'float32'> = { ...float32([32, 32]), axes: 'yx', spacing: {} };
    image.data[5] = Number.NaN;
    image.data[40] = Number.POSITIVE_INFINITY;
    const folder = await folderOf({ 'image/a.tif': writeTiff(image), 'label/a.png': mask() });
    expectSentence(await trainFails(folder), 1, 'image/a.tif', /2 values are NaN or infinite, the first at x 5, y 0/);
  });

  test('all-background labels', async () => {
    const folder = await folderOf({ 'image/a.png': picture(), 'label/a.png': writePng(grey(32, 32, () => 0)) });
    expectSentence(await trainFails(folder), 1, 'label/a.png', /all background/);
  });

  test('labels of which all but one value are ignored', async () => {
    expectSentence(
      await trainFails(good, '--ignore', '255'),
      1,
      /besides the ignored value 255 .* hold the value 0 only/,
    );
  });

  test('classes that are named but not there', async () => {
    expectSentence(await trainFails(good, '--classes', 'a,b,c'), 1, /2 classes .* not the 3 that were named/);
  });
});

describe('settings that do not fit the data', () => {
  test('a patch larger than the image', async () => {
    expectSentence(await trainFails(good, '--patch', '256', '--depth', '2'), 2, /larger than the image/, /--patch 64/);
  });

  test('a patch that does not fit the depth names the nearest that does', async () => {
    expectSentence(await trainFails(good, '--patch', '50', '--depth', '3'), 2, /multiples of 8/, /48 x 48/);
  });

  test('validation images that are not there', async () => {
    expectSentence(await trainFails(good, '--val', 'z.png'), 2, /"z\.png" names no image/, /There are 0, 1, 2/);
  });

  test('a fraction for validation that is none', async () => {
    expectSentence(
      await trainFails(good, '--val', '1.5'),
      2,
      /"1\.5" names no image/,
      /A fraction is a number from 0 to/,
    );
  });

  test('more folds than pages leave no folder around them', async () => {
    expectSentence(await trainFails(good, '--folds', '9'), 2, /9 folds do not fit 3 pages/);
  });

  test('a sheet that is to be no PNG', async () => {
    const out = join(root, 'sheet.jpg');
    const { stderr, code } = await lamella(['augment', good, '--out', out]);
    expect(stderr).toMatch(/--out <file>' argument .* is invalid\. A name that ends in \.png is expected\./);
    expect(code).toBe(2);
  });

  test('a device that is not here', async () => {
    const absent = process.platform === 'darwin' ? 'cuda' : 'coreml';
    expectSentence(await trainFails(good, '--device', absent), 1, /does not work here/, /Present: .*cpu/);
  });
});

describe('run folders', () => {
  test('one that holds something else', async () => {
    const out = await folderOf({ 'thesis.txt': 'all of it' });
    const outcome = await lamella(['train', good, '--out', out, '--steps', '2']);
    expectSentence(outcome, 1, out, /holds other files, such as "thesis\.txt"/);
    expect(await readdir(out)).toEqual(['thesis.txt']);
  });

  test.skipIf(process.platform !== 'linux')('one that the system does not let be made', async () => {
    const outcome = await lamella(['train', good, '--out', '/proc/runs/a', '--steps', '2']);
    expectSentence(outcome, 1, '/proc/runs/a', /does not exist and cannot be created\. Choose another location/);
  });

  test('one that is a file', async () => {
    const folder = await folderOf({ 'a.txt': '' });
    expectSentence(await lamella(['train', good, '--out', join(folder, 'a.txt')]), 1, /this is a file/);
  });

  test('a configuration changed by hand, or whose data are gone: nothing is left of the attempt', async () => {
    const run = join(root, `run-${folders++}`);
    const training = ['--steps', '1', '--base', '2', '--patch', '32', '--workers', '0', '--quiet'];
    expect((await lamella(['train', good, '--out', run, ...training])).code).toBe(0);
    const text = await readFile(join(run, 'config.json'), 'utf8');
    const again = async (config: string): Promise<Outcome> => {
      const file = join(root, `config-${folders++}.json`);
      await writeFile(file, config);
      const out = join(root, 'made', 'for', 'it');
      const outcome = await lamella(['train', '--config', file, '--out', out, '--workers', '0', '--quiet']);
      expect(await readdir(join(root, 'made')).catch(() => 'not there')).toBe('not there');
      return outcome;
    };
    expectSentence(await again(text.replaceAll('"patch"', '"patsch"')), 1, /"recipe\.patch" is missing/);
    expectSentence(
      await again(text.replaceAll('"batch": ', '"batch": "two", "was": ')),
      1,
      /"recipe\.batch" is "two"; expected a whole number from 1/,
    );
    expectSentence(await again('null'), 1, /not the configuration of a run/);
    expectSentence(await again(text.replaceAll(good, join(root, 'gone'))), 1, /gone: there is no such file/);
    const other = await folderOf({ 'image/0.png': picture(), 'label/0.png': mask() });
    expectSentence(await again(text.replaceAll(good, other)), 1, /are not those that the run began with/);
  });

  test('nothing to resume', async () => {
    const folder = await folderOf({});
    expectSentence(await lamella(['train', '--resume', folder]), 1, folder, /contains no run to resume/);
  });

  const isRoot = process.getuid?.() === 0;
  const closed =
    isRoot && !othersMayRun() ? ' (SKIPPED: root may write anywhere, and others may not read this checkout)' : '';
  test.skipIf(closed !== '')(`no permission${closed}`, async () => {
    const folder = await folderOf({});
    await chmod(folder, 0o555);
    await chmod(root, 0o755);
    // Root may write anywhere, so root asks as nobody.
    const asOther = isRoot ? { uid: 65_534 } : {};
    const outcome = await lamella(['train', good, '--out', join(folder, 'run')], asOther);
    expectSentence(outcome, 1, join(folder, 'run'), /permission denied: this cannot be written/);
  });

  test.skipIf(!canMount)(`no space left${whyNot}`, async () => {
    await onSmallDisk(300, async (disk) => {
      const out = join(disk, 'run');
      const outcome = await lamella(['train', good, '--out', out, '--steps', '2', '--workers', '0']);
      expectSentence(outcome, 1, out, /no space left on the disk: this file takes at least .*, and .* are free/);
      expect((await readdir(out).catch(() => [])).filter((name) => name.includes('.tmp'))).toEqual([]);
    });
  });

  test('a second process is told who has it; a lock that is left behind is taken over', async () => {
    const run = join(root, 'locked');
    let second: Promise<Outcome> | undefined;
    const small = ['--base', '4', '--depth', '2', '--patch', '32', '--workers', '0'];
    const first = await lamella(['train', good, '--out', run, '--steps', '100000', ...small], {
      onStdout(text, kill) {
        if (second !== undefined || !text.includes('step 1/')) return;
        second = lamella(['train', '--resume', run]).finally(() => kill('SIGINT'));
      },
    });
    expectSentence((await second) as Outcome, 1, run, /is being written by process \d+ since/);
    expect(first.code).toBe(130);
    expect(first.stderr).toContain(`Resume with: lamella train --resume ${run}`);
    expect(await readdir(run)).not.toContain('lock');

    const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as {
      plan: { segments: [{ total: number }] };
    };
    const stopped = Number(/stopped after step (\d+)/.exec(first.stderr)?.[1]);
    expect(stopped).toBeLessThan(100_000);
    // The rest of it made short, and a lock of a process that is gone.
    config.plan.segments[0].total = stopped + 1;
    await writeFile(join(run, 'config.json'), JSON.stringify(config));
    await writeFile(
      join(run, 'lock'),
      JSON.stringify({ pid: 999_999_999, host: (await import('node:os')).hostname(), since: '' }),
    );
    const resumed = await lamella(['train', '--resume', run, '--workers', '0']);
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(resumed.stdout).toContain(`resuming ${run} after step ${stopped} of ${stopped + 1}`);
    expect((await readdir(run)).sort()).toEqual(
      ['best.onnx', 'checkpoints', 'config.json', 'last.onnx', 'log.jsonl', 'report.html'].sort(),
    );
  });
});

describe('models and predictions', () => {
  test('a model file that is not ONNX', async () => {
    const folder = await folderOf({ 'model.onnx': 'not a model' });
    expectSentence(await lamella(['predict', join(folder, 'model.onnx'), good]), 1, 'model.onnx', /not an ONNX model/);
    expectSentence(await lamella(['inspect', join(folder, 'model.onnx')]), 1, 'model.onnx', /not an ONNX model/);
  });

  test('a folder without a model', async () => {
    expectSentence(await lamella(['predict', good, good]), 1, good, /neither best\.onnx nor last\.onnx/);
  });

  test('nothing to write', async () => {
    const outcome = await lamella(['predict', root, good, '--probability', 'none', '--no-labels', '--no-overlay']);
    expectSentence(outcome, 2, /All outputs are disabled\. Enable/);
  });

  test('one broken image among good ones is named, and the others are segmented', async () => {
    const run = join(root, `run-${folders++}`);
    const training = ['--steps', '1', '--base', '2', '--patch', '32', '--workers', '0', '--quiet'];
    expect((await lamella(['train', good, '--out', run, ...training])).code).toBe(0);
    const images = await folderOf({ 'a.png': picture(), 'b.png': picture().subarray(0, 60), 'c.png': picture() });
    const out = join(root, `out-${folders++}`);
    const { code, stdout, stderr } = await lamella(['predict', run, images, '--out', out, '--json']);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^lamella: .*b\.png: the PNG ends at byte 60/),
      'lamella: 1 of 3 images could not be segmented; the reasons are given above. Replace or remove them.',
    ]);
    expect(code).toBe(1);
    const said = JSON.parse(stdout) as { images: { image: string }[]; failed: { image: string }[] };
    expect(said.images.map(({ image }) => image)).toEqual([join(images, 'a.png'), join(images, 'c.png')]);
    expect(said.failed).toEqual([{ image: join(images, 'b.png'), reason: expect.stringContaining('truncated') }]);
    expect(await readdir(join(out, 'label'))).toEqual(['a.png', 'c.png']);
  });

  test('a data set in the place of predictions is scored by its labels, not by its images', async () => {
    const data = await folderOf({
      'images/a.png': picture(),
      'images/b.png': picture(),
      'labels/a.png': mask(),
      'labels/b.png': mask(),
    });
    const { code, stdout } = await lamella(['evaluate', data, data, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ overlap: { meanDice: 1 } });
  });

  test('predictions without a truth of their name', async () => {
    const folder = await folderOf({ 'x.png': picture(64, 64), 'y.png': picture(64, 64) });
    expectSentence(await lamella(['evaluate', folder, good]), 1, 'x.png', /no ground truth named "x"/);
  });

  test('a truth of another size', async () => {
    const folder = await folderOf({ '0.png': picture(32, 32) });
    expectSentence(await lamella(['evaluate', folder, good]), 1, '0.png', /is 32 x 32, its ground truth .* is 64 x 64/);
  });

  test('ISBI scores of three classes', async () => {
    const truth = writePng(grey(32, 32, (p) => p % 3));
    const folder = await folderOf({ '0.png': truth });
    const outcome = await lamella(['evaluate', join(folder, '0.png'), join(folder, '0.png'), '--metrics', 'isbi']);
    expectSentence(outcome, 2, /two classes, cells and membranes; the ground truth has 3/);
  });

  test('a report of no run', async () => {
    expectSentence(await lamella(['report', good]), 1, /no run/);
  });

  test('--verbose shows where it came from', async () => {
    const { stderr, code } = await lamella(['inspect', join(root, 'nowhere'), '--verbose']);
    expect(stderr).toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });
});
