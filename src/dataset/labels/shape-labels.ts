/** Labels that are drawn shapes or masks of another program, as label images. */

import { NOT_ANNOTATED } from '../../annotate/label-values.ts';
import { counted } from '../../errors.ts';
import type { Files } from '../../files.ts';
import type { Image } from '../../image/image.ts';
import { naturalOrder } from '../discover/names.ts';
import { isCellpose, isShapeLabel } from '../discover/shape-files.ts';
import { isIgnored, isLabel, paintShapes } from '../shapes/paint.ts';
import { readShapes } from '../shapes/roi-files.ts';
import type { Shape } from '../shapes/shape.ts';
import { readCellpose } from './cellpose.ts';
import { type LabelKind, shapeKind } from './label-kind.ts';
import type { LabelClass } from './labels.ts';

/** The labels of all files of a data set that are not images. */
export interface ShapeLabels {
  /** What they state about the labels: undefined for masks alone. */
  readonly declared: {
    readonly kind?: LabelKind;
    readonly classes?: readonly LabelClass[];
    readonly ignore?: readonly number[];
  };
  /** Printed lines. */
  readonly notes: readonly string[];
  /** Whether a path is one of them. */
  has(path: string): boolean;
  /** The labels of an image. @throws DatasetError, FormatError as `paintShapes`, `readCellpose` */
  image(path: string, image: Image): Image;
}

/**
 * Reads the labels among `paths` that are shapes or Cellpose's masks. Their classes are those of all files together.
 * @param as whether shapes are objects or classes, if set by the user
 * @returns undefined if there are none
 * @throws FormatError, naming the file, if one is damaged or holds what is no area
 */
export async function readShapeLabels(
  files: Files,
  root: string,
  paths: readonly string[],
  as?: LabelKind,
): Promise<ShapeLabels | undefined> {
  const own = paths.filter(isShapeLabel);
  if (own.length === 0) return undefined;
  const shapes = new Map<string, readonly Shape[]>();
  const masks = new Map<string, Image>();
  for (const path of own) {
    const bytes = await files.read(root, path);
    if (isCellpose(path)) masks.set(path, readCellpose(bytes, path));
    else shapes.set(path, readShapes(bytes, path));
  }
  const all = [...shapes.values()].flat();
  const classNames = classNamesOf(all);
  const kind = shapeKind(classNames, as);
  return {
    declared: shapes.size === 0 ? { kind: 'objects' } : declaredBy(all, classNames, kind),
    notes: shapes.size === 0 ? [] : [describe(all, kind, shapes.size)],
    has: (path) => masks.has(path) || shapes.has(path),
    image: (path, image) =>
      masks.get(path) ?? paintShapes(shapes.get(path) as readonly Shape[], image, { kind, classNames, file: path }),
  };
}

/** Names of the classes in natural order. */
function classNamesOf(shapes: readonly Shape[]): readonly string[] {
  const names = shapes.filter(isLabel).flatMap(({ className }) => className ?? []);
  return [...new Set(names)].sort(naturalOrder);
}

function declaredBy(
  shapes: readonly Shape[],
  names: readonly string[],
  kind: LabelKind,
): NonNullable<ShapeLabels['declared']> {
  const background = { name: 'background', values: [0] };
  const hasOthers = shapes.some((shape) => isLabel(shape) && shape.className === undefined);
  const [only, ...more] = names;
  const named: readonly LabelClass[] =
    kind === 'objects'
      ? only === undefined || more.length > 0 || hasOthers
        ? []
        : [{ name: only, values: 'rest' }]
      : [...names, ...(hasOthers ? ['foreground'] : [])].map((name, i) => ({ name, values: [i + 1] }));
  return {
    kind,
    classes: named.length === 0 ? undefined : [background, ...named],
    ignore: shapes.some((shape) => isIgnored(shape) || !isLabel(shape)) ? [NOT_ANNOTATED[kind]] : undefined,
  };
}

/** `shapes: 12 of Tumor (#c80000), 3 of Stroma in 2 files, as classes; what none covers is background`. */
function describe(shapes: readonly Shape[], kind: LabelKind, files: number): string {
  const counts = new Map<string, { count: number; colour?: number }>();
  for (const { className = '', colour } of shapes) {
    const { count = 0, colour: known = colour } = counts.get(className) ?? {};
    counts.set(className, { count: count + 1, ...(known === undefined ? {} : { colour: known }) });
  }
  const parts = [...counts].map(([name, { count, colour }]) => {
    const shown = colour === undefined ? '' : ` (#${colour.toString(16).padStart(6, '0')})`;
    return `${count}${name === '' ? ' without a class' : ` of ${name}${shown}`}`;
  });
  const where = counted(files, 'file');
  return `shapes: ${parts.join(', ') || 'none'} in ${where}, as ${kind}; what none covers is background`;
}
