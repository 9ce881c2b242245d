/** Collects measured images one by one and keeps what the report shows. */

import { joinRows, type Table, withText } from '../../measure/table.ts';
import type { ObjectMatches } from '../../metrics/match-objects.ts';
import { extentsOf, type IntegerArray, slicesOf } from '../../objects/grid.ts';
import { type Outline, toPolygons } from '../../objects/polygons.ts';
import { type ObjectKind, shapeOf } from '../kit/outline-overlay.ts';
import { dataUri, type Picture, shrink } from '../kit/pictures.ts';
import type { Score } from '../run/data.ts';
import type { ClassShare, MatchCounts, ObjectsFigure, ObjectsImage, ObjectsReport } from './data.ts';

/** The objects of one image or volume. */
export interface CountedImage {
  readonly name: string;
  /** Its folder; empty if there is only one. */
  readonly group: string;
  /** Measurements with the column `label`. */
  readonly table: Table;
  /** Fraction of the pixels inside objects; null for no pixels. */
  readonly covered: Score;
  /** As `ObjectsImage`. */
  readonly shares?: readonly ClassShare[];
}

/** One image or volume with its objects, of which the report may show a picture. */
export interface CollectedImage extends Omit<CountedImage, 'covered'> {
  /** [height, width] or [depth, height, width], 0 = background. */
  readonly labels: IntegerArray;
  /** The display image of a slice by its zero-based index; a 2D image has slice 0. */
  readonly pictureOf: (z: number) => Picture;
  /** Comparison with the ground truth, which has the shape of the labels. */
  readonly match?: { readonly matches: ObjectMatches; readonly truth: IntegerArray };
}

export interface CollectOptions {
  /** Number of images that will be added. */
  readonly total: number;
  /** Number of images to show, evenly spaced; default 12. */
  readonly figures?: number;
  /** Number of images with the most errors to show; default 4. */
  readonly worst?: number;
}

/** Longest side of the images in the report, in pixels. */
const MOST_PX = 720;

export class ObjectsCollector {
  readonly #options: Required<CollectOptions>;
  readonly #images: ObjectsImage[] = [];
  readonly #figures: ObjectsFigure[] = [];
  readonly #tables: Table[] = [];
  #worst: { readonly rate: number; readonly figure: ObjectsFigure }[] = [];

  constructor({ total, figures = 12, worst = 4 }: CollectOptions) {
    this.#options = { total, figures, worst };
  }

  /** Adds an image without a picture. */
  addCounts({ name, group, table, covered, shares }: CountedImage, match?: ObjectMatches): void {
    this.#images.push({
      name,
      group,
      objects: table.rows,
      covered,
      ...(shares && { shares }),
      ...(match === undefined ? {} : { match: countsOf(match) }),
    });
    const named = withText(table, 'image', name);
    this.#tables.push(group === '' ? named : withText(named, 'group', group));
  }

  add(image: CollectedImage): void {
    const { labels, match } = image;
    const { total, figures, worst } = this.#options;
    let pixels = 0;
    for (let p = 0; p < labels.data.length; p++) if (labels.data[p] !== 0) pixels++;
    const index = this.#images.length;
    const covered = labels.data.length === 0 ? null : pixels / labels.data.length;
    this.addCounts({ ...image, covered }, match?.matches);
    const place = (i: number): number => Math.floor((i * figures) / total);
    if (total <= figures || index === 0 || place(index) !== place(index - 1)) this.#figures.push(figureOf(image));
    if (match === undefined) return;
    const counts = countsOf(match.matches);
    const errors = counts.missed + counts.merged + counts.split + counts.spurious;
    const rate = errors / Math.max(1, counts.truth);
    if (errors === 0 || (this.#worst.length >= worst && rate <= (this.#worst.at(-1)?.rate ?? 0))) return;
    this.#worst = [...this.#worst, { rate, figure: figureOf(image) }].sort((a, b) => b.rate - a.rate).slice(0, worst);
  }

  result(): Pick<ObjectsReport, 'images' | 'figures' | 'worst' | 'table'> {
    return {
      images: this.#images,
      figures: this.#figures,
      worst: this.#worst.map(({ figure }) => figure),
      table: joinRows(this.#tables),
    };
  }
}

function countsOf({ truthCount, predictedCount, ...lists }: ObjectMatches): MatchCounts {
  return {
    truth: truthCount,
    predicted: predictedCount,
    matched: lists.matched.length,
    missed: lists.missed.length,
    merged: lists.merged.length,
    split: lists.split.length,
    spurious: lists.spurious.length,
  };
}

/** The kind of each predicted object. */
function kindsOf({ matched, merged, split, spurious }: ObjectMatches): ReadonlyMap<number, ObjectKind> {
  return new Map<number, ObjectKind>([
    ...matched.map(({ predicted }) => [predicted, 'matched'] as const),
    ...merged.map(({ predicted }) => [predicted, 'merged'] as const),
    ...split.flatMap(({ predicted }) => predicted.map((label) => [label, 'split'] as const)),
    ...spurious.map((label) => [label, 'spurious'] as const),
  ]);
}

/** The image, or the slice of a volume with the most object pixels. */
function figureOf({ name, group, labels, table, pictureOf, match }: CollectedImage): ObjectsFigure {
  const { depth, height, width } = extentsOf(labels.shape);
  const z = depth === 1 ? 0 : fullestSlice(labels, depth, height * width);
  // If the image is shown smaller than it is, pixel corners cannot be seen.
  const simplifyPx = Math.max(height, width) > 2 * MOST_PX ? Math.max(height, width) / (2 * MOST_PX) : 0;
  const outlinesOf = (map: IntegerArray): readonly Outline[] =>
    toPolygons(slicesOf(map)[z] as IntegerArray, { simplifyPx });
  const kinds = match === undefined ? new Map<number, ObjectKind>() : kindsOf(match.matches);
  const shapes = outlinesOf(labels).map((outline) =>
    shapeOf(outline, String(outline.label), kinds.get(outline.label) ?? 'plain'),
  );
  const gone = new Set(match?.matches.missed);
  const missed =
    match === undefined
      ? []
      : outlinesOf(match.truth)
          .filter(({ label }) => gone.has(label))
          .map((outline) => shapeOf(outline, `missed-${outline.label}`, 'missed'));
  return {
    name,
    group,
    widthPx: width,
    heightPx: height,
    picture: dataUri(shrink(pictureOf(z), MOST_PX)),
    shapes: [...shapes, ...missed],
    objects: table.rows,
    ...(match === undefined ? {} : { match: countsOf(match.matches) }),
    ...(depth === 1 ? {} : { slice: { index: z + 1, count: depth } }),
  };
}

function fullestSlice({ data }: IntegerArray, depth: number, pixels: number): number {
  let best = 0;
  let most = -1;
  for (let z = 0; z < depth; z++) {
    let count = 0;
    for (let p = z * pixels; p < (z + 1) * pixels; p++) if (data[p] !== 0) count++;
    if (count > most) {
      most = count;
      best = z;
    }
  }
  return best;
}
