import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mirrorIndex } from '../../src/array/gaussian.ts';
import { stream } from '../../src/array/random.ts';
import { coordinates, drawGeometry, PLAIN } from '../../src/augment/field.ts';
import { augmentSettings } from '../../src/augment/options.ts';
import { sampleBicubic, sampleBilinear, sampleLabels } from '../../src/augment/resample.ts';
import { warp } from '../../src/augment/warp.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const at = (y: readonly number[], x: readonly number[]) => ({ y: Float32Array.from(y), x: Float32Array.from(x) });

describe('bilinear', () => {
  // 0 1 / 2 3
  const plane = Float32Array.of(0, 1, 2, 3);
  const read = (y: number, x: number): number => {
    const out = new Float32Array(1);
    sampleBilinear(plane, [2, 2], at([y], [x]), out);
    return out[0] as number;
  };
  it('goes through the pixels and halves between them', () => {
    expect([read(0, 0), read(1, 1), read(0.5, 0.5), read(0, 0.25)]).toEqual([0, 3, 1.5, 0.25]);
  });
  it('mirrors with the edge pixel twice', () => {
    expect([read(-1, 0), read(-2, 0), read(-3, 0), read(2, 0), read(3, 0), read(4, 0)]).toEqual([0, 2, 2, 2, 0, 0]);
  });
});

describe('bicubic', () => {
  it('is exact on straight lines inside and at pixels everywhere', () => {
    const plane = Float32Array.from({ length: 36 }, (_, i) => 3 * Math.floor(i / 6) - 2 * (i % 6));
    const out = new Float32Array(3);
    sampleBicubic(plane, [6, 6], at([2.3, 2, -1], [1.7, 3, 5]), out);
    // -1 mirrors to row 0.
    expectAllClose(out, [3 * 2.3 - 2 * 1.7, 0, -10], { rtol: 1e-5, atol: 1e-5 });
  });
  it('weighs a step as Keys does at its middle: -1/16 and 9/16', () => {
    const out = new Float32Array(1);
    sampleBicubic(Float32Array.of(0, 0, 0, 1, 0, 0), [1, 6], at([0], [2.5]), out);
    expectAllClose(out, [9 / 16]);
    sampleBicubic(Float32Array.of(0, 0, 0, 0, 1, 0), [1, 6], at([0], [2.5]), out);
    expectAllClose(out, [-1 / 16]);
  });
  it('is the same near the border as inside, on a picture that is mirrored by hand', () => {
    const small = Float32Array.from({ length: 25 }, (_, i) => Math.sin(i * 1.7));
    const large = Float32Array.from(
      { length: 15 * 15 },
      (_, i) => small[mirrorIndex(Math.floor(i / 15) - 5, 5) * 5 + mirrorIndex((i % 15) - 5, 5)] as number,
    );
    const y = [-1.2, 0.4, 4.9, 2.1, 6.3];
    const x = [0.3, -2.6, 4.2, 5.1, -0.2];
    const a = new Float32Array(5);
    const b = new Float32Array(5);
    sampleBicubic(small, [5, 5], at(y, x), a);
    sampleBicubic(
      large,
      [15, 15],
      at(
        y.map((v) => v + 5),
        x.map((v) => v + 5),
      ),
      b,
    );
    // Coordinates differ by 5, so their fractions in float32 by 1e-7 of that.
    expectAllClose(a, b, { atol: 1e-5 });
  });
});

describe('labels', () => {
  const read = (labels: readonly number[], y: number, x: number): number => {
    const out = new Uint8Array(1);
    sampleLabels(Uint8Array.from(labels), [2, 2], at([y], [x]), out);
    return out[0] as number;
  };
  it('the heaviest label wins', () => {
    expect(read([1, 2, 2, 2], 0.2, 0.2)).toBe(1); // 0.64 against 0.36
    expect(read([1, 2, 2, 2], 0.4, 0.4)).toBe(2); // 0.36 against 0.64, though the nearest pixel is 1
    expect(read([1, 2, 3, 4], 0.6, 0.7)).toBe(4);
  });
  it('the nearest wins a draw', () => expect(read([1, 1, 2, 2], 0.5, 0)).toBe(2));
  it('never makes a label that is not there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 3, 7, 255), { minLength: 4, maxLength: 4 }),
        fc.double({ min: -2, max: 3, noNaN: true }),
        fc.double({ min: -2, max: 3, noNaN: true }),
        (labels, y, x) => {
          expect(labels).toContain(read(labels, y, x));
        },
      ),
    );
  });
});

describe('a patch', () => {
  const [height, width] = [40, 30];
  const source = {
    image: Float32Array.from({ length: 2 * height * width }, (_, i) => Math.sin(i)),
    channels: 2,
    height,
    width,
    label: Uint8Array.from({ length: height * width }, (_, i) => i % 5),
    separation: Float32Array.from({ length: height * width }, (_, i) => i % 7),
  };

  it('that is not changed is a crop, bit for bit', () => {
    const patch = warp(source, coordinates(PLAIN, [8, 8], [10 + 3.5, 4 + 3.5]), [8, 8]);
    for (const [y, x] of [
      [0, 0],
      [3, 6],
      [7, 7],
    ] as const) {
      expect(patch.image[64 + y * 8 + x]).toBe(source.image[height * width + (10 + y) * width + 4 + x]);
      expect(patch.label[y * 8 + x]).toBe(source.label[(10 + y) * width + 4 + x]);
      expect(patch.separation?.[y * 8 + x]).toBe(source.separation[(10 + y) * width + 4 + x]);
    }
  });

  it('loses its margin in labels and weights alone', () => {
    const field = coordinates(PLAIN, [12, 12], [20 + 5.5, 10 + 5.5]);
    const patch = warp(source, field, [12, 12], { outputMargin: 2 });
    expect(patch.image.length).toBe(2 * 144);
    expect(patch.label.length).toBe(64);
    expect(patch.label[0]).toBe(source.label[22 * width + 12]);
  });

  it('is only flipped and turned where nothing else is asked, so that its pixels stay', () => {
    const settings = augmentSettings({ warpFraction: 0 });
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const field = coordinates(drawGeometry(stream(1, 'test', 0, i), [6, 6], settings), [6, 6], [12.5, 12.5]);
      const patch = warp(source, field, [6, 6]);
      const pixels = [...patch.image.subarray(0, 36)];
      seen.add(pixels.map((v) => v.toFixed(4)).join());
      const plain = warp(source, coordinates(PLAIN, [6, 6], [12.5, 12.5]), [6, 6]);
      expectAllClose(
        pixels.toSorted((a, b) => a - b),
        [...plain.image.subarray(0, 36)].toSorted((a, b) => a - b),
      );
    }
    expect(seen.size).toBe(8);
  });

  it('moves image, labels and weights together', () => {
    // Where all three hold the same smooth picture, they agree after any change.
    const side = 64;
    const picture = Float32Array.from({ length: side * side }, (_, i) => (Math.floor(i / side) > 30 ? 1 : 0));
    const same = {
      image: picture,
      channels: 1,
      height: side,
      width: side,
      label: Uint8Array.from(picture),
      separation: picture,
    };
    for (let i = 0; i < 20; i++) {
      const geometry = drawGeometry(stream(2, 'test', 0, i), [32, 32], augmentSettings({ warpFraction: 1 }));
      const patch = warp(same, coordinates(geometry, [32, 32], [31.5, 31.5]), [32, 32], { interpolation: 'bilinear' });
      for (let p = 0; p < 1024; p++) {
        expect(patch.separation?.[p]).toBe(patch.image[p]);
        const value = patch.image[p] as number;
        if (Math.abs(value - 0.5) > 1e-3) expect(patch.label[p]).toBe(value > 0.5 ? 1 : 0);
      }
    }
  });

  it('is bent by about the given displacement, and does not fold', () => {
    const settings = augmentSettings({ warpFraction: 1, rotateDegrees: 0, scale: 1, flip: false, turn: false });
    let square = 0;
    let count = 0;
    for (let i = 0; i < 40; i++) {
      const { bendY, bendX } = drawGeometry(stream(3, 'test', 0, i), [256, 256], settings);
      // A node of the coarse grid: the middle of the patch lies between pixels 127 and 128.
      square += (bendY?.[127 * 256 + 127] ?? 0) ** 2 + (bendX?.[127 * 256 + 127] ?? 0) ** 2;
      count += 2;
      for (let p = 0; p < 255; p++) {
        const step = 1 + (bendX?.[100 * 256 + p + 1] ?? 0) - (bendX?.[100 * 256 + p] ?? 0);
        expect(step).toBeGreaterThan(0);
      }
    }
    // 80 draws: the standard error of a standard deviation of 10 is 0.8.
    expect(Math.sqrt(square / count)).toBeGreaterThan(7);
    expect(Math.sqrt(square / count)).toBeLessThan(13);
  });
});
