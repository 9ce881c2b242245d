/** Converts labels of any kind that is read to formats with names of segments, or to a label image. */

import { labelFinder } from '../dataset/discover/labels-of-image.ts';
import { isNamedMap, isShapeLabel } from '../dataset/discover/shape-files.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import {
  applyMapping,
  backgroundOf,
  findMapping,
  IGNORE,
  kindOf,
  type LabelMapping,
  type LabelOptions,
  labelPages,
} from '../dataset/labels/labels.ts';
import { readShapeLabels } from '../dataset/labels/shape-labels.ts';
import { counted, option, UsageError } from '../errors.ts';
import { baseName, folderName, type WritableFiles } from '../files.ts';
import type { Image } from '../image/image.ts';
import { requireFree } from './convert.ts';
import { encodeSegments } from './encode-segments.ts';
import { chooseSeries, readImageFile, writeImageFile, writerOf } from './image-files.ts';
import { type ListedImage, readListedImage } from './image-list.ts';
import { classSegments, objectSegments, PATIENT_NOTE, type Segment } from './segments.ts';

export interface ConvertLabelsOptions extends Pick<LabelOptions, 'classes' | 'ignore'> {
  /** The image, or the folder of the DICOM series, that the labels are of. */
  readonly of?: string;
  /** Which of several series in the folder. */
  readonly series?: string;
  /** Whether a DICOM segmentation takes over what identifies the patient from its series; default: yes. */
  readonly patient?: boolean;
  readonly overwrite?: boolean;
}

export interface ConvertedLabels {
  readonly labels: string;
  readonly out: string;
  readonly kind: 'objects' | 'classes';
  /** Names of the segments, or of the classes but the background. */
  readonly names: readonly string[];
  readonly notes: readonly string[];
}

/** The format that a name asks for, if it is one of segments. */
export const segmentFormatOf = (out: string): 'dicom-seg' | 'seg-nrrd' | undefined =>
  /\.dcm$/i.test(out) ? 'dicom-seg' : /\.seg\.nrrd$/i.test(out) ? 'seg-nrrd' : undefined;

/**
 * Converts labels, which may be shapes or masks of another program, to a DICOM segmentation of their series (`.dcm`), to
 * `.seg.nrrd`, or to a label image on the pixels of their image.
 * @throws UsageError for labels that need their image, which is not given; DatasetError if they do not fit to it; as
 * `convertImage`, `encodeSegments`
 *
 * @example await convertLabels(nodeHost.files, 'labels.nii.gz', 'labels.dcm', { of: 'series', classes: ['rest', 'lung'] });
 */
export async function convertLabels(
  files: WritableFiles,
  path: string,
  out: string,
  options: ConvertLabelsOptions = {},
): Promise<ConvertedLabels> {
  const { of, overwrite = false, patient } = options;
  const format = segmentFormatOf(out);
  if (format === undefined) writerOf(out, ['dcm', 'seg.nrrd']);
  if (format === 'dicom-seg' && of === undefined) throw needsImage(path, 'a DICOM segmentation is of a series');
  await requireFree(files, path, out, { kind: 'whole', overwrite });
  const item = of === undefined ? undefined : await listed(files, of, options.series);
  const { labels, declared } = await readLabels(files, path, item);
  const mapping = findMapping(labelPages(labels), {
    kind: declared.kind ?? labels.labelKind,
    classes: options.classes ?? declared.classes,
    ignore: [...(options.ignore ?? []), ...(declared.ignore ?? [])],
  });
  const kind = kindOf(mapping);
  const { picture, segments, notes } = kind === 'objects' ? objectsIn(labels, mapping) : classesIn(labels, mapping);
  if (format === undefined) {
    await writeImageFile(files, out, { ...labels, labelKind: kind });
  } else {
    const image = item ?? { path, name: path };
    const { bytes } = await encodeSegments(files, picture, { format, segments, image, by: 'person', patient });
    await files.write(out, bytes);
  }
  return {
    labels: path,
    out,
    kind,
    names: segments.map(({ name }) => name),
    notes: [
      ...(labels.notes ?? []),
      ...(format === undefined ? [] : notes),
      ...(format === 'dicom-seg' && patient !== false ? [PATIENT_NOTE] : []),
    ],
  };
}

const needsImage = (file: string, why: string): UsageError =>
  new UsageError(`${why}.`, { file, remedy: `Name it: ${option('of')}.` });

/** An image file, or the series of a folder. */
async function listed(files: WritableFiles, path: string, series: string | undefined): Promise<ListedImage> {
  if ((await files.kind(path)) !== 'folder') return { path, name: path };
  const [listing, key] = await chooseSeries(files, path, series);
  return { path, name: key, listed: { listing, key } };
}

interface ReadLabels {
  /** On the pixels of their image, if it is given. */
  readonly labels: Image;
  readonly declared: Pick<LabelOptions, 'kind' | 'classes' | 'ignore'>;
}

async function readLabels(files: WritableFiles, path: string, item: ListedImage | undefined): Promise<ReadLabels> {
  const image = item && (await readListedImage(files, item));
  const onImage = (labels: Image): Image => (image === undefined ? labels : alignLabels(labels, image));
  const plain = async () => ({ labels: onImage(await readImageFile(files, path, { palette: 'index' })), declared: {} });
  if ((await files.kind(path)) === 'folder') return plain();
  const [folder, name] = [folderName(path), baseName(path)];
  const key = await labelFinder(files, folder)(name, item?.path ?? '');
  if (!isShapeLabel(key)) return plain();
  if (image === undefined && !isNamedMap(key)) throw needsImage(path, 'these labels are read for their image');
  const shapes = await readShapeLabels(files, folder, [key]);
  if (shapes === undefined) return plain();
  // A map with names is an image by itself.
  return { labels: onImage(shapes.image(key, image as Image)), declared: shapes.declared };
}

interface Written {
  readonly picture: Image;
  readonly segments: readonly Segment[];
  readonly notes: readonly string[];
}

/** Numbers of objects as they are. */
function objectsIn(labels: Image, { ignore }: LabelMapping): Written {
  const segments = objectSegments(labels).filter(({ value }) => !ignore.includes(value));
  const skipped = new Set(ignore);
  let count = 0;
  for (let p = 0; p < labels.data.length; p++) if (skipped.has(Number(labels.data[p]))) count++;
  return { picture: { ...labels, labelKind: 'objects' }, segments, notes: skippedNotes(count) };
}

/** Class numbers; from 1 on, if none of the classes is the background. */
function classesIn(labels: Image, mapping: LabelMapping): Written {
  const first = backgroundOf(mapping).length === 0 ? 1 : 0;
  const pages = labelPages(labels).map((page) => applyMapping(page, mapping));
  const data = new Uint8Array(pages.reduce((sum, page) => sum + page.length, 0));
  let skipped = 0;
  let at = 0;
  for (const page of pages) {
    for (const value of page) {
      if (value === IGNORE) skipped++;
      data[at++] = value === IGNORE ? 0 : value + first;
    }
  }
  const values = mapping.classes.map((_, i) => i + first);
  const { axes, shape, channels: _, palette: __, ...rest } = labels;
  const picture = {
    ...rest,
    dtype: 'uint8',
    data,
    axes: axes.replace('c', ''),
    shape: shape.filter((_length, axis) => axes[axis] !== 'c'),
    labelKind: 'classes',
  } as const;
  return {
    picture,
    segments: classSegments(
      mapping.classes.map(({ name }) => name),
      values,
    ),
    notes: skippedNotes(skipped),
  };
}

const skippedNotes = (count: number): readonly string[] =>
  count === 0 ? [] : [`${counted(count, 'pixel')} not annotated: no segment has them, as if they were background.`];
