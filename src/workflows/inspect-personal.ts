import { readFile, stat } from 'node:fs/promises';
import { stemOf } from '../../dataset/discover/names.ts';
import { listImageSources } from '../../dataset/discover/sources.ts';
import { UsageError } from '../../errors.ts';
import { type PersonalElement, readPersonal } from '../../image/formats/dicom/personal.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import type { InspectFlags } from '../commands/inspect.ts';

/** Personal elements of a DICOM file, or of the first file of a folder's series. @throws FormatError, UsageError. */
export async function personalOf(
  path: string,
  { series: wanted }: Pick<InspectFlags, 'series'>,
): Promise<readonly PersonalElement[]> {
  if (!(await stat(path)).isDirectory()) return readPersonal(await readFile(path), path);
  const { series, root } = await listImageSources(nodeFiles, path);
  const found = [...series].filter(([key]) => wanted === undefined || stemOf(key) === wanted);
  const [only] = found;
  const [file] = only?.[1].files ?? [];
  if (found.length !== 1 || file === undefined) {
    throw new UsageError(`--personal is for one DICOM series; here are ${found.length}.`, {
      remedy: 'Name a file, or choose with --series.',
    });
  }
  return readPersonal(await nodeFiles.read(root, file), file);
}
