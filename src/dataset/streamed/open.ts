/** A folder of images and labels, opened to be read by region. */

import { bytesPer, elementCount } from '../../array/ndarray.ts';
import { counted, DatasetError, option } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { millimetres } from '../../image/geometry.ts';
import { type Image, sizes } from '../../image/image.ts';
import { ImageNotes } from '../../image/notes.ts';
import { openStoredImage } from '../../image/read.ts';
import { type ImageSource, infoAt } from '../../image/source.ts';
import { needsWhole } from '../../input/input-regions.ts';
import { describePairing, type Pair } from '../discover/pairing.ts';
import { isShapeLabel } from '../discover/shape-files.ts';
import { type ImageListing, inFolder, listImageSources, openListed, pairListing } from '../discover/sources.ts';
import type { LabelOptions } from '../labels/labels.ts';
import { type ReadDatasetOptions, readDataset } from '../prepare.ts';
import { heldBytes, heldPage, type OpenedPart, type StreamedDataset, type StreamedPage, sourcePage } from './page.ts';

/** What is unpacked together may take so much: of one compressed strip per page, each patch would unpack all of it. */
const MOST_CHUNK_BYTES = 64 * 2 ** 20;

/** Stored bytes of an image to read at once from the first row to the last: of what is allowed, and at most. */
const SHARE_AT_ONCE = 1 / 16;
const MOST_AT_ONCE = 8 * 2 ** 20;

interface OpenedPair {
  readonly image: OpenedPart;
  readonly label: OpenedPart;
}

/**
 * Opens the pairs of a folder if those that can be read by region would take more memory than is allowed, held as a
 * whole. The others are held.
 * @param bytes that images may take
 * @returns undefined if all are to be held
 * @throws as `readDataset`; DatasetError if those that have to be held take more than is allowed
 */
export function openStreamed(
  files: Files,
  folder: string,
  { bytes, ...options }: ReadDatasetOptions & { readonly bytes: number },
): Promise<StreamedDataset | undefined> {
  return inFolder(folder, async () => {
    const { pairing, listing } = pairListing(await listImageSources(files, folder));
    const opened = new Map<string, OpenedPair>();
    const close = async (): Promise<void> => {
      for (const { image, label } of opened.values()) await Promise.all([image.source.close(), label.source.close()]);
    };
    try {
      for (const pair of pairing.pairs) {
        const parts = await openPair(files, listing, pair, options.level);
        if (parts !== undefined) opened.set(pair.image, parts);
      }
      const whole = [...opened.values()].reduce((sum, { image, label }) => sum + heldBytes(image, label), 0);
      if (whole <= bytes) {
        await close();
        return undefined;
      }
      const isHeld = (image: string): boolean => !opened.has(image);
      const held = pairing.pairs.some(({ image }) => isHeld(image))
        ? await readDataset(files, folder, { ...options, only: isHeld })
        : undefined;
      const bytesAtOnce = Math.min(MOST_AT_ONCE, bytes * SHARE_AT_ONCE);
      const heldPages = held?.pages.map((page) => heldPage(page, bytesAtOnce)) ?? [];
      const takes = (held?.pages ?? []).reduce(
        (sum, { data, label }) => sum + data.byteLength + label.values.byteLength,
        0,
      );
      if (held !== undefined && takes > bytes) throw heldTooLarge(pairing.pairs.filter(({ image }) => isHeld(image)));
      const said = new ImageNotes();
      const kinds = new Set<Image['labelKind']>(held === undefined ? [] : [held.declared?.kind]);
      const pages: StreamedPage[] = [];
      for (const { image: name } of pairing.pairs) {
        const parts = opened.get(name);
        if (parts === undefined) pages.push(...heldPages.filter(({ file }) => file === name));
        else {
          for (const { source } of [parts.image, parts.label]) said.add(source.info, name);
          kinds.add(parts.label.source.info.labelKind);
          pages.push(...pagesOfPair(parts, name, bytesAtOnce));
        }
      }
      const declared: Pick<LabelOptions, 'classes' | 'ignore' | 'kind'> = {
        ...held?.declared,
        kind: kinds.size === 1 ? [...kinds][0] : undefined,
      };
      const notes = [
        describePairing(pairing),
        ...said.lines(),
        `read by region: ${counted(opened.size, 'image')}, which would take ${gigabytes(whole)} in memory`,
        ...(held === undefined ? [] : [`held in memory: ${counted(pairing.pairs.length - opened.size, 'image')}`]),
      ];
      return { kind: 'streamed', folder, pages, declared, notes, alone: ALONE, close };
    } catch (cause) {
      await close();
      throw cause;
    }
  });
}

const ALONE = 'Old data are not rehearsed: images that do not fit into memory are trained on alone.';

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

function heldTooLarge(pairs: readonly Pair[]): DatasetError {
  const [{ image }] = pairs as readonly [Pair];
  return new DatasetError(
    `${pairs.length === 1 ? 'this image cannot' : `this and ${pairs.length - 1} more images cannot`} be read by region, and with labels take more memory than is allowed.`,
    {
      file: image,
      remedy: `Convert images and labels, lamella convert ${image} ${image.replace(/\.[^.]*$/, '')}.ome.zarr, or set ${option('memory')} to more.`,
    },
  );
}

/** Undefined if a pair has to be held as a whole. */
async function openPair(files: Files, listing: ImageListing, pair: Pair, level = 0): Promise<OpenedPair | undefined> {
  const open = async (path: string, palette?: 'index'): Promise<ImageSource | undefined> => {
    const { root, series, joined, json, project } = listing;
    if (series.has(path)) return openListed(files, listing, path);
    if (joined?.has(path) === true || json !== undefined || project !== undefined) return undefined;
    if (isShapeLabel(path)) return undefined;
    return openStoredImage(files, joinPath(root, path), { palette });
  };
  const image = await open(pair.image);
  if (image === undefined) return undefined;
  let label: ImageSource | undefined;
  let opened: OpenedPair | undefined;
  try {
    label = await open(pair.label, 'index');
    // Label files have the size of the resolution that they were drawn on.
    const ofLabel = listing.series.get(pair.label)?.format === 'OME-Zarr' ? level : 0;
    if (
      label !== undefined &&
      isByRegion(image, level) &&
      isByRegion(label, ofLabel) &&
      needsWhole(image.info) === undefined &&
      isPlainLabel(label)
    ) {
      opened = { image: { source: image, level }, label: { source: label, level: ofLabel } };
    }
  } finally {
    if (opened === undefined) await Promise.all([image.close(), label?.close()]);
  }
  return opened;
}

function isByRegion({ info, levels, chunk }: ImageSource, level: number): boolean {
  const together = chunk === undefined ? 1 : elementCount(chunk);
  return levels[level] !== undefined && together * bytesPer(info.dtype) <= MOST_CHUNK_BYTES;
}

/** Whether each part of a label image tells what its values are: no colours, no masks with loss. */
const isPlainLabel = ({ info }: ImageSource): boolean =>
  sizes(info).channels === 1 && info.lossy !== true && needsWhole({ ...info, dtype: 'uint8' }) === undefined;

function pagesOfPair({ image, label }: OpenedPair, name: string, bytesAtOnce: number): readonly StreamedPage[] {
  const [own, other] = [image, label].map(({ source, level }) => sizes(infoAt(source, level)));
  const [count, labelled] = [own, other].map(({ times, slices }) => times * slices);
  const labels = `its labels "${label.source.info.source}"`;
  if (count !== labelled) {
    throw new DatasetError(`the image has ${count} pages, ${labels} ${labelled}.`, {
      file: name,
      remedy: 'Label each page of the image.',
    });
  }
  if (own.height !== other.height || own.width !== other.width) {
    throw new DatasetError(
      `the image is ${own.width} x ${own.height}, ${labels} are ${other.width} x ${other.height}.`,
      { file: name, remedy: 'Use labels of the same size as the image.' },
    );
  }
  const { spacing } = infoAt(image.source, image.level);
  const [y, x] = [millimetres(spacing.y), millimetres(spacing.x)];
  const pixelMm = y === undefined || x === undefined ? undefined : ([y, x] as const);
  return Array.from({ length: count }, (_, index) =>
    sourcePage(image, label, { name: count > 1 ? `${name}[${index}]` : name, file: name, pixelMm, index }, bytesAtOnce),
  );
}
