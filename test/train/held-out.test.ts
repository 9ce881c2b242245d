/** What is said of data whose held-out part, or whose patches, cannot show what is to be learned. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { describeLongObjects, objectSides } from '../../src/dataset/object-sides.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseLog } from '../../src/train/log.ts';

const SIDE = 48;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-held-out-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const picture = (values: Uint8Array, side: number): Image =>
  ({ ...ndarray('uint8', [side, side], values), axes: 'yx', spacing: {} }) as unknown as Image;

/** Images with squares where `values` says: [value, top, left, side]. */
async function folder(name: string, pages: readonly (readonly number[])[][], side = SIDE): Promise<string> {
  const data = join(root, name);
  for (const kind of ['images', 'labels']) await mkdir(join(data, kind), { recursive: true });
  for (const [i, squares] of pages.entries()) {
    const label = new Uint8Array(side * side);
    for (const [value, top, left, length] of squares as [number, number, number, number][]) {
      for (let y = top; y < top + length; y++) label.fill(value, y * side + left, y * side + left + length);
    }
    const image = label.map((value, p) => (value > 0 ? 150 : 40) + (p % 7));
    await writeFile(join(data, 'images', `${i}.tif`), writeTiff(picture(image, side)));
    await writeFile(join(data, 'labels', `${i}.tif`), writeTiff(picture(label, side)));
  }
  return data;
}

async function train(data: string, options: Partial<TrainRunOptions> = {}) {
  const lines: string[] = [];
  const out = `${data}-run`;
  const given = { device: 'cpu', steps: 2, baseChannels: 4, batch: 1, ...options, out } as const;
  await trainRun(data, given, { say: (line) => lines.push(line) });
  return { lines, log: parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')) };
}

const TWO = [
  [1, 4, 4, 9],
  [2, 20, 20, 9],
];

describe('held-out pages', () => {
  test.each([
    ['background', 'instances', undefined],
    ['background', undefined, 'flows'],
    ['background', 'semantic', undefined],
  ] as const)('with nothing but %s are not scored (task %s, separated by %s)', async (name, task, separate) => {
    const data = await folder(`empty-${task}-${separate}`, [TWO, TWO, TWO, TWO, []]);
    const { lines, log } = await train(data, { split: { names: ['4'] }, task, separate });
    expect(lines).toContain(
      `nothing but '${name}' is held out, so no score would tell a good model from one that finds nothing: hold out others with \`split\``,
    );
    expect(lines).toContain('validation: none, the last model counts');
    expect(lines.join('\n')).not.toContain('the best so far');
    expect(log.some(({ kind }) => kind === 'validation')).toBe(false);
  });

  test('without one of the classes are scored, and it is said', async () => {
    const data = await folder('one-class', [TWO, TWO, TWO, TWO, [TWO[0] as number[]]]);
    const { lines, log } = await train(data, { split: { names: ['4'] }, task: 'semantic' });
    expect(lines).toContain("nothing of 'class 2' is held out, so the score says nothing about it");
    expect(log.some(({ kind }) => kind === 'validation')).toBe(true);
  });

  test('with a class that the others lack, too', async () => {
    const data = await folder('untrained', [...Array.from({ length: 4 }, () => [TWO[0] as number[]]), TWO]);
    const { lines } = await train(data, { split: { names: ['4'] }, task: 'semantic' });
    expect(lines).toContain(
      "nothing of 'class 2' is trained on, though it is held out: no network can learn it from the others",
    );
  });

  test('with all classes are not spoken of', async () => {
    const { lines } = await train(await folder('all', [TWO, TWO, TWO, TWO, TWO]), { split: { names: ['4'] } });
    expect(lines.join('\n')).not.toMatch(/nothing (but|of)/);
  });
});

describe('objects and patches', () => {
  test('sides are those of the boxes, over all pages', () => {
    const objects = new Int32Array(6 * 8);
    objects.fill(7, 0, 5);
    for (const y of [2, 3, 4]) objects[y * 8 + 6] = 9;
    expect([...objectSides([{ height: 6, width: 8, objects }])]).toEqual([3, 5]);
  });

  test('up to a tenth of the objects may be longer than the shorter side of a patch', () => {
    const sides = Float64Array.from({ length: 20 }, (_, i) => 10 + i);
    expect(describeLongObjects(sides, [27, 64])).toEqual([]);
    expect(describeLongObjects(sides, [26, 64])).toEqual([
      '3 of 20 objects are longer than the patch of 64 x 26 pixels (half of all are at least 20 long), so none of these is seen whole: use larger patches or smaller images',
    ]);
    expect(describeLongObjects(new Float64Array(0), [8, 8])).toEqual([]);
  });

  test('a run says so', async () => {
    const large = [[1, 8, 8, 40]];
    const data = await folder('large', [large, large, large], 64);
    const { lines } = await train(data, { task: 'instances', patch: [32, 32] });
    expect(lines.filter((line) => line.includes('are longer than the patch of 32 x 32 pixels'))).toHaveLength(1);
  });
});
