import { strFromU8 } from 'fflate';
import { FormatError } from '../../../errors.ts';
import { eachAtOnce } from '../at-once.ts';
import { DEFLATE_RATIO, type ReadContext } from '../format.ts';
import { decompressor } from './decompress.ts';
import type { Directory, TiffFile } from './directory.ts';
import { COMPRESSION, isPicture, type PageLayout, rowBytes } from './layout.ts';
import { allocateWords, reverseBits, undoDifferences, undoFloatPredictor, unpackRow, type Words } from './samples.ts';

/** A block that the writer omitted: its pixels are zero, or GDAL's value. */
const isEmpty = ({ offset, byteCount }: { readonly offset: number; readonly byteCount: number }): boolean =>
  byteCount === 0 || offset === 0;

/** Strips and tiles that follow one another are read together, up to this many bytes. */
const RUN_BYTES = 2 ** 20;
const RUNS_AT_ONCE = 8;

/** A page of a file. */
export interface Page {
  readonly directory: Directory;
  readonly layout: PageLayout;
}

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
    if (isEmpty({ offset, byteCount })) continue;
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

/** A part of a page: how many samples, rows and columns from which on. */
export interface Part {
  readonly sample: number;
  readonly samples: number;
  readonly y: number;
  readonly height: number;
  readonly x: number;
  readonly width: number;
}

/** Where a part goes: samples in planes ([samples][height][width]) from element `at`, `stride` elements apart. */
export interface Place {
  readonly words: Words;
  readonly at: number;
  readonly stride: number;
}

/** A strip or tile, and what of it is read. */
interface Block {
  readonly index: number;
  /** The sample of its plane; the first one that is read if they are interleaved. */
  readonly sample: number;
  /** Its first column in the page. */
  readonly left: number;
  /** The rows and columns of the page that are read. */
  readonly rows: readonly [from: number, to: number];
  readonly columns: readonly [from: number, to: number];
  /** The rows of the page that its bytes must hold. */
  readonly held: readonly [from: number, to: number];
  /** Bytes of its rows, decompressed: those of a tile may be more than those held. */
  readonly expected: number;
  readonly offset: number;
  readonly byteCount: number;
}

/**
 * Reads a part of a page. White-is-zero affects only the display: values stay as stored, as in ImageJ, tifffile and our
 * DICOM reader.
 * @throws FormatError if a strip or tile contains too little data (`checkBlocks` has checked that they are within the
 * file)
 */
export async function readPart(
  tiff: TiffFile,
  { directory, layout }: Page,
  part: Part,
  place: Place,
  { file, zlib }: ReadContext,
): Promise<void> {
  const { samples, bits, planar, blockWidth } = layout;
  const decompress = await decompressor(layout, directory.bytes('JPEGTables'), zlib);
  const chunk = planar ? 1 : samples;
  const perRow = rowBytes(blockWidth, chunk, bits);
  const littleEndian = isPicture(layout) || tiff.littleEndian;
  const nodata = emptyValue(directory, layout);
  const blocks = [...blocksOf(layout, part, perRow)];
  /** Samples of a block that are read. */
  const planes = planar ? 1 : part.samples;
  const elementOf = ({ sample }: Block, y: number, x: number): number =>
    place.at + (sample - part.sample) * place.stride + (y - part.y) * part.width + x - part.x;
  for (const block of nodata === undefined ? [] : blocks.filter(isEmpty)) {
    const [from, to] = block.columns;
    for (let s = 0; s < planes; s++) {
      for (let y = block.rows[0]; y < block.rows[1]; y++) {
        const start = elementOf(block, y, from) + s * place.stride;
        place.words.fill(nodata as never, start, start + to - from);
      }
    }
  }
  const stored = blocks.filter((block) => !isEmpty(block));
  await eachAtOnce(RUNS_AT_ONCE, runsOf(stored), async (run) => {
    const bytes = await tiff.source.read(run[0].offset, runBytes(run));
    for (const block of run) {
      const from = block.offset - run[0].offset;
      await unpack(block, bytes.subarray(from, from + block.byteCount));
    }
  });

  async function unpack(block: Block, raw: Uint8Array): Promise<void> {
    const packed = layout.fillOrder === 2 && !isPicture(layout) ? reverseBits(raw) : raw;
    const bytes = await decompress(packed, block.expected);
    const [first, end] = block.held;
    const needed = perRow * (end - first);
    if (bytes.length < needed) throw endsEarly(layout, block.index, bytes.length, needed, file);
    const [top, bottom] = block.rows;
    const [from, to] = block.columns;
    const isWhole = from === block.left && to - from === blockWidth;
    // The rows of a block are then one long row.
    if (chunk === 1 && isWhole && blockWidth === part.width && bits % 8 === 0 && layout.predictor === 1) {
      const at = elementOf(block, top, from);
      const rows = bytes.subarray((top - first) * perRow, (bottom - first) * perRow);
      unpackRow(rows, bits, littleEndian, place.words.subarray(at, at + (bottom - top) * blockWidth));
      return;
    }
    const row = allocateWords(bits, blockWidth * chunk);
    for (let y = top; y < bottom; y++) {
      const rowBytesOf = bytes.subarray((y - first) * perRow, (y - first + 1) * perRow);
      const at = elementOf(block, y, from);
      if (chunk === 1 && isWhole) {
        decodeRow(rowBytesOf, layout, littleEndian, chunk, place.words.subarray(at, at + blockWidth));
        continue;
      }
      decodeRow(rowBytesOf, layout, littleEndian, chunk, row);
      for (let s = 0; s < planes; s++) {
        const start = (from - block.left) * chunk + (planar ? 0 : part.sample + s);
        scatter(row, start, chunk, place.words, at + s * place.stride, to - from);
      }
    }
  }
}

/** The strips and tiles that a part lies in. Of uncompressed ones only the wanted rows, a band of them at a time. */
function* blocksOf(layout: PageLayout, part: Part, perRow: number): Generator<Block> {
  const { width, height, planar, blockWidth, blockHeight } = layout;
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  for (let p = part.sample; p < part.sample + (planar ? part.samples : 1); p++) {
    for (let by = Math.floor(part.y / blockHeight); by * blockHeight < part.y + part.height; by++) {
      for (let bx = Math.floor(part.x / blockWidth); bx * blockWidth < part.x + part.width; bx++) {
        const index = ((planar ? p : 0) * down + by) * across + bx;
        const [top, left] = [by * blockHeight, bx * blockWidth];
        const end = Math.min(height, top + blockHeight);
        const rows = [Math.max(top, part.y), Math.min(end, part.y + part.height)] as const;
        const columns = [Math.max(left, part.x), Math.min(left + blockWidth, part.x + part.width)] as const;
        const expected = perRow * (layout.tiled ? blockHeight : end - top);
        const block = { index, sample: p, left, columns, expected };
        const [offset, byteCount] = [layout.offsets[index], layout.byteCounts[index]];
        if (layout.compression !== COMPRESSION.none || isEmpty({ offset, byteCount })) {
          yield { ...block, rows, held: [top, end], offset, byteCount };
          continue;
        }
        const band = Math.max(1, Math.floor(RUN_BYTES / perRow));
        for (let y = rows[0]; y < rows[1]; y += band) {
          const held = [y, Math.min(rows[1], y + band)] as const;
          yield { ...block, rows: held, held, offset: offset + (y - top) * perRow, byteCount: (held[1] - y) * perRow };
        }
      }
    }
  }
}

/** Blocks that follow one another in the file, read together: strips may be single rows. */
function* runsOf(blocks: readonly Block[]): Generator<readonly [Block, ...Block[]]> {
  let run: Block[] = [];
  for (const block of blocks) {
    const last = run.at(-1);
    const follows = last !== undefined && block.offset === last.offset + last.byteCount;
    if (last !== undefined && !(follows && block.offset + block.byteCount - run[0].offset <= RUN_BYTES)) {
      yield run as [Block, ...Block[]];
      run = [];
    }
    run.push(block);
  }
  if (run.length > 0) yield run as [Block, ...Block[]];
}

function runBytes(run: readonly Block[]): number {
  const last = run[run.length - 1];
  return last.offset + last.byteCount - run[0].offset;
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
    target.set(row.subarray(from, from + count), to);
  } else {
    for (let x = 0, at = from; x < count; x++, at += stride) target[to + x] = row[at];
  }
}
