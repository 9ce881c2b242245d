import { describe, expect, it } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { tuneSeparation } from '../../src/metrics/tune-separation.ts';

const HEIGHT = 16;
const WIDTH = 34;

/** Two squares with a weak border between them, and a crumb; a foreground that is too low everywhere. */
function image() {
  const foreground = float32([HEIGHT, WIDTH]);
  const border = float32([HEIGHT, WIDTH]);
  const truth = ndarray('uint16', [HEIGHT, WIDTH]);
  for (let y = 0, i = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, i++) {
      const inside = y >= 2 && y < 14 && x >= 2 && x < 26;
      const crumb = y === 7 && x === 31;
      foreground.data[i] = inside || crumb ? 0.42 : 0.1;
      if (inside) truth.data[i] = x < 14 ? 1 : 2;
      border.data[i] = inside && (x === 13 || x === 14) ? 0.3 : 0.05;
    }
  }
  return { maps: { foreground, border }, truth };
}

describe('tuneSeparation', () => {
  it('finds the threshold, the seeds and the size that make the objects right', () => {
    const { settings, score, tried } = tuneSeparation([image(), image()], 'border');
    expect(score).toBe(1);
    expect(settings.threshold).toBeLessThan(0.42);
    expect(settings.seedThreshold).toBeLessThan(0.37);
    expect(settings.minSize).toBeGreaterThan(1);
    expect(tried[0]).toEqual({ settings: { by: 'border' }, score: 0 });
    expect(Math.max(...tried.map((trial) => trial.score))).toBe(1);
  });

  it('starts from what it is given, and leaves pixels out that are ignored', () => {
    const { maps, truth } = image();
    const ignore = ndarray('uint8', truth.shape, new Uint8Array(truth.data.length));
    for (let y = 0; y < HEIGHT; y++) ignore.data.fill(1, y * WIDTH + 28, (y + 1) * WIDTH);
    const start = { threshold: 0.3, seedThreshold: 0.2, border: 'keep' as const };
    const tuned = tuneSeparation([{ maps, truth, ignore }], 'border', { start, score: 'meanAp' });
    expect(tuned).toMatchObject({ settings: { ...start, by: 'border' }, score: 1 });
  });

  it('leaves out what no threshold can: as large as the objects, brighter than their edges, fainter on the whole', () => {
    const { maps, truth } = image();
    for (let y = 2; y < 14; y++) {
      for (let x = 2; x < WIDTH; x++) {
        const core = x < 26 && y >= 5 && y < 11;
        maps.foreground.data[y * WIDTH + x] = core ? 1 : x < 26 ? 0.42 : x >= 28 ? 0.45 : 0;
      }
    }
    const { settings, score } = tuneSeparation([{ maps, truth }], 'border');
    expect(score).toBe(1);
    expect(settings.minConfidence).toBeGreaterThan(0.45);
    expect(settings.minConfidence).toBeLessThan(0.75);
  });

  it('refuses to tune on nothing', () => {
    expect(() => tuneSeparation([], 'shape')).toThrow(UsageError);
  });
});
