/** The labels of one image in a file that is named for it. */

import { DatasetError } from '../../errors.ts';
import { type Files, joinPath, readHead } from '../../files.ts';
import { isDicom } from '../../image/formats/dicom/detect.ts';
import { baseName, extensionOf, folderOf, stemOf } from './names.ts';
import { segmentedSeries } from './segments.ts';
import { mayBeDicom } from './series.ts';
import {
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

/**
 * The listed name that is of an image: one that ends its path, with the folder of the file or without; otherwise the only
 * one with its base name, or the only one of these that ends in its path, as absolute names do.
 */
function nameIn(names: readonly string[], file: string, image: string): string {
  const own = names.find((name) => joinPath(folderOf(file), name) === image);
  // Of several the one that states most folders.
  const [name] = names.filter((one) => one === image || image.endsWith(`/${one}`)).sort((a, b) => b.length - a.length);
  const stated = own ?? name;
  if (stated !== undefined) return stated;
  const alike = names.filter((one) => baseName(one) === baseName(image));
  const within = alike.filter((one) => one.endsWith(`/${image}`));
  const [found, another] = within.length === 1 ? within : alike;
  if (found === undefined) {
    throw new DatasetError(`it has no labels of "${image}".`, {
      file,
      remedy: `Use the image that was annotated: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}.`,
    });
  }
  if (another === undefined) return found;
  throw new DatasetError(`"${image}" may be "${found}" or "${another}", which it has labels of.`, {
    file,
    remedy: 'Keep the image in folders named as in this file, and give its path with them.',
  });
}
