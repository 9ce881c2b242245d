import { FormatError, UsageError } from '../../errors.ts';
import type { ReadOptions } from '../../image/formats/format.ts';
import { type Image, sizes } from '../../image/image.ts';
import { readImage, readOmeZarr } from '../../image/read.ts';
import { webFiles } from '../../workflows/web-files.ts';

/** The source of a file in a page: a URL, a `File` chosen by the user or another Blob, or bytes. */
export type FileSource = string | URL | Blob | Uint8Array;

/** For messages. */
export function nameOf(source: FileSource): string | undefined {
  if (source instanceof File) return source.name;
  return typeof source === 'string' || source instanceof URL ? String(source) : undefined;
}

/** @throws FormatError if the server does not return it. */
export async function bytesOf(source: FileSource): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  let response: Response;
  try {
    response = await fetch(source);
  } catch (cause) {
    throw new FormatError('this address cannot be reached.', { file: String(source), cause });
  }
  if (!response.ok) {
    throw new FormatError(`the server answers ${response.status}.`, {
      file: String(source),
      remedy: 'Check the address.',
    });
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Whether this is the address of an OME-Zarr store. */
const isStore = (source: FileSource): boolean =>
  (typeof source === 'string' || source instanceof URL) && /\.zarr\/?$/i.test(String(source));

/**
 * Reads an image of any format supported by `readImage`, detected by its first bytes. Values and dtype are the file's
 * own. The address of an OME-Zarr store ends in `.zarr`; it is read by range. Pass the files of a DICOM series together to `readDicomSeries`.
 * @throws FormatError if it cannot be fetched, is damaged or not an image.
 *
 * @example input.onchange = async () => { const image = await readImageFile(input.files[0]); };
 */
export async function readImageFile(source: FileSource, options: ReadOptions = {}): Promise<Image> {
  if (isStore(source)) {
    const url = String(source).replace(/\/$/, '');
    const { href } = new URL(url, location.href);
    return readOmeZarr(
      webFiles((address, init) => fetch(address, init)),
      href,
      url,
      options,
    );
  }
  return readImage(await bytesOf(source), nameOf(source) ?? 'the image', options);
}

/**
 * Draws an image on a canvas, which is resized to it.
 * @param image uint8, grey or RGB(A), one page: `yx` or `cyx` with 1, 3 or 4 channels
 * @throws UsageError for others, naming the required conversion: values are not rescaled silently.
 */
export function drawImage(canvas: HTMLCanvasElement | OffscreenCanvas, image: Image): void {
  const { data, axes, dtype } = image;
  const { channels, width, height } = sizes(image);
  if (dtype !== 'uint8' || !/^c?yx$/.test(axes) || ![1, 3, 4].includes(channels)) {
    throw new UsageError(`A canvas does not show ${dtype} with axes ${axes} [${image.shape.join(', ')}].`, {
      remedy:
        'Make it uint8 first: overlayImage or probabilityImage of a prediction, page and rescaleToUint8 of others.',
    });
  }
  const pixels = width * height;
  const rgba = new ImageData(width, height);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < 3; c++) rgba.data[4 * p + c] = Number(data[(channels === 1 ? 0 : c) * pixels + p]);
    rgba.data[4 * p + 3] = channels === 4 ? Number(data[3 * pixels + p]) : 255;
  }
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (context === null) throw new UsageError('This canvas already has a different rendering context.');
  context.putImageData(rgba, 0, 0);
}
