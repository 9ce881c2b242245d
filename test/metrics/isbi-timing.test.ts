import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { type IsbiSliceScores, isbiScores, isbiSliceScores } from '../../src/metrics/isbi.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { leastMs } from '../support/timing.ts';
import { readGrey } from './support.ts';

const SIDE = 512;
/** What the page of scores promises for one slice at all thresholds on one core. */
const LIMIT_MS = 3000;

/** Cells around random centres, membranes where the two nearest are about equally far. */
function voronoi(cells: number, halfWidth: number): IntegerArray {
  const random = stream(7, 'voronoi');
  const centres = Array.from({ length: cells }, () => [random.between(0, SIDE), random.between(0, SIDE)] as const);
  const label = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < label.length; i++) {
    let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const [y, x] of centres) {
      const d = Math.sqrt((Math.floor(i / SIDE) - y) ** 2 + ((i % SIDE) - x) ** 2);
      if (d < first) [first, second] = [d, first];
      else if (d < second) second = d;
    }
    label[i] = second - first > 2 * halfWidth ? 255 : 0;
  }
  return ndarray('uint8', [SIDE, SIDE], label);
}

/** A box blur with mirrored borders, in place of a network that is unsure at borders. */
function blur(values: Float32Array, radius: number): Float32Array {
  const mirror = (k: number): number => (k < 0 ? -k : k >= SIDE ? 2 * SIDE - 2 - k : k);
  const pass = (source: Float32Array, step: number, line: number): Float32Array => {
    const out = new Float32Array(source.length);
    for (let a = 0; a < SIDE; a++) {
      for (let b = 0; b < SIDE; b++) {
        let sum = 0;
        for (let k = b - radius; k <= b + radius; k++) sum += source[a * line + mirror(k) * step] as number;
        out[a * line + b * step] = sum / (2 * radius + 1);
      }
    }
    return out;
  };
  return pass(pass(values, 1, SIDE), SIDE, 1);
}

it('scores a synthetic 512x512 slice at all thresholds in less than 3 s', () => {
  const label = voronoi(120, 2);
  const random = stream(7, 'noise');
  const clean = blur(
    Float32Array.from(label.data, (value) => value / 255),
    4,
  );
  const noisy = clean.map((value) => Math.min(1, Math.max(0, value + 0.15 * random.normal())));
  const prediction = ndarray('float32', label.shape, blur(noisy, 1));
  expect(leastMs(LIMIT_MS, () => isbiSliceScores(label, prediction))).toBeLessThan(LIMIT_MS);
});

describeWithData('on the ISBI 2012 slices', () => {
  it('scores every slice against a blurred image in less than 3 s', () => {
    const folder = join(dataFolder(), 'isbi2012', 'train');
    const names = readdirSync(join(folder, 'image'))
      .filter((name) => name.endsWith('.png'))
      .slice(0, 3);
    expect(names.length).toBe(3);
    const slices = names.map((name) => {
      const image = readGrey(join(folder, 'image', name));
      const label = readGrey(join(folder, 'label', name));
      const prediction = ndarray(
        'float32',
        image.shape,
        blur(
          Float32Array.from(image.data, (value) => value / 255),
          2,
        ),
      );
      let scores: IsbiSliceScores = [];
      const ms = leastMs(LIMIT_MS, () => {
        scores = isbiSliceScores(label, prediction);
      });
      expect(ms).toBeLessThan(LIMIT_MS);
      return scores;
    });
    const { vRandThinned, warpingError } = isbiScores(slices);
    expect(vRandThinned.value).toBeGreaterThan(0.2);
    expect(vRandThinned.value).toBeLessThan(0.9);
    expect(warpingError.value).toBeGreaterThan(0);
  });
});
