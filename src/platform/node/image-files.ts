import type { Image } from '../../image/image.ts';
import type { ImageSource } from '../../image/source.ts';
import {
  openImageFile as open,
  type ReadFileOptions,
  readImageFile as read,
  writeImageFile as write,
} from '../../workflows/image-files.ts';
import { nodeFiles } from './files.ts';

/** Reads an image file, or the DICOM series of a folder. @throws as `readImageFile` in workflows */
export function readImageFile(path: string, options: ReadFileOptions = {}): Promise<Image> {
  return read(nodeFiles, path, options);
}

/** Opens an image file, or the OME-Zarr store of a folder, to read it by region. @throws as `openImageFile` in workflows */
export function openImageFile(path: string, options: Omit<ReadFileOptions, 'level'> = {}): Promise<ImageSource> {
  return open(nodeFiles, path, options);
}

/** Writes `.png`, `.tif`, `.nii` or `.nii.gz`. @throws as `writeImageFile` in workflows */
export function writeImageFile(path: string, image: Image): Promise<void> {
  return write(nodeFiles, path, image);
}
