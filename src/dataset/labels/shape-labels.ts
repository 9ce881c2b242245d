/** Labels that are drawn shapes or masks of another program, as label images. */

import { NOT_ANNOTATED } from '../../annotate/label-values.ts';
import { counted, DatasetError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import type { Image } from '../../image/image.ts';
import { PROJECT_FILE, type Project, type ProjectClass } from '../../project/project.ts';
import { naturalOrder } from '../discover/names.ts';
import { shownLabel } from '../discover/pairing.ts';
import { isCellpose, isNamedMap, isShapeLabel } from '../discover/shape-files.ts';
import { fileOfLabels } from '../discover/stated-labels.ts';
import { isIgnored, isLabel, paintShapes } from '../shapes/paint.ts';
import { readShapes } from '../shapes/roi-files.ts';
import type { DrawnShapes } from '../shapes/shape.ts';
import { readCellpose } from './cellpose.ts';
import { type LabelKind, shapeKind } from './label-kind.ts';
import type { LabelClass } from './labels.ts';
import type { NamedMap } from './named-map.ts';
import { statedShapes } from './stated-shapes.ts';

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
 * @param options as: whether shapes are objects or classes, if set by the user; project: says it, and names classes with
 * their values
 * @returns undefined if there are none
 * @throws FormatError, naming the file, if one is damaged or holds what is no area; DatasetError for a class that the
 * project does not name
 */
export async function readShapeLabels(
  files: Files,
  root: string,
  paths: readonly string[],
  { as, project }: { readonly as?: LabelKind; readonly project?: Pick<Project, 'task' | 'classes'> } = {},
): Promise<ShapeLabels | undefined> {
  const own = paths.filter(isShapeLabel);
  if (own.length === 0) return undefined;
  const shapes = new Map<string, DrawnShapes>();
  const masks = new Map<string, Image>();
  const maps = new Map<string, NamedMap>();
  const stated = statedShapes(files, root);
  for (const path of own) {
    const drawn = await stated(path);
    if (drawn !== undefined) shapes.set(path, drawn);
    else if (isNamedMap(path)) maps.set(path, await namedMap(files, root, path));
    else if (isCellpose(path)) masks.set(path, readCellpose(await files.read(root, path), path));
    else shapes.set(path, { shapes: await readShapes(await files.read(root, path), path) });
  }
  const all = [...shapes.values()].flatMap((drawn) => drawn.shapes);
  const named = [...maps.values()].flatMap(({ names }) => names);
  const found = classNamesOf([...all.filter(isLabel).flatMap(({ className }) => className ?? []), ...named], root);
  const areApart = (all.length === 0 && maps.size === 0) || all.some(({ isGroup }) => isGroup !== true);
  const kind = shapeKind(found, as ?? project?.task ?? (areApart ? undefined : 'classes'));
  const isByValue = kind === 'classes' && project?.classes !== undefined;
  const classNames = isByValue ? namesByValue(found, project.classes, root) : found;
  return {
    declared:
      shapes.size + maps.size === 0
        ? { kind: 'objects' }
        : declaredBy([...shapes.values()], classNames, kind, maps.size),
    notes: [
      ...describeMaps(maps),
      ...(shapes.size === 0
        ? []
        : [describe([...shapes.values()], kind, filesOf(shapes.keys())), ...emptyNotes(shapes)]),
    ],
    has: (path) => masks.has(path) || maps.has(path) || shapes.has(path),
    image: (path, image) => {
      const { shapes: drawn, drawnOn, unpainted, notes = [] } = shapes.get(path) ?? { shapes: [] };
      const mask = masks.get(path);
      if (mask !== undefined) return mask;
      const map = maps.get(path);
      if (map !== undefined)
        return { ...(kind === 'objects' ? map.image : mapOfClasses(map, classNames)), labelKind: kind };
      const painted = paintShapes(drawn, image, { kind, classNames, file: shownLabel(path), drawnOn, unpainted });
      return { ...painted, notes: [...notes, ...(painted.notes ?? [])] };
    },
  };
}

/** Loaded when needed. */
async function namedMap(files: Files, root: string, path: string): Promise<NamedMap> {
  const { readNamedMap } = await import('./named-map.ts');
  return readNamedMap(await files.read(root, path), path);
}

const describeMaps = (maps: ReadonlyMap<string, NamedMap>): readonly string[] =>
  maps.size === 0
    ? []
    : [
        `segments: ${[...new Set([...maps.values()].flatMap(({ names }) => names))].join(', ')} in ${counted(maps.size, 'file')}`,
      ];

/** One file may have the labels of many images. */
const filesOf = (paths: Iterable<string>): number => new Set([...paths].map(fileOfLabels)).size;

function emptyNotes(shapes: ReadonlyMap<string, DrawnShapes>): readonly string[] {
  const empty = [...shapes].filter(([, drawn]) => drawn.shapes.length === 0).map(([path]) => path);
  return empty.length === 0 ? [] : [`${counted(empty.length, 'image')} without any shape, such as of ${empty[0]}`];
}

/**
 * Names of the classes in natural order.
 * @throws DatasetError for two that differ in case alone: one class would become two
 */
function classNamesOf(all: readonly string[], file: string): readonly string[] {
  const names = [...new Set(all)].sort(naturalOrder);
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new DatasetError(`the class names "${other}" and "${name}" differ only in upper and lower case.`, {
        file,
        remedy: 'Give one class one name, in all files.',
      });
    }
    seen.set(name.toLowerCase(), name);
  }
  return names;
}

/**
 * Names in the order of the values that a project gives them, from 1 on; '' for a value without a name.
 * @throws DatasetError for a name that the project has not, or not with a value of 1 to 254
 */
function namesByValue(found: readonly string[], classes: readonly ProjectClass[], file: string): readonly string[] {
  const names: string[] = [];
  for (const { name, value } of classes) if (value !== 'rest' && value >= 1 && value <= 254) names[value - 1] = name;
  const rest = classes.find(({ value }) => value === 'rest');
  const free = Array.from({ length: names.length + 1 }, (_, i) => i).find((i) => names[i] === undefined) as number;
  if (rest !== undefined) names[free] = rest.name;
  const unknown = found.find((name) => !names.includes(name));
  if (unknown === undefined) return Array.from(names, (name) => name ?? '');
  throw new DatasetError(
    `the labels have the class "${unknown}", of which ${PROJECT_FILE} names no value of 1 to 254.`,
    {
      file,
      remedy: 'Add it to "classes" there, spelt as in the labels.',
    },
  );
}

function declaredBy(
  drawn: readonly DrawnShapes[],
  names: readonly string[],
  kind: LabelKind,
  mapCount: number,
): NonNullable<ShapeLabels['declared']> {
  const shapes = drawn.flatMap((one) => one.shapes);
  const isSparse = drawn.some(({ unpainted }) => unpainted === 'not annotated');
  const hasBackground =
    kind === 'objects' || mapCount > 0 || !drawn.every(({ unpainted }) => unpainted === 'not annotated');
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
    classes: named.length === 0 ? undefined : [...(hasBackground ? [background] : []), ...named],
    ignore:
      isSparse || shapes.some((shape) => isIgnored(shape, kind) || !isLabel(shape)) ? [NOT_ANNOTATED[kind]] : undefined,
  };
}

/** `shapes: 12 of Tumor (#c80000), 3 of Stroma in 2 files, as classes; what none covers is background`. */
function describe(drawn: readonly DrawnShapes[], kind: LabelKind, files: number): string {
  const shapes = drawn.flatMap((one) => one.shapes);
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
  const isSparse = drawn.every(({ unpainted }) => unpainted === 'not annotated');
  return `shapes: ${parts.join(', ') || 'none'} in ${where}, as ${kind}; what none covers is ${isSparse ? 'not annotated' : 'background'}`;
}

/** The map with the values of classes: the number of a name among `classNames`, from 1. */
function mapOfClasses({ image, names }: NamedMap, classNames: readonly string[]): Image<'uint8'> {
  const values = names.map((name) => classNames.indexOf(name) + 1);
  return { ...image, data: image.data.map((number) => (number === 0 ? 0 : (values[number - 1] as number))) };
}
