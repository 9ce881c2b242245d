/** What the labels that are handed in with images mean, when the project does not say it yet. */

import { type ImageListing, readListed } from '../dataset/discover/sources.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import { findMapping, type LabelMapping, type LabelPage, labelPages } from '../dataset/labels/labels.ts';
import { readShapeLabels, type ShapeLabels } from '../dataset/labels/shape-labels.ts';
import { labelOptions } from '../dataset/raw.ts';
import { DatasetError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { classColour } from '../image/display.ts';
import type { Image } from '../image/image.ts';
import type { Project } from '../project/project.ts';
import { classLabels, mappingOf } from './label-files.ts';
import { freeName, IGNORED_IN_FILES, isKindAsMade, takenNames } from './project-folder.ts';

/** An image among given files, and its labels. */
export interface LabelledSource {
  readonly key: string;
  readonly label: string;
  /** Reads the image if it is none of the files: the project has it. */
  readonly image?: (() => Promise<Image>) | undefined;
}

/** How labels that are handed in become those of a project. */
export interface LabelRules {
  readonly project: Project;
  readonly mapping: LabelMapping;
  /** What is painted for each class of the mapping. */
  readonly labels: readonly number[];
}

/** Reads the label files among given files. */
export interface LabelReader {
  /** @throws as `readListed` */
  read(label: string, image: Image): Promise<Image>;
  readonly shapes: ShapeLabels | undefined;
}

/** @throws DatasetError for shapes of other programs that cannot be read */
export async function openLabels(
  files: WritableFiles,
  listing: ImageListing,
  sources: readonly LabelledSource[],
): Promise<LabelReader> {
  const labels = sources.map(({ label }) => label);
  const shapes = labels.length === 0 ? undefined : await readShapeLabels(files, listing.root, labels);
  return {
    shapes,
    read: async (label, image) =>
      shapes?.has(label) === true
        ? shapes.image(label, image)
        : readListed(files, listing, label, { palette: 'index' }),
  };
}

/** The rules of a project that has labels already. */
export const ownRules = (project: Project): LabelRules => ({
  project,
  mapping: mappingOf(project),
  labels: project.task === 'objects' ? [] : classLabels(project).map(({ label }) => label),
});

/**
 * What the values of labels mean, as training on the same folder would find it, and all of them.
 * @throws DatasetError as `findMapping`
 */
export async function inferMapping(
  files: WritableFiles,
  listing: ImageListing,
  sources: readonly LabelledSource[],
  reader: LabelReader,
): Promise<{ readonly mapping: LabelMapping; readonly values: ReadonlySet<number> }> {
  const kinds = new Set<Image['labelKind']>();
  const pages: LabelPage[] = [];
  for (const { key, label, image: own } of sources) {
    const image = await (own?.() ?? readListed(files, listing, key));
    const read = await reader.read(label, image);
    kinds.add(read.labelKind);
    pages.push(...labelPages(alignLabels(read, image)));
  }
  const kind = kinds.size === 1 ? [...kinds][0] : undefined;
  const stated = listing.json ?? reader.shapes?.declared;
  const declared = { classes: stated?.classes, ignore: stated?.ignore, kind };
  const values = new Set<number>();
  for (const page of pages) for (const value of page.values) values.add(value);
  return { mapping: findMapping(pages, labelOptions({ declared })), values };
}

/** Up to so many values, from 0 on, are taken for classes where no name says that a file is of labels. */
const UNNAMED_CLASSES = 16;

/** Whether a file holds numbers of classes or objects by what is in it: few values, each in patches, unlike a picture. */
export function isLabelMap(image: Image): boolean {
  try {
    const pages = labelPages(image);
    const { kind, classes } = findMapping(pages);
    if (kind !== 'integer') return true;
    const isCounted = classes.every(({ values }, i) => Array.isArray(values) && values[0] === i);
    const isPatchy = pages.every(({ values }) => {
      let edges = 0;
      for (let p = 1; p < values.length; p++) if (values[p] !== values[p - 1]) edges++;
      return edges < values.length / 4;
    });
    return isCounted && isPatchy && classes.length <= UNNAMED_CLASSES;
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    return false;
  }
}

/**
 * The rules for labels that are handed in. The first ones say what a project is of, unless that was chosen; then, what
 * they mean is turned into what was chosen, where that is possible.
 * @param isFresh nothing is annotated yet
 * @returns also the project, with the classes of the labels
 * @throws as `inferMapping`
 */
export async function rulesFor(
  project: Project,
  isFresh: boolean,
  files: WritableFiles,
  listing: ImageListing,
  sources: readonly LabelledSource[],
  reader: LabelReader,
): Promise<LabelRules> {
  if (!isFresh && project.task === 'classes') return ownRules(project);
  const { mapping } = await inferMapping(files, listing, sources, reader);
  if (!isFresh) return isMask(mapping) ? { project, mapping, labels: [] } : ownRules(project);
  return isKindAsMade(project) ? rulesOf(project, mapping) : chosenRules(project, mapping);
}

/** Whether the labels are white on black: numbers of objects would hardly begin at 255. */
const isMask = ({ kind, classes: [, white] }: LabelMapping): boolean =>
  kind === 'binary' && Array.isArray(white?.values) && white.values.includes(255);

/** The rules for labels of a project whose kind or classes were chosen, which stay. */
function chosenRules(project: Project, mapping: LabelMapping): LabelRules {
  if (project.task === 'objects') return { project, mapping, labels: [] };
  const classes = [...(project.classes ?? [])];
  for (const { name } of mapping.classes.slice(classes.length)) {
    const value = 1 + classes.reduce((most, own) => (own.value === 'rest' ? most : Math.max(most, own.value)), -1);
    classes.push({ name: freeName(name, takenNames(classes.map((own) => own.name))), value, ...classColours(value) });
  }
  const own = { ...project, classes };
  return { project: own, mapping, labels: classLabels(own).map(({ label }) => label) };
}

/** The rules that follow from the labels themselves, and the project with their classes. */
function rulesOf(project: Project, mapping: LabelMapping): LabelRules {
  if (mapping.kind === 'instances') {
    const [background, object] = mapping.classes;
    return {
      project: {
        ...project,
        task: 'objects',
        notAnnotated: IGNORED_IN_FILES.objects,
        classes: [
          { name: background?.name ?? 'background', value: 0 },
          { name: object?.name ?? 'object', value: 'rest', ...classColours(1) },
        ],
      },
      mapping,
      labels: [],
    };
  }
  return {
    project: {
      ...project,
      task: 'classes',
      notAnnotated: IGNORED_IN_FILES.classes,
      classes: mapping.classes.map(({ name }, value) => ({ name, value, ...classColours(value) })),
    },
    mapping,
    labels: mapping.classes.map((_, i) => i),
  };
}

/** The colour of a class by its index; none for the first, the background. */
export function classColours(index: number): { readonly colour?: string } {
  if (index === 0) return {};
  const digits = classColour(index).map((level) => level.toString(16).padStart(2, '0').toUpperCase());
  return { colour: `#${digits.join('')}` };
}
