/**
 * A project: a folder of images and labels with a `lamella.json` that says what images and labels alone cannot. The
 * format is published in docs/project.schema.json.
 */

import type { AnnotationClass } from '../annotate/annotation-class.ts';
import { DatasetError } from '../errors.ts';
import { mismatch, PROJECT_SCHEMA } from './schema.ts';

export const PROJECT_FILE = 'lamella.json';

/** Newest version of the format that is read; the one that is written. */
export const PROJECT_VERSION = 1;

export interface ProjectRegion {
  readonly id: number;
  /** Either a box or a polygon. */
  readonly box?: readonly [x: number, y: number, width: number, height: number];
  readonly polygon?: readonly (readonly (readonly [x: number, y: number])[])[];
  readonly slice?: number | null;
  readonly complete: boolean;
  readonly origin?: 'painted' | 'proofread' | 'imported';
  readonly held?: boolean;
}

export interface ProjectImage {
  readonly id?: string;
  /** Path from the project's folder. */
  readonly file: string;
  readonly size?: number;
  readonly crc32?: string;
  readonly labels?: string;
  readonly keepLabels?: boolean;
  readonly use?: 'train' | 'predict' | 'all';
  readonly regions?: readonly ProjectRegion[];
}

export type ProjectClass = AnnotationClass;

/** The content of `lamella.json`: plain JSON. Further keys, in any of its objects, are kept. */
export interface Project {
  readonly version: typeof PROJECT_VERSION;
  readonly writtenBy?: string;
  readonly name?: string;
  readonly task: 'classes' | 'objects';
  readonly classes?: readonly ProjectClass[];
  readonly notAnnotated: number;
  readonly images: readonly ProjectImage[];
  readonly spacing?: { readonly x: number; readonly y: number; readonly z?: number; readonly unit: string };
  /** Settings of `train` by the library's names. */
  readonly settings?: { readonly [name: string]: unknown };
  readonly runs?: readonly {
    readonly folder: string;
    readonly from?: string | null;
    readonly labels?: number;
    /** The class of which the network finds least, if that is less than half of what was painted. */
    readonly doubt?: { readonly steps: number; readonly class: string; readonly found: number };
    /** Mean Dice on what was painted, if that of the quick model was better. */
    readonly behindQuick?: { readonly network: number; readonly quick: number };
    /** The class on which both agree least, and their Dice, if that is low. */
    readonly unlikeQuick?: { readonly class: string; readonly dice: number };
  }[];
  readonly revision?: number;
}

/** Whether an image is for training, or for prediction. */
export const isUsedFor = ({ use = 'all' }: ProjectImage, purpose: 'train' | 'predict'): boolean =>
  use === 'all' || use === purpose;

/**
 * Reads `lamella.json`.
 * @param file its path, for messages
 * @throws DatasetError for what is no JSON, a newer version, and a value that does not follow the schema or contradicts
 * another one; naming the value
 */
export function parseProject(text: string, file: string): Project {
  const refuse = (problem: string, remedy: string, cause?: unknown): DatasetError =>
    new DatasetError(problem, { file, remedy, cause });
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw refuse('this is not JSON, or it is truncated.', 'Correct the file, or restore a copy.', cause);
  }
  const { version } = (json ?? {}) as { readonly version?: unknown };
  if (typeof version === 'number' && version > PROJECT_VERSION) {
    throw refuse(
      `the project has version ${version}; this version of Lamella reads up to ${PROJECT_VERSION}.`,
      'Update Lamella.',
    );
  }
  const found = mismatch(json, PROJECT_SCHEMA);
  if (found !== undefined) {
    const shown = found.found === undefined ? 'missing' : JSON.stringify(found.found).slice(0, 80);
    const what = found.path === '' ? 'the content' : `"${found.path}"`;
    throw refuse(`${what} is ${shown}; expected ${found.expected}.`, 'Correct it; docs/project.schema.json lists all.');
  }
  const project = json as Project;
  const contradiction = contradictionIn(project);
  if (contradiction !== undefined) throw refuse(`${contradiction}.`, 'Correct one of them.');
  return project;
}

/** The text of `lamella.json`: what `parseProject` returned, changed or not, with its further keys. */
export const writeProject = (project: Project): string => `${JSON.stringify(project, null, 2)}\n`;

function duplicate<T>(items: readonly T[], key: (item: T) => unknown): T | undefined {
  const seen = new Set<unknown>();
  return items.find((item) => {
    const own = key(item);
    return own !== undefined && (seen.has(own) || !seen.add(own));
  });
}

function contradictionIn({ task, images, classes = [], notAnnotated }: Project): string | undefined {
  const file = duplicate(images, (image) => image.file);
  if (file !== undefined) return `there are two images of the file "${file.file}"`;
  const id = duplicate(images, (image) => image.id);
  if (id !== undefined) return `there are two images with the id "${id.id}"`;
  const name = duplicate(classes, (item) => item.name);
  if (name !== undefined) return `there are two classes "${name.name}"`;
  const value = duplicate(classes, (item) => item.value);
  if (value !== undefined) return `two classes have the value ${value.value}`;
  const unseen = classes.find((item) => item.value === notAnnotated);
  if (unseen !== undefined) return `the class "${unseen.name}" has the value ${notAnnotated} of "notAnnotated"`;
  const isObjects = classes.length === 2 && classes.some((item) => item.value === 'rest');
  if (task === 'objects' && classes.length > 0 && !isObjects) {
    return '"task" is "objects", whose classes are a background and "rest"';
  }
  for (const image of images) {
    for (const region of image.regions ?? []) {
      const which = `region ${region.id} of "${image.file}"`;
      if ((region.box === undefined) === (region.polygon === undefined)) {
        return `${which} has ${region.box === undefined ? 'neither box nor polygon' : 'a box and a polygon'}`;
      }
      if (region.complete && notAnnotated === 0) {
        return `${which} is complete, but 0, which is its background, is "notAnnotated"`;
      }
    }
    const region = duplicate(image.regions ?? [], (item) => item.id);
    if (region !== undefined) return `there are two regions ${region.id} of "${image.file}"`;
  }
  return undefined;
}
