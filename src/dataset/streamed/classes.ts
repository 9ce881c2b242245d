/** The classes of a slice, read part by part: with the rims of numbered objects and the gaps between them, as of the whole. */

import { cutBox } from '../../array/cut-box.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { RIM_NEIGHBOURS } from '../../objects/rims.ts';
import { applyMapping, hasRim, IGNORE, type LabelMapping, type LabelPage } from '../labels/labels.ts';
import { numbersOf, partTouching } from '../labels/numbered.ts';
import { partsOf, type StreamedPage } from './page.ts';
import type { ReadClasses } from './scan.ts';

/** How far from a pixel what lies there decides its class: of rims, and of gaps between touching objects. */
const RIM_PX = 2;
const GAP_PX = 1;

/** A box with so many pixels more on each side, as far as the page goes. */
export function widened(
  { y, x, height, width }: Rectangle,
  px: number,
  page: Pick<Rectangle, 'height' | 'width'>,
): Rectangle {
  const [top, left] = [Math.max(0, y - px), Math.max(0, x - px)];
  return {
    y: top,
    x: left,
    height: Math.min(page.height, y + height + px) - top,
    width: Math.min(page.width, x + width + px) - left,
  };
}

/** The part of what was read of a wider box. */
export function narrowed<A extends Uint8Array | Float32Array>(
  values: A,
  wide: Rectangle,
  { y, x, ...size }: Rectangle,
): A {
  return cutBox(values, 1, wide, { ...size, y: y - wide.y, x: x - wide.x });
}

/**
 * Reads classes as `applyMapping` of the whole slice gives them.
 * @param options isPartial: whether pixels are not annotated; parts: whether touching objects are parted, as where
 * borders between them weigh more
 */
export async function classReader(
  page: StreamedPage,
  mapping: LabelMapping,
  { isPartial, parts }: { readonly isPartial: boolean; readonly parts: boolean },
): Promise<ReadClasses> {
  if (hasRim(mapping)) {
    const unsure = isPartial ? await objectsWithoutKnownPixel(page, mapping) : undefined;
    return widely(page, RIM_PX, (label) =>
      unsure === undefined ? applyMapping(label, mapping) : rimsBesideUnknown(label, mapping, unsure),
    );
  }
  if (!parts) return async (box) => applyMapping(await page.readLabel(box), mapping);
  return widely(page, GAP_PX, (label) => {
    const classes = applyMapping(label, mapping);
    partTouching(classes, numbersOf(label, classes), [label.height, label.width]);
    return classes;
  });
}

const widely =
  (page: StreamedPage, px: number, classesOf: (label: LabelPage) => Uint8Array): ReadClasses =>
  async (box) => {
    const wide = widened(box, px, page);
    return narrowed(classesOf(await page.readLabel(wide)), wide, box);
  };

/** Classes by value, none of them the rim. */
export const classesByValue = (label: LabelPage, mapping: LabelMapping): Uint8Array =>
  applyMapping(label, {
    ...mapping,
    classes: mapping.classes.map((item) => (item.values === 'rim' ? { ...item, values: [] } : item)),
  });

/** What lies around the pixels of numbered objects next to unknown ones (`markRims`). */
interface RimsOfPart {
  readonly plain: Uint8Array;
  /** With rims, of which those at the edge of the part may be missing. */
  readonly classes: Uint8Array;
  readonly inside: number;
  /** Whether a pixel of an object that is no rim is so near to unknown ones that it may be one. */
  mayBeRim(p: number): boolean;
}

function rimsOfPart(label: LabelPage, mapping: LabelMapping): RimsOfPart {
  const { height, width } = label;
  const [plain, classes] = [classesByValue(label, mapping), applyMapping(label, mapping)];
  const inside = mapping.classes.findIndex(({ values }) => values === 'rest');
  const rim = mapping.classes.findIndex(({ values }) => values === 'rim');
  return {
    ...{ plain, classes, inside },
    mayBeRim: (p) =>
      classes[p] !== rim &&
      RIM_NEIGHBOURS.some(([dy, dx]) => {
        const [y, x] = [Math.floor(p / width) + dy, (p % width) + dx];
        return y >= 0 && y < height && x >= 0 && x < width && plain[y * width + x] === IGNORE;
      }),
  };
}

/** `applyMapping` of a part, given the objects that have no pixel away from unknown ones, and so stay inside. */
function rimsBesideUnknown(label: LabelPage, mapping: LabelMapping, unsure: ReadonlySet<number>): Uint8Array {
  const { plain, classes, inside, mayBeRim } = rimsOfPart(label, mapping);
  for (let p = 0; p < classes.length; p++) {
    if (plain[p] !== inside || !mayBeRim(p)) continue;
    classes[p] = unsure.has(label.values[p]) ? inside : IGNORE;
  }
  return classes;
}

/** The values of objects of which every pixel may be a rim, since it lies next to unknown ones. */
async function objectsWithoutKnownPixel(page: StreamedPage, mapping: LabelMapping): Promise<ReadonlySet<number>> {
  const [unsure, sure] = [new Set<number>(), new Set<number>()];
  for (const box of partsOf(page)) {
    const wide = widened(box, RIM_PX, page);
    const label = await page.readLabel(wide);
    const { plain, inside, mayBeRim } = rimsOfPart(label, mapping);
    // Parts are as wide as the page.
    const first = (box.y - wide.y) * page.width;
    for (let p = first; p < first + box.height * page.width; p++) {
      if (plain[p] === inside) (mayBeRim(p) ? unsure : sure).add(label.values[p]);
    }
  }
  for (const value of sure) unsure.delete(value);
  return unsure;
}
