import { bytesPer, viewAs } from '../../../array/ndarray.ts';
import { counted, FormatError } from '../../../errors.ts';
import { axesOf, type Image } from '../../image.ts';
import { colourName, expandPalette } from '../../palette.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import { type Arrangement, descriptionOf, stack } from './arrangement.ts';
import { type Directory, readDirectories, type TiffFile } from './directory.ts';
import { calibrateValues } from './imagej.ts';
import { COMPRESSION, type PageLayout, PHOTOMETRIC, pageLayout, rowBytes } from './layout.ts';
import { lsmDirectory, lsmLayout } from './lsm.ts';
import { arrangementOf, statedPages } from './metadata.ts';
import { checkBlocks, readPage } from './page.ts';
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
    const { pages, arrangement } = selectPages(source, context);
    const first = pages[0];
    const { layout } = first;
    const pageElements = layout.width * layout.height * layout.samples;
    const what = `the image (${layout.width} x ${layout.height}, ${layout.samples} x ${layout.dtype} per pixel, ${counted(pages.length, 'page')})`;
    checkDeclaredSize(what, pageElements * bytesPer(layout.dtype) * pages.length, context);
    const blockBytes =
      rowBytes(layout.blockWidth, layout.planar ? 1 : layout.samples, layout.bits) * layout.blockHeight;
    checkDeclaredSize('one strip or tile', blockBytes, context);
    for (const page of pages) checkBlocks(page.layout, bytes.length, file);

    const words = allocateWords(layout.bits, pageElements * pages.length);
    await fill(source, pages, arrangement, words, context);

    const { t, c, z } = arrangement;
    const channels = channelNames(arrangement, layout);
    const spacing = Object.fromEntries(
      Object.entries(arrangement.spacing).filter(
        ([axis]) => axis === 'x' || axis === 'y' || (axis === 'z' ? z > 1 : t > 1),
      ),
    );
    const turned = first.directory.first('Orientation') ?? 1;
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
    const stored: Image = {
      dtype: layout.dtype,
      ...axesOf({ t, c: c * layout.samples, z, y: layout.height, x: layout.width }),
      data: viewAs(layout.dtype, words.buffer),
      spacing,
      channels,
      ...(layout.bits < bitsOf ? { bitDepth: layout.bits } : {}),
      labelKind: arrangement.labelKind,
      ...(colourPlanes ? { colourPlanes } : {}),
      ...(notes.length > 0 ? { notes } : {}),
    };
    const image =
      arrangement.calibration === undefined ? stored : calibrateValues(stored, arrangement.calibration, file);
    // ImageJ's palettes are look-up tables for display: the values themselves are the image.
    if (layout.photometric !== PHOTOMETRIC.palette || arrangement.imagej || c > 1) return image;
    const colours = colourMap(first.directory, layout.bits, file);
    return context.palette === 'index' ? { ...image, palette: colours } : expandPalette(image, colours, file);
  },
};

/** Photometric kinds whose values have different meanings, even if dtype and samples agree. */
const KINDS: Readonly<Record<number, string>> = {
  [PHOTOMETRIC.palette]: ' palette',
  [PHOTOMETRIC.whiteIsZero]: ' white is zero',
};

interface Selection {
  readonly pages: readonly Page[];
  readonly arrangement: Arrangement;
}

/** The pages to read, without thumbnails, overviews or masks, all of one size and kind, and their arrangement. */
function selectPages(source: TiffFile, { file, page }: ReadContext): Selection {
  const full = source.directories.filter((directory) => {
    // Bit 0: reduced version of another page, bit 2: transparency mask; SubfileType 2: reduced.
    const reduced = ((directory.first('NewSubfileType') ?? 0) & 5) !== 0 || directory.first('SubfileType') === 2;
    return !reduced;
  });
  const directories = full.length > 0 ? full : source.directories;
  const [first] = directories;
  if (first === undefined) {
    throw new FormatError('the TIFF file contains no page.', { file, remedy: 'Save it again.' });
  }
  const description = descriptionOf(first);
  if (page === undefined && directories.length > 1 && description.startsWith('Aperio')) {
    throw new FormatError(
      `this is a whole slide (Aperio SVS) of ${directories.length} pictures, the largest ${first.first('ImageWidth')} x ${first.first('ImageLength')}. Whole slides are not supported yet.`,
      { file, remedy: 'Save a region as TIFF, with QuPath for instance.' },
    );
  }
  const isLsm = first.location('CZ_LSMINFO') !== undefined;
  const pageOf = (stored: Directory): Page => {
    if (!isLsm) return { directory: stored, layout: pageLayout(stored, file) };
    const directory = lsmDirectory(stored, source);
    return { directory, layout: lsmLayout(pageLayout(directory, file), source.bytes.length) };
  };
  const behind = directories.length > 1 ? undefined : pagesBehind(source, pageOf(first));
  const held = behind?.length ?? directories.length;
  if (page !== undefined && page >= held) {
    throw new FormatError(`page ${page} does not exist; the file has ${held}, counted from 0.`, { file });
  }
  const pageAt = (i: number) => behind?.[i] ?? pageOf(directories[i]);
  // The file's description is in its first directory; for a single page it states the pixel size.
  const layout = pageOf(directories[page !== undefined && behind === undefined ? page : 0]).layout;
  const whole = arrangementOf({ source, directories, layout, held, description, file });
  if (page !== undefined) {
    return {
      pages: [pageAt(page)],
      arrangement: { ...whole, ...stack(1, undefined, whole.spacing), channels: undefined },
    };
  }
  const used = whole.pages ?? Array.from({ length: whole.t * whole.c * whole.z }, (_, i) => i);
  const pages = used.map(pageAt);
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
  return { pages, arrangement: whole };
}

/**
 * The pages of a file that lists only the first one, with the others following contiguously: from ImageJ above 4 GiB,
 * MetaMorph, and tifffile on request; only the first if there are no others.
 */
function pagesBehind(source: TiffFile, page: Page): readonly Page[] {
  const { layout, directory } = page;
  const { width, height, samples, bits, offsets, byteCounts } = layout;
  const planes = layout.planar ? samples : 1;
  const planeBytes = rowBytes(width, samples / planes, bits) * height;
  const [start] = offsets;
  const stated = statedPages(directory, layout);
  const together = offsets.every((offset, i) => i === 0 || offset === offsets[i - 1] + byteCounts[i - 1]);
  const fits = start > 0 && start + stated * planes * planeBytes <= source.bytes.length;
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

/** Reads every page to its position in [t][c][samples][z][y][x]. */
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
    // The samples of a page are z planes apart.
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
