import { bytesPer, type DType, type Storage } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import type { Image } from '../../image.ts';
import { colourName, expandPalette } from '../../palette.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import { type Directory, readDirectories, type TiffFile } from './directory.ts';
import { COMPRESSION, type PageLayout, PHOTOMETRIC, pageLayout, rowBytes } from './layout.ts';
import { type Arrangement, arrangementOf, imagejPages } from './metadata.ts';
import { readPage } from './page.ts';
import { allocateWords, type Words } from './samples.ts';

interface Page {
  readonly directory: Directory;
  readonly layout: PageLayout;
}

/** TIFF and BigTIFF. */
export const tiff: Codec = {
  async read(bytes: Uint8Array, context: ReadContext): Promise<Image> {
    const { file } = context;
    const source = readDirectories(bytes, file);
    const pages = selectPages(source, context);
    const first = pages[0];
    const { layout } = first;
    const pageElements = layout.width * layout.height * layout.samples;
    const pageBytes = pageElements * bytesPer(layout.dtype);
    const what = `the image (${layout.width} x ${layout.height}, ${layout.samples} x ${layout.dtype} a pixel, ${pages.length} page${pages.length === 1 ? '' : 's'})`;
    checkDeclaredSize(what, pageBytes * pages.length, bytes.length, context);
    const blockBytes =
      rowBytes(layout.blockWidth, layout.planar ? 1 : layout.samples, layout.bits) * layout.blockHeight;
    checkDeclaredSize('one strip or tile', blockBytes, bytes.length, context);

    const arrangement = arrange(source, pages, context);
    const words = allocateWords(layout.bits, pageElements * pages.length);
    await fill(source, pages, arrangement, words, context);

    const { t, c, z } = arrangement;
    const channels = channelNames(arrangement, layout);
    const spacing = Object.fromEntries(
      Object.entries(arrangement.spacing).filter(
        ([axis]) => axis === 'x' || axis === 'y' || (axis === 'z' ? z > 1 : t > 1),
      ),
    );
    const bitsOf = bytesPer(layout.dtype) * 8;
    const image = assemble(
      layout.dtype,
      [t, c * layout.samples, z, layout.height, layout.width],
      reinterpret(words, layout.dtype),
      {
        spacing,
        channels,
        ...(layout.bits < bitsOf ? { bitDepth: layout.bits } : {}),
        labelKind: arrangement.labelKind,
        ...(arrangement.notes.length > 0 ? { notes: arrangement.notes } : {}),
      },
    );
    // ImageJ's palettes are look-up tables for the screen: the values themselves are the picture.
    if (layout.photometric !== PHOTOMETRIC.palette || arrangement.imagej || c > 1) return image;
    const colours = colourMap(first.directory, layout.bits, file);
    return context.palette === 'index' ? { ...image, palette: colours } : expandPalette(image, colours, file);
  },
};

/** The pages to read: no thumbnails, overviews or masks; all of one size and kind. */
function selectPages(source: TiffFile, { file, page }: ReadContext): readonly Page[] {
  const full = source.directories.filter((directory) => {
    // Bit 0: reduced version of another page, bit 2: transparency mask; SubfileType 2: reduced.
    const reduced = ((directory.first('NewSubfileType') ?? 0) & 5) !== 0 || directory.first('SubfileType') === 2;
    return !reduced;
  });
  const directories = full.length > 0 ? full : source.directories;
  if (directories.length === 0) {
    throw new FormatError('the TIFF file holds no page.', { file, remedy: 'Save it again.' });
  }
  if (page !== undefined) {
    const directory = directories[page];
    if (directory === undefined) {
      throw new FormatError(`there is no page ${page}: the file has ${directories.length}, counted from 0.`, { file });
    }
    return [{ directory, layout: pageLayout(directory, file) }];
  }
  const pages = directories.map((directory) => ({ directory, layout: pageLayout(directory, file) }));
  const kinds = new Set(
    pages.map(
      ({ layout: l }) =>
        `${l.width} x ${l.height} ${l.samples > 1 ? `x ${l.samples} ` : ''}${l.dtype}${l.photometric === PHOTOMETRIC.palette ? ' palette' : ''}`,
    ),
  );
  if (kinds.size > 1) {
    throw new FormatError(`its ${pages.length} pages differ (${[...kinds].join('; ')}).`, {
      file,
      remedy: 'Save pages of one size and kind as one file.',
    });
  }
  return pages.length === 1 ? withHiddenPages(source, pages[0] as Page) : pages;
}

/** ImageJ lists only the first page of a stack above 4 GiB; the others follow it without a gap. */
function withHiddenPages(source: TiffFile, page: Page): readonly Page[] {
  const { layout, directory } = page;
  const stated = imagejPages(directory);
  const bytes = rowBytes(layout.width, layout.samples, layout.bits) * layout.height;
  const start = layout.offsets[0];
  if (stated === 1 || layout.compression !== COMPRESSION.none || layout.tiled || layout.planar) return [page];
  if (start + stated * bytes > source.bytes.length) return [page];
  return Array.from({ length: stated }, (_, i) => ({
    directory,
    layout: {
      ...layout,
      blockHeight: layout.height,
      offsets: Float64Array.of(start + i * bytes),
      byteCounts: Float64Array.of(bytes),
    },
  }));
}

/** How the pages lie. The file's description stands in its first directory; of a single page it gives the pixel size. */
function arrange(source: TiffFile, pages: readonly Page[], { page }: ReadContext): Arrangement {
  const { directory, layout } = pages[0];
  if (page === undefined) return arrangementOf(directory, pages.length, layout.samples);
  return { ...arrangementOf(source.directories[0] ?? directory, 1, layout.samples), notes: [] };
}

/** Reads every page to its place in [t][c][samples][z][y][x]. */
async function fill(
  source: TiffFile,
  pages: readonly Page[],
  arrangement: Arrangement,
  words: Words,
  context: ReadContext,
): Promise<void> {
  const { c, z } = arrangement;
  const { width, height, samples, bits } = pages[0].layout;
  const plane = width * height;
  const scratch = samples > 1 && z > 1 ? allocateWords(bits, plane * samples) : undefined;
  for (const [i, { directory, layout }] of pages.entries()) {
    const place = arrangement.place(i);
    const at = ((place.t * c + place.c) * samples * z + place.z) * plane;
    if (scratch === undefined) {
      await readPage(source, directory, layout, words, at, context);
      continue;
    }
    // Samples of a page lie z planes apart.
    await readPage(source, directory, layout, scratch.fill(0 as never), 0, context);
    for (let s = 0; s < samples; s++) {
      words.set(scratch.subarray(s * plane, (s + 1) * plane) as never, at + s * z * plane);
    }
  }
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

/** The same bits as another dtype of the same width. */
function reinterpret(words: Words, dtype: DType): Storage[DType] {
  const { buffer } = words;
  switch (dtype) {
    case 'int8':
      return new Int8Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    default:
      return words;
  }
}

/** An image without the axes t, c, z that have one step only. */
function assemble(
  dtype: DType,
  extents: readonly number[],
  data: Storage[DType],
  rest: Pick<Image, 'spacing'> & Partial<Image>,
): Image {
  const kept = extents.map((length, axis) => length > 1 || axis > 2);
  return {
    dtype,
    shape: extents.filter((_, axis) => kept[axis]),
    data,
    axes: [...'tczyx'].filter((_, axis) => kept[axis]).join(''),
    ...rest,
  };
}

/** Colours 0..255 from a ColorMap of 16-bit values; some writers put 8-bit values there. */
function colourMap(directory: Directory, bits: number, file: string): number[][] {
  const map = directory.all('ColorMap');
  const entries = 2 ** bits;
  if (bits > 8 || map.length < 3 * entries) {
    throw new FormatError(`its palette has ${map.length} values for ${entries} colours.`, {
      file,
      remedy: 'Save it again.',
    });
  }
  const divisor = map.every((value) => value < 256) ? 1 : 257;
  return Array.from({ length: entries }, (_, i) => [0, 1, 2].map((k) => Math.floor(map[k * entries + i] / divisor)));
}
