import { describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';

const small = { width: 128, height: 96 };

describe('phantom', () => {
  const { image, label } = phantom({ seed: 1, depth: 3 });
  const pixels = 256 * 256;

  it('is a stack with labels 0 and 255 and the spacing of serial sections', () => {
    expect([image.axes, image.dtype, image.shape, label.shape]).toEqual(['zyx', 'uint8', [3, 256, 256], [3, 256, 256]]);
    expect(new Set(label.data)).toEqual(new Set([0, 255]));
    expect(image.spacing.z).toEqual({ value: 50, unit: 'nm' });
  });

  it('is the same for the same seed, and slice by slice', () => {
    const a = phantom({ ...small, seed: 3, depth: 4 });
    const b = phantom({ ...small, seed: 3, depth: 2 });
    expect(b.image.data).toEqual(a.image.data.subarray(0, b.image.data.length));
    expect(b.label.data).toEqual(a.label.data.subarray(0, b.label.data.length));
    expect(phantom({ ...small, seed: 4, depth: 2 }).image.data).not.toEqual(b.image.data);
  });

  it('has membranes over a fifth to a third of it, around dozens of cells', () => {
    for (let z = 0; z < 3; z++) {
      const slice = label.data.slice(z * pixels, (z + 1) * pixels);
      const share = slice.filter((value) => value === 0).length / pixels;
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.35);
      expect(connectedComponents(ndarray('uint8', [256, 256], slice)).count).toBeGreaterThan(24);
    }
  });

  it('has membranes darker than cells, but no threshold parts them', () => {
    const histogram = [new Float64Array(256), new Float64Array(256)] as const;
    image.data.forEach((value, p) => {
      const counts = histogram[label.data[p] === 0 ? 0 : 1];
      counts[value] = (counts[value] as number) + 1;
    });
    const total = image.data.length;
    let wrongDark = 0;
    let least = 1;
    const inside = histogram[1].reduce((a, b) => a + b, 0);
    let membraneLeft = total - inside;
    for (let threshold = 0; threshold < 256; threshold++) {
      wrongDark += histogram[1][threshold] as number;
      membraneLeft -= histogram[0][threshold] as number;
      least = Math.min(least, (wrongDark + membraneLeft) / total);
    }
    // Calling everything "inside" is wrong for the share of the membranes, about 0.25.
    expect(least).toBeGreaterThan(0.08);
    expect(least).toBeLessThan(0.22);
  });

  it('changes smoothly from slice to slice', () => {
    const same = (a: number, b: number): number => {
      let equal = 0;
      for (let p = 0; p < pixels; p++) if (label.data[a * pixels + p] === label.data[b * pixels + p]) equal++;
      return equal / pixels;
    };
    expect(same(0, 1)).toBeGreaterThan(0.8);
    expect(same(0, 1)).toBeLessThan(1);
    expect(same(0, 2)).toBeLessThan(same(0, 1));
  });

  it.each([
    [{ width: 8 }, 'width is 8'],
    [{ depth: 0 }, 'depth is 0'],
    [{ noise: -1 }, 'noise is -1'],
    [{ cellPx: Number.NaN }, 'cellPx is NaN'],
  ])('refuses %j', (options, message) => expect(() => phantom(options)).toThrow(message));
});
