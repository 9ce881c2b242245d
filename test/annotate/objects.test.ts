/** Edits of objects, on maps that can be read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import {
  deleteObjects,
  fillObjectHoles,
  mergeObjects,
  nextObject,
  renumberObject,
  replaceLabels,
} from '../../src/annotate/object-edits.ts';
import { setPage } from '../../src/annotate/pages.ts';
import { splitObject } from '../../src/annotate/split-object.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { drawn, NONE, show } from './drawn.ts';

describe('objects', () => {
  it('are merged, deleted and renumbered in all slices, and the others keep their numbers', () => {
    const rows = ['1122', '0.33'];
    const layer = drawn(rows, ['2220', '...9']);
    mergeObjects(layer, [2, 1]);
    expect([show(layer), show(layer, 1)]).toEqual([
      ['2222', '0.33'],
      ['2220', '...9'],
    ]);
    deleteObjects(layer, [2, 9]);
    expect([show(layer), show(layer, 1)]).toEqual([
      ['0000', '0.33'],
      ['0000', '...0'],
    ]);
    deleteObjects(drawn(rows), []);
    renumberObject(layer, 3, 7);
    expect(show(layer)).toEqual(['0000', '0.77']);
    deleteObjects(layer, [7], NONE);
    expect(show(layer)).toEqual(['0000', '0...']);
  });

  it('are replaced in one slice as in a plain array, whatever the labels', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 1, 2, 3, NONE), { minLength: 3 * 520, maxLength: 3 * 520 }),
        fc.uniqueArray(fc.nat(4)),
        fc.constantFrom(0, 1, 5, NONE),
        (values, labels, value) => {
          const layer = new LabelLayer('objects', { width: 520, height: 3, slices: 2 });
          for (const z of [0, 1]) setPage(layer, ndarray('uint32', [3, 520], Uint32Array.from(values)), z, NONE);
          replaceLabels(layer, labels, value, 1);
          expect([...layer.read([0, 0, 520, 3], 0)]).toEqual(values);
          expect([...layer.read([0, 0, 520, 3], 1)]).toEqual(values.map((v) => (labels.includes(v) ? value : v)));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('get numbers that were never used, up to 2,147,483,646, then the smallest free one', () => {
    const layer = drawn(['12.']);
    expect(nextObject(layer)).toBe(3);
    deleteObjects(layer, [2]);
    expect(nextObject(layer)).toBe(3);
    layer.fill(0, 0, 2, 3, NONE - 1);
    expect([nextObject(layer), layer.get(2, 0), layer.pixels(NONE - 1)]).toEqual([2, 2147483646, 1]);
  });

  it('lose their holes within each slice, but not bays, nor holes that hold or touch another object', () => {
    const before = [
      '11111.1111', //
      '1.011.1221',
      '11111.1.21',
      '1111111111',
      '11.2.11..1',
      '1111111.11',
      '1111111111',
      '1.11111111',
      '..111....1',
    ];
    const after = [
      '11111.1111', //
      '11111.1221',
      '11111.1.21',
      '1111111111',
      '11.2.11111',
      '1111111111',
      '1111111111',
      '1.11111111',
      '..111....1',
    ];
    const layer = drawn(before, before);
    fillObjectHoles(layer, 1, 1);
    expect([show(layer, 0), show(layer, 1)]).toEqual([before, after]);
    fillObjectHoles(layer, 1);
    expect(show(layer, 0)).toEqual(after);
  });

  it('that are not there, or numbers in use, are refused', () => {
    const layer = drawn(['120']);
    expect(() => deleteObjects(layer, [1, 5])).toThrow('There is no object 5.');
    expect(() => mergeObjects(layer, [0, 1])).toThrow('There is no object 0.');
    expect(() => renumberObject(layer, 1, 2)).toThrow('The number 2 is not free.');
    expect(() => renumberObject(layer, 1, 0)).toThrow('The number 0 is not free.');
    expect(() => nextObject(new LabelLayer('classes', { width: 1, height: 1 }))).toThrow('a layer of classes');
    expect(show(layer)).toEqual(['120']);
  });
});

describe('splitting an object', () => {
  it('gives the smaller part a new number and the pixels under the line to the nearest part', () => {
    const layer = drawn(['0555550', '0555550', '0595550']);
    expect(
      splitObject(layer, 5, [
        [3.5, -1],
        [3.5, 4],
      ]),
    ).toEqual([10]);
    expect(show(layer)).toEqual(['0AAA550', '0AAA550', '0A95550']);
  });

  it('changes nothing if the line ends inside, or misses', () => {
    const rows = ['111', '111', '111'];
    const layer = drawn(rows);
    expect(
      splitObject(layer, 1, [
        [1.5, -1],
        [1.5, 1.5],
      ]),
    ).toEqual([]);
    expect(
      splitObject(layer, 1, [
        [-5, -5],
        [-5, 9],
      ]),
    ).toEqual([]);
    expect(splitObject(layer, 1, [[1.5, -1]])).toEqual([]);
    expect([show(layer), layer.hasChanges]).toEqual([rows, true]);
  });

  it('leaves pieces that it does not divide, and other slices, as they are', () => {
    const rows = ['44.44', '44.44', '44.44'];
    const layer = drawn(rows, rows);
    expect(
      splitObject(
        layer,
        4,
        [
          [-1, 1.5],
          [2.5, 1.5],
        ],
        1,
      ),
    ).toEqual([5]);
    expect([show(layer, 0), show(layer, 1).map((row) => row.slice(2))]).toEqual([rows, ['.44', '.44', '.44']]);
    expect([layer.pixels(4, 1) + layer.pixels(5, 1), layer.pixels(4, 1) >= 9]).toEqual([12, true]);
    expect(() =>
      splitObject(
        layer,
        5,
        [
          [0, 0],
          [1, 1],
        ],
        0,
      ),
    ).toThrow('Object 5 is not in slice 0.');
  });

  it('never leaves a pixel out and makes connected parts, whatever the object and the line', () => {
    const position = fc.tuple(fc.integer({ min: -2, max: 14 }), fc.integer({ min: -2, max: 12 }));
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 120, maxLength: 120 }),
        fc.array(position, { minLength: 2, maxLength: 4 }),
        (own, line) => {
          const layer = new LabelLayer('objects', { width: 12, height: 10 });
          const values = Uint32Array.from(own, (one) => (one ? 3 : NONE));
          setPage(layer, ndarray('uint32', [10, 12], values), 0, NONE);
          if (!own.includes(true)) return;
          const pieces = piecesOf(layer);
          const created = splitObject(layer, 3, line as [number, number][]);
          const after = layer.read([0, 0, 12, 10]);
          expect(Array.from(after, (v) => v !== NONE)).toEqual(own);
          expect(new Set(after)).toEqual(new Set([...values, ...created]));
          // Each new number is one piece, and each adds a piece.
          expect(piecesOf(layer)).toBe(pieces + created.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Pieces of equal labels, connected by edges. */
function piecesOf(layer: LabelLayer): number {
  const { width, height } = layer;
  const labels = layer.read([0, 0, width, height]);
  const seen = new Uint8Array(labels.length);
  let pieces = 0;
  for (let start = 0; start < labels.length; start++) {
    if (seen[start] === 1 || labels[start] === NONE) continue;
    pieces++;
    const waiting = [start];
    while (waiting.length > 0) {
      const p = waiting.pop() as number;
      if (seen[p] === 1 || labels[p] !== labels[start]) continue;
      seen[p] = 1;
      const x = p % width;
      if (x > 0) waiting.push(p - 1);
      if (x + 1 < width) waiting.push(p + 1);
      if (p >= width) waiting.push(p - width);
      if (p + width < labels.length) waiting.push(p + width);
    }
  }
  return pieces;
}
