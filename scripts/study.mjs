// What the studies of training share: the command line, and images with labels as files.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTiff } from '../dist/image/formats/tiff/write.js';
import { imageOf } from './strokes.mjs';

export const cli = new URL('../dist/cli/main.js', import.meta.url).pathname;

/** Runs a command of Lamella and gives what it prints. */
export const lamella = (...args) =>
  execFileSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Writes these pages and their labels as TIFF into the folders `images` and `labels`. */
export async function writePages(pages, indices, out) {
  for (const kind of ['images', 'labels']) await mkdir(join(out, kind), { recursive: true });
  for (const index of indices) {
    const page = pages[index];
    const name = `${String(index).padStart(4, '0')}.tif`;
    await writeFile(join(out, 'images', name), writeTiff(imageOf(page.data, page.channels, page)));
    const values = Uint16Array.from(page.label.values);
    await writeFile(join(out, 'labels', name), writeTiff(imageOf(values, 1, page)));
  }
}
