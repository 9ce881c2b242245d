import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import {
  averageSymmetricSurfaceDistance,
  contourDistances,
  edgeDistances,
  hausdorff,
  hausdorffMonai,
  hausdorffPooled,
  hausdorffSurfaceDistance,
  meanSurfaceDistance,
  surfaceDice,
} from '../../src/metrics/surface-distance.ts';

const mask = (...rows: string[]) =>
  ndarray('uint8', [rows.length, rows[0]?.length ?? 0], Uint8Array.from(rows.join(''), Number));

describe('edgeDistances', () => {
  it('measures between edge pixels', () => {
    const surfaces = edgeDistances(mask('100000'), mask('000111'), { spacing: [1, 2] });
    expect([...surfaces.truthToPrediction.distances]).toEqual([6]);
    expect([...surfaces.predictionToTruth.distances]).toEqual([6, 8, 10]);
    expect(hausdorff(surfaces)).toBe(10);
    expect(hausdorffMonai(surfaces, 50)).toBe(8);
    expect(hausdorffMonai(surfaces, 95)).toBeCloseTo(9.8, 12);
    expect(hausdorffPooled(surfaces, 50)).toBe(7);
    expect(averageSymmetricSurfaceDistance(surfaces)).toBe(7.5);
    expect(meanSurfaceDistance(surfaces.predictionToTruth)).toBe(8);
    expect(surfaceDice(surfaces, 6)).toBe(0.5);
    expect(surfaceDice(surfaces, 5.9)).toBe(0);
  });

  it('leaves the inside out, in planes and in volumes', () => {
    const square = mask('00000', '01110', '01110', '01110', '00000');
    expect(edgeDistances(square, square).truthToPrediction.distances.length).toBe(8);
    const cube = ndarray('uint8', [3, 3, 3], new Uint8Array(27).fill(1));
    expect(edgeDistances(cube, cube).truthToPrediction.distances.length).toBe(26);
    const shifted = ndarray('uint8', [3, 1, 1], Uint8Array.of(1, 0, 0));
    const other = ndarray('uint8', [3, 1, 1], Uint8Array.of(0, 0, 1));
    expect(hausdorff(edgeDistances(shifted, other, { spacing: [5, 1, 1] }))).toBe(10);
  });
});

describe('contourDistances', () => {
  it('weighs the corners of one pixel by half diagonals', () => {
    const { truthToPrediction } = contourDistances(mask('1'), mask('1'), { spacing: [3, 4] });
    expect([...truthToPrediction.weights]).toEqual([2.5, 2.5, 2.5, 2.5]);
    expect([...truthToPrediction.distances]).toEqual([0, 0, 0, 0]);
  });

  it('weighs straight pieces by the spacing along them', () => {
    const { weights } = contourDistances(mask('111'), mask('111'), { spacing: [3, 4] }).truthToPrediction;
    // Above and below run two horizontal pieces of 4 each.
    expect([...weights].sort()).toEqual([2.5, 2.5, 2.5, 2.5, 4, 4, 4, 4]);
    const upright = contourDistances(mask('1', '1'), mask('1', '1'), { spacing: [3, 4] }).truthToPrediction;
    expect([...upright.weights].sort()).toEqual([2.5, 2.5, 2.5, 2.5, 3, 3]);
  });

  it('takes the distance at which the share of length is reached', () => {
    const surfaces = contourDistances(mask('1111', '0000', '0000'), mask('1111', '0000', '0001'));
    // Of the prediction's corners those of the stray pixel are 1, sqrt 2, 2 or more away from the truth.
    expect(hausdorff(surfaces)).toBe(2);
    expect(hausdorffSurfaceDistance(surfaces, 50)).toBe(0);
    expect(hausdorffSurfaceDistance(surfaces, 100)).toBe(2);
  });

  it('is for planes', () => {
    const volume = ndarray('uint8', [1, 1, 1]);
    expect(() => contourDistances(volume, volume)).toThrow(UsageError);
  });
});

describe('empty masks', () => {
  const [empty, some] = [mask('000'), mask('010')];

  it('are infinitely far from others', () => {
    for (const surfaces of [edgeDistances(empty, some), edgeDistances(some, empty), contourDistances(some, empty)]) {
      expect(hausdorff(surfaces)).toBe(Number.POSITIVE_INFINITY);
      expect(hausdorffMonai(surfaces)).toBe(Number.POSITIVE_INFINITY);
      expect(hausdorffSurfaceDistance(surfaces)).toBe(Number.POSITIVE_INFINITY);
      expect(hausdorffPooled(surfaces)).toBe(Number.POSITIVE_INFINITY);
      expect(averageSymmetricSurfaceDistance(surfaces)).toBe(Number.POSITIVE_INFINITY);
      expect(surfaceDice(surfaces, 100)).toBe(0);
    }
  });

  it('have no distance from each other', () => {
    const surfaces = edgeDistances(empty, empty);
    for (const score of [
      hausdorff,
      hausdorffMonai,
      hausdorffSurfaceDistance,
      hausdorffPooled,
      averageSymmetricSurfaceDistance,
    ]) {
      expect(score(surfaces)).toBeNaN();
    }
    expect(surfaceDice(surfaces, 1)).toBeNaN();
    expect(meanSurfaceDistance(surfaces.truthToPrediction)).toBeNaN();
  });

  it('must have the same shape', () => {
    expect(() => edgeDistances(mask('00'), some)).toThrow(/shapes differ/);
    expect(() => edgeDistances(some, some, { spacing: [1] })).toThrow(UsageError);
  });
});
