import { strFromU8 } from 'fflate';
import { concatenate } from '../../../array/bytes.ts';
import { FormatError } from '../../../errors.ts';
import { type Image, labelKindOf, type Spacings } from '../../image.ts';
import { expandPalette } from '../../palette.ts';
import { transposed } from '../../samples.ts';
import { isDefaultDensity } from '../../units.ts';
import { type Codec, checkDeclaredSize, DEFLATE_RATIO, type ReadContext } from '../format.ts';
import { type Chunk, readChunks } from './chunks.ts';
import { unfilter } from './unfilter.ts';

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

/** Channels and permitted bit depths of each colour type (PNG, section 11.2.1). */
const COLOUR_TYPES: Readonly<
  Record<number, { readonly names: readonly string[]; readonly depths: readonly number[] }>
> = {
  0: { names: ['grey'], depths: [1, 2, 4, 8, 16] },
  2: { names: ['red', 'green', 'blue'], depths: [8, 16] },
  3: { names: ['grey'], depths: [1, 2, 4, 8] },
  4: { names: ['grey', 'alpha'], depths: [8, 16] },
  6: { names: ['red', 'green', 'blue', 'alpha'], depths: [8, 16] },
};
const INDEXED = 3;

/** First column and row, and steps, of the passes of Adam7 interlacing. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** PNG. Inflating stops at the declared size, and missing data is detected. */
export const png: Codec = {
  async read(bytes: Uint8Array, context: ReadContext): Promise<Image> {
    const { file, palette, page } = context;
    const chunks = readChunks(bytes, file, context.zlib);
    const header = readHeader(chunks, file);
    const { width, height, depth, channels } = header;
    checkDeclaredSize(
      `the image (${width} x ${height}, ${channels} x ${depth} bits per pixel)`,
      width * height * channels * (depth === 16 ? 2 : 1),
      context,
    );
    if (page !== undefined && page !== 0)
      throw new FormatError(`page ${page} does not exist; a PNG has one.`, { file });
    const samples = await readSamples(chunks, header, context);
    const dtype = depth === 16 ? 'uint16' : 'uint8';
    const names = COLOUR_TYPES[header.colourType]?.names;
    const notes: string[] = [];
    if (chunks.some((chunk) => chunk.type === 'acTL')) notes.push('Animated: only the first frame is read.');
    if (header.colourType !== INDEXED && chunks.some((chunk) => chunk.type === 'tRNS')) {
      notes.push('The transparent colour is kept as an ordinary colour.');
    }
    const image: Image = {
      dtype,
      shape: channels === 1 ? [height, width] : [channels, height, width],
      axes: channels === 1 ? 'yx' : 'cyx',
      data: transposed(samples, dtype, width * height, channels),
      spacing: physicalSize(chunks),
      channels: names,
      labelKind: labelKind(chunks),
      ...(depth < 8 ? { bitDepth: depth } : {}),
      ...(notes.length > 0 ? { notes } : {}),
    };
    if (header.colourType !== INDEXED) return image;
    const colours = readPalette(chunks, file);
    return palette === 'index' ? { ...image, palette: colours } : expandPalette(image, colours, file);
  },
};

/** The label kind from a text chunk written by Lamella. */
function labelKind(chunks: readonly Chunk[]): Image['labelKind'] {
  const texts = chunks.filter(({ type }) => type === 'tEXt').map(({ data }) => strFromU8(data, true));
  return labelKindOf(texts.find((text) => text.startsWith('label_kind\0'))?.split('\0')[1]);
}

function readHeader(chunks: readonly Chunk[], file: string): Header {
  const broken = (what: string): never => {
    throw new FormatError(`the PNG header is damaged: ${what}.`, { file, remedy: 'Copy or save it again.' });
  };
  const first = chunks[0];
  if (first?.type !== 'IHDR' || first.data.length !== 13) return broken('IHDR is not the first chunk');
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const depth = view.getUint8(8);
  const colourType = view.getUint8(9);
  if (width === 0 || height === 0) broken(`its size is ${width} x ${height}`);
  const type = COLOUR_TYPES[colourType];
  if (type === undefined || !type.depths.includes(depth)) return broken(`colour type ${colourType} with ${depth} bits`);
  if (view.getUint8(10) !== 0 || view.getUint8(11) !== 0 || view.getUint8(12) > 1) broken('unknown method');
  return { width, height, depth, colourType, channels: type.names.length, interlaced: view.getUint8(12) === 1 };
}

/** Samples as [height][width][channels], sub-byte ones unpacked. */
async function readSamples(
  chunks: readonly Chunk[],
  header: Header,
  { file, zlib }: ReadContext,
): Promise<Uint8Array | Uint16Array> {
  const { width, height, depth, channels, interlaced } = header;
  const passes: readonly (readonly [number, number, number, number])[] = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  const sizes = passes.map(([x0, y0, dx, dy]) => {
    const w = Math.max(0, Math.ceil((width - x0) / dx));
    const h = Math.max(0, Math.ceil((height - y0) / dy));
    return { w, h, bytes: w === 0 ? 0 : h * (1 + Math.ceil((w * channels * depth) / 8)) };
  });
  const expected = sizes.reduce((total, size) => total + size.bytes, 0);
  const packed = concatenate(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data));
  const ends = (bytes: number): never => {
    throw new FormatError(`the PNG data ends after ${bytes} of ${expected} bytes.`, {
      file,
      remedy: 'Copy or save it again.',
    });
  };
  // Before allocating more than so few bytes could expand to.
  const filledAtMost = packed.length * DEFLATE_RATIO;
  if (filledAtMost < expected) ends(filledAtMost);
  const filtered = await zlib.inflate(packed, expected);
  if (filtered.length < expected) ends(filtered.length);
  if (!interlaced) return samplesOf(filtered, width, header);
  const out = depth === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels);
  let at = 0;
  for (const [i, { w, h, bytes }] of sizes.entries()) {
    if (bytes === 0 || h === 0) continue;
    const [x0, y0, dx, dy] = passes[i];
    const part = samplesOf(filtered.subarray(at, at + bytes), w, header);
    at += bytes;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const to = ((y0 + y * dy) * width + x0 + x * dx) * channels;
        for (let c = 0; c < channels; c++) out[to + c] = part[(y * w + x) * channels + c];
      }
    }
  }
  return out;
}

/** Samples of inflated rows. */
function samplesOf(filtered: Uint8Array, width: number, { depth, channels }: Header): Uint8Array | Uint16Array {
  const rowBytes = Math.ceil((width * channels * depth) / 8);
  const bytes = unfilter(filtered, rowBytes, Math.max(1, (channels * depth) / 8));
  if (depth === 8) return bytes;
  const rows = bytes.length / rowBytes;
  if (depth === 16) {
    const out = new Uint16Array(bytes.length / 2);
    for (let i = 0; i < out.length; i++) out[i] = (bytes[2 * i] << 8) | bytes[2 * i + 1];
    return out;
  }
  const out = new Uint8Array(width * rows);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      out[y * width + x] = (bytes[y * rowBytes + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return out;
}

function readPalette(chunks: readonly Chunk[], file: string): number[][] {
  const rgb = chunks.find((chunk) => chunk.type === 'PLTE')?.data;
  if (rgb === undefined || rgb.length === 0 || rgb.length % 3 !== 0) {
    throw new FormatError('the PNG has no valid palette.', { file, remedy: 'Copy or save it again.' });
  }
  const alpha = chunks.find((chunk) => chunk.type === 'tRNS')?.data;
  return Array.from({ length: rgb.length / 3 }, (_, i) => {
    const colour = Array.from(rgb.subarray(3 * i, 3 * i + 3));
    return alpha === undefined ? colour : [...colour, alpha[i] ?? 255];
  });
}

/** Pixel size in micrometres from pHYs, if it is in metres and not a print density. */
function physicalSize(chunks: readonly Chunk[]): Spacings {
  const data = chunks.find((chunk) => chunk.type === 'pHYs')?.data;
  if (data === undefined || data.length !== 9 || data[8] !== 1) return {};
  const view = new DataView(data.buffer, data.byteOffset, 9);
  const x = view.getUint32(0);
  const y = view.getUint32(4);
  if (x === 0 || y === 0 || [x, y].some((density) => isDefaultDensity(density * 0.0254))) return {};
  return { x: { value: 1e6 / x, unit: 'µm' }, y: { value: 1e6 / y, unit: 'µm' } };
}
