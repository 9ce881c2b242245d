/** Networks of stars that have learned nothing, from the command line. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { lamella } from './command.ts';

const SIDE = 64;

/** Lines of 14 pixels, numbered, which no round polygon fits, and noise in which they are not seen. */
async function lines(folder: string): Promise<void> {
  for (const part of ['images', 'labels']) await mkdir(join(folder, part), { recursive: true });
  for (const i of [0, 1, 2]) {
    const numbers = Uint16Array.from({ length: SIDE * SIDE }, (_, p) => {
      const [y, x] = [Math.floor(p / SIDE), p % SIDE];
      return y % 16 === 8 && x % 16 < 14 ? 1 + 4 * Math.floor(y / 16) + Math.floor(x / 16) : 0;
    });
    const noise = numbers.map((_, p) => (p * 7919 + i * 104_729) % 251);
    for (const [part, values] of [
      ['images', noise],
      ['labels', numbers],
    ] as const) {
      const image = { ...ndarray('uint16', [SIDE, SIDE], values), axes: 'yx', spacing: {} } as unknown as Image;
      await writeFile(join(folder, part, `${i}.tif`), writeTiff(image));
    }
  }
}

test('a run whose best score is 0, and a prediction without any object, say so', { timeout: 120_000 }, async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'lamella-separate-cli-'));
  try {
    await lines(join(cwd, 'data'));
    const small = ['--base', '8', '--depth', '2', '--patch', '32', '--batch', '1', '--device', 'cpu'];
    const trained = await lamella(['train', 'data', '--separate', 'stars', '--steps', '1', ...small, '--out', 'run'], {
      cwd,
    });
    expect(trained.code).toBe(0);
    expect(trained.stdout).toMatch(/validation AP at IoU 0\.5 0\.0000 at threshold 0\.\d/);
    expect(trained.stderr).toContain('No validation scored above 0: the best model is no better than any other.');

    const options = ['--threshold', '1', '--out', 'found', '--device', 'cpu'];
    const predicted = await lamella(['predict', 'run', 'data/images', ...options], { cwd });
    expect(predicted.code).toBe(0);
    expect(predicted.stdout).toMatch(/note: Unless set otherwise: threshold 0\.\d, the best on the validation images/);
    expect(predicted.stderr).toContain(
      'No object was found in any of 3 images: lower --threshold, or train the network longer.',
    );
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
