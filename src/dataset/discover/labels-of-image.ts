/** The labels of one image in a file that is named for it. */

import { DatasetError } from '../../errors.ts';
import { type Files, readHead } from '../../files.ts';
import { isDicom } from '../../image/formats/dicom/parser.ts';
import { baseName, extensionOf, stemOf } from './names.ts';
import { segmentedSeries } from './segments.ts';
import { mayBeDicom } from './series.ts';
import {
  imageNamed,
  isShapeTable,
  LABEL_MAP,
  namesIn,
  partOf,
  STATING,
  type StatedNames,
  segmentsOf,
  shapesOfTable,
} from './stated-labels.ts';

/** Enough to tell DICOM. */
const HEAD_BYTES = 1024;

/**
 * Finds the path by which labels are read: of a file that states its images the part that is of this one; otherwise the
 * file itself. Each file is looked into once.
 * @returns finds labels; throws DatasetError for a file of images that has none of this one, FormatError if it is damaged
 */
export function labelFinder(files: Files, root: string): (file: string, image: string) => Promise<string> {
  const known = new Map<string, Promise<StatedNames | undefined>>();
  const statedIn = (file: string): Promise<StatedNames | undefined> => {
    const names = known.get(file) ?? namesIn(files, root, file);
    known.set(file, names);
    return names;
  };
  return async (file, image) => {
    if (baseName(file) === LABEL_MAP) return partOf(file, stemOf(image));
    if (STATING.includes(extensionOf(file))) {
      const stated = await statedIn(file);
      return stated === undefined ? file : partOf(file, nameIn(stated.names, file, image));
    }
    if (await isShapeTable(files, root, file)) return shapesOfTable(file);
    if (!mayBeDicom(file) || !isDicom(await readHead(files, root, file, HEAD_BYTES))) return file;
    return (await segmentedSeries(files, root, file)) === undefined ? file : segmentsOf(file);
  };
}

function nameIn(names: readonly string[], file: string, image: string): string {
  const name = names.find((one) => imageNamed(one, file, [image]) === image);
  if (name !== undefined) return name;
  throw new DatasetError(`it has no labels of "${image}".`, {
    file,
    remedy: `Use the image that was annotated: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}.`,
  });
}
