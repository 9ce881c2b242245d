/** The frames of a DICOM file as samples [frame][sample][row][column], for any compression. */

import { concatenate } from '../../../array/bytes.ts';
import { allocate, type DType, type Storage } from '../../../array/ndarray.ts';
import { counted, FormatError } from '../../../errors.ts';
import { samplesFrom, transposed } from '../../samples.ts';
import { checkDeclaredSize, type ReadContext } from '../format.ts';
import { decodeFrame } from './frame-codecs.ts';
import type { DicomHeader } from './header.ts';
import type { DataSet, Element } from './parser.ts';

/** Transfer syntaxes of pixels that are not compressed. */
export const NATIVE: ReadonlySet<string> = new Set([
  '1.2.840.10008.1.2',
  '1.2.840.10008.1.2.1',
  '1.2.840.10008.1.2.1.99',
  '1.2.840.10008.1.2.2',
]);
const FLOAT_PIXELS = 'x7fe00008';
const DOUBLE_PIXELS = 'x7fe00009';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';

/** A file with its samples. */
export interface Sampled {
  readonly header: DicomHeader;
  readonly samples: DicomSamples;
}

/** Pixels as they are stored, of a file or of a frame. */
interface StoredSamples {
  readonly header: DicomHeader;
  readonly pixels: { readonly dataSet: Pick<DataSet, 'byteArray'>; readonly element: Element } | undefined;
}

export interface DicomSamples {
  readonly dtype: DType;
  readonly data: Storage[DType];
  /** The header's colour space, or RGB if the codec has converted to it. */
  readonly photometric: string;
}

/**
 * Stored values: unused bits masked, sign extended, not rescaled.
 * @throws FormatError for unsupported compressions and arrangements, and for incomplete pixel data.
 */
export async function readSamples({ header, pixels }: StoredSamples, context: ReadContext): Promise<DicomSamples> {
  const { file, rows, columns, samples, frames, bitsAllocated, transferSyntax } = header;
  if (pixels === undefined) throw new FormatError('the DICOM file contains no pixels.', { file });
  const { element, dataSet } = pixels;
  const bytes = dataSet.byteArray;
  const count = rows * columns * samples;
  if (![8, 16, 32, 64].includes(bitsAllocated)) {
    throw new FormatError(`pixels of ${counted(bitsAllocated, 'bit')} are not supported.`, {
      file,
      remedy: 'Export it with 8 or 16 bits, or as NIfTI.',
    });
  }
  const what = `the image (${columns} x ${rows}, ${counted(frames.length, 'frame')}, ${bitsAllocated} bits)`;
  checkDeclaredSize(what, (count * frames.length * bitsAllocated) / 8, context);
  if (element.tag === FLOAT_PIXELS || element.tag === DOUBLE_PIXELS) {
    const dtype = element.tag === FLOAT_PIXELS ? 'float32' : 'float64';
    return { dtype, data: native(bytes, element, header, dtype, what), photometric: header.photometric };
  }
  if (bitsAllocated === 64)
    throw new FormatError('integers of 64 bits are not supported.', { file, remedy: 'Export it as NIfTI.' });
  const dtype = integerDtype(header);
  if (NATIVE.has(transferSyntax)) {
    if (element.encapsulatedPixelData === true) {
      throw new FormatError('the header does not state how the pixels are compressed.', {
        file,
        remedy: 'Export the file again, with its transfer syntax.',
      });
    }
    const data = native(bytes, element, header, dtype, what);
    const planes = samples > 1 && !header.planar ? transposed(data, dtype, rows * columns, samples) : data;
    return { dtype, data: cutBits(planes, header), photometric: header.photometric };
  }
  if (element.encapsulatedPixelData !== true || element.fragments === undefined) {
    throw new FormatError(
      `the pixels are not compressed, though the transfer syntax (${transferSyntax}) is none for plain pixels.`,
      { file, remedy: 'Export the file again, uncompressed.' },
    );
  }
  const data = allocate(dtype, count * frames.length);
  const raw = new Uint8Array(data.buffer);
  let photometric = header.photometric;
  const packed = frameBytes(bytes, element, header);
  for (const [i, frame] of packed.entries()) {
    const decoded = await decodeFrame(frame, header);
    raw.set(decoded.planes, i * count * (bitsAllocated / 8));
    if (decoded.photometric !== undefined) photometric = decoded.photometric;
  }
  return { dtype, data: cutBits(data, header), photometric };
}

/** Of pixels that are integers. */
export const integerDtype = ({ signed, bitsAllocated }: DicomHeader): DType =>
  `${signed ? 'int' : 'uint'}${bitsAllocated}` as DType;

function native(bytes: Uint8Array, element: Element, header: DicomHeader, dtype: DType, what: string): Storage[DType] {
  const { file, rows, columns, samples, frames, bitsAllocated, transferSyntax, photometric } = header;
  if (photometric === 'YBR_FULL_422' || photometric === 'YBR_PARTIAL_422') {
    throw new FormatError(`pixels in ${photometric} without compression are not supported.`, {
      file,
      remedy: 'Export it as RGB or in grey.',
    });
  }
  const count = rows * columns * samples * frames.length;
  const needed = (count * bitsAllocated) / 8;
  const there = Math.min(element.length, bytes.length - element.dataOffset);
  if (there < needed) {
    throw new FormatError(
      `${what} takes ${needed} bytes, but only ${Math.max(0, there)} are there: the pixels are cut off.`,
      {
        file,
        remedy: 'Copy the file again from its source.',
      },
    );
  }
  const isLittle = transferSyntax !== BIG_ENDIAN;
  // Bytes in big-endian 16-bit words: the second byte of each word comes first (PS3.5 8.1.1, 8.2).
  if (!isLittle && bitsAllocated === 8 && element.vr === 'OW') {
    const words = samplesFrom(bytes, element.dataOffset, 'uint16', Math.ceil(count / 2), false);
    return new Uint8Array(words.buffer).slice(0, count) as Storage[DType];
  }
  return samplesFrom(bytes, element.dataOffset, dtype, count, isLittle);
}

/**
 * Keeps the significant bits: bitsStored of them, up to highBit; older files have overlays in the others. A pixel whose
 * whole word is the padding value is kept.
 */
function cutBits(
  data: Storage[DType],
  { bitsAllocated, bitsStored, highBit, signed, padding }: DicomHeader,
): Storage[DType] {
  const shift = highBit + 1 - bitsStored;
  if (bitsStored >= bitsAllocated || shift < 0) return data;
  const values = data as Int32Array | Uint32Array;
  const up = 32 - bitsStored;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === padding) continue;
    const high = (value >> shift) << up;
    values[i] = signed ? high >> up : high >>> up;
  }
  return data;
}

/** The compressed bytes of each frame, from its fragments. */
function frameBytes(bytes: Uint8Array, element: Element, { file, frames }: DicomHeader): readonly Uint8Array[] {
  const fragments = element.fragments ?? [];
  const parts = fragments.map(({ position, length }) => bytes.subarray(position, position + length));
  if (fragments.some(({ position, length }) => position + length > bytes.length)) {
    throw new FormatError('the pixels are truncated.', { file, remedy: 'Copy the file again from its source.' });
  }
  const starts = frameStarts(element, parts, frames.length);
  if (starts === undefined) {
    throw new FormatError(`${parts.length} pieces of pixels do not make ${frames.length} frames.`, {
      file,
      remedy: 'Copy the file again from its source.',
    });
  }
  return starts.map((from, i) => concatenate(parts.slice(from, starts[i + 1] ?? parts.length)));
}

/**
 * First fragment of each frame: from the offset table, otherwise where a new JPEG or JPEG 2000 stream starts.
 * @param parts fragments, of which the first three bytes matter
 */
export function frameStarts(
  element: Element,
  parts: readonly Uint8Array[],
  frames: number,
): readonly number[] | undefined {
  if (frames === 1 && parts.length > 0) return [0];
  if (parts.length === frames) return parts.map((_, i) => i);
  const table = element.basicOffsetTable ?? [];
  if (table.length === frames) {
    const found = table.map((offset) => element.fragments?.findIndex((fragment) => fragment.offset === offset) ?? -1);
    if (found.every((index, i) => index > (found[i - 1] ?? -1))) return found;
  }
  const found = parts.flatMap((part, i) => {
    const starts =
      part[0] === 0xff && ((part[1] === 0xd8 && part[2] === 0xff) || (part[1] === 0x4f && part[2] === 0xff));
    return starts ? [i] : [];
  });
  return found.length === frames && found[0] === 0 ? found : undefined;
}
