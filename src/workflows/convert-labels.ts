/** Converts labels of any kind that is read to formats with names of segments, or to a label image. */

import { allocate } from '../array/ndarray.ts';
import { labelFinder } from '../dataset/discover/labels-of-image.ts';
import { isNamedMap, isShapeLabel } from '../dataset/discover/shape-files.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import {
  applyMapping,
  backgroundOf,
  findMapping,
  IGNORE,
  kindOf,
  type LabelClass,
  type LabelMapping,
  type LabelOptions,
  type LabelPage,
  labelPages,
  requireLabels,
} from '../dataset/labels/labels.ts';
import { readShapeLabels } from '../dataset/labels/shape-labels.ts';
import { counted, DatasetError, option, UsageError } from '../errors.ts';
import { baseName, folderName, type WritableFiles } from '../files.ts';
import { type Image, sizes } from '../image/image.ts';
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
  const pages = labelPages(labels);
  const mapping = findMapping(pages, {
    kind: declared.kind ?? labels.labelKind,
    classes: options.classes ?? declared.classes,
    ignore: [...(options.ignore ?? []), ...(declared.ignore ?? [])],
  });
  requireLabels(pages, mapping.ignore);
  // A class of all other values is one, whatever numbers its objects have.
  const isNamedRest = options.classes?.some((item) => typeof item !== 'string' && item.values === 'rest') === true;
  const kind = isNamedRest ? 'classes' : kindOf(mapping);
  // As a label image values stay as they are, unless it is said what they mean.
  const isMapped = [...(options.classes ?? []), ...(options.ignore ?? [])].length > 0;
  const as = format === undefined ? 'image' : 'segments';
  const { picture, segments, notes } =
    kind === 'objects' ? objectsIn(labels, pages, mapping, as) : classesIn(labels, pages, mapping, as);
  if (format === undefined) {
    await writeImageFile(files, out, isMapped ? picture : { ...labels, labelKind: kind });
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
      ...(format !== undefined || isMapped ? notes : statedValues(declared.classes)),
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
  const onImage = (labels: Image): Image => (image === undefined ? labels : placed(alignLabels(labels, image), image));
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

/**
 * Labels that do not say where they lie, at the place of their image.
 * @throws DatasetError if they differ in size
 */
function placed(labels: Image, image: Image): Image {
  const [own, theirs] = [sizes(labels), sizes(image)];
  // Labels with a place may be those of all time points.
  const along = labels.geometry === undefined ? AXES : AXES.slice(1);
  if (along.some((axis) => own[axis] !== theirs[axis])) {
    throw new DatasetError(`the labels are ${sizeOf(labels)}, their image is ${sizeOf(image)}.`, {
      file: labels.source,
      remedy: 'Use labels that were made on this image.',
    });
  }
  const { spacing, geometry } = image;
  if (labels.geometry !== undefined || geometry === undefined) return labels;
  const note = 'The labels do not say where they lie: they have the place and the spacing of their image.';
  return { ...labels, spacing, geometry, notes: [...(labels.notes ?? []), note] };
}

const AXES = ['times', 'slices', 'height', 'width'] as const;

function sizeOf(image: Image): string {
  const { width, height, slices, times } = sizes(image);
  const more = [slices > 1 ? [counted(slices, 'slice')] : [], times > 1 ? [counted(times, 'time point')] : []].flat();
  return [`${width} x ${height} pixels`, ...more].join(', ');
}

interface Written {
  readonly picture: Image;
  readonly segments: readonly Segment[];
  readonly notes: readonly string[];
}

/** What values are written for: segments, to none of which ignored pixels belong, or a label image, which keeps them. */
type Use = 'segments' | 'image';

/** Labels with one value per pixel. */
function withValues(
  labels: Image,
  dtype: 'uint8' | 'uint16' | 'int32' | 'uint32',
  pages: readonly ArrayLike<number>[],
): Image {
  const { axes, shape, channels: _, palette: __, ...rest } = labels;
  const data = allocate(
    dtype,
    pages.reduce((sum, page) => sum + page.length, 0),
  );
  let at = 0;
  for (const page of pages) {
    data.set(page, at);
    at += page.length;
  }
  return {
    ...rest,
    dtype,
    data,
    axes: axes.replace('c', ''),
    shape: shape.filter((_length, axis) => axes[axis] !== 'c'),
  };
}

/** Numbers of objects as they are. @throws DatasetError for colours */
function objectsIn(labels: Image, pages: readonly LabelPage[], { ignore }: LabelMapping, use: Use): Written {
  const coloured = pages.find(({ colour }) => colour);
  if (coloured !== undefined) {
    throw new DatasetError('these objects have colours, which are no numbers.', {
      file: coloured.source,
      remedy: `Save them as one channel of numbers, or make them one class: ${option('classes', 'background=#000000,cell=rest')}.`,
    });
  }
  const skipped = new Set(ignore);
  let [count, least, most] = [0, 0, 0];
  for (const { values } of pages) {
    for (let p = 0; p < values.length; p++) {
      const value = values[p] as number;
      if (skipped.has(value)) count++;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  const dtype = least < 0 ? 'int32' : most > 65_535 ? 'uint32' : most > 255 ? 'uint16' : 'uint8';
  const numbers = pages.map(({ values }) => values);
  const picture: Image = { ...withValues(labels, dtype, numbers), labelKind: 'objects' };
  const segments = objectSegments(picture).filter(({ value }) => !skipped.has(value));
  const kept = use === 'image' ? 'they keep their values.' : NO_SEGMENT;
  return { picture, segments, notes: skippedNotes(count, kept) };
}

/** Class numbers; from 1 on, if none of the classes is the background. */
function classesIn(labels: Image, pages: readonly LabelPage[], mapping: LabelMapping, use: Use): Written {
  const names = mapping.classes.map(({ name }) => name);
  const { values, segments } = classSegments(names, backgroundOf(mapping));
  const ignored = use === 'image' ? IGNORE : 0;
  let skipped = 0;
  const written = pages.map((page) =>
    applyMapping(page, mapping).map((index) => {
      if (index === IGNORE) skipped++;
      return index === IGNORE ? ignored : (values[index] as number);
    }),
  );
  const numbers = `Class numbers are written: ${names.map((name, i) => `${values[i]} is ${name}`).join(', ')}.`;
  return {
    picture: { ...withValues(labels, 'uint8', written), labelKind: 'classes' },
    segments,
    notes:
      use === 'image'
        ? [numbers, ...skippedNotes(skipped, `they have the value ${IGNORE}.`)]
        : skippedNotes(skipped, NO_SEGMENT),
  };
}

/** What the values mean that are written as they are, if the labels name it. */
function statedValues(classes: readonly (string | LabelClass)[] = []): readonly string[] {
  const named = classes.flatMap((one) =>
    typeof one === 'string' || !Array.isArray(one.values) ? [] : [`${one.values.join(', ')} is ${one.name}`],
  );
  return named.length === 0 ? [] : [`Values: ${named.join(', ')}.`];
}

const NO_SEGMENT = 'no segment has them, as if they were background.';

const skippedNotes = (count: number, become: string): readonly string[] =>
  count === 0 ? [] : [`${counted(count, 'pixel')} not annotated: ${become}`];
