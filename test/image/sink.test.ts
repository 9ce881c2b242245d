import { expect, test } from 'vitest';
import { LamellaError } from '../../src/errors.ts';
import { memorySink } from '../../src/image/sink.ts';
import type { ImageInfo } from '../../src/image/source.ts';

const INFO: ImageInfo = { dtype: 'uint8', axes: 'yx', shape: [5, 7], spacing: { x: { value: 2, unit: 'nm' } } };

test('an image is written in units, of which the last ones end with it', async () => {
  const sink = memorySink(INFO, { unit: [2, 4] });
  const valueAt = (y: number, x: number) => 10 * y + x;
  for (let y = 0; y < 5; y += 2) {
    for (let x = 0; x < 7; x += 4) {
      const shape = [Math.min(2, 5 - y), Math.min(4, 7 - x)] as const;
      const data = new Uint8Array(shape[0] * shape[1]).map((_, i) =>
        valueAt(y + Math.floor(i / shape[1]), x + (i % shape[1])),
      );
      await sink.write({ start: [y, x], shape }, data);
    }
  }
  await sink.finish();
  expect(sink.image).toMatchObject(INFO);
  expect([...sink.image.data]).toEqual(Array.from({ length: 35 }, (_, i) => valueAt(Math.floor(i / 7), i % 7)));
});

test('several units may be one region', async () => {
  const sink = memorySink(INFO, { unit: [2, 4] });
  await sink.write({ start: [0, 0], shape: [4, 7] }, new Uint8Array(28).fill(1));
  await sink.write({ start: [4, 0], shape: [1, 7] }, new Uint8Array(7).fill(2));
  expect([...sink.image.data]).toEqual([...new Array(28).fill(1), ...new Array(7).fill(2)]);
});

test.each([
  ['starts within a unit', [1, 0], [1, 7], 'is not made of units'],
  ['ends within a unit', [0, 0], [2, 5], 'is not made of units'],
  ['reaches beyond the image', [4, 0], [2, 7], 'is not made of units'],
  ['is empty', [2, 0], [0, 7], 'is not made of units'],
  ['lacks an axis', [0], [5], 'is not made of units'],
  ['starts before the image', [-2, 0], [2, 7], 'is not made of units'],
] as const)('a region that %s is refused', async (_, start, shape, problem) => {
  const data = new Uint8Array(shape.reduce((a: number, b: number) => a * b, 1));
  await expect(memorySink(INFO, { unit: [2, 4] }).write({ start, shape }, data)).rejects.toThrow(problem);
});

test('values of another dtype or number are refused', async () => {
  const region = { start: [0, 0], shape: [5, 7] };
  const sink = memorySink(INFO);
  await expect(sink.write(region, new Uint16Array(35))).rejects.toThrow('35 values of uint16');
  await expect(sink.write(region, new Uint8Array(34))).rejects.toThrow('34 values of uint8');
});

test('a pixel is written once, and all of them', async () => {
  const sink = memorySink(INFO);
  await sink.write({ start: [0, 0], shape: [3, 7] }, new Uint8Array(21));
  await expect(sink.finish()).rejects.toThrow(LamellaError);
  expect(() => sink.image).toThrow('14 of 35 parts of the image were not written');
  await expect(sink.write({ start: [2, 0], shape: [3, 7] }, new Uint8Array(21))).rejects.toThrow('was written before');
});

test('where regions come in order, another one is refused', async () => {
  const sink = memorySink(INFO, { unit: [2, 7], inOrder: true });
  const write = (y: number, rows: number) => sink.write({ start: [y, 0], shape: [rows, 7] }, new Uint8Array(7 * rows));
  await expect(write(2, 2)).rejects.toThrow('is not the next one');
  await write(0, 2);
  await write(2, 3);
  await sink.finish();
});
