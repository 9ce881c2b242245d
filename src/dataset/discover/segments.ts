/** Segments in DICOM, which state the series that they are of. */

import { FormatError, factsOf } from '../../errors.ts';
import type { Files } from '../../files.ts';
import type { DicomHeader } from '../../image/formats/dicom/header.ts';
import { MAX_BYTES } from '../../image/read.ts';
import type { LeftOut, Pair } from './pairing.ts';
import type { SeriesSource } from './series.ts';
import { segmentsOf } from './stated-labels.ts';

/** The series that a DICOM file without an image has segments or contours of, by their keys; undefined for other files. @throws FormatError for a damaged one */
export async function segmentedSeries(
  files: Files,
  root: string,
  path: string,
): Promise<readonly string[] | undefined> {
  const { seriesOfSegments } = await import('../../image/formats/dicom/segmentation.ts');
  const { readContours } = await import('../../image/formats/dicom/contours.ts');
  const source = await files.open(root, path);
  try {
    return await seriesOfSegments(source, path, MAX_BYTES);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    // Contours are no image, and lie anywhere in the file.
    const contours = await readContours(await source.read(0, source.size), path, MAX_BYTES);
    if (contours === undefined && factsOf(cause, 'unsupported-format') === undefined) throw cause;
    return contours?.series;
  } finally {
    await source.close();
  }
}

/** Segments with the image of their series. */
export function pairSegments(
  segmentations: ReadonlyMap<string, readonly string[]>,
  headers: readonly DicomHeader[],
  series: ReadonlyMap<string, SeriesSource>,
  images: readonly string[],
): { readonly pairs: readonly Pair[]; readonly leftOut: readonly LeftOut[] } {
  const keyOf = new Map(headers.map(({ file, seriesKey }) => [file, seriesKey]));
  const pairs: Pair[] = [];
  const leftOut: LeftOut[] = [];
  for (const [file, keys] of segmentations) {
    const own = images.filter((image) => keys.includes(keyOf.get(series.get(image)?.files[0] ?? image) ?? ''));
    const [image, another] = own;
    if (image === undefined) leftOut.push({ file, reason: 'segments or contours of a series that is not here' });
    else if (another !== undefined)
      leftOut.push({ file, reason: 'segments or contours of a series that is several images here' });
    else pairs.push({ image, label: segmentsOf(file) });
  }
  return { pairs, leftOut };
}
