/** Pictures of the screens for the documentation: `STUDIO_PICTURES=docs/studio npm run test:studio -- S29` writes them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { writePng } from 'lamella';

/** The folder that pictures are written into, relative to the current one; undefined: none are wanted. */
export const picturesFolder = process.env.STUDIO_PICTURES;

const COLOURS = 256;

/** A picture in its most frequent colours, each pixel in the nearest, so that it is small. */
function fewColours(png: Uint8Array): Uint8Array {
  const { width, height, channels, data } = decode(png);
  const keys = new Uint32Array(width * height);
  const counts = new Map<number, number>();
  for (let p = 0; p < keys.length; p++) {
    const [r, g, b] = data.subarray(p * channels, p * channels + 3);
    keys[p] = (r << 16) | (g << 8) | b;
    counts.set(keys[p], (counts.get(keys[p]) ?? 0) + 1);
  }
  const palette = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, COLOURS)
    .map(([key]) => key);
  const distance = (a: number, b: number): number =>
    ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  const nearest = new Map<number, number>();
  for (const key of counts.keys()) {
    let best = 0;
    for (let i = 1; i < palette.length; i++) if (distance(key, palette[i]) < distance(key, palette[best])) best = i;
    nearest.set(key, best);
  }
  return writePng({
    dtype: 'uint8',
    axes: 'yx',
    shape: [height, width],
    spacing: {},
    data: Uint8Array.from(keys, (key) => nearest.get(key) ?? 0),
    palette: palette.map((key) => [key >> 16, (key >> 8) & 255, key & 255] as const),
  });
}

/** Writes a screenshot into the folder, if pictures are wanted. */
export function writePicture(name: string, png: Uint8Array): void {
  if (picturesFolder === undefined) return;
  mkdirSync(picturesFolder, { recursive: true });
  writeFileSync(join(picturesFolder, `${name}.png`), fewColours(png));
}
