import { bytesPer, viewAs } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import type { ByteSource } from '../../../files.ts';
import { axesOf, type Image } from '../../image.ts';
import { colourName, expandedInfo, expandPalette } from '../../palette.ts';
import {
  type ImageInfo,
  type ImageSource,
  memorySource,
  type Region,
  regionImage,
  regionOf,
  wholeRegion,
} from '../../source.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import { aperioLevels, isAperio } from './aperio.ts';
import { type Arrangement, descriptionOf, type Place, stack } from './arrangement.ts';
import { buffered } from './buffer.ts';
import { type Directory, readDirectories, type TiffFile } from './directory.ts';
import { calibrateValues } from './imagej.ts';
import { COMPRESSION, type PageLayout, PHOTOMETRIC, pageLayout, rowBytes } from './layout.ts';
import { lsmDirectory, lsmLayout } from './lsm.ts';
import { arrangementOf, statedPages } from './metadata.ts';
import { checkBlocks, type Page, readPart } from './page.ts';
import { imageLevels, isFullPage, levelsOf, type PageLevel, reducedBehind } from './pyramid.ts';
import { allocateWords } from './samples.ts';

/** TIFF and BigTIFF. */
export const tiff: Codec = { open: openTiff };

/** Opens a file: its directories are read, and of a file in ImageJ's calibration of values all of it. */
async function openTiff(source: ByteSource, context: ReadContext): Promise<ImageSource> {
  const { file } = context;
  const tiff = await readDirectories(buffered(source), file);
  const selection = await selectPages(tiff, context);
  const { pages, arrangement } = selection;
  const [{ directory, layout }] = pages;
  // ImageJ's palettes are look-up tables for display: the values themselves are the image.
  const isPalette = layout.photometric === PHOTOMETRIC.palette && !arrangement.imagej && arrangement.c === 1;
  const palette = isPalette ? colourMap(directory, layout.bits, file) : undefined;
  const stored = new StoredPixels(tiff, selection, context.palette === 'index' ? palette : undefined, context);
  if (arrangement.calibration !== undefined) {
    // The dtype of the values depends on all of them.
    const image = calibrateValues(await stored.read(), arrangement.calibration, file);
    return { ...memorySource(image), close: () => source.close() };
  }
  return palette === undefined || context.palette === 'index' ? stored : expanded(stored, palette, context);
}

interface Selection {
  readonly pages: readonly Page[];
  readonly arrangement: Arrangement;
  readonly levels: readonly PageLevel[];
}

/** The pages as stored, in positions of [t][c][z], each with its samples along c. */
class StoredPixels implements ImageSource {
  readonly info: ImageInfo;
  readonly levels: ImageSource['levels'];
  readonly chunk: readonly number[];
  readonly #tiff: TiffFile;
  readonly #selection: Selection;
  readonly #context: ReadContext;
  readonly #checked = new WeakSet<PageLayout>();
  /** The page at each position. */
  readonly #pageAt: ReadonlyMap<number, number>;

  constructor(tiff: TiffFile, selection: Selection, palette: ImageInfo['palette'], context: ReadContext) {
    this.#tiff = tiff;
    this.#selection = selection;
    this.#context = context;
    const { pages, arrangement, levels } = selection;
    const info = { ...imageInfo(pages[0], arrangement), source: context.file, ...(palette && { palette }) };
    this.levels = imageLevels(levels, info);
    const { layout } = pages[0];
    const rows = readsRows(layout) ? 1 : layout.blockHeight;
    const together = { c: layout.planar ? 1 : layout.samples, y: rows, x: layout.blockWidth };
    this.chunk = [...info.axes].map((axis) => together[axis as keyof typeof together] ?? 1);
    this.info = this.levels.length > 1 ? { ...info, levels: this.levels } : info;
    this.#pageAt = new Map(pages.map((_, page) => [positionOf(arrangement, arrangement.place(page)), page]));
  }

  async read(level = 0, region?: Region): Promise<Image> {
    const { maxBytes } = this.#context;
    const { info, levels } = this;
    const box = regionOf({ info, levels, maxBytes }, level, region);
    const along = (axis: string): readonly [start: number, length: number] => {
      const at = info.axes.indexOf(axis);
      return at < 0 ? [0, 1] : [box.start[at], box.shape[at]];
    };
    const [[t, times], [c, channels], [z, slices], [y, height], [x, width]] = [...'tczyx'].map(along);
    const { pages, arrangement } = this.#selection;
    const { samples, bits, dtype } = pages[0].layout;
    const parts = [];
    for (let it = t; it < t + times; it++) {
      for (let ic = Math.floor(c / samples); ic * samples < c + channels; ic++) {
        const sample = Math.max(0, c - ic * samples);
        const count = Math.min(samples, c + channels - ic * samples) - sample;
        for (let iz = z; iz < z + slices; iz++) {
          const number = this.#pageAt.get(positionOf(arrangement, { t: it, c: ic, z: iz }));
          const page = await this.#page(level, number as number);
          const at = (((it - t) * channels + ic * samples + sample - c) * slices + iz - z) * height * width;
          parts.push({ page, part: { sample, samples: count, y, height, x, width }, at });
        }
      }
    }
    const words = allocateWords(bits, times * channels * slices * height * width);
    for (const { page, part, at } of parts) {
      await readPart(this.#tiff, page, part, { words, at, stride: slices * height * width }, this.#context);
    }
    return regionImage({ info, levels }, level, box, viewAs(dtype, words.buffer));
  }

  /** A page, checked before the first of it is read. */
  async #page(level: number, number: number): Promise<Page> {
    const page = await this.#selection.levels[level].page(number);
    const { layout } = page;
    if (this.#checked.has(layout)) return page;
    const blockBytes =
      rowBytes(layout.blockWidth, layout.planar ? 1 : layout.samples, layout.bits) * layout.blockHeight;
    if (!readsRows(layout)) checkDeclaredSize('one strip or tile', blockBytes, this.#context);
    checkBlocks(layout, this.#tiff.source.size, this.#context.file);
    this.#checked.add(layout);
    return page;
  }

  close(): Promise<void> {
    return this.#tiff.source.close();
  }
}

/** Of an uncompressed strip, single rows are read. */
const readsRows = ({ compression, tiled }: PageLayout): boolean => compression === COMPRESSION.none && !tiled;

const positionOf = ({ c, z }: Arrangement, place: Place): number => (place.t * c + place.c) * z + place.z;

/** The image of an arrangement of pages. */
function imageInfo({ directory, layout }: Page, arrangement: Arrangement): ImageInfo {
  const { t, c, z } = arrangement;
  const spacing = Object.fromEntries(
    Object.entries(arrangement.spacing).filter(
      ([axis]) => axis === 'x' || axis === 'y' || (axis === 'z' ? z > 1 : t > 1),
    ),
  );
  const turned = directory.first('Orientation') ?? 1;
  const isWhiteZero = layout.photometric === PHOTOMETRIC.whiteIsZero && arrangement.imagej !== true;
  const colourPlanes = layout.planar && layout.photometric === PHOTOMETRIC.rgb;
  const notes = [
    ...arrangement.notes,
    ...(isWhiteZero ? ['The file shows 0 as white: values are kept as stored, so white is the smallest.'] : []),
    ...(colourPlanes
      ? [
          `Its ${layout.samples} planes are read as colours, as the file says; slices need photometric='minisblack' in tifffile.`,
        ]
      : []),
    ...(turned === 1
      ? []
      : [`The file asks viewers to rotate or flip it (orientation ${turned}); pixels are kept as stored.`]),
  ];
  const bitsOf = bytesPer(layout.dtype) * 8;
  return {
    dtype: layout.dtype,
    ...axesOf({ t, c: c * layout.samples, z, y: layout.height, x: layout.width }),
    spacing,
    channels: channelNames(arrangement, layout),
    ...(layout.bits < bitsOf ? { bitDepth: layout.bits } : {}),
    labelKind: arrangement.labelKind,
    ...(colourPlanes ? { colourPlanes } : {}),
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** An image of palette indices as one of colours. */
function expanded(stored: ImageSource, colours: readonly (readonly number[])[], context: ReadContext): ImageSource {
  const { file, maxBytes } = context;
  const info = expandedInfo(stored.info, colours);
  const levels = info.levels ?? [{ shape: info.shape, spacing: info.spacing }];
  const c = info.axes.indexOf('c');
  return {
    info,
    levels,
    chunk: stored.chunk?.toSpliced(c, 0, info.shape[c]),
    async read(level = 0, region?: Region): Promise<Image> {
      const { start, shape } = regionOf({ info, levels, maxBytes }, level, region);
      const without = (values: readonly number[]) => values.toSpliced(c, 1);
      const indices = await stored.read(level, { start: without(start), shape: without(shape) });
      const image = expandPalette(indices, colours, file);
      const all = wholeRegion(image);
      const at = image.axes.indexOf('c');
      return memorySource(image).read(0, {
        start: all.start.with(at, start[c]),
        shape: all.shape.with(at, shape[c]),
      });
    },
    close: () => stored.close(),
  };
}

/** Photometric kinds whose values have different meanings, even if dtype and samples agree. */
const KINDS: Readonly<Record<number, string>> = {
  [PHOTOMETRIC.palette]: ' palette',
  [PHOTOMETRIC.whiteIsZero]: ' white is zero',
};

/** The pages to read, without thumbnails, overviews or masks, all of one size and kind, and their arrangement. */
async function selectPages(tiff: TiffFile, { file, page }: ReadContext): Promise<Selection> {
  const full = tiff.directories.filter(isFullPage);
  const directories = full.length > 0 ? full : tiff.directories;
  const [first] = directories;
  if (first === undefined) {
    throw new FormatError('the TIFF file contains no page.', { file, remedy: 'Save it again.' });
  }
  const description = descriptionOf(first);
  const isLsm = first.location('CZ_LSMINFO') !== undefined;
  const pageOf = async (stored: Directory): Promise<Page> => {
    if (!isLsm) return { directory: stored, layout: pageLayout(stored, file) };
    const directory = await lsmDirectory(stored, tiff);
    return { directory, layout: lsmLayout(pageLayout(directory, file), tiff.source.size) };
  };
  const behind = directories.length > 1 ? undefined : pagesBehind(tiff, await pageOf(first));
  const held = behind?.length ?? directories.length;
  if (page !== undefined && page >= held) {
    throw new FormatError(`page ${page} does not exist; the file has ${held}, counted from 0.`, { file });
  }
  const pageAt = async (i: number) => behind?.[i] ?? (await pageOf(directories[i]));
  // The file's description is in its first directory; for a single page it states the pixel size.
  const { layout } = await pageAt(page !== undefined && behind === undefined ? page : 0);
  const whole = await arrangementOf({ tiff, directories, layout, held, description, file });
  const isStack = behind !== undefined && behind.length > 1;
  const reduced = (of: Directory): readonly Directory[] =>
    isLsm || isStack ? [] : isAperio(description) ? aperioLevels(directories) : reducedBehind(tiff, of);
  if (page !== undefined) {
    const pages = [await pageAt(page)];
    const own = pages[0].directory === first ? reduced : () => [];
    return {
      pages,
      arrangement: { ...whole, ...stack(1, undefined, whole.spacing), channels: undefined },
      levels: await levelsOf(tiff, pages, own, file),
    };
  }
  const used = whole.pages ?? Array.from({ length: whole.t * whole.c * whole.z }, (_, i) => i);
  const pages: Page[] = [];
  for (const i of used) pages.push(await pageAt(i));
  const kinds = new Set(
    pages.map(
      ({ layout: l }) =>
        `${l.width} x ${l.height} ${l.samples > 1 ? `x ${l.samples} ` : ''}${l.dtype}${KINDS[l.photometric] ?? ''}`,
    ),
  );
  if (kinds.size > 1) {
    throw new FormatError(`its ${pages.length} pages differ (${[...kinds].join('; ')}).`, {
      file,
      remedy: 'Save pages of equal size and type as one file.',
    });
  }
  return { pages, arrangement: whole, levels: await levelsOf(tiff, pages, reduced, file) };
}

/**
 * The pages of a file that lists only the first one, with the others following contiguously: from ImageJ above 4 GiB,
 * MetaMorph, and tifffile on request; only the first if there are no others.
 */
function pagesBehind(tiff: TiffFile, page: Page): readonly Page[] {
  const { layout, directory } = page;
  const { width, height, samples, bits, offsets, byteCounts } = layout;
  const planes = layout.planar ? samples : 1;
  const planeBytes = rowBytes(width, samples / planes, bits) * height;
  const [start] = offsets;
  const stated = statedPages(directory, layout);
  const together = offsets.every((offset, i) => i === 0 || offset === offsets[i - 1] + byteCounts[i - 1]);
  const fits = start > 0 && start + stated * planes * planeBytes <= tiff.source.size;
  if (stated === 1 || layout.compression !== COMPRESSION.none || layout.tiled || !together || !fits) return [page];
  return Array.from({ length: stated }, (_, i) => ({
    directory,
    layout: {
      ...layout,
      blockHeight: height,
      offsets: Float64Array.from({ length: planes }, (__, s) => start + (i * planes + s) * planeBytes),
      byteCounts: new Float64Array(planes).fill(planeBytes),
    },
  }));
}

function channelNames(arrangement: Arrangement, layout: PageLayout): readonly string[] | undefined {
  const { samples, photometric, extraSamples } = layout;
  const total = arrangement.c * samples;
  if (arrangement.channels?.length === total && (total > 1 || arrangement.channels[0] !== 'channel 0'))
    return arrangement.channels;
  const colours = {
    [PHOTOMETRIC.rgb]: ['red', 'green', 'blue'],
    [PHOTOMETRIC.yCbCr]: ['red', 'green', 'blue'],
    [PHOTOMETRIC.cmyk]: ['cyan', 'magenta', 'yellow', 'black'],
    [PHOTOMETRIC.cieLab]: ['L*', 'a*', 'b*'],
  }[photometric] ?? ['grey'];
  const names = Array.from({ length: samples }, (_, s) => {
    const extra = extraSamples[s - colours.length];
    return colours[s] ?? (extra === 1 || extra === 2 ? 'alpha' : `sample ${s}`);
  });
  if (arrangement.c === 1) return names;
  return samples === 1
    ? undefined
    : Array.from({ length: total }, (_, i) => `${colourName(names, i % samples)} ${Math.floor(i / samples)}`);
}

/** Colours 0..255 from a ColorMap of 16-bit values; some writers store 8-bit values. */
function colourMap(directory: Directory, bits: number, file: string): number[][] {
  const map = directory.all('ColorMap');
  const entries = 2 ** bits;
  if (bits > 16 || map.length < 3 * entries) {
    throw new FormatError(`its palette has ${map.length} values for ${entries} colours.`, {
      file,
      remedy: 'Save it again.',
    });
  }
  const divisor = map.every((value) => value < 256) ? 1 : 257;
  return Array.from({ length: entries }, (_, i) => [0, 1, 2].map((k) => Math.floor(map[k * entries + i] / divisor)));
}
