import { describe, expect, it } from 'vitest';
import { type Nuclei, nuclei } from '../../packages/phantom/nuclei.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';

const SIZE = 512;

const means = ({ image, label }: Nuclei, isIn: (value: number) => boolean): number => {
  const values = image.data.filter((_, p) => isIn(label.data[p]));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};

describe('nuclei', () => {
  const made = nuclei({ seed: 1 });
  const { image, label } = made;

  it('is an image with a pixel size, and a number for each nucleus', () => {
    expect([image.axes, image.dtype, image.shape, label.dtype]).toEqual(['yx', 'uint8', [SIZE, SIZE], 'uint16']);
    expect(image.spacing.x).toEqual({ value: 0.325, unit: 'µm' });
    const numbers = new Set(label.data);
    expect(numbers.size).toBeGreaterThan(40);
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from(numbers, (_, i) => i));
  });

  it('is the same for the same seed', () => {
    const [a, b] = [nuclei({ seed: 5, width: 96, height: 64 }), nuclei({ seed: 5, width: 96, height: 64 })];
    expect(b).toEqual(a);
    expect(nuclei({ seed: 6, width: 96, height: 64 }).image.data).not.toEqual(a.image.data);
  });

  it('has nuclei in one piece each, of plausible size', () => {
    for (const seed of [1, 2, 3]) {
      const { label: numbers } = nuclei({ seed, density: 1.4 });
      const last = numbers.data.reduce((a, b) => Math.max(a, b), 0);
      for (let n = 1; n <= last; n++) {
        const own = numbers.data.map((value) => (value === n ? 1 : 0));
        const pixels = own.reduce((sum, value) => sum + value, 0);
        expect(connectedComponents(ndarray('uint16', [SIZE, SIZE], own)).count, `nucleus ${n} of ${seed}`).toBe(1);
        expect(pixels).toBeLessThan(2500);
      }
    }
  });

  it('has nuclei that touch: what a threshold finds are fewer', () => {
    const numbers = label.data.reduce((a, b) => Math.max(a, b), 0);
    const inOne = connectedComponents(ndarray('uint16', [SIZE, SIZE], label.data.map(Math.sign))).count;
    expect(inOne).toBeLessThan(0.85 * numbers);
  });

  it('looks taken by a camera: bright on dark, noisy, darker towards the corners', () => {
    expect(means(made, (value) => value > 0)).toBeGreaterThan(2.5 * means(made, (value) => value === 0));
    // Averaged over several, since the background of each is uneven by itself.
    const empty = [1, 2, 3, 4, 5, 6].map((seed) => nuclei({ seed, density: 0 }).image.data);
    const at = (y: number, x: number): number => {
      let sum = 0;
      for (const data of empty)
        for (let dy = 0; dy < 64; dy++) for (let dx = 0; dx < 64; dx++) sum += data[(y + dy) * SIZE + x + dx];
      return sum / (64 ** 2 * empty.length);
    };
    expect(at(224, 224)).toBeGreaterThan((1.05 * (at(0, 0) + at(448, 448) + at(0, 448) + at(448, 0))) / 4);
    const quiet = nuclei({ seed: 1, noise: 0 });
    expect(quiet.label).toEqual(label);
    const differences = image.data.map((value, p) => Math.abs(value - quiet.image.data[p]));
    expect(differences.reduce((a, b) => a + b, 0) / differences.length).toBeGreaterThan(2);
  });

  it.each([
    [{ width: 10 }, /width.*10/],
    [{ height: 100.5 }, /height.*100\.5/],
    [{ density: -1 }, /density.*-1/],
    [{ noise: Number.NaN }, /noise.*NaN/],
  ])('refuses %o', (options, problem) => {
    expect(() => nuclei(options)).toThrow(problem);
  });
});
