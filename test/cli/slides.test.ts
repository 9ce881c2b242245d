import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { lamella } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-slides-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Written by tifffile. The slide has 240 x 160, 60 x 40 and 30 x 20 pixels, the first of 0.499 µm. */
const golden = (name: string) => {
  const { files } = JSON.parse(readFileSync(new URL('../golden/tiff_pyramids.json', import.meta.url), 'utf8'));
  return Buffer.from(files[name].file, 'base64');
};

const run = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await lamella(args, { cwd: root });
  expect(code, stderr).toBe(0);
  return stdout + stderr;
};

test('a slide is trained on and predicted at one of its resolutions', async () => {
  for (const folder of ['images', 'masks']) mkdirSync(join(root, 'data', folder), { recursive: true });
  writeFileSync(join(root, 'data/images/a.svs'), golden('Aperio SVS'));
  writeFileSync(join(root, 'sizeless.tif'), golden('reduced pages'));
  const data = Uint8Array.from({ length: 60 * 40 }, (_, i) => (i % 60 < 30 ? 255 : 0));
  writeFileSync(
    join(root, 'data/masks/a.png'),
    writePng({ dtype: 'uint8', axes: 'yx', shape: [40, 60], data, spacing: {} }),
  );
  expect(await run('inspect', 'data/images/a.svs', '--level', '1')).toMatch(
    /level 1 +3 x 40 x 60, y 1.996 µm, x 1.996 µm \(this one\)/,
  );
  const none = await lamella(['inspect', 'data/images/a.svs', '--level', '3'], { cwd: root });
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('level 3 does not exist: the image has 3')]);
  await run(
    'train',
    'data',
    '--out',
    'run',
    '--level',
    '1',
    '--network',
    'n1',
    '--steps',
    '2',
    '--workers',
    '0',
    '--val',
    '0',
  );
  expect(await run('predict', 'run', 'data/images/a.svs', '--out', 'nearest')).toMatch(
    /Level 1 of it is predicted, whose pixels are nearest in size to those of the training images; --level chooses/,
  );
  const map = await readImageFile(join(root, 'nearest/label/a.tif'));
  expect(map).toMatchObject({ shape: [40, 60], spacing: { x: { value: expect.closeTo(1.996, 6), unit: 'µm' } } });
  expect(await run('predict', 'run', 'data/images/a.svs', '--out', 'fine', '--pixel-size', '0.8um')).not.toMatch(
    /Level/,
  );
  expect((await readImageFile(join(root, 'fine/label/a.tif'))).shape).toEqual([160, 240]);
  expect(await run('predict', 'run', 'data/images/a.svs', '--out', 'coarse', '--pixel-size', '3500 nm')).toMatch(
    /Level 2 of it is predicted, whose pixels are nearest in size to 3.5 µm; --level chooses another/,
  );
  for (const [size, problem] of [
    ['0.5', /A length is expected: 0\.5um/],
    ['0.5um --level 1', /--level and --pixel-size exclude each other/],
  ] as const) {
    const wrong = await lamella(['predict', 'run', 'data', '--pixel-size', ...size.split(' ')], { cwd: root });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(problem)]);
  }
  const sizeless = await lamella(['predict', 'run', 'sizeless.tif', '--pixel-size', '1um'], { cwd: root });
  expect([sizeless.code, sizeless.stderr]).toEqual([
    1,
    expect.stringContaining('sizeless.tif: it states no pixel size by which one of its resolutions could be chosen'),
  ]);
  await run('predict', 'run', 'data/images/a.svs', '--out', 'other', '--level', '2');
  expect((await readImageFile(join(root, 'other/label/a.tif'))).shape).toEqual([20, 30]);
});
