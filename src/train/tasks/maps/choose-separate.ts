/** How touching objects are told apart, where that is left to the data. */

import { quantile } from '../../../array/quantile.ts';
import { applyMapping, findMapping } from '../../../dataset/labels/labels.ts';
import { objectSides } from '../../../dataset/object-sides.ts';
import { numbersOf } from '../../../dataset/prepare.ts';
import { labelOptions, type RawDataset } from '../../../dataset/raw.ts';
import { counted } from '../../../errors.ts';
import { connectedComponents } from '../../../objects/connected-components.ts';
import { labelGrid } from '../../../objects/grid.ts';
import type { MapKind } from '../../../objects/object-maps.ts';
import { starFits } from '../../../objects/stars/star-fit.ts';
import type { TrainSettings } from '../segmentation/choose-recipe.ts';
import { requireNumbered } from './prepare.ts';

/** Pages that are looked at, evenly spread, at most. */
const MOST_PAGES = 100;
/** Fewer objects say too little of the others. */
const LEAST_OBJECTS = 20;
/** Below, nearly every connected part is one object however it is found. */
const LEAST_TOUCHING = 0.05;
/** IoU from which a star stands for its object. */
const STAR_FIT = 0.8;
/** Share of objects that stars must stand for. */
const LEAST_STARS = 0.95;

/** What is told of numbered objects. */
export interface ObjectShapes {
  readonly objects: number;
  /** Share of objects with a pixel within two pixels, along a row or column, of one of another object. */
  readonly touching: number;
  /** Share of objects whose IoU with their star of 32 rays is at least 0.8. */
  readonly starConvex: number;
  /** 5th and 95th percentile of the longer sides of the objects' boxes, pixels. */
  readonly sides: readonly [low: number, high: number];
}

interface NumberedPage {
  readonly height: number;
  readonly width: number;
  /** Number of the object at each pixel, 0 for none. */
  readonly objects: Int32Array;
}

/** Objects that have a pixel within two pixels of one of another. @param labels [h, w] */
function touchingOf({ data, shape: [, width] }: ReturnType<typeof labelGrid>): ReadonlySet<number> {
  const found = new Set<number>();
  const columns = width as number;
  for (let p = 0; p < data.length; p++) {
    const own = data[p] as number;
    if (own === 0) continue;
    const x = p % columns;
    for (const reach of [1, 2]) {
      for (const other of [x + reach < columns ? data[p + reach] : 0, data[p + reach * columns] ?? 0]) {
        if (other === 0 || other === own) continue;
        found.add(own).add(other as number);
      }
    }
  }
  return found;
}

/** Parts of an object that lie apart count as objects. */
export function objectShapes(pages: readonly NumberedPage[]): ObjectShapes {
  let [objects, touching, starConvex] = [0, 0, 0];
  const parts = pages.map(({ objects: numbers, height, width }) => {
    const { labels } = connectedComponents(labelGrid(numbers, [height, width]), { by: 'value', connectivity: 8 });
    const fits = starFits(labels);
    objects += fits.length;
    touching += touchingOf(labels).size;
    starConvex += fits.filter((fit) => fit >= STAR_FIT).length;
    return { height, width, objects: labels.data };
  });
  const sides = objectSides(parts);
  const share = (count: number): number => (objects === 0 ? 0 : count / objects);
  return {
    objects,
    touching: share(touching),
    starConvex: share(starConvex),
    sides: objects === 0 ? [0, 0] : [quantile(sides, 0.05), quantile(sides, 0.95)],
  };
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** @returns undefined for rims, as without the option; with the reason */
export function separateBy({ objects, touching, starConvex }: ObjectShapes): {
  readonly by: MapKind | undefined;
  readonly why: string;
} {
  if (objects < LEAST_OBJECTS) {
    return { by: undefined, why: `${counted(objects, 'object')} are too few to tell (at least ${LEAST_OBJECTS})` };
  }
  if (touching < LEAST_TOUCHING) {
    return { by: undefined, why: `only ${percent(touching)} of the objects touch another, so any way finds them` };
  }
  const stars = `stars of 32 rays describe ${percent(starConvex)} of them with an IoU of at least ${STAR_FIT}`;
  const touch = `${percent(touching)} of the objects touch another, and ${stars}`;
  return starConvex >= LEAST_STARS
    ? { by: 'stars', why: touch }
    : { by: 'flows', why: `${touch}, which is less than ${percent(LEAST_STARS)}` };
}

/**
 * How the objects of all images are told apart, training and held out, so that all folds do it alike.
 * @returns undefined for rims; with a printed line
 * @throws DatasetError for labels that do not number objects
 */
export function chooseSeparate(
  raw: RawDataset,
  { classes, ignore }: Pick<TrainSettings, 'classes' | 'ignore'>,
): { readonly by: MapKind | undefined; readonly notes: readonly string[] } {
  const labels = raw.pages.map(({ label }) => label);
  const mapping = findMapping(labels, labelOptions(raw, { classes, ignore, kind: 'objects' }));
  requireNumbered(mapping, labels);
  const step = Math.max(1, raw.pages.length / MOST_PAGES);
  const some = Array.from(
    { length: Math.ceil(raw.pages.length / step) },
    (_, i) => raw.pages[Math.floor(i * step)] as RawDataset['pages'][number],
  );
  const shapes = objectShapes(
    some.map(({ height, width, label }) => ({
      height,
      width,
      objects: numbersOf(label, applyMapping(label, mapping)),
    })),
  );
  const { by, why } = separateBy(shapes);
  const [low, high] = shapes.sides.map(Math.round);
  const seen =
    some.length < raw.pages.length ? `${some.length} of ${raw.pages.length} images` : counted(some.length, 'image');
  const what = by ?? 'rims, a class between objects';
  const measured = `${counted(shapes.objects, 'object')} of ${low} to ${high} px in ${seen}`;
  return { by, notes: [`separate: ${what}, since ${why} (${measured})`] };
}
