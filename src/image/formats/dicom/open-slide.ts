/** Whole slides in DICOM read by region: the header, and the tiles that a region touches. */

import { allocate, elementCount } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import type { ByteSource } from '../../../files.ts';
import type { Image } from '../../image.ts';
import { type ImageSource, type Region, regionImage, regionOf } from '../../source.ts';
import type { ReadContext } from '../format.ts';
import type { DicomHeader, ParsedDicom } from './header.ts';
import { placeTile, type SlideBox, slideInfo, touches } from './mosaic.ts';
import type { Element } from './parser.ts';
import { frameStarts, integerDtype, NATIVE, readSamples } from './pixels.ts';
import { type DicomHead, readDicomHead, requireColour } from './series.ts';
import type { Slide } from './slide.ts';

const DEFLATED = '1.2.840.10008.1.2.1.99';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
/** Pixels of whole numbers; others have tags of their own. */
const PIXELS = 'x7fe00010';
const OFFSETS = 'x7fe00001';
const UNDEFINED = 0xffffffff;
/** Tag and length of an item; those of an item and of the end of a sequence, as a little-endian number. */
const ITEM_BYTES = 8;
const ITEM = 0xe000fffe;

/** The bytes of a frame: whole, or in fragments, each behind the head of an item. */
interface FrameBytes {
  readonly at: number;
  readonly length: number;
}

/**
 * Opens a whole slide in one file to read it by region; undefined for other files, parts of an image in several files, and
 * what is read as a whole: deflated files, floats, pixels of other than 8, 16 and 32 bits, and single pages.
 * @throws FormatError for pixels that are cut off or in fragments that make no frames
 */
export async function openSlide(source: ByteSource, context: ReadContext): Promise<ImageSource | undefined> {
  if (context.page !== undefined) return undefined;
  const parsed = await headerIn(source, context);
  if (parsed?.pixels === undefined) return undefined;
  const { header, pixels } = parsed;
  const { slide, part, transferSyntax, bitsAllocated } = header;
  const isWords = transferSyntax === BIG_ENDIAN && bitsAllocated === 8;
  if (slide === undefined || part !== undefined || isWords || transferSyntax === DEFLATED) return undefined;
  const { element } = pixels;
  if (element.tag !== PIXELS || ![8, 16, 32].includes(bitsAllocated)) return undefined;
  const isPacked = element.length === UNDEFINED;
  if (isPacked === NATIVE.has(transferSyntax)) return undefined;
  const frames = isPacked
    ? await packedFrames(source, header, pixels)
    : plainFrames(source, header, element, context.file);
  return new SlidePixels(source, { header, element, frames, isPacked }, context);
}

/** The header; undefined if there is none that can be read, which reading the whole explains. */
async function headerIn(source: ByteSource, { file, maxBytes }: ReadContext): Promise<DicomHead | undefined> {
  try {
    return await readDicomHead(source, file, { maxBytes });
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    return undefined;
  }
}

function plainFrames(
  source: ByteSource,
  { rows, columns, samples, bitsAllocated, frames }: DicomHeader,
  { dataOffset, length: stated }: Element,
  file: string,
): readonly FrameBytes[] {
  const length = (rows * columns * samples * bitsAllocated) / 8;
  const there = Math.max(0, Math.min(stated, source.size - dataOffset));
  if (there < length * frames.length) {
    throw new FormatError(
      `the tiles of the slide take ${length * frames.length} bytes, but only ${there} are there: the pixels are cut off.`,
      { file, remedy: 'Copy the file again from its source.' },
    );
  }
  return frames.map((_, i) => ({ at: dataOffset + i * length, length }));
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the frames are in compressed pixels: by the table of offsets, or otherwise by the heads of all fragments. */
async function packedFrames(
  source: ByteSource,
  header: DicomHeader,
  { element, dataSet }: NonNullable<ParsedDicom['pixels']>,
): Promise<readonly FrameBytes[]> {
  const { file, frames } = header;
  const damaged = new FormatError('the pixels are truncated.', {
    file,
    remedy: 'Copy the file again from its source.',
  });
  const headAt = async (at: number) => {
    if (at + ITEM_BYTES > source.size) throw damaged;
    const head = view(await source.read(at, ITEM_BYTES));
    return { isItem: head.getUint32(0, true) === ITEM, length: head.getUint32(4, true) };
  };
  const table = await headAt(element.dataOffset);
  const first = element.dataOffset + ITEM_BYTES + table.length;
  if (!table.isItem || first > source.size) throw damaged;
  const basic = view(await source.read(element.dataOffset + ITEM_BYTES, table.length));
  const offsets = Array.from({ length: table.length / 4 }, (_, i) => basic.getUint32(4 * i, true));
  const long = dataSet.elements[OFFSETS];
  const stated =
    long === undefined
      ? offsets
      : Array.from({ length: long.length / 8 }, (_, i) =>
          Number(view(dataSet.byteArray).getBigUint64(long.dataOffset + 8 * i, true)),
        );
  const isTable = stated.length === frames.length && stated[0] === 0;
  if (isTable && stated.every((offset, i) => i === 0 || offset > (stated[i - 1] as number))) {
    // The last frame goes on to the mark of the end.
    let end = first + (stated.at(-1) as number);
    for (let head = await headAt(end); head.isItem; ) {
      end += ITEM_BYTES + head.length;
      if (end > source.size) throw damaged;
      if (end + ITEM_BYTES > source.size) break;
      head = await headAt(end);
    }
    return stated.map((offset, i) => {
      const next = stated[i + 1];
      return { at: first + offset, length: (next === undefined ? end : first + next) - first - offset };
    });
  }
  const fragments: { readonly offset: number; readonly position: number; readonly length: number }[] = [];
  const parts: Uint8Array[] = [];
  let at = first;
  while (at + ITEM_BYTES <= source.size) {
    const { isItem, length } = await headAt(at);
    if (!isItem) break;
    const position = at + ITEM_BYTES;
    if (position + length > source.size) throw damaged;
    fragments.push({ offset: at - first, position, length });
    parts.push(await source.read(position, Math.min(3, length)));
    at = position + length;
  }
  const starts = frameStarts({ ...element, basicOffsetTable: offsets, fragments }, parts, frames.length);
  if (starts === undefined) {
    throw new FormatError(`${fragments.length} pieces of pixels do not make ${frames.length} frames.`, {
      file,
      remedy: 'Copy the file again from its source.',
    });
  }
  const from = (fragment: number | undefined): number => first + (fragments[fragment ?? -1]?.offset ?? at - first);
  return starts.map((start, i) => ({ at: from(start), length: from(starts[i + 1]) - from(start) }));
}

/** The fragments of a frame. @throws FormatError if the bytes are not those of whole items */
function fragmentsOf(bytes: Uint8Array, file: string): Element['fragments'] {
  const found = [];
  const heads = view(bytes);
  let at = 0;
  while (at + ITEM_BYTES <= bytes.length && heads.getUint32(at, true) === ITEM) {
    const length = heads.getUint32(at + 4, true);
    found.push({ offset: at, position: at + ITEM_BYTES, length });
    at += ITEM_BYTES + length;
  }
  if (at === bytes.length) return found;
  throw new FormatError('the table of offsets does not fit the pixels.', { file, remedy: 'Export the slide again.' });
}

interface OpenedSlide {
  readonly header: DicomHeader;
  readonly element: Element;
  readonly frames: readonly FrameBytes[];
  readonly isPacked: boolean;
}

class SlidePixels implements ImageSource {
  readonly info: ImageSource['info'];
  readonly levels: ImageSource['levels'];
  readonly chunk: readonly number[];
  readonly #source: ByteSource;
  readonly #opened: OpenedSlide;
  readonly #context: ReadContext;

  constructor(source: ByteSource, opened: OpenedSlide, context: ReadContext) {
    this.#source = source;
    this.#opened = opened;
    this.#context = context;
    const { header } = opened;
    const notes = [...header.notes];
    const info = slideInfo([header], integerDtype(header), notes);
    this.info = { ...info, source: context.file, ...(notes.length > 0 && { notes }) };
    this.levels = [{ shape: info.shape, spacing: info.spacing }];
    const together = { c: header.samples, y: header.rows, x: header.columns };
    this.chunk = [...info.axes].map((axis) => together[axis as keyof typeof together] ?? 1);
  }

  async read(level = 0, region?: Region): Promise<Image> {
    const { info, levels } = this;
    const { header } = this.#opened;
    const box = regionOf({ info, levels, maxBytes: this.#context.maxBytes }, level, region);
    const along = (axis: string): readonly [start: number, length: number] => {
      const at = info.axes.indexOf(axis);
      return at < 0 ? [0, 1] : [box.start[at], box.shape[at]];
    };
    const [[c, channels], [z, planes], [y, height], [x, width]] = [...'czyx'].map(along);
    const wanted: SlideBox = [c, z, y, x, channels, planes, height, width];
    const data = allocate(info.dtype, elementCount(box.shape));
    let photometric = header.samples === 3 ? 'RGB' : header.photometric;
    for (const [frame, tile] of (header.slide as Slide).tiles.entries()) {
      if (!touches(header, tile, wanted)) continue;
      const samples = await this.#frame(frame);
      photometric = samples.photometric;
      placeTile(header, tile, samples.data, data, wanted);
    }
    return requireColour(regionImage({ info, levels }, level, box, data), photometric, header);
  }

  async #frame(index: number) {
    const { header, element, frames, isPacked } = this.#opened;
    const { file } = this.#context;
    const { at, length } = frames[index];
    const bytes = await this.#source.read(at, length);
    const own = { tag: element.tag, vr: element.vr, length, dataOffset: 0 };
    const packed = isPacked && {
      ...{ encapsulatedPixelData: true, basicOffsetTable: [] },
      fragments: fragmentsOf(bytes, file),
    };
    const one = { ...header, frames: header.frames.slice(0, 1) };
    const pixels = { dataSet: { byteArray: bytes }, element: { ...own, ...packed } };
    return readSamples({ header: one, pixels }, this.#context);
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
