/** Labelled slices from files or from memory. */

import { counted, DatasetError } from '../errors.ts';
import { millimetres, sliceExtentsMm } from '../image/geometry.ts';
import { type Image, sizes } from '../image/image.ts';
import { reorient } from '../image/orient.ts';
import { inputPages } from '../input/network-input.ts';
import type { Page } from '../input/planes.ts';
import { alignLabels } from './labels/align.ts';
import { type LabelOptions, type LabelPage, labelPages } from './labels/labels.ts';
import type { PageAnnotation } from './labels/regions.ts';

/** A slice with its labels, in the values of their files. */
export interface RawPage extends Page {
  /** `train/image/3.png`, or `stack.tif[3]` for a slice of a stack. */
  readonly name: string;
  readonly file: string;
  readonly page: number;
  readonly label: LabelPage;
  /** If regions define what is annotated (`annotate`). */
  readonly annotation?: PageAnnotation;
  /** Pixel size in mm, if stated by the file. */
  readonly pixelMm?: readonly [y: number, x: number];
  /** Extent of the slice along the z axis, if stated by the file. */
  readonly sliceMm?: number;
  /** Slices of the volume that it is one of; 1 for single images and for times without depth. */
  readonly slices?: number;
}

/** Labelled slices, before any choices. */
export interface RawDataset {
  /** Their source, for messages. */
  readonly folder: string;
  readonly pages: readonly RawPage[];
  /** What the data set states about its labels. */
  readonly declared?: Pick<LabelOptions, 'classes' | 'regions' | 'ignore' | 'kind'>;
  /** Printed lines: what was paired, notes of the readers. */
  readonly notes: readonly string[];
}

/** The data set with a size of voxels in mm that replaces that of its files; z null: only along the slices. */
export function withVoxelMm<D extends { readonly pages: readonly Pick<RawPage, 'pixelMm' | 'sliceMm'>[] }>(
  raw: D,
  [z, y, x]: readonly [z: number | null, y: number, x: number],
): D {
  return { ...raw, pages: raw.pages.map((page) => ({ ...page, pixelMm: [y, x], sliceMm: z ?? page.sliceMm })) };
}

/** Label options: set by the user, otherwise stated by the data set; ignored values are combined. */
export function labelOptions({ declared }: Pick<RawDataset, 'declared'>, given: LabelOptions = {}): LabelOptions {
  const { classes, ignore = [], task, kind } = given;
  return {
    ...given,
    classes: classes ?? (task === 'instances' ? undefined : declared?.classes),
    regions: classes === undefined && task !== 'instances' ? declared?.regions : undefined,
    ignore: [...new Set([...ignore, ...(declared?.ignore ?? [])])],
    kind: kind ?? (task === undefined ? declared?.kind : undefined),
  };
}

/** An image and its labels, in memory. */
export interface LabelledImage {
  /** Default: the image's `source`, otherwise its number. */
  readonly name?: string;
  readonly image: Image;
  /** With the image's size and number of slices; values as in label files. */
  readonly label: Image;
}

/**
 * The slices of an image with their labels, brought onto its voxels where both say where they lie.
 * @throws DatasetError if sizes, numbers of slices or places differ.
 */
export function rawPages(given: Image, label: Image, name: string): readonly RawPage[] {
  const { pages: imagePages, upright: image, map } = inputPages(given, { name });
  const aligned = alignLabels(label, given);
  const pagesOfLabel = labelPages(map === undefined ? aligned : reorient(aligned, map));
  const labels = label.source === undefined ? 'its labels' : `its labels "${label.source}"`;
  const { times, slices: depth } = sizes(image);
  if (times > 1 && imagePages.length > pagesOfLabel.length && pagesOfLabel.length === depth) {
    throw new DatasetError(`the image has ${times} volumes along its fourth axis, ${labels} one volume.`, {
      file: name,
      remedy:
        'If these are modalities, save each as a file of its own (NAME_0000.nii.gz, NAME_0001.nii.gz, ...) or name them in "channel_names" of a dataset.json; if they are times, label each.',
    });
  }
  if (imagePages.length !== pagesOfLabel.length) {
    throw new DatasetError(`the image has ${counted(imagePages.length, 'page')}, ${labels} ${pagesOfLabel.length}.`, {
      file: name,
      remedy: 'Label each page of the image.',
    });
  }
  const y = millimetres(image.spacing.y);
  const x = millimetres(image.spacing.x);
  const pixelMm = y === undefined || x === undefined ? undefined : ([y, x] as const);
  const extentsMm = sliceExtentsMm(image);
  return imagePages.map((page, index) => {
    const own = pagesOfLabel[index];
    if (own.height !== page.height || own.width !== page.width) {
      throw new DatasetError(
        `the image is ${page.width} x ${page.height}, ${labels} are ${own.width} x ${own.height}.`,
        { file: name, remedy: 'Use labels of the same size as the image.' },
      );
    }
    // Slices of one time point after another, each through its depth.
    return {
      ...page,
      file: name,
      page: index,
      label: own,
      pixelMm,
      sliceMm: extentsMm?.[index % depth],
      slices: depth,
    };
  });
}

/**
 * A data set of images in memory.
 * @throws DatasetError if there are none, or an image and its labels differ in size or number of slices.
 */
export function rawDataset(samples: readonly LabelledImage[]): RawDataset {
  if (samples.length === 0) throw new DatasetError('There are no images to train on.');
  const pages = samples.flatMap(({ name, image, label }, i) => rawPages(image, label, name ?? image.source ?? `${i}`));
  const files = [...new Set(pages.map(({ file }) => file))];
  return {
    folder: 'memory',
    pages,
    notes: [`${counted(files.length, 'labelled image')} in memory`],
  };
}
