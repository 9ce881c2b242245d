import { extensionOf, stemOf } from '../dataset/discover/names.ts';
import type { ImageListing } from '../dataset/discover/sources.ts';
import { DatasetError, UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { ReadOptions } from '../image/formats/format.ts';
import type { Image } from '../image/image.ts';
import { limitsOf, openImage, openOmeZarr, readStoredImage } from '../image/read.ts';
import { type ImageSource, memorySource } from '../image/source.ts';

export interface ReadFileOptions extends ReadOptions {
  /** Name (`series-2`) of the DICOM series, or image of OME-Zarr, to read from a folder with several. */
  readonly series?: string;
}

/**
 * Reads an image file, whose format is detected by content, the DICOM series of a folder, or an OME-Zarr store. Values and dtype are the
 * file's own. Companion files (`.img` of a `.hdr`, data of a `.nhdr`) are read from beside it.
 * @throws DatasetError if the file does not exist or permission is denied, or a folder contains no such image or several,
 * which are then listed; FormatError if it is damaged or not an image.
 */
export async function readImageFile(
  files: WritableFiles,
  path: string,
  { series, ...options }: ReadFileOptions = {},
): Promise<Image> {
  if ((await files.kind(path)) === 'folder') {
    const [listing, name] = await chooseSeries(files, path, series);
    const { readListed } = await import('../dataset/discover/sources.ts');
    return readListed(files, listing, name, options);
  }
  return readStoredImage(files, path, undefined, { sibling: siblings(files), ...options });
}

/**
 * Opens an image file, or an OME-Zarr store, to read regions of it, at any of its resolutions. Of TIFF and OME-Zarr, in
 * Node also of a whole slide in one DICOM file, only what describes them is read; other formats, and DICOM series, are read as a whole. Close it when it is no longer needed.
 * @throws as `readImageFile`
 */
export async function openImageFile(
  files: WritableFiles,
  path: string,
  { series, ...options }: Omit<ReadFileOptions, 'level'> = {},
): Promise<ImageSource> {
  const limits = { ...limitsOf(files), ...options };
  if ((await files.kind(path)) !== 'folder') {
    return openImage(await files.open(path), path, { sibling: siblings(files), ...limits });
  }
  const [listing, name] = await chooseSeries(files, path, series);
  const found = listing.series.get(name);
  if (found?.format === 'OME-Zarr') return openOmeZarr(files, joinPath(path, found.folder), limits);
  const { readListed } = await import('../dataset/discover/sources.ts');
  return memorySource(await readListed(files, listing, name, options));
}

const siblings =
  (files: WritableFiles) =>
  async (other: string): Promise<Uint8Array | undefined> => {
    try {
      return await files.read(other);
    } catch (cause) {
      if (cause instanceof DatasetError) return undefined;
      throw cause;
    }
  };

/** The DICOM series or OME-Zarr image of a folder. @throws DatasetError for none, and for several */
export async function chooseSeries(
  files: WritableFiles,
  path: string,
  wanted: string | undefined,
): Promise<readonly [listing: ImageListing, name: string]> {
  const { listImageSources } = await import('../dataset/discover/sources.ts');
  const listing = await listImageSources(files, path);
  const found = [...listing.series];
  const nameOf = (key: string) => stemOf(key);
  const chosen = wanted === undefined ? found : found.filter(([key]) => nameOf(key) === wanted);
  const [only] = chosen;
  if (only !== undefined && chosen.length === 1) return [listing, only[0]];
  if (found.length === 0) {
    throw new DatasetError('this folder holds no DICOM series and no OME-Zarr store.', {
      file: path,
      remedy: 'Specify an image file.',
    });
  }
  const list = found.map(([key, { description }]) => `${nameOf(key)} (${description})`).join('; ');
  throw new DatasetError(
    wanted === undefined
      ? `this folder holds ${found.length} images: ${list}.`
      : `there is no "${wanted}"; found ${list}.`,
    { file: path, remedy: 'Specify one of them.' },
  );
}

const hdf5Bytes = async (image: Image): Promise<Uint8Array> =>
  (await import('../image/formats/hdf5/write.ts')).writeHdf5(image);

const tiffBytes = async (image: Image): Promise<Uint8Array> =>
  (await import('../image/formats/tiff/write.ts')).writeTiff(image);

/** Loaded on demand, as most readers write no images. */
const WRITERS: {
  readonly [extension: string]: (image: Image, zlib: WritableFiles['zlib']) => Promise<Uint8Array>;
} = {
  png: async (image, zlib) => (await import('../image/formats/png/write.ts')).writePng(image, { zlib }),
  tif: tiffBytes,
  tiff: tiffBytes,
  nii: async (image) => (await import('../image/formats/nifti/write.ts')).writeNifti(image, { gzip: false }),
  'nii.gz': async (image) => (await import('../image/formats/nifti/write.ts')).writeNifti(image),
  h5: hdf5Bytes,
  hdf5: hdf5Bytes,
};

/**
 * What writes images of a file's extension.
 * @param others extensions that are written in another way
 * @throws UsageError for an extension that is not written
 */
export function writerOf(
  path: string,
  others: readonly string[] = [],
): (image: Image, zlib: WritableFiles['zlib']) => Promise<Uint8Array> {
  const write = WRITERS[extensionOf(path)];
  if (write !== undefined) return write;
  throw new UsageError('writing images with this extension is not supported.', {
    file: path,
    remedy: `Use ${[...others, ...Object.keys(WRITERS)].map((extension) => `.${extension}`).join(', ')}.`,
  });
}

/**
 * Writes `.png`, `.tif`, `.nii`, `.nii.gz` or `.h5` atomically, creating folders.
 * @throws UsageError for another extension, or an image that the format does not support (`writePng`, `writeTiff`,
 * `writeNifti`, `writeHdf5`); LamellaError if there is no space or permission.
 */
export async function writeImageFile(files: WritableFiles, path: string, image: Image): Promise<void> {
  await files.write(path, await writerOf(path)(image, files.zlib));
}
