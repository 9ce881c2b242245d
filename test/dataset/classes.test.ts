import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RawClasses } from '../../src/dataset/classification/classes.ts';
import { parseCsv } from '../../src/dataset/classification/folder.ts';
import { readIdx } from '../../src/dataset/classification/idx.ts';
import { holdsClasses } from '../../src/dataset/classification/names.ts';
import { readClasses } from '../../src/dataset/classification/read.ts';
import { DatasetError, FormatError } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-classes-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const read = (path: string, options = {}): Promise<RawClasses> => readClasses(nodeFiles, path, options);

/** An IDX file of bytes. */
function idx(shape: readonly number[], data: readonly number[], type = 8): Uint8Array {
  const head = shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return Uint8Array.of(0, 0, type, shape.length, ...head, ...data);
}

/** A .npy file, version 1. */
function npy(descr: string, shape: readonly number[], data: Uint8Array, fortran = 'False'): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape.join(', ')},), }`;
  const header = strToU8(`${text.padEnd(117)}\n`);
  return Uint8Array.of(0x93, ...strToU8('NUMPY'), 1, 0, header.length & 255, header.length >> 8, ...header, ...data);
}

async function folderWith(files: { readonly [name: string]: Uint8Array | string }): Promise<string> {
  const folder = await mkdtemp(join(root, 'case-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

function png(value: number, [height, width]: readonly [number, number] = [2, 3]): Uint8Array {
  const data = new Uint8Array(height * width).fill(value);
  return writePng({ data, shape: [height, width], axes: 'yx', dtype: 'uint8', spacing: {} } as unknown as Image);
}

const described = ({ parts }: RawClasses) =>
  Object.fromEntries(
    Object.entries(parts).map(([part, samples]) => [part, samples.map(({ label, data }) => [label, ...data])]),
  );

describe('IDX', () => {
  test('images and labels, gzipped or not, training and test files', async () => {
    const folder = await folderWith({
      'train-images-idx3-ubyte.gz': gzipSync(idx([3, 1, 2], [1, 2, 3, 4, 5, 6])),
      'train-labels-idx1-ubyte.gz': gzipSync(idx([3], [0, 1, 0])),
      't10k-images-idx3-ubyte': idx([1, 1, 2], [7, 8]),
      't10k-labels-idx1-ubyte': idx([1], [1]),
    });
    const raw = await read(folder);
    expect(raw.classNames).toEqual(['0', '1']);
    expect(described(raw)).toEqual({
      train: [
        [0, 1, 2],
        [1, 3, 4],
        [0, 5, 6],
      ],
      validation: [],
      test: [[1, 7, 8]],
    });
    expect(raw.parts.train[1]).toMatchObject({ name: 'train-images-idx3-ubyte[1]', channels: 1, height: 1, width: 2 });
    expect(raw.notes).toEqual(['train: 3 images; 0 2, 1 1', 'test: 1 image; 0 0, 1 1']);
    expect((await read(join(folder, 'train-images-idx3-ubyte.gz'))).parts.train).toHaveLength(3);
  });

  test('wider types are big-endian', () => {
    expect([...readIdx(idx([2], [0x01, 0x02, 0xff, 0xfe], 11), 'x').data]).toEqual([0x0102, -2]);
    expect([...readIdx(idx([1], [0x3f, 0x80, 0, 0], 13), 'x').data]).toEqual([1]);
  });

  test('what is cut off, no IDX, or not gzip is said', () => {
    expect(() => readIdx(idx([2, 2], [1, 2, 3]), 'a')).toThrow('a: 3 bytes follow, [2, 2] needs 4.');
    expect(() => readIdx(Uint8Array.of(1, 2, 3, 4), 'a')).toThrow(FormatError);
    expect(() => readIdx(Uint8Array.of(0x1f, 0x8b, 1, 2, 3), 'a')).toThrow('a: this cannot be unpacked.');
    // Stored, so that only the checksum tells of a changed pixel.
    const packed = gzipSync(idx([2], [5, 6]), { level: 0 });
    expect([...readIdx(packed, 'a').data]).toEqual([5, 6]);
    packed[packed.length - 9] = 7;
    expect(() => readIdx(packed, 'a')).toThrow('a: this cannot be unpacked.');
  });

  test('labels that are missing, too few or too many', async () => {
    const images = idx([2, 1, 1], [1, 2]);
    const alone = await folderWith({ 'train-images-idx3-ubyte': images });
    await expect(read(alone)).rejects.toThrow('Put train-labels-idx1-ubyte beside it.');
    const few = await folderWith({ 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': idx([1], [0]) });
    await expect(read(few)).rejects.toThrow('there are 2 images and 1 labels');
  });
});

describe('npz', () => {
  const labels = (...values: number[]) =>
    npy('<i8', [values.length, 1], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));

  test('MedMNIST: parts by name, labels [N, 1] of 64 bits', async () => {
    const folder = await folderWith({
      'x.npz': zipSync({
        'train_images.npy': npy('|u1', [2, 1, 2], Uint8Array.of(1, 2, 3, 4)),
        'train_labels.npy': labels(1, 0),
        'val_images.npy': npy('|u1', [1, 1, 2], Uint8Array.of(5, 6)),
        'val_labels.npy': labels(1),
      }),
    });
    const raw = await read(folder, { classNames: ['normal', 'pneumonia'] });
    expect(raw.classNames).toEqual(['normal', 'pneumonia']);
    expect(described(raw)).toEqual({
      train: [
        [1, 1, 2],
        [0, 3, 4],
      ],
      validation: [[1, 5, 6]],
      test: [],
    });
    expect((await read(join(folder, 'x.npz'))).parts.train).toHaveLength(2);
  });

  test('a pixel that was changed', async () => {
    const pixels = Uint8Array.of(11, 22, 33, 44);
    const arrays = { 'x.npy': npy('|u1', [2, 1, 2], pixels), 'y.npy': labels(1, 0) };
    const zip = Buffer.from(zipSync(arrays, { level: 0 }));
    expect((await read(await folderWith({ 'a.npz': zip }))).parts.train).toHaveLength(2);
    const at = zip.indexOf(pixels);
    zip[at] = 12;
    await expect(read(await folderWith({ 'a.npz': zip }))).rejects.toThrow('"x.npy" is damaged.');
  });

  test('colour is channels last, vectors are images of one row, doubles become float32', async () => {
    const colour = zipSync({
      'images.npy': npy(
        '|u1',
        [2, 1, 2, 3],
        Uint8Array.from({ length: 12 }, (_, i) => i),
      ),
      'labels.npy': labels(0, 1),
    });
    const [first] = (await read(await folderWith({ 'c.npz': colour }))).parts.train;
    expect(first).toMatchObject({ channels: 3, height: 1, width: 2 });
    expect([...(first?.data ?? [])]).toEqual([0, 3, 1, 4, 2, 5]);
    const vectors = zipSync({
      'x.npy': npy(
        '>f8',
        [2, 2],
        new Uint8Array([...bigEndian(0.5), ...bigEndian(-1), ...bigEndian(2), ...bigEndian(3)]),
      ),
      'y.npy': labels(0, 1),
    });
    expect(described(await read(await folderWith({ 'v.npz': vectors }))).train).toEqual([
      [0, 0.5, -1],
      [1, 2, 3],
    ]);
  });

  function bigEndian(value: number): number[] {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return [...new Uint8Array(view.buffer)];
  }

  test.each([
    ['no zip', { 'x.npz': 'nothing' }, FormatError, 'the zip archive is truncated or damaged'],
    [
      'no known arrays',
      { 'x.npz': zipSync({ 'a.npy': npy('|u1', [1], Uint8Array.of(1)) }) },
      DatasetError,
      'among its arrays a',
    ],
    [
      'Fortran order',
      { 'x.npz': zipSync({ 'x.npy': npy('|u1', [1, 1], Uint8Array.of(1), 'True'), 'y.npy': labels(0) }) },
      FormatError,
      'Fortran order',
    ],
    [
      'cut off',
      { 'x.npz': zipSync({ 'x.npy': npy('|u1', [2, 2], Uint8Array.of(1)), 'y.npy': labels(0, 1) }) },
      FormatError,
      'cut off',
    ],
    [
      'a label below 0',
      { 'x.npz': zipSync({ 'x.npy': npy('|u1', [2, 1], Uint8Array.of(1, 2)), 'y.npy': labels(0, -1) }) },
      DatasetError,
      'the class of x[1] is -1',
    ],
    [
      'a label far beyond the others',
      { 'x.npz': zipSync({ 'x.npy': npy('|u1', [2, 1], Uint8Array.of(1, 2)), 'y.npy': labels(0, 200) }) },
      DatasetError,
      'the class of x[1] is 200, and there are images of 2 classes only',
    ],
    [
      'several labels an image',
      {
        'x.npz': zipSync({
          'x.npy': npy('|u1', [1, 1], Uint8Array.of(1)),
          'y.npy': npy('|u1', [1, 2], Uint8Array.of(0, 1)),
        }),
      },
      DatasetError,
      'one number an image is expected',
    ],
    [
      'not a number',
      {
        'x.npz': zipSync({
          'x.npy': npy('<f4', [1, 1], new Uint8Array(Float32Array.of(Number.NaN).buffer)),
          'y.npy': labels(0),
        }),
      },
      DatasetError,
      'the value 0 is NaN',
    ],
  ] as const)('%s', async (_, files, kind, message) => {
    const reading = read(await folderWith(files));
    await expect(reading).rejects.toThrow(kind);
    await expect(reading).rejects.toThrow(message);
  });

  test('a test class that the training part does not have', async () => {
    const folder = await folderWith({
      'x.npz': zipSync({
        'x_train.npy': npy('|u1', [2, 1], Uint8Array.of(1, 2)),
        'y_train.npy': labels(0, 1),
        'x_test.npy': npy('|u1', [1, 1], Uint8Array.of(3)),
        'y_test.npy': labels(2),
      }),
    });
    await expect(read(folder)).rejects.toThrow(
      'the class of x_test[0] is "2", which the training images do not have. The classes are 0, 1. Correct it',
    );
  });

  test('a number without training images is told', async () => {
    const folder = await folderWith({
      'x.npz': zipSync({ 'x.npy': npy('|u1', [3, 1], Uint8Array.of(1, 2, 3)), 'y.npy': labels(0, 3, 1) }),
    });
    expect((await read(folder)).notes.at(-1)).toBe('there are no training images of 2');
  });

  test('fewer names than classes', async () => {
    const folder = await folderWith({
      'x.npz': zipSync({ 'x.npy': npy('|u1', [2, 1], Uint8Array.of(1, 2)), 'y.npy': labels(0, 1) }),
    });
    await expect(read(folder, { classNames: ['one'] })).rejects.toThrow('there are classes up to 1, and 1 names');
  });
});

describe('a folder with one sub-folder a class', () => {
  test('classes in natural order, deeper folders belong to them', async () => {
    const raw = await read(
      await folderWith({ 'class10/a.png': png(1), 'class2/b.png': png(2), 'class2/more/c.png': png(3) }),
    );
    expect(raw.classNames).toEqual(['class2', 'class10']);
    expect(raw.parts.train.map(({ name, label }) => [name, label])).toEqual([
      ['class10/a.png', 1],
      ['class2/b.png', 0],
      ['class2/more/c.png', 0],
    ]);
  });

  test('train, val and test', async () => {
    const raw = await read(
      await folderWith({
        'train/cat/a.png': png(1),
        'train/dog/b.png': png(2),
        'val/cat/c.png': png(3),
        'val/dog/d.png': png(3),
        'test/cat/e.png': png(4),
        'test/dog/f.png': png(4),
      }),
    );
    expect(Object.values(raw.parts).map((part) => part.length)).toEqual([2, 2, 2]);
  });

  test('class folders without images are named', async () => {
    const folder = await folderWith({ 'cat/a.png': png(1), 'dog/readme.txt': 'none' });
    await mkdir(join(folder, 'fish'));
    await expect(read(folder)).rejects.toThrow(/there are no images in "dog", "fish"\. Fill the folders/);
  });

  test('classes that differ between training and test', async () => {
    const folder = await folderWith({
      'train/cat/a.png': png(1),
      'train/dog/b.png': png(2),
      'test/cat/c.png': png(3),
      'test/cow/d.png': png(3),
      'test/pig/e.png': png(3),
    });
    await expect(read(folder)).rejects.toThrow(
      'there are 2 classes to train on and 3 for test; they differ in cow, pig, dog.',
    );
  });

  test('unreadable images among many are named and counted, and left out on request', async () => {
    const folder = await folderWith({
      'cat/a.png': png(1),
      'cat/bad.png': png(1).subarray(0, 40),
      'dog/b.png': png(2),
      'dog/worse.png': 'no picture',
    });
    await expect(read(folder)).rejects.toThrow(
      /2 of 4 images cannot be read:\n {2}cat\/bad\.png: .*\n {2}dog\/worse\.png: .*\n.*`skipBad: true`/,
    );
    const raw = await read(folder, { skipBad: true });
    expect(raw.parts.train.map(({ name }) => name)).toEqual(['cat/a.png', 'dog/b.png']);
    expect(raw.notes[0]).toMatch(/^skipped: 2 of 4 images cannot be read/);
  });

  test('one class alone, and nothing at all', async () => {
    await expect(read(await folderWith({ 'cat/a.png': png(1) }))).rejects.toThrow('belong to one class');
    await expect(read(await folderWith({ 'readme.txt': 'none' }))).rejects.toThrow(
      'there are no images to train on here',
    );
  });
});

describe('a table', () => {
  test('files and classes, with parts, quotes and a heading', async () => {
    const folder = await folderWith({
      'list.csv': '\uFEFFfile,class,part\r\n"a b.png",cat,train\r\nsub/c.png,dog,train\r\nsub/d.png,cat,test\r\n',
      'a b.png': png(1),
      'sub/c.png': png(2),
      'sub/d.png': png(3),
    });
    const raw = await read(join(folder, 'list.csv'));
    expect(raw.classNames).toEqual(['cat', 'dog']);
    expect(raw.parts.train.map(({ name, label }) => [name, label])).toEqual([
      ['a b.png', 0],
      ['sub/c.png', 1],
    ]);
    expect(raw.parts.test.map(({ label }) => label)).toEqual([0]);
  });

  test('features and a class', async () => {
    const folder = await folderWith({ 'xor.csv': 'x;y;class\n0;0;no\n0;1;yes\n1;0;yes\n1;1;no\n' });
    const raw = await read(join(folder, 'xor.csv'));
    expect(described(raw).train).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [1, 1, 0],
      [0, 1, 1],
    ]);
    expect(raw.parts.train[0]).toMatchObject({ channels: 1, height: 1, width: 2 });
  });

  test.each([
    ['a line without class', 'a.png,cat\nb.png\n', 'line 2 is "b.png"'],
    ['an unknown part', 'a.png,cat,north\n', 'line 1 is "a.png,cat,north"'],
    ['a feature that is no number', '0,0,a\n0,x,b\n0,1,b\n', 'line 2 is "0,x,b"'],
    ['a file that is not there', 'gone.png,cat\ngone2.png,dog\n', '2 of 2 images cannot be read'],
  ])('%s', async (_, text, message) => {
    const folder = await folderWith({ 'list.csv': text, 'a.png': png(1), 'b.png': png(2) });
    await expect(read(join(folder, 'list.csv'))).rejects.toThrow(message);
  });

  test('cells', () => {
    expect(parseCsv('a,"b ""c"", d"\n\n e ,f\n')).toEqual([
      ['a', 'b "c", d'],
      ['e', 'f'],
    ]);
  });
});

test('files that can be nothing but classes are known', () => {
  expect(holdsClasses(['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'])).toBe(true);
  expect(holdsClasses(['pneumoniamnist.npz'])).toBe(true);
  expect(holdsClasses(['list.csv'])).toBe(true);
  expect(holdsClasses(['image/0.png', 'label/0.png', 'stats.csv'])).toBe(false);
});

describeWithData('real data', () => {
  test('MNIST', async () => {
    const { parts, classNames } = await read(join(dataFolder(), 'mnist'));
    expect(classNames).toHaveLength(10);
    expect([parts.train.length, parts.test.length]).toEqual([20_000, 10_000]);
    expect(parts.test.slice(0, 5).map(({ label }) => label)).toEqual([7, 2, 1, 0, 4]);
  });

  test('PneumoniaMNIST', async () => {
    const { parts } = await read(join(dataFolder(), 'pneumonia'));
    expect(parts.train[0]).toMatchObject({ height: 28, width: 28, channels: 1 });
    expect(parts.validation.length + parts.test.length).toBe(524 + 624);
  });
});
