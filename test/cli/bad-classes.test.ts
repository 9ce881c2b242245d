import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { lamella, type Outcome } from './command.ts';

let root: string;
let count = 0;

function picture(side: number, seed: number): Uint8Array {
  const random = stream(seed, 'picture');
  const data = Uint8Array.from({ length: side * side }, () => random.integer(256));
  return writePng({ data, shape: [side, side], axes: 'yx', dtype: 'uint8', spacing: {} } as unknown as Image);
}

/** A folder of these files; a path that ends in / is a folder without any. */
async function folderOf(files: { readonly [path: string]: Uint8Array | string }): Promise<string> {
  const folder = join(root, `data-${count++}`);
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(path.endsWith('/') ? file : dirname(file), { recursive: true });
    if (!path.endsWith('/')) await writeFile(file, content);
  }
  return folder;
}

/** Images of each class, `cat/0.png` and so on. */
const images = (classes: readonly string[], each: number, side = 8): { [path: string]: Uint8Array } =>
  Object.fromEntries(
    classes.flatMap((name, c) =>
      Array.from({ length: each }, (_, i) => [`${name}/${i}.png`, picture(side, 100 * c + i)]),
    ),
  );

/** An IDX file of unsigned bytes. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(out.buffer);
  out.set([0, 0, 8, shape.length]);
  for (const [i, size] of shape.entries()) view.setUint32(4 + 4 * i, size);
  out.set(data, 4 + 4 * shape.length);
  return out;
}

/** Tries to train two steps; nothing may be left of it. */
async function trainFails(data: string, ...options: readonly string[]): Promise<Outcome> {
  const out = join(root, `out-${count++}`);
  const outcome = await lamella(['train', data, '--network', 'mlp', '--steps', '2', '--out', out, ...options]);
  expect(await readdir(out).catch(() => 'not there')).toBe('not there');
  return outcome;
}

/** One message that says all of this, without a stack trace. */
function expectTold({ code, stderr }: Outcome, exitCode: number, ...parts: readonly (string | RegExp)[]): void {
  for (const part of parts) expect(stderr).toMatch(part);
  // Graphics drivers that are asked for a device talk of themselves.
  expect(stderr).toMatch(/^lamella: /m);
  expect(stderr).not.toMatch(/\n\s+at .*\.js|something went wrong that should not/);
  expect(code).toBe(exitCode);
}

async function trained(data: string, name: string, ...options: readonly string[]): Promise<string> {
  const out = join(root, name);
  const { code, stderr } = await lamella(['train', data, '--steps', '1', '--quiet', '--out', out, ...options]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return out;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-bad-classes-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('classes to train on', () => {
  test('a class folder without images, and no images at all', async () => {
    const folder = await folderOf({ ...images(['cat', 'dog'], 3), 'fox/': '', 'owl/notes.txt': 'none yet' });
    expectTold(await trainFails(folder), 1, folder, /no images in "owl", "fox"\. Fill the folders/);
    const bare = await folderOf({ 'cat/': '', 'dog/': '' });
    expectTold(await trainFails(bare), 1, bare, /no images to train on here\. Use MNIST files/);
  });

  test('unreadable images among many are named and counted, and left out with --skip-bad', async () => {
    const good = images(['cat', 'dog'], 12);
    const folder = await folderOf({
      ...good,
      'cat/3.png': (good['cat/3.png'] as Uint8Array).subarray(0, 50),
      'dog/7.png': '<!doctype html>',
      'dog/8.png': '',
    });
    const named = [/3 of 24 images cannot be read/, /cat\/3\.png/, /dog\/7\.png/, /dog\/8\.png.*empty/];
    expectTold(await trainFails(folder), 1, folder, ...named, /skip them with --skip-bad/);
    const out = join(root, 'skipped');
    const { code, stdout } = await lamella([
      'train',
      folder,
      '--network',
      'mlp',
      '--steps',
      '2',
      '--skip-bad',
      '--out',
      out,
    ]);
    expect(code).toBe(0);
    for (const part of [/skipped: 3 of 24/, ...named.slice(1), /train: 21 images; cat 11, dog 10/]) {
      expect(stdout).toMatch(part);
    }
  });

  test('classes that differ between training and test', async () => {
    const folder = await folderOf(images(['train/cat', 'train/dog', 'test/cat', 'test/dog', 'test/fox'], 2));
    expectTold(await trainFails(folder), 1, folder, /2 classes to train on and 3 for test; they differ in fox\. Use/);
  });

  test('labels outside the range', async () => {
    const digits = (labels: readonly number[], test: readonly number[]) => ({
      'train-images-idx3-ubyte': idx([labels.length, 2, 2], new Uint8Array(4 * labels.length)),
      'train-labels-idx1-ubyte': idx([labels.length], Uint8Array.from(labels)),
      't10k-images-idx3-ubyte': idx([test.length, 2, 2], new Uint8Array(4 * test.length)),
      't10k-labels-idx1-ubyte': idx([test.length], Uint8Array.from(test)),
    });
    const beyond = await folderOf(digits([0, 1, 2, 0], [0, 7]));
    expectTold(
      await trainFails(beyond),
      1,
      beyond,
      /t10k-images-idx3-ubyte\[1\] is "7", which the training images do not/,
    );
    const far = await folderOf(digits([0, 1, 255, 0], [0, 1]));
    expectTold(await trainFails(far), 1, far, /train-images-idx3-ubyte\[2\] is 255.*Number classes 0, 1, 2/);
    const less = await folderOf({ ...digits([0, 1], [0]), 'train-labels-idx1-ubyte': idx([1], Uint8Array.of(0)) });
    expectTold(
      await trainFails(less),
      1,
      join(less, 'train-images'),
      /2 images and 1 labels\. Use one label per image/,
    );
  });

  test('devices that do not exist', async () => {
    const folder = await folderOf(images(['cat', 'dog'], 4));
    expectTold(
      await trainFails(folder, '--devices', 'cpu:0,cpu:999'),
      1,
      /device cpu:999 is not available\. There are cpu:0 to/,
    );
    const absent = process.platform === 'darwin' ? 'cuda' : 'coreml';
    expectTold(await trainFails(folder, '--devices', `${absent}:0,${absent}:1`), 1, absent, /Present: .*cpu|There/);
    expectTold(await trainFails(folder, '--device', absent), 1, absent, /does not work here.*Present: .*cpu/);
    expectTold(await trainFails(folder, '--devices', 'gpus'), 2, /Unknown device "gpus"\. Use a kind and a number/);
  });
});

describe('images that do not fit the network', () => {
  test('a window larger than the image, in training, prediction and explanation', async () => {
    const halves = Uint8Array.from({ length: 1024 }, (_, p) => (p % 32 < 16 ? 0 : 255));
    const label = writePng({
      data: halves,
      shape: [32, 32],
      axes: 'yx',
      dtype: 'uint8',
      spacing: {},
    } as unknown as Image);
    const data = await folderOf({
      'image/a.png': picture(32, 1),
      'image/b.png': picture(32, 2),
      'label/a.png': label,
      'label/b.png': label,
    });
    expectTold(
      await trainFails(data, '--network', 'n4'),
      2,
      /The window of 95 pixels is larger than the smallest image, 32 x 32\. Provide larger images, or use --network n/,
    );
    const run = await trained(data, 'n2', '--network', 'n2', '--base', '4', '--workers', '0');
    const small = await folderOf({ 'small.png': picture(20, 3) });
    for (const how of [[], ['--patchwise']]) {
      const told = await lamella([
        'predict',
        run,
        join(small, 'small.png'),
        '--out',
        join(root, `p-${count++}`),
        ...how,
      ]);
      expectTold(told, 1, 'small.png', /20 x 20.*23/);
    }
    expectTold(await lamella(['explain', run, join(small, 'small.png')]), 1, 'small.png', /20 x 20.*23/);
    const outside = await lamella(['explain', run, join(data, 'image/a.png'), '--at', '32,5']);
    expectTold(outside, 2, 'a.png', /the point 32,5 lies outside the image of 32 x 32 pixels\. Use x from 0 to 31/);
    const classes = await trained(
      await folderOf(images(['cat', 'dog'], 3)),
      'cats',
      '--network',
      'mlp',
      '--hidden',
      '4',
    );
    const mixed = await lamella(['predict', run, classes, data, '--out', join(root, 'mixed')]);
    expectTold(mixed, 1, classes, /names the class of a whole image; it does not segment/);
    expectTold(
      await lamella(['predict', classes, run, data, '--out', join(root, 'mixed')]),
      1,
      run,
      /is not an image classifier/,
    );
    const point = await lamella(['explain', classes, join(small, 'small.png'), '--at', '20,0']);
    expectTold(point, 2, 'small.png', /the point 20,0 lies outside the image/);
  });

  test('networks with different classes are not averaged', async () => {
    const pets = await folderOf(images(['cat', 'dog'], 3));
    const one = await trained(pets, 'pets', '--network', 'mlp', '--hidden', '4');
    const two = await trained(await folderOf(images(['fox', 'owl'], 3)), 'wild', '--network', 'mlp', '--hidden', '4');
    expectTold(
      await lamella(['predict', one, two, pets, '--out', join(root, 'mean')]),
      1,
      two,
      /its classes are fox, owl, those of .* are cat, dog\. Average models that were trained for the same classes/,
    );
    const scored = await lamella(['evaluate', one, two, pets, '--metrics', 'topk']);
    expectTold(scored, 1, /its classes are fox, owl/);
  });
});
