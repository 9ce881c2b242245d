/** Label maps in formats that name their values: DICOM segmentations of a series, and `.seg.nrrd` of 3D Slicer. */

import { option, UsageError } from '../errors.ts';
import { baseName, folderName, joinPath, readHead, type WritableFiles } from '../files.ts';
import { isDicom } from '../image/formats/dicom/detect.ts';
import type { DicomFile } from '../image/formats/dicom/series.ts';
import type { Image } from '../image/image.ts';
import { MAX_BYTES } from '../image/read.ts';
import type { SegmentFormat } from './choices.ts';
import type { ListedImage } from './image-list.ts';
import type { Segment } from './segments.ts';

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
