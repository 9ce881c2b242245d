/** Slices that are read by region, cut to what is annotated: as `cutToAnnotation` of the same slices in memory. */

import type { Rectangle } from '../../array/window-sums.ts';
import { piecesAround } from '../cut.ts';
import { IGNORE } from '../labels/labels.ts';
import type { TrainingPage, TrainingSet } from '../patch-position.ts';
import { RowCounter } from './areas.ts';
import { isOfObject, type ObjectSizes, type ObjectSource, type ObjectWeighing, scanSizes } from './object-weights.ts';
import { partsOf } from './page.ts';
import type { PreparedPage } from './prepare.ts';
import { type ClassSource, type PagePlaces, placesOf, scanPlaces } from './scan.ts';

/** A slice or a piece of one, with boxes in its own pixels. */
export interface StreamedPart extends ObjectSource, Pick<PreparedPage, 'readImage'> {
  /** Of objects that are weighed by their size. */
  readonly sizes: ObjectSizes;
}

/** The pages that patches are drawn from, and what each is read from. */
export interface StreamedCut {
  readonly set: TrainingSet;
  readonly parts: ReadonlyMap<TrainingPage, StreamedPart>;
}

/**
 * @param set its pages are those of `prepared`, in the same order
 * @param contextPx as for `cutToAnnotation`
 */
export async function cutStreamed(
  set: TrainingSet,
  prepared: readonly PreparedPage[],
  contextPx: number,
  weighing: ObjectWeighing | undefined,
): Promise<StreamedCut> {
  const sizesIn = async (piece: ObjectSource): Promise<ObjectSizes> =>
    (weighing?.typicalSize ?? 0) > 0 ? scanSizes(piece, isOfObject) : new Map();
  const rare = set.focus.rare.map(({ classIndex }) => classIndex);
  const parts = new Map<TrainingPage, StreamedPart>();
  const places: PagePlaces[] = [];
  for (const [i, own] of prepared.entries()) {
    const page = set.pages[i] as TrainingPage;
    const { height, width } = page;
    for (const { top, left, bottom, right } of own.annotated === undefined
      ? [{ top: 0, left: 0, bottom: height, right: width }]
      : piecesAround(own.annotated, page, contextPx)) {
      const box: Rectangle = { y: top, x: left, height: bottom - top, width: right - left };
      if (box.height === height && box.width === width) {
        const source = { ...own, height, width, rows: own.page.rows };
        parts.set(page, { ...source, sizes: own.sizes ?? (await sizesIn(source)) });
        places.push(placesIn(set, i));
      } else {
        const piece = pieceOf(own, box);
        const { rows, counts } = await countClasses(piece);
        parts.set(
          { ...page, height: box.height, width: box.width, annotatedRows: rows, origin: [top, left] },
          { ...piece, sizes: await sizesIn(piece) },
        );
        places.push(await scanPlaces(piece, rare, counts));
      }
    }
  }
  return {
    set: {
      ...set,
      pages: [...parts.keys()],
      focus: { rare: rare.map((classIndex) => ({ classIndex, places: placesOf(places, classIndex) })) },
    },
    parts,
  };
}

/** Those of a page that is not cut. */
const placesIn = ({ focus }: TrainingSet, page: number): PagePlaces =>
  new Map(
    focus.rare.flatMap(({ classIndex, places }) => {
      const own = places.find((found) => found.page === page);
      return own === undefined ? [] : [[classIndex, own.pixels] as const];
    }),
  );

function pieceOf(
  { page, readImage, readLabel, readValues }: PreparedPage,
  { y, x, height, width }: Rectangle,
): Omit<StreamedPart, 'sizes'> {
  const inSlice = (box: Rectangle): Rectangle => ({ ...box, y: y + box.y, x: x + box.x });
  return {
    height,
    width,
    rows: page.rows,
    readImage: (box) => readImage(inSlice(box)),
    readLabel: (box) => readLabel(inSlice(box)),
    readValues: (box) => readValues(inSlice(box)),
  };
}

async function countClasses(piece: ClassSource) {
  const rows = new RowCounter(piece);
  const counts = new Float64Array(256);
  for (const box of partsOf(piece)) {
    const label = await piece.readLabel(box);
    rows.add(label);
    for (const index of label) counts[index] = counts[index] + 1;
  }
  return { rows: counts[IGNORE] === 0 ? undefined : rows.result, counts };
}
