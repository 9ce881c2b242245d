/** Label maps in formats that name their values: DICOM segmentations of a series, and `.seg.nrrd` of 3D Slicer. */

import { option, UsageError } from '../errors.ts';
import { baseName, folderName, joinPath, readHead, type WritableFiles } from '../files.ts';
import { classColour } from '../image/display.ts';
import { isDicom } from '../image/formats/dicom/parser.ts';
import type { DicomFile } from '../image/formats/dicom/series.ts';
import type { Image } from '../image/image.ts';
import { MAX_BYTES } from '../image/read.ts';
import type { SegmentFormat } from './choices.ts';
import type { ListedImage } from './image-list.ts';

/** A value of a label map, and what it means. */
export interface Segment {
  readonly value: number;
  readonly name: string;
  readonly colour: readonly [number, number, number];
}

export interface EncodeSegmentsOptions {
  readonly format: SegmentFormat;
  readonly segments: readonly Segment[];
  /** The image that the labels are of. */
  readonly image: ListedImage;
  /** Whether a program found them, or somebody drew them. */
  readonly by: 'program' | 'person';
  /** Whether what identifies the patient is taken over from the series; default: yes. */
  readonly patient?: boolean;
}

/** Printed where a file says whose it is. */
export const PATIENT_NOTE = `The segmentation names the patient and the study of its series; ${option('patient', false)} leaves them empty.`;

/** The classes whose value is not 0. @param values default: their numbers */
export const classSegments = (classes: readonly string[], values?: readonly number[]): readonly Segment[] =>
  classes
    .map((name, i): Segment => ({ name, value: values?.[i] ?? i, colour: classColour(i) }))
    .filter(({ value }) => value !== 0);

/** Each number of a map of objects, in ascending order. */
export function objectSegments({ data }: Pick<Image, 'data'>): readonly Segment[] {
  const numbers = new Set<number>();
  for (let p = 0; p < data.length; p++) numbers.add(Number(data[p]));
  numbers.delete(0);
  return [...numbers]
    .sort((a, b) => a - b)
    .map((value) => ({ value, name: `object ${value}`, colour: classColour(value) }));
}

/**
 * The bytes of a label map. As DICOM, classes have a bit each, which most programs read, and objects are a label map.
 * @throws UsageError if the image is no DICOM series, and as `writeSegmentation` and `writeSegNrrd`
 */
export async function encodeSegments(
  files: WritableFiles,
  labels: Image,
  { format, segments, image, by, patient = true }: EncodeSegmentsOptions,
): Promise<{ readonly bytes: Uint8Array; readonly extension: string }> {
  if (format === 'seg-nrrd') {
    const { writeSegNrrd } = await import('../image/formats/nrrd/write-segments.ts');
    return { bytes: writeSegNrrd(labels, segments), extension: 'seg.nrrd' };
  }
  const slices = await dicomFilesOf(files, image);
  const { readSourceSeries } = await import('../image/formats/dicom/source-series.ts');
  const { writeSegmentation } = await import('../image/formats/dicom/write-segmentation.ts');
  const source = await readSourceSeries(slices, files.maxBytes ?? MAX_BYTES, { patient });
  const type = labels.labelKind === 'objects' ? 'labelmap' : 'binary';
  return { bytes: writeSegmentation(labels, { source, segments, type, by, date: new Date() }), extension: 'dcm' };
}

/** @throws UsageError for an image that is not DICOM */
async function dicomFilesOf(files: WritableFiles, { path, listed }: ListedImage): Promise<readonly DicomFile[]> {
  const found = listed?.listing.series.get(listed.key);
  if (found?.format === 'DICOM') {
    const { root } = (listed as NonNullable<typeof listed>).listing;
    return found.files.map((name) => ({ name: joinPath(root, name), read: () => files.read(root, name) }));
  }
  const isFile = (await files.kind(path)) === 'file';
  if (isFile && isDicom(await readHead(files, folderName(path), baseName(path), 1024))) {
    return [{ name: path, read: () => files.read(path) }];
  }
  throw new UsageError('a DICOM segmentation is of a DICOM series, and this is none.', {
    file: path,
    remedy: `Use ${option('format', 'seg-nrrd')} or ${option('format', 'nifti')}.`,
  });
}
