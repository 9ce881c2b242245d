/** Label files of a project as layers that are painted on, and back. */

import { LabelLayer, type LayerSize } from '../annotate/label-layer.ts';
import { NOT_ANNOTATED } from '../annotate/label-values.ts';
import { setPage } from '../annotate/pages.ts';
import { ndarray } from '../array/ndarray.ts';
import { declaredByProject } from '../dataset/discover/project-files.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import {
  applyMapping,
  IGNORE,
  type LabelMapping,
  type LabelPage,
  labelPages,
  requireLabels,
  stackLabels,
} from '../dataset/labels/labels.ts';
import { counted, DatasetError } from '../errors.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap, inverseMap, reorient } from '../image/orient.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { slicesOf } from '../objects/grid.ts';
import type { Project, ProjectClass } from '../project/project.ts';

type LabelRules = Pick<Project, 'task' | 'classes' | 'notAnnotated'>;

/** A class of a project: the number that is painted, and its value in label files. */
export interface ClassLabel extends ProjectClass {
  /** The value in files if that fits into a layer, 0 to 254; otherwise a number that no other class has. */
  readonly label: number;
}

const isLabel = (value: number | 'rest'): value is number => value !== 'rest' && value < NOT_ANNOTATED.classes;

/** @throws DatasetError for more classes than a layer can tell apart */
export function classLabels({ classes = [] }: Pick<Project, 'classes'>): readonly ClassLabel[] {
  const taken = new Set(classes.flatMap(({ value }) => (isLabel(value) ? [value] : [])));
  return classes.map((item) => ({
    ...item,
    label: isLabel(item.value) ? item.value : free(taken, NOT_ANNOTATED.classes),
  }));
}

/** The smallest number that is not taken; it then is. */
function free(taken: Set<number>, end: number): number {
  let number = 0;
  while (taken.has(number)) number++;
  if (number >= end) throw new DatasetError(`a project can have ${end} classes.`, { remedy: 'Merge or remove some.' });
  taken.add(number);
  return number;
}

/** The classes of a project as a page paints them: their values are those of its layers. */
export function paintedClasses(project: LabelRules): readonly ProjectClass[] | undefined {
  if (project.task === 'objects' || project.classes === undefined) return project.classes;
  return classLabels(project).map(({ label, ...item }) => ({ ...item, value: label }));
}

/** The classes of label files for those that a page paints with: known ones keep their value. */
export function storedClasses(project: LabelRules, painted: readonly ProjectClass[]): readonly ProjectClass[] {
  if (project.task === 'objects') return painted;
  const known = new Map(classLabels(project).map(({ label, value }) => [label, value]));
  const taken = new Set([project.notAnnotated, ...known.values()].filter((value) => value !== 'rest'));
  return painted.map((item) => {
    const { value: label } = item;
    if (label === 'rest') return item;
    const value = known.get(label);
    if (value !== undefined) return { ...item, value };
    if (taken.has(label)) return { ...item, value: free(taken, Number.POSITIVE_INFINITY) };
    taken.add(label);
    return item;
  });
}

/** The classes of a project that are none of those that a page paints with. */
export function missingClasses(project: LabelRules, painted: readonly ProjectClass[]): readonly ClassLabel[] {
  const values = new Set(painted.map(({ value }) => value));
  if (values.has('rest')) return [];
  const isMissing = ({ value, label }: ClassLabel) =>
    project.task === 'objects' ? value === 'rest' : !values.has(label);
  return classLabels(project).filter(isMissing);
}

/** How the values of the project's own label files are read. */
export function mappingOf(project: LabelRules): LabelMapping {
  const { classes = [], ignore = [] } = declaredByProject(project as Project);
  return {
    kind: project.task === 'objects' ? 'instances' : 'integer',
    classes: classes.filter((item) => typeof item !== 'string'),
    ignore,
  };
}

/**
 * The layer of a label image, the way up in which its image is looked at.
 * @param image as stored
 * @param labels the label of each class of the mapping, by default its index
 * @throws DatasetError if sizes or numbers of pages differ, or a value is none of the mapping
 */
export function layerOf(
  label: Image,
  image: Image,
  task: Project['task'],
  mapping: LabelMapping,
  labels: readonly number[] = mapping.classes.map((_, i) => i),
): LabelLayer {
  const map = displayMap(image);
  const aligned = alignLabels(label, image);
  const pages = labelPages(map === undefined ? aligned : reorient(aligned, map));
  const layer = new LabelLayer(task, uprightSize(image));
  const [first] = pages;
  if (first?.width !== layer.width || first.height !== layer.height || pages.length !== layer.slices) {
    throw new DatasetError(
      `the labels are ${first?.width} x ${first?.height} with ${counted(pages.length, 'page')}, their image is ${layer.width} x ${layer.height} with ${layer.slices}.`,
      {
        file: label.source,
        remedy: 'Use labels that were made on this image.',
        facts: { code: 'labels-of-other-size' },
      },
    );
  }
  requireLabels(pages, mapping.ignore);
  const numbers = task === 'objects' && mapping.kind !== 'instances' ? componentsOf(pages, image, mapping) : undefined;
  for (const [slice, page] of pages.entries()) {
    const { height, width } = page;
    if (task === 'objects') {
      const objects = numbers?.[slice] ?? objectsOf(page, mapping);
      setPage(layer, ndarray('uint32', [height, width], objects), slice, layer.notAnnotated);
    } else {
      const classes = applyMapping(page, mapping);
      // 255 is ignored in both.
      const painted = classes.map((index) => labels[index] ?? NOT_ANNOTATED.classes);
      setPage(layer, ndarray('uint8', [height, width], painted), slice, NOT_ANNOTATED.classes);
    }
  }
  layer.acceptChanges();
  return layer;
}

/** The size of an image as it is looked at, with time points one after another. */
export function uprightSize(image: Image): Required<LayerSize> {
  const { width, height, times, slices } = sizes(image);
  const turned = displayMap(image)?.[0].from === 1;
  return { width: turned ? height : width, height: turned ? width : height, slices: times * slices };
}

function objectsOf({ values, source }: LabelPage, { ignore }: LabelMapping): Uint32Array {
  return Uint32Array.from(values, (value) => {
    if (ignore.includes(value)) return NOT_ANNOTATED.objects;
    if (value >= 0 && value < NOT_ANNOTATED.objects) return value;
    throw new DatasetError(`the object number ${value} is too large.`, {
      file: source,
      remedy: `Number objects from 1 to ${NOT_ANNOTATED.objects - 1}.`,
    });
  });
}

/**
 * The objects of a mask on each page: what hangs together, in a stack also through slices.
 * @throws DatasetError for more than two classes
 */
function componentsOf(pages: readonly LabelPage[], image: Image, mapping: LabelMapping): readonly Uint32Array[] {
  if (mapping.classes.length > 2) {
    throw new DatasetError(
      `these labels tell ${mapping.classes.length} classes apart, and the project is one of objects.`,
      {
        file: pages[0]?.source,
        remedy: 'Choose areas before they are added, or use labels that number the objects.',
      },
    );
  }
  const { slices } = sizes(image);
  let count = 0;
  return Array.from({ length: pages.length / slices }, (_, time) => {
    const own = pages.slice(time * slices, (time + 1) * slices);
    const classes = own.map((page) => applyMapping(page, mapping));
    const masks = own.map((page, z) => ({
      ...page,
      values: Int32Array.from(classes[z] as Uint8Array, (index) => Number(index === 1)),
    }));
    const found = connectedComponents(stackLabels(masks));
    const before = count;
    count += found.count;
    return slicesOf(found.labels).map(({ data }, z) =>
      Uint32Array.from(data, (number, p) => {
        if (classes[z]?.[p] === IGNORE) return NOT_ANNOTATED.objects;
        return number === 0 ? 0 : number + before;
      }),
    );
  }).flat();
}

/** The value of each label in files; a class that stands for all other values gets the smallest that is free. */
function valuesOf(rules: LabelRules): ReadonlyMap<number, number> {
  const classes = classLabels(rules);
  const taken = new Set([0, rules.notAnnotated, ...classes.flatMap(({ value }) => (value === 'rest' ? [] : [value]))]);
  return new Map(
    classes.map(({ label, value }) => [label, value === 'rest' ? free(taken, Number.POSITIVE_INFINITY) : value]),
  );
}

/**
 * A label file for an image: TIFF with a page per slice, on the voxels of the image as it is stored.
 * @param layer the way up in which the image is looked at
 */
export function labelFileOf(layer: LabelLayer, image: Image, rules: LabelRules): Uint8Array {
  const { width, height } = layer;
  const { times, slices } = sizes(image);
  const values = rules.task === 'classes' ? valuesOf(rules) : undefined;
  const stored = new Uint32Array(times * slices * height * width);
  for (let slice = 0; slice < layer.slices; slice++) {
    const labels = layer.read([0, 0, width, height], slice);
    const at = slice * height * width;
    for (let p = 0; p < labels.length; p++) {
      const label = labels[p] as number;
      // Of a class that was removed nothing is annotated.
      const value = values === undefined ? label : values.get(label);
      stored[at + p] = label === layer.notAnnotated || value === undefined ? rules.notAnnotated : value;
    }
  }
  const axes = `${times > 1 ? 't' : ''}${slices > 1 ? 'z' : ''}yx`;
  const lengths: Readonly<Record<string, number>> = { t: times, z: slices, y: height, x: width };
  const shape = [...axes].map((axis) => lengths[axis] as number);
  const made: Image = { ...smallest(stored, rules, shape), axes, spacing: {}, labelKind: rules.task };
  const map = displayMap(image);
  const turned = map === undefined ? made : reorient(made, inverseMap(map));
  return writeTiff({ ...turned, spacing: image.spacing });
}

/** All label files of a project alike, whatever one of them holds: 8 bits where all its values fit, then 16 and 32. */
function smallest(data: Uint32Array, { task, classes = [], notAnnotated }: LabelRules, shape: readonly number[]) {
  const own = task === 'objects' ? 256 : Math.max(0, ...classes.map(({ value }) => (value === 'rest' ? 0 : value)));
  const most = Math.max(notAnnotated, own);
  if (most < 256) return ndarray('uint8', shape, Uint8Array.from(data));
  return most < 65_536 ? ndarray('uint16', shape, Uint16Array.from(data)) : ndarray('uint32', shape, data);
}

/** The value of "not annotated" that a project of objects needs for this layer: the larger one from 65,535 objects on. */
export const notAnnotatedFor = (layer: LabelLayer, project: LabelRules): number =>
  layer.kind === 'objects' && layer.largestLabel >= project.notAnnotated ? NOT_ANNOTATED.objects : project.notAnnotated;
