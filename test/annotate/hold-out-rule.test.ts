import { describe, expect, it } from 'vitest';
import { Annotations } from '../../src/annotate/annotations.ts';
import { isHeldOutNext, regionsToHold } from '../../src/annotate/hold-out-rule.ts';
import type { Region } from '../../src/annotate/region.ts';

const region = (id: number, change: Partial<Region> = {}): Region => ({
  id,
  shape: { box: [10 * id, 0, 8, 8] },
  slice: 0,
  complete: true,
  origin: 'painted',
  held: false,
  ...change,
});

/** An image with regions. */
function drawn(...regions: readonly Region[]): Annotations {
  const annotations = new Annotations('classes');
  annotations.addImage('a', { width: 200, height: 10, slices: 2 }, regions);
  annotations.addImage('b', { width: 200, height: 10 });
  return annotations;
}

describe('regions are held out by themselves', () => {
  it('as the third of a project, and every fifth after it', () => {
    const annotations = drawn();
    for (let id = 1; id <= 14; id++) {
      const image = id % 2 === 0 ? 'a' : 'b';
      const next = region(id);
      const held = isHeldOutNext(annotations, image, next);
      annotations.setRegions(image, [...annotations.regions(image), { ...next, held }]);
    }
    const held = ['a', 'b'].flatMap((image) => annotations.regions(image).flatMap((one) => (one.held ? one.id : [])));
    expect(held.sort((one, other) => one - other)).toEqual([3, 8, 13]);
  });

  it('unless they are not complete, or were accepted; such ones are not counted', () => {
    const annotations = drawn(region(1), region(2), region(3, { origin: 'proofread' }), region(4, { complete: false }));
    expect(regionsToHold(annotations)).toBe(2);
    expect(isHeldOutNext(annotations, 'a', region(5, { origin: 'proofread' }))).toBe(false);
    expect(isHeldOutNext(annotations, 'a', region(5, { complete: false }))).toBe(false);
    expect(isHeldOutNext(annotations, 'a', region(5, { origin: 'imported' }))).toBe(true);
    // One that becomes complete.
    expect(isHeldOutNext(annotations, 'a', region(4))).toBe(true);
  });

  it('also when one that is known is asked about again', () => {
    const annotations = drawn(region(1), region(2), region(3));
    expect(isHeldOutNext(annotations, 'a', region(3))).toBe(true);
  });

  it('if those that they overlap are, and not if one is trained on', () => {
    const third = region(3, { held: true });
    const annotations = drawn(region(1), region(2), third);
    const over = (box: readonly [number, number, number, number], slice = 0): boolean =>
      isHeldOutNext(annotations, 'a', region(4, { shape: { box }, slice }));
    expect(over([35, 0, 3, 3])).toBe(true);
    expect(over([25, 0, 10, 3])).toBe(false);
    expect(over([60, 0, 3, 3])).toBe(false);
    // Another slice.
    expect(over([35, 0, 3, 3], 1)).toBe(false);
    expect(isHeldOutNext(drawn(region(1), region(2)), 'a', region(3, { shape: { box: [10, 0, 3, 3] } }))).toBe(false);
  });
});
