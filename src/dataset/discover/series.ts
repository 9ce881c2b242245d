/** Images of several files. */

import { extensionsOf } from '../../image/formats/registry.ts';
import { baseName, extensionOf } from './names.ts';

/** An image that consists of the files of a folder: a DICOM series, or an image of an OME-Zarr store. */
export interface SeriesSource {
  readonly format: 'DICOM' | 'OME-Zarr';
  /** Folder of its files, '' for the listed one. */
  readonly folder: string;
  readonly files: readonly string[];
  /** `CT, chest, 120 slices of 512 x 512, 0.98 x 0.98 x 3 mm, axial`; nothing that identifies a person. */
  readonly description: string;
}

export const DICOM_EXTENSIONS = extensionsOf('slices');

/** Possible names of DICOM files: its extensions, none at all, or numbers, like the last part of a UID. */
export function mayBeDicom(path: string): boolean {
  const extension = extensionOf(path);
  return !baseName(path).startsWith('.') && (DICOM_EXTENSIONS.has(extension) || /^\d*$/.test(extension));
}
