import { stemOf } from '../dataset/discover/names.ts';
import { listImageSources } from '../dataset/discover/sources.ts';
import { option, UsageError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { type PersonalElement, readPersonal } from '../image/formats/dicom/personal.ts';

/** Personal elements of a DICOM file, or of the first file of a folder's series. @throws FormatError, UsageError. */
export async function personalOf(
  files: WritableFiles,
  path: string,
  wanted: string | undefined,
): Promise<readonly PersonalElement[]> {
  if ((await files.kind(path)) === 'file') return readPersonal(await files.read(path), path);
  const { series, root } = await listImageSources(files, path);
  const found = [...series].filter(
    ([key, { format }]) => format === 'DICOM' && (wanted === undefined || stemOf(key) === wanted),
  );
  const [only] = found;
  const [file] = only?.[1].files ?? [];
  if (found.length !== 1 || file === undefined) {
    throw new UsageError(`${option('personal')} applies to one DICOM series; found ${found.length}.`, {
      remedy: `Name a file, or choose one with ${option('series')}.`,
    });
  }
  return readPersonal(await files.read(root, file), file);
}
