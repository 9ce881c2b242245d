/** Found objects taken over, on maps that can be read: digits and letters are objects, 0 background, `.` not annotated. */
import { describe, expect, it } from 'vitest';
import { acceptObjects } from '../../src/annotate/accept-objects.ts';
import { drawn, show } from './drawn.ts';

const numbersOf = (rows: readonly string[]): Uint32Array =>
  Uint32Array.from(rows.join(''), (character) => Number.parseInt(character, 36));

/** Accepts what was found in all of the layer. @param window columns and rows of it; default: all */
function accepted(
  painted: readonly string[],
  found: readonly string[],
  window?: readonly [number, number, number, number],
) {
  const layer = drawn(painted);
  const box = [0, 0, layer.width, layer.height] as const;
  acceptObjects(layer, 0, { box, numbers: numbersOf(found) }, window ?? box);
  return show(layer);
}

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
});
