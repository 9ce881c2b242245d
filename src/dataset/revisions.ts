/** Data of which little changes from one revision to the next, as labels do while somebody paints. */

import { IGNORE, type LabelMapping } from './labels/labels.ts';
import { spreadPixels, type TrainingSet } from './patch-position.ts';
import type { RawDataset, RawPage } from './raw.ts';

type Values = ArrayLike<number> & { readonly constructor: unknown };

function areSame(a: Values, b: Values): boolean {
  if (a === b) return true;
  if (a.length !== b.length || a.constructor !== b.constructor) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function isSamePage(a: RawPage, b: RawPage): boolean {
  const { data, label, annotation, ...others } = a;
  const { data: otherData, label: otherLabel, annotation: otherAnnotation, ...ofOther } = b;
  const { values, ...ofLabel } = label;
  const { values: otherValues, ...ofOtherLabel } = otherLabel;
  const facts =
    JSON.stringify([others, ofLabel, annotation]) === JSON.stringify([ofOther, ofOtherLabel, otherAnnotation]);
  return facts && areSame(data, otherData) && areSame(values, otherValues);
}

const byName = ({ pages }: RawDataset): ReadonlyMap<string, RawPage> => new Map(pages.map((page) => [page.name, page]));

/** A revision in which pages that did not change are the objects of the one before, and images of changed pages too. */
export function keepingPages(before: RawDataset, now: RawDataset): RawDataset {
  const known = byName(before);
  const pages = now.pages.map((page) => {
    const old = known.get(page.name);
    if (old === undefined) return page;
    if (isSamePage(page, old)) return old;
    return areSame(page.data, old.data) ? { ...page, data: old.data } : page;
  });
  return { ...now, pages };
}

/** Newly annotated pixels of a page, y width + x. */
export interface NewStrokes {
  /** Its name. */
  readonly page: string;
  /** At most 256 of them, evenly spread. */
  readonly pixels: readonly number[];
}

/** What is annotated in a revision and was not, or otherwise, in the one before. */
export function newStrokes(before: RawDataset, now: RawDataset, { ignore }: LabelMapping): readonly NewStrokes[] {
  const known = byName(before);
  const ignored = new Set(ignore);
  return now.pages.flatMap((page) => {
    const old = known.get(page.name);
    if (old === page) return [];
    const { values } = page.label;
    const was = old?.label.values;
    const isNew = (p: number): boolean => values[p] !== was?.[p] && !ignored.has(values[p] as number);
    const pixels = Array.from(spreadPixels(values, isNew));
    return pixels.length === 0 ? [] : [{ page: page.name, pixels }];
  });
}

/**
 * The set with strokes to be seen more often until a step; those that are held out or were taken back are left out.
 * @param strokes of whole pages
 */
export function withNewest(
  set: TrainingSet,
  strokes: readonly (NewStrokes & { readonly until: number })[],
  widthOf: (page: string) => number,
): TrainingSet {
  const newest = strokes.flatMap(({ page: name, pixels, until }) => {
    const whole = widthOf(name);
    return set.pages.flatMap(({ name: own, label, height, width, origin: [top, left] = [0, 0] }, page) => {
      if (own !== name) return [];
      const inside = pixels.flatMap((pixel) => {
        const [y, x] = [Math.floor(pixel / whole) - top, (pixel % whole) - left];
        const at = y * width + x;
        return y >= 0 && y < height && x >= 0 && x < width && label[at] !== IGNORE ? [at] : [];
      });
      return inside.length === 0 ? [] : [{ page, pixels: Int32Array.from(inside), until }];
    });
  });
  return newest.length === 0 ? set : { ...set, newest };
}
