/** Found objects taken over, on maps that can be read: digits and letters are objects, 0 background, `.` not annotated. */
import { describe, expect, it } from 'vitest';
import { acceptClasses, acceptedShape, acceptObjects } from '../../src/annotate/accept.ts';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { fillRegion, type Region } from '../../src/annotate/region.ts';
import { drawn, show } from './drawn.ts';

const numbersOf = (rows: readonly string[]): Uint32Array =>
  Uint32Array.from(rows.join(''), (character) => Number.parseInt(character, 36));

/** Accepts what was found in all of the layer. @param window columns and rows of it; default: all */
function accepted(
  painted: readonly string[],
  found: readonly string[],
  window?: readonly [number, number, number, number],
  regions: readonly Region[] = [],
) {
  const layer = drawn(painted);
  const box = [0, 0, layer.width, layer.height] as const;
  acceptObjects(layer, { slice: 0, box: window ?? box, regions }, { box, numbers: numbersOf(found) });
  return show(layer);
}

const region = (box: readonly [number, number, number, number], change: Partial<Region> = {}): Region => ({
  id: 1,
  shape: { box },
  complete: true,
  origin: 'painted',
  held: false,
  ...change,
});

describe('found objects', () => {
  it('that touch get a number each, after those that are painted', () => {
    expect(accepted(['......', '......', '.....5'], ['112200', '112200', '000000'])).toEqual([
      '667700',
      '667700',
      '000005',
    ]);
  });

  it('go on with the number of what is painted in them', () => {
    expect(accepted(['.3....', '......'], ['111222', '111222'])).toEqual(['333444', '333444']);
  });

  it('go on with both numbers if two objects were painted in one', () => {
    expect(accepted(['3....4'], ['111111'])).toEqual(['333444']);
  });

  it('stay apart from a painted neighbour that they overlap by its rim', () => {
    // The neighbour was painted a column wider than it was found.
    expect(accepted(['3333....', '3333....'], ['11122220', '11122220'])).toEqual(['33334440', '33334440']);
  });

  it('complete a painted object that was found smaller, and those of which most is painted', () => {
    expect(accepted(['.33333..', '.33333..'], ['01112200', '01112200'])).toEqual(['03333300', '03333300']);
    expect(accepted(['.3333333'], ['01111222'])).toEqual(['03333333']);
    // Two thirds of the second are the painted object's, and so is the rest.
    expect(accepted(['.3333...'], ['01122200'])).toEqual(['03333300']);
  });

  it('are divided by painted background', () => {
    expect(accepted(['..0..'], ['11111'])).toEqual(['11022']);
  });

  it('at the edge of the window are those that go on outside of it', () => {
    expect(accepted(['33......', '33......'], ['11110022', '11110022'], [2, 0, 5, 2])).toEqual([
      '3333004.',
      '3333004.',
    ]);
  });

  it('do not lie within a window that was not looked at', () => {
    expect(() => accepted(['...'], ['000'], [0, 0, 4, 1])).toThrow('outside');
  });

  it('leave regions as they are that are complete or held out', () => {
    const regions = [region([1, 0, 2, 1]), region([5, 0, 1, 1], { id: 2, complete: false, held: true })];
    expect(accepted(['........'], ['11111122'], undefined, regions)).toEqual(['1..22.33']);
    expect(accepted(['...'], ['111'], undefined, [region([0, 0, 3, 1], { slice: 1 })])).toEqual(['111']);
  });
});

describe('found classes', () => {
  it('are painted where nothing is', () => {
    const layer = new LabelLayer('classes', { width: 6, height: 1 });
    layer.fill(0, 0, 1, 2, 3);
    const window = { slice: 0, box: [0, 0, 5, 1], regions: [region([3, 0, 1, 1])] } as const;
    acceptClasses(layer, window, Uint8Array.of(1, 1, 1, 1, 0));
    expect([...layer.read([0, 0, 6, 1])]).toEqual([1, 3, 1, 255, 0, 255]);
  });
});

describe('the part that is trained on', () => {
  const layer = new LabelLayer('classes', { width: 8, height: 4 });
  const box = [2, 1, 4, 3] as const;
  const held = (...own: readonly [number, number, number, number]): Region => region(own, { held: true });

  it('is the window, or what is left of it beside regions that are held out', () => {
    expect(acceptedShape(layer, { slice: 0, box, regions: [region([0, 0, 8, 4])] })).toEqual({ box });
    const shape = acceptedShape(layer, { slice: 0, box, regions: [held(0, 0, 4, 2), held(4, 2, 1, 1)] });
    if (shape === undefined) throw new Error('Nothing is left.');
    const rows = Array.from({ length: 4 }, () => [...'........']);
    fillRegion(shape, [4, 8], (row, from, to) => rows[row]?.fill('#', from, to));
    expect(rows.map((row) => row.join(''))).toEqual(['........', '....##..', '..##.#..', '..####..']);
  });

  it('is nothing if all of it is held out', () => {
    expect(acceptedShape(layer, { slice: 0, box, regions: [held(0, 0, 8, 4)] })).toBeUndefined();
  });
});
