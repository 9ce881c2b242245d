import { strFromU8 } from 'fflate';
import { FormatError } from '../../../errors.ts';
import { DEFLATE_RATIO, type ReadContext } from '../format.ts';
import { decompressor } from './decompress.ts';
import type { Directory, TiffFile } from './directory.ts';
import { COMPRESSION, type PageLayout, rowBytes } from './layout.ts';
import { allocateWords, reverseBits, undoDifferences, undoFloatPredictor, unpackRow, type Words } from './samples.ts';

/** A block that the writer omitted: its pixels are zero, or GDAL's value. */
const isEmpty = (offset: number, byteCount: number) => byteCount === 0 || offset === 0;

/** Maximum expansion per byte; JPEG is bounded only by its declared size. */
const RATIO: Readonly<Record<number, number>> = {
  [COMPRESSION.none]: 1,
  // Strings of at most 3839 bytes from a code of 12 bits.
  [COMPRESSION.lzw]: 2560,
  [COMPRESSION.packBits]: 64,
  [COMPRESSION.deflate]: DEFLATE_RATIO,
  [COMPRESSION.oldDeflate]: DEFLATE_RATIO,
  // A block of 128 KiB from its header and one byte (RFC 8878, section 3.1.1.2).
  [COMPRESSION.zstd]: 2 ** 15,
};

/**
 * Checks that the strips and tiles are within the file and large enough to fill the page, before allocating it.
 * @throws FormatError if one is not
 */
export function checkBlocks(layout: PageLayout, fileBytes: number, file: string): void {
  const { width, height, samples, bits, planar, blockWidth, blockHeight, offsets, byteCounts } = layout;
  const perRow = rowBytes(blockWidth, planar ? 1 : samples, bits);
  const [across, down] = [Math.ceil(width / blockWidth), Math.ceil(height / blockHeight)];
  for (let index = 0; index < across * down * (planar ? samples : 1); index++) {
    const [offset, byteCount] = [offsets[index], byteCounts[index]];
    if (isEmpty(offset, byteCount)) continue;
    if (offset + byteCount > fileBytes) {
      throw new FormatError(
        `the file ends at byte ${fileBytes}, but its image extends to byte ${offset + byteCount}: it is truncated.`,
        { file, remedy: 'Copy or save it again.' },
      );
    }
    const rows = Math.min(blockHeight, height - (Math.floor(index / across) % down) * blockHeight);
    const most = byteCount * (RATIO[layout.compression] ?? Number.POSITIVE_INFINITY);
    if (most < perRow * rows) throw endsEarly(layout, index, most, perRow * rows, file);
  }
}

function endsEarly(layout: PageLayout, index: number, bytes: number, needed: number, file: string): FormatError {
  return new FormatError(
    `the data of ${layout.tiled ? 'tile' : 'strip'} ${index} ends after ${bytes} of ${needed} bytes.`,
    { file, remedy: 'The file is truncated or damaged: copy or save it again.' },
  );
}

/** The bits of GDAL's value for omitted blocks. */
function emptyValue(directory: Directory, { dtype }: PageLayout): number | bigint | undefined {
  const text = directory.bytes('GDAL_NODATA');
  const value = text === undefined ? Number.NaN : Number(strFromU8(text, true).trim().replace(',', '.') || 'none');
  if (Number.isNaN(value) || value === 0 || dtype === 'float16') return undefined;
  if (dtype === 'float32') return new Uint32Array(Float32Array.of(value).buffer)[0];
  if (dtype === 'float64') return new BigUint64Array(Float64Array.of(value).buffer)[0];
  if (!Number.isInteger(value)) return undefined;
  return dtype.endsWith('64') ? BigInt.asUintN(64, BigInt(value)) : value;
}

/**
 * Reads one page into `target`, samples in planes ([samples][height][width]) starting at element `at`. White-is-zero
 * affects only the display: values stay as stored, as in ImageJ, tifffile and our DICOM reader.
 * @throws FormatError if a strip or tile contains too little data (`checkBlocks` has checked that they are within the
 * file)
 */
export async function readPage(
  tiff: TiffFile,
  directory: Directory,
  layout: PageLayout,
  target: Words,
  at: number,
  { file, zlib }: ReadContext,
): Promise<void> {
  const { width, height, samples, bits, planar, blockWidth, blockHeight } = layout;
  const decompress = await decompressor(layout, directory.bytes('JPEGTables'), zlib);
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const chunk = planar ? 1 : samples;
  const perRow = rowBytes(blockWidth, chunk, bits);
  const row = allocateWords(bits, blockWidth * chunk);
  const plane = width * height;
  const nodata = emptyValue(directory, layout);
  // The rows of a block are then one long row.
  const asInPlane = chunk === 1 && blockWidth === width && bits % 8 === 0 && layout.predictor === 1;
  for (let p = 0; p < (planar ? samples : 1); p++) {
    for (let by = 0; by < down; by++) {
      const rows = Math.min(blockHeight, height - by * blockHeight);
      for (let bx = 0; bx < across; bx++) {
        const index = (p * down + by) * across + bx;
        const offset = layout.offsets[index];
        const byteCount = layout.byteCounts[index];
        const columns = Math.min(blockWidth, width - bx * blockWidth);
        if (isEmpty(offset, byteCount)) {
          if (nodata === undefined) continue;
          const corner = at + p * plane + by * blockHeight * width + bx * blockWidth;
          for (let s = 0; s < chunk; s++) {
            for (let y = 0; y < rows; y++) {
              const from = corner + s * plane + y * width;
              target.fill(nodata as never, from, from + columns);
            }
          }
          continue;
        }
        const raw = tiff.bytes.subarray(offset, offset + byteCount);
        const packed = layout.fillOrder === 2 && layout.compression !== COMPRESSION.jpeg ? reverseBits(raw) : raw;
        const bytes = await decompress(packed, perRow * (layout.tiled ? blockHeight : rows));
        if (bytes.length < perRow * rows) {
          throw endsEarly(layout, index, bytes.length, perRow * rows, file);
        }
        if (asInPlane) {
          const to = at + p * plane + by * blockHeight * width;
          unpackRow(bytes, bits, tiff.littleEndian, target.subarray(to, to + rows * width));
          continue;
        }
        for (let y = 0; y < rows; y++) {
          const rowStart = bytes.subarray(y * perRow, (y + 1) * perRow);
          const to = at + p * plane + (by * blockHeight + y) * width + bx * blockWidth;
          if (chunk === 1 && columns === blockWidth) {
            decodeRow(rowStart, layout, tiff.littleEndian, chunk, target.subarray(to, to + columns));
            continue;
          }
          decodeRow(rowStart, layout, tiff.littleEndian, chunk, row);
          for (let s = 0; s < chunk; s++) scatter(row, s, chunk, target, to + s * plane, columns);
        }
      }
    }
  }
}

function decodeRow(bytes: Uint8Array, layout: PageLayout, littleEndian: boolean, stride: number, row: Words): void {
  if (layout.predictor === 3) {
    // Uncompressed data is a view of the caller's bytes, which must not be changed.
    const own = layout.compression === COMPRESSION.none ? bytes.slice() : bytes;
    undoFloatPredictor(own, layout.bits / 8, stride);
    unpackRow(own, layout.bits, false, row);
    return;
  }
  unpackRow(bytes, layout.bits, littleEndian, row);
  if (layout.predictor === 2) undoDifferences(row, layout.bits, stride);
}

function scatter(row: Words, from: number, stride: number, target: Words, to: number, count: number): void {
  if (row instanceof BigUint64Array || target instanceof BigUint64Array) {
    for (let x = 0; x < count; x++) (target as BigUint64Array)[to + x] = (row as BigUint64Array)[from + x * stride];
  } else if (stride === 1) {
    target.set(row.subarray(0, count), to);
  } else {
    for (let x = 0, at = from; x < count; x++, at += stride) target[to + x] = row[at];
  }
}
