/** The labels of one image in a file that is named for it. */

import { DatasetError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { baseName, extensionOf, stemOf } from './names.ts';
import { segmentedSeries } from './segments.ts';
import { imageNamed, LABEL_MAP, namesIn, partOf, segmentsOf } from './stated-labels.ts';

/**
 * The path by which labels are read: of a file that states its images the part that is of this one; otherwise the file
 * itself.
 * @param isDicom whether the file begins as DICOM does
 * @throws DatasetError for a file of images that has none of this one; FormatError if it is damaged
 */
export async function labelsOfImage(
  files: Files,
  root: string,
  file: string,
  { image, isDicom }: { readonly image: string; readonly isDicom: boolean },
): Promise<string> {
  if (isDicom) return (await segmentedSeries(files, root, file)) === undefined ? file : segmentsOf(file);
  if (baseName(file) === LABEL_MAP) return partOf(file, stemOf(image));
  if (extensionOf(file) !== 'json' && extensionOf(file) !== 'xml') return file;
  const stated = await namesIn(files, root, file);
  if (stated === undefined) return file;
  const name = stated.names.find((one) => imageNamed(one, file, [image]) === image);
  if (name !== undefined) return partOf(file, name);
  throw new DatasetError(`it has no labels of "${image}".`, {
    file,
    remedy: `Use the image that was annotated: ${stated.names.slice(0, 3).join(', ')}${stated.names.length > 3 ? ', ...' : ''}.`,
  });
}
