import { FormatError } from '../../../errors.ts';
import type { ReadContext } from '../format.ts';
import { decompressor } from './decompress.ts';
import type { Directory, TiffFile } from './directory.ts';
import { COMPRESSION, type PageLayout, PHOTOMETRIC, rowBytes } from './layout.ts';
import { allocateWords, reverseBits, undoDifferences, undoFloatPredictor, unpackRow, type Words } from './samples.ts';

/**
 * Reads one page into `target`, samples in planes ([samples][height][width]) from element `at` on.
 * @throws FormatError when a strip or tile lies outside the file or holds too little
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
  // A block's rows are then one long row.
  const asInPlane = chunk === 1 && blockWidth === width && bits % 8 === 0 && layout.predictor === 1;
  for (let p = 0; p < (planar ? samples : 1); p++) {
    for (let by = 0; by < down; by++) {
      const rows = Math.min(blockHeight, height - by * blockHeight);
      for (let bx = 0; bx < across; bx++) {
        const index = (p * down + by) * across + bx;
        const offset = layout.offsets[index];
        const byteCount = layout.byteCounts[index];
        // A block of no bytes is one that the writer left empty: zeros.
        if (byteCount === 0) continue;
        const packed = takeBlock(tiff.bytes, offset, byteCount, layout, file);
        const bytes = await decompress(packed, perRow * (layout.tiled ? blockHeight : rows));
        if (bytes.length < perRow * rows) {
          throw new FormatError(
            `the data of ${layout.tiled ? 'tile' : 'strip'} ${index} ends after ${bytes.length} of ${perRow * rows} bytes.`,
            { file, remedy: 'The file is truncated or damaged: copy or save it again.' },
          );
        }
        const columns = Math.min(blockWidth, width - bx * blockWidth);
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
  const page = target.subarray(at, at + samples * plane);
  if (layout.photometric === PHOTOMETRIC.whiteIsZero) invert(page, layout);
}

function takeBlock(bytes: Uint8Array, offset: number, byteCount: number, layout: PageLayout, file: string): Uint8Array {
  if (offset + byteCount > bytes.length) {
    throw new FormatError(
      `the file ends at byte ${bytes.length}, but its picture goes on to byte ${offset + byteCount}: it is truncated.`,
      { file, remedy: 'Copy or save it again.' },
    );
  }
  const packed = bytes.subarray(offset, offset + byteCount);
  return layout.fillOrder === 2 && layout.compression !== COMPRESSION.jpeg ? reverseBits(packed) : packed;
}

function decodeRow(bytes: Uint8Array, layout: PageLayout, littleEndian: boolean, stride: number, row: Words): void {
  if (layout.predictor === 3) {
    // Uncompressed data is a view of the caller's bytes, which are not ours to change.
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

/** White-is-zero of unsigned samples: v becomes 2^bits - 1 - v. Signed and floating-point samples have no such maximum. */
function invert(page: Words, layout: PageLayout): void {
  if (!layout.dtype.startsWith('uint')) return;
  if (page instanceof BigUint64Array) {
    for (let i = 0; i < page.length; i++) page[i] = ~page[i];
    return;
  }
  const top = 2 ** layout.bits - 1;
  for (let i = 0; i < page.length; i++) page[i] = top - page[i];
}
