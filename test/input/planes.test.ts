import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { pageCount } from '../../src/image/convert.ts';
import { pagesOf } from '../../src/input/planes.ts';

const from = (axes: string, shape: readonly number[], channels?: readonly string[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  const image = {
    ...ndarray(
      'uint8',
      shape,
      Uint8Array.from({ length: size }, (_, i) => i),
    ),
    axes,
    spacing: {},
  };
  return channels === undefined ? image : { ...image, channels };
};

describe('pages of an image', () => {
  it('one for each depth and time', () => {
    expect(pagesOf(from('yx', [1, 2])).map((page) => [...page.data])).toEqual([[0, 1]]);
    expect(pagesOf(from('zyx', [2, 1, 2])).map((page) => [...page.data])).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(pageCount(from('tczyx', [3, 1, 4, 1, 1]))).toBe(12);
  });
  it('gather their channels from before the depth', () => {
    // c z y x: channel 0 holds 0..3, channel 1 holds 4..7.
    expect(pagesOf(from('czyx', [2, 2, 1, 2])).map((page) => [...page.data])).toEqual([
      [0, 1, 4, 5],
      [2, 3, 6, 7],
    ]);
  });
  it('leave out alpha', () => {
    const [page] = pagesOf(from('cyx', [2, 1, 2], ['grey', 'alpha']));
    expect([page?.channels, [...(page?.data ?? [])]]).toEqual([1, [0, 1]]);
  });
  it('show the least measured value where nothing was measured', () => {
    const image = { ...from('yx', [1, 4]), padding: 0 };
    expect(pagesOf(image).map(({ data }) => [...data])).toEqual([[1, 1, 2, 3]]);
    expect([...image.data]).toEqual([0, 1, 2, 3]);
  });
  it('Hounsfield units are -1024 at least', () => {
    const hu = { ...ndarray('int16', [1, 4], Int16Array.of(-3024, -1000, 40, 0)), axes: 'yx', spacing: {} };
    expect([...(pagesOf({ ...hu, valueUnit: 'HU' })[0]?.data ?? [])]).toEqual([-1024, -1000, 40, 0]);
    expect([...(pagesOf({ ...hu, valueUnit: 'Bq/ml' })[0]?.data ?? [])]).toEqual([-3024, -1000, 40, 0]);
  });
  it('64-bit integers are taken where they fit 32 bits', () => {
    const labels = { ...ndarray('int64', [1, 2], BigInt64Array.of(0n, 7n)), axes: 'yx', spacing: {} };
    expect([...(pagesOf(labels)[0]?.data ?? [])]).toEqual([0, 7]);
    const large = {
      ...ndarray('int64', [1, 2], BigInt64Array.of(0n, 2n ** 40n)),
      axes: 'yx',
      spacing: {},
      source: 'a.nii',
    };
    expect(() => pagesOf(large)).toThrow(/^a\.nii: values of dtype int64/);
  });
  it('must be finite: the first that is not is named', () => {
    const image = {
      ...ndarray('float32', [2, 3], Float32Array.of(0, 1, 2, 3, Number.NaN, Number.POSITIVE_INFINITY)),
      axes: 'yx',
      spacing: {},
      source: 'f.tif',
    };
    expect(() => pagesOf(image)).toThrow('f.tif: 2 values are NaN or infinite, the first at x 1, y 1.');
  });
});
