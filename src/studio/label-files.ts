/** Label files of a project as layers that are painted on, and back. */

import { ndarray } from '../array/ndarray.ts';
import { declaredByProject } from '../dataset/discover/project-files.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import { applyMapping, IGNORE, type LabelPage, labelPages, requireLabels } from '../dataset/labels/labels.ts';
import { DatasetError } from '../errors.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap, inverseMap, reorient } from '../image/orient.ts';
import type { Project } from '../project/project.ts';

/** Object number of a pixel that is not annotated, in a layer; class number 255 among classes. */
export const NO_OBJECT = 0x7fffffff;
export const NO_CLASS = IGNORE;

/** The labels of one page [height, width]: class numbers, 255 where nothing is annotated, or objects and `NO_OBJECT`. */
export type LabelLayerData = Uint8Array | Uint32Array;

type LabelRules = Pick<Project, 'task' | 'classes' | 'notAnnotated'>;

/** The value that means "not annotated" in a layer. */
export const blankOf = (task: Project['task']): number => (task === 'classes' ? NO_CLASS : NO_OBJECT);

/**
 * The layers of a label image, the way up in which its image is looked at.
 * @param image as stored
 * @throws DatasetError if sizes or numbers of pages differ, or a value is none of the project's
 */
export function layersOf(label: Image, image: Image, rules: LabelRules): readonly LabelLayerData[] {
  const map = displayMap(image);
  const aligned = alignLabels(label, image);
  const pages = labelPages(map === undefined ? aligned : reorient(aligned, map));
  const [ours, theirs] = [sizes(image), sizes(aligned)];
  const count = ours.times * ours.slices;
  if (ours.width !== theirs.width || ours.height !== theirs.height || count !== pages.length) {
    throw new DatasetError(
      `the labels are ${theirs.width} x ${theirs.height} with ${pages.length} pages, their image is ${ours.width} x ${ours.height} with ${count}.`,
      { file: label.source, remedy: 'Use labels that were made on this image.' },
    );
  }
  requireLabels(pages, [rules.notAnnotated]);
  return pages.map((page) => (rules.task === 'classes' ? classesOf(page, rules) : objectsOf(page, rules)));
}

function classesOf(page: LabelPage, rules: LabelRules): Uint8Array {
  const { classes = [], ignore = [] } = declaredByProject(rules as Project);
  return applyMapping(page, { kind: 'integer', classes: classes.filter((item) => typeof item !== 'string'), ignore });
}

function objectsOf({ values, source }: LabelPage, { notAnnotated }: LabelRules): Uint32Array {
  return Uint32Array.from(values, (value) => {
    if (value === notAnnotated) return NO_OBJECT;
    if (value < NO_OBJECT) return value;
    throw new DatasetError(`the object number ${value} is too large.`, {
      file: source,
      remedy: `Number objects from 1 to ${NO_OBJECT - 1}.`,
    });
  });
}

/** The value of each class in label files; one that stands for all other values gets the smallest that is free. */
function classValues({ classes = [], notAnnotated }: LabelRules): readonly number[] {
  const taken = new Set([notAnnotated, ...classes.map(({ value }) => value)]);
  return classes.map(({ value }) => {
    if (value !== 'rest') return value;
    let free = 1;
    while (taken.has(free)) free++;
    taken.add(free);
    return free;
  });
}

/**
 * A label file for an image: TIFF with a page per slice, on the voxels of the image as it is stored.
 * @param layers as `layersOf` gives them
 */
export function labelFileOf(layers: readonly LabelLayerData[], image: Image, rules: LabelRules): Uint8Array {
  const map = displayMap(image);
  const upright = map === undefined ? image : reorient(image, map);
  const { times, slices, height, width } = sizes(upright);
  const pixels = height * width;
  const { task, notAnnotated } = rules;
  const values = task === 'classes' ? [...classValues(rules)] : [];
  const stored = new Uint32Array(times * slices * pixels);
  let most = 0;
  for (const [i, layer] of layers.entries()) {
    for (let p = 0; p < pixels; p++) {
      const label = layer[p] as number;
      const value = label === blankOf(task) ? notAnnotated : task === 'classes' ? (values[label] as number) : label;
      if (value > most) most = value;
      stored[i * pixels + p] = value;
    }
  }
  const axes = `${times > 1 ? 't' : ''}${slices > 1 ? 'z' : ''}yx`;
  const lengths: Readonly<Record<string, number>> = { t: times, z: slices, y: height, x: width };
  const shape = [...axes].map((axis) => lengths[axis] as number);
  const array =
    most < 256
      ? ndarray('uint8', shape, Uint8Array.from(stored))
      : most < 65_536
        ? ndarray('uint16', shape, Uint16Array.from(stored))
        : ndarray('uint32', shape, stored);
  const made: Image = { ...array, axes, spacing: upright.spacing, labelKind: task };
  return writeTiff(map === undefined ? made : reorient(made, inverseMap(map)));
}
