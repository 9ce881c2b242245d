/** Pages cut to what is annotated and what a patch sees around it. */

import { cutBox } from '../array/cut-box.ts';
import { annotatedBoxes, annotatedRows, type Rectangle } from './annotated.ts';
import { type Memo, noMemo } from './memo.ts';
import { type Allocate, inMemory } from './memory.ts';
import { focusPlaces, type TrainingPage, type TrainingSet } from './patch-position.ts';

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.top < b.bottom && b.top < a.bottom && a.left < b.right && b.left < a.right;

const around = (a: Rectangle, b: Rectangle): Rectangle => ({
  top: Math.min(a.top, b.top),
  left: Math.min(a.left, b.left),
  bottom: Math.max(a.bottom, b.bottom),
  right: Math.max(a.right, b.right),
});

/** The annotated boxes of a page with their context, those that overlap as one: no pixel is in two. */
export function piecesAround(
  boxes: readonly Rectangle[],
  page: Pick<TrainingPage, 'height' | 'width'>,
  contextPx: number,
): readonly Rectangle[] {
  const pieces: Rectangle[] = [];
  for (const box of boxes) {
    let piece: Rectangle = {
      top: Math.max(0, box.top - contextPx),
      left: Math.max(0, box.left - contextPx),
      bottom: Math.min(page.height, box.bottom + contextPx),
      right: Math.min(page.width, box.right + contextPx),
    };
    for (let at = pieces.findIndex((other) => overlap(piece, other)); at >= 0; ) {
      piece = around(piece, pieces.splice(at, 1)[0] as Rectangle);
      at = pieces.findIndex((other) => overlap(piece, other));
    }
    pieces.push(piece);
  }
  return pieces;
}

interface CutOptions {
  readonly allocate?: Allocate | undefined;
  readonly memo?: Memo | undefined;
}

function cutPage(
  page: TrainingPage,
  piece: Rectangle,
  channels: number,
  { allocate, memo = noMemo }: CutOptions,
): TrainingPage {
  const [height, width] = [piece.bottom - piece.top, piece.right - piece.left];
  if (height === page.height && width === page.width) return page;
  const box = { y: piece.top, x: piece.left, height, width };
  const cut = <A extends Uint8Array | Int32Array | Float32Array>(from: A, planes = 1): A =>
    inMemory(cutBox(from, planes, page, box), allocate);
  const where = `cut at ${piece.left}, ${piece.top} to ${piece.right}, ${piece.bottom}`;
  const kept = memo(page.label, where, () => {
    const label = cut(page.label);
    return { image: cut(page.image, channels), label, annotatedRows: annotatedRows({ label, height, width }) };
  });
  const { separation, objects, origin: [y, x] = [0, 0] } = page;
  const { numbers } = separation ?? {};
  return {
    name: page.name,
    height,
    width,
    ...kept,
    objects: objects && memo(objects, where, () => cut(objects)),
    origin: [y + piece.top, x + piece.left],
    separation: separation && {
      ...separation,
      numbers: numbers && memo(numbers, where, () => cut(numbers)),
      term: inMemory(new Float32Array(height * width), allocate),
      filled: inMemory(new Int32Array(1), allocate),
    },
  };
}

/**
 * The set with its pages cut to what is annotated: one page, or several pieces of it that do not overlap. Values stay
 * those of the whole page. A page that is annotated all over stays as it is.
 * @param contextPx how far from an annotated pixel a patch that shows it may look (`reachPx`)
 */
export function cutToAnnotation(set: TrainingSet, contextPx: number, options: CutOptions = {}): TrainingSet {
  const { memo = noMemo } = options;
  if (set.pages.every((page) => page.annotatedRows === undefined)) return set;
  const pages = set.pages.flatMap((page) =>
    page.annotatedRows === undefined
      ? [page]
      : memo(page.label, `pieces with ${contextPx} px around`, () =>
          piecesAround(annotatedBoxes(page), page, contextPx),
        ).map((piece) => cutPage(page, piece, set.channels, options)),
  );
  const rare = set.focus.rare.map(({ classIndex }) => ({ classIndex, places: focusPlaces(pages, classIndex, memo) }));
  return { ...set, pages, focus: { rare } };
}
