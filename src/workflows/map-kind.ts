/** Whether a model finds objects by stars or flows, as its file says. */

import type { WritableFiles } from '../files.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { readMetadata } from '../models/metadata.ts';
import type { MapKind } from '../objects/object-maps.ts';
import { isPackage, modelFileOf, readModel } from './model-files.ts';

/** The maps that a model was trained for; undefined for models of classes and of other programs, and where there is none. */
export async function mapKindOf(
  files: WritableFiles,
  path: string,
  which?: 'best' | 'last',
): Promise<MapKind | undefined> {
  try {
    const file = await modelFileOf(files, path, which);
    const bytes = await (isPackage(file) ? readModel(files, file) : files.read(file));
    return readMetadata(readSignature(bytes))?.maps?.by;
  } catch {
    // Whoever opens it says what is wrong.
    return undefined;
  }
}
