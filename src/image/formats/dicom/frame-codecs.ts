/** Decodes one compressed frame to samples. A codec's code is loaded when the first frame of its kind is read. */

import { FormatError, LamellaError } from '../../../errors.ts';
import { inflateRaw } from '../../inflate.ts';
import { decodeJpeg, decodeJpeg2000, decodeJpegLs, type FrameSize } from '../codecs.ts';
import { startOfFrame } from '../jpeg/header.ts';
import { unpackPackBits } from '../tiff/packbits.ts';
import type { DicomHeader } from './header.ts';

/** Samples [sample][row][column], little-endian in bitsAllocated bits. */
interface DecodedFrame {
  readonly planes: Uint8Array;
  /** Colour space, if the codec changes it. */
  readonly photometric?: string;
}

type FrameCodec = (bytes: Uint8Array, header: DicomHeader) => Promise<DecodedFrame>;

const JPEG = '1.2.840.10008.1.2.4.';

/** By transfer syntax (PS3.6, table A-1). JPEG variants are distinguished by the stream itself. */
const CODECS: Readonly<Record<string, FrameCodec>> = {
  '1.2.840.10008.1.2.1.98': async (bytes, header) => ({ planes: plain(bytes, header) }),
  '1.2.840.10008.1.2.8.1': async (bytes, header) => ({ planes: plain(inflateRaw(bytes, frameBytes(header)), header) }),
  '1.2.840.10008.1.2.5': runLength,
  [`${JPEG}50`]: jpeg,
  [`${JPEG}51`]: jpeg,
  [`${JPEG}53`]: jpeg,
  [`${JPEG}55`]: jpeg,
  [`${JPEG}57`]: jpeg,
  [`${JPEG}70`]: jpeg,
  [`${JPEG}80`]: jpegLs,
  [`${JPEG}81`]: jpegLs,
  [`${JPEG}90`]: jpeg2000,
  [`${JPEG}91`]: jpeg2000,
};

/** Names of the others, for error messages: patterns of what follows 1.2.840.10008.1.2. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^4\.9[23]$/, 'JPEG 2000 of several components'],
  [/^4\.(9[45]|20[45])$/, 'JPIP'],
  [/^4\.10[01]\b/, 'MPEG-2 video'],
  [/^4\.10[2-6]\b/, 'MPEG-4 video'],
  [/^4\.10[78]\b/, 'HEVC video'],
  [/^4\.11[012]$/, 'JPEG XL'],
  [/^4\.20[123]$/, 'High-Throughput JPEG 2000'],
  [/^4\.[56]\d$/, 'a retired process of JPEG'],
  [/^7\./, 'SMPTE video'],
];

function unsupported(file: string, what: string): FormatError {
  return new FormatError(`pixels compressed with ${what} are not supported.`, {
    file,
    remedy: 'Export the series uncompressed, or with JPEG 2000, JPEG-LS or RLE.',
  });
}

const malformed = (file: string, problem: string): FormatError =>
  new FormatError(problem, { file, remedy: 'Export the file again.' });

const endsEarly = (file: string): FormatError =>
  new FormatError('the compressed pixels end early.', { file, remedy: 'Copy the file again.' });

/**
 * @throws FormatError for unsupported compressions, naming them, and for frames that are damaged or differ in size from
 * the header.
 */
export async function decodeFrame(bytes: Uint8Array, header: DicomHeader): Promise<DecodedFrame> {
  const { transferSyntax, file } = header;
  const codec = CODECS[transferSyntax];
  if (codec === undefined) {
    const end = transferSyntax.replace('1.2.840.10008.1.2.', '');
    const name = NAMES.find(([pattern]) => pattern.test(end))?.[1];
    throw unsupported(file, name ?? `an unknown method (transfer syntax ${transferSyntax})`);
  }
  try {
    return await codec(bytes, header);
  } catch (cause) {
    if (cause instanceof LamellaError) throw cause;
    throw new FormatError('the compressed pixels are damaged.', {
      file,
      remedy: 'Copy the file again from its source.',
      cause,
    });
  }
}

const frameBytes = ({ rows, columns, samples, bitsAllocated }: DicomHeader): number =>
  (rows * columns * samples * bitsAllocated) / 8;

/** Uncompressed, or already decompressed, samples. */
function plain(bytes: Uint8Array, header: DicomHeader): Uint8Array {
  const { rows, columns, samples, bitsAllocated, planar } = header;
  const info = { width: columns, height: rows, componentCount: samples, bytes: bitsAllocated / 8 };
  return planesOf(bytes, info, header, planar);
}

/** PS3.5 annex G: a header of 64 bytes and a PackBits segment per byte of each sample, most significant byte first. */
async function runLength(bytes: Uint8Array, header: DicomHeader): Promise<DecodedFrame> {
  const { rows, columns, samples, bitsAllocated, file } = header;
  const size = bitsAllocated / 8;
  const plane = rows * columns;
  if (bytes.length < 64) throw endsEarly(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== samples * size) {
    throw malformed(file, `${segments} RLE segments do not make ${samples} samples of ${bitsAllocated} bits.`);
  }
  const planes = new Uint8Array(plane * samples * size);
  for (let segment = 0; segment < segments; segment++) {
    const from = view.getUint32(4 + 4 * segment, true);
    const to = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : bytes.length;
    const unpacked = unpackPackBits(bytes.subarray(from, to), plane);
    if (unpacked.length < plane) throw endsEarly(file);
    const sample = Math.floor(segment / size);
    const byte = size - 1 - (segment % size);
    for (let p = 0, at = sample * plane * size + byte; p < plane; p++, at += size) planes[at] = unpacked[p];
  }
  return { planes };
}

interface FrameInfo extends FrameSize {
  /** Bytes per sample in the codec's output. */
  readonly bytes: number;
}

function requireSize({ width, height, componentCount }: FrameSize, header: DicomHeader): void {
  const { rows, columns, samples, file } = header;
  if (width === columns && height === rows && componentCount === samples) return;
  const stated = `${columns} x ${rows} x ${samples}`;
  throw malformed(file, `the compressed image is ${width} x ${height} x ${componentCount}, the header says ${stated}.`);
}

/** Checks a decoded frame against the header and reorders its samples [pixel][sample] into planes. */
function planesOf(decoded: Uint8Array, info: FrameInfo, header: DicomHeader, planar = false): Uint8Array {
  const { rows, columns, samples, bitsAllocated, file } = header;
  const size = bitsAllocated / 8;
  const plane = rows * columns;
  requireSize(info, header);
  if (decoded.length < plane * samples * info.bytes) throw endsEarly(file);
  if (info.bytes > size) {
    throw malformed(file, `the compressed samples are of more than the ${bitsAllocated} bits that the header says.`);
  }
  const out = new Uint8Array(plane * samples * size);
  for (let s = 0; s < samples; s++) {
    for (let p = 0; p < plane; p++) {
      const from = (planar ? s * plane + p : p * samples + s) * info.bytes;
      const to = (s * plane + p) * size;
      for (let b = 0; b < info.bytes; b++) out[to + b] = decoded[from + b];
    }
  }
  return out;
}

/** JPEG (ITU-T T.81): 8 bits by libjpeg-turbo, lossless by jpeg-lossless-decoder-js. */
async function jpeg(bytes: Uint8Array, header: DicomHeader): Promise<DecodedFrame> {
  const start = startOfFrame(bytes);
  if (start === undefined) throw malformed(header.file, 'the compressed pixels are no JPEG.');
  const { marker, precision } = start;
  // Before a decoder allocates what the stream declares.
  requireSize(start, header);
  if (marker === 0xc3) {
    const { Decoder } = await import('jpeg-lossless-decoder-js');
    const size = precision > 8 ? 2 : 1;
    const padded = beforeEnd(bytes, 8);
    const decoded = new Decoder().decode(padded.buffer, 0, padded.length, size);
    const raw = new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
    return { planes: planesOf(raw, { ...start, bytes: size }, header) };
  }
  const name = { 192: 'baseline', 193: 'extended', 194: 'progressive' }[marker];
  if (name === undefined) throw unsupported(header.file, `JPEG of process SOF${marker - 0xc0}`);
  if (precision !== 8) throw unsupported(header.file, `${precision}-bit lossy JPEG (${name})`);
  const decoded = await decodeJpeg(bytes);
  const planes = planesOf(decoded.bytes, { ...decoded.info, bytes: 1 }, header);
  return { planes, ...(header.samples === 3 ? { photometric: 'RGB' } : {}) };
}

/**
 * A copy with zero bytes inserted before the end-of-image marker: jpeg-lossless-decoder-js 2.1.2 loses the last pixel
 * if it meets the marker while reading ahead.
 */
function beforeEnd(bytes: Uint8Array, zeros: number): Uint8Array<ArrayBuffer> {
  let end = bytes.length;
  for (let at = bytes.length - 2; at > 1; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) {
      end = at;
      break;
    }
  }
  const out = new Uint8Array(bytes.length + zeros);
  out.set(bytes.subarray(0, end));
  out.set(bytes.subarray(end), end + zeros);
  return out;
}

/** JPEG-LS (ITU-T T.87), lossless and near-lossless, by CharLS. */
async function jpegLs(bytes: Uint8Array, header: DicomHeader): Promise<DecodedFrame> {
  const { bytes: raw, info, planar } = await decodeJpegLs(bytes);
  return { planes: planesOf(raw, { ...info, bytes: info.bitsPerSample > 8 ? 2 : 1 }, header, planar) };
}

/** JPEG 2000 (ITU-T T.800) by OpenJPEG. */
async function jpeg2000(bytes: Uint8Array, header: DicomHeader): Promise<DecodedFrame> {
  const { bytes: raw, info } = await decodeJpeg2000(bytes);
  const planes = planesOf(raw, { ...info, bytes: info.bitsPerSample > 8 ? 2 : 1 }, header);
  return { planes, ...(header.samples === 3 ? { photometric: 'RGB' } : {}) };
}
