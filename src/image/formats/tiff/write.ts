import { strToU8, zlibSync } from 'fflate';
import { concatenate } from '../../../array/bytes.ts';
import { bytesPer, type DType } from '../../../array/ndarray.ts';
import { UsageError } from '../../../errors.ts';
import { page, pageCount } from '../../convert.ts';
import { type Image, sizes } from '../../image.ts';
import { transposed } from '../../samples.ts';
import { TAG } from './directory.ts';

export interface WriteTiffOptions {
  /** Default `deflate`. */
  readonly compression?: 'deflate' | 'none';
}

const SHORT = 3;
const LONG = 4;
const ASCII = 2;
const RATIONAL = 5;
const TYPE_BYTES: Readonly<Record<number, number>> = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [RATIONAL]: 8 };
/** Approximate size of a strip: readers decode strips one by one. */
const STRIP_BYTES = 2 ** 18;
const LIMIT = 2 ** 32 - 2 ** 16;

/** One directory entry; `value` is stored in the entry itself if it has at most four bytes. */
interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly value: Uint8Array;
}

/**
 * Writes a TIFF: any dtype except bool, any axes; one page per t, z and c, except that red, green, blue (and alpha) of
 * uint8 or uint16 images are interleaved as RGB. Little-endian, in strips, with ImageJ's description, so that Fiji and
 * tifffile find axes, pixel size and unit. Values are kept bit for bit; `bitDepth` and `palette` are not.
 *
 * @throws UsageError for bool (convert it first) and for data beyond the 4 GiB that TIFF can address
 */
export function writeTiff(image: Image, { compression = 'deflate' }: WriteTiffOptions = {}): Uint8Array {
  const { dtype, source } = image;
  if (dtype === 'bool')
    throw new UsageError('TIFF is not written from bool.', { file: source, remedy: 'Convert it with castTo uint8.' });
  const [height, width] = image.shape.slice(-2) as [number, number];
  if (image.data.length === 0)
    throw new UsageError('the image has no pixels.', { file: source, remedy: 'Use an image with at least one.' });
  if (image.data.byteLength > LIMIT) {
    throw new UsageError(`the image takes ${image.data.byteLength} bytes, more than the 4 GiB of a TIFF file.`, {
      file: source,
      remedy: 'Write one page a file with page().',
    });
  }
  const { times: t, channels: c, slices: z } = sizes(image);
  const colour = isColour(image);
  const samples = colour ? c : 1;
  const rowBytes = width * samples * bytesPer(dtype);
  const rows = Math.max(1, Math.min(height, Math.floor(STRIP_BYTES / rowBytes)));

  const parts: Uint8Array[] = [];
  let length = 0;
  const append = (part: Uint8Array): number => {
    const at = length;
    // All parts start at an even byte.
    const padded = part.length % 2 === 0 ? [part] : [part, new Uint8Array(1)];
    for (const piece of padded) {
      parts.push(piece);
      length += piece.length;
    }
    if (length > LIMIT)
      throw new UsageError('the image passes the 4 GiB of a TIFF file.', {
        file: source,
        remedy: 'Write one page a file.',
      });
    return at;
  };

  const header = Uint8Array.of(0x49, 0x49, 42, 0, 0, 0, 0, 0);
  append(header);
  // Position of the offset of the next directory: in the header, then at the end of each directory.
  let link = new DataView(header.buffer);
  let linkAt = 4;
  const description = describe(image, colour ? 1 : c, z, t);
  const shared = sharedEntries(image, samples, compression);
  for (let index = 0; index < pageCount(image); index++) {
    const pixels = transposed(page(image, index).data, dtype, samples, height * width);
    const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    for (let ci = 0; ci < (colour ? 1 : c); ci++) {
      const offsets: number[] = [];
      const counts: number[] = [];
      for (let y = 0; y < height; y += rows) {
        const [from, end] = [ci * height + y, ci * height + Math.min(height, y + rows)];
        const strip = bytes.subarray(from * rowBytes, end * rowBytes);
        const packed = compression === 'deflate' ? zlibSync(strip, { level: 6 }) : strip;
        counts.push(packed.length);
        offsets.push(append(packed));
      }
      const entries = [
        ...shared,
        entry(TAG.StripOffsets, LONG, offsets),
        entry(TAG.RowsPerStrip, LONG, [rows]),
        entry(TAG.StripByteCounts, LONG, counts),
        ...(index + ci === 0 ? [text(TAG.ImageDescription, description)] : []),
      ].sort((a, b) => a.tag - b.tag);
      const directory = new DataView(new ArrayBuffer(2 + 12 * entries.length + 4));
      directory.setUint16(0, entries.length, true);
      for (const [i, { tag, type, count, value }] of entries.entries()) {
        const at = 2 + 12 * i;
        directory.setUint16(at, tag, true);
        directory.setUint16(at + 2, type, true);
        directory.setUint32(at + 4, count, true);
        if (value.length <= 4) new Uint8Array(directory.buffer).set(value, at + 8);
        else directory.setUint32(at + 8, append(value), true);
      }
      link.setUint32(linkAt, append(new Uint8Array(directory.buffer)), true);
      link = directory;
      linkAt = directory.byteLength - 4;
    }
  }
  return concatenate(parts);
}

/** Red, green, blue and optionally alpha, to be displayed as colour by other programs. */
function isColour({ dtype, channels }: Image): boolean {
  if (dtype !== 'uint8' && dtype !== 'uint16') return false;
  const names = channels?.join();
  return names === 'red,green,blue' || names === 'red,green,blue,alpha';
}

/** Entries common to all pages. */
function sharedEntries(image: Image, samples: number, compression: 'deflate' | 'none'): Entry[] {
  const [height, width] = image.shape.slice(-2) as [number, number];
  const { x, y } = image.spacing;
  const each = (value: number) => Array<number>(samples).fill(value);
  return [
    entry(TAG.ImageWidth, LONG, [width]),
    entry(TAG.ImageLength, LONG, [height]),
    entry(TAG.BitsPerSample, SHORT, each(8 * bytesPer(image.dtype))),
    entry(TAG.Compression, SHORT, [compression === 'deflate' ? 8 : 1]),
    entry(TAG.PhotometricInterpretation, SHORT, [samples > 1 ? 2 : 1]),
    entry(TAG.SamplesPerPixel, SHORT, [samples]),
    entry(TAG.PlanarConfiguration, SHORT, [1]),
    entry(TAG.SampleFormat, SHORT, each(sampleFormat(image.dtype))),
    ...(samples === 4 ? [entry(TAG.ExtraSamples, SHORT, [2])] : []),
    // Pixels per unit; the unit itself is in the description, as in ImageJ.
    ...(x === undefined ? [] : [entry(TAG.XResolution, RATIONAL, inverseFraction(x.value))]),
    ...(y === undefined ? [] : [entry(TAG.YResolution, RATIONAL, inverseFraction(y.value))]),
    ...(x === undefined && y === undefined ? [] : [entry(TAG.ResolutionUnit, SHORT, [1])]),
  ];
}

function sampleFormat(dtype: DType): number {
  return dtype.startsWith('float') ? 3 : dtype.startsWith('int') ? 2 : 1;
}

function entry(tag: number, type: number, values: readonly number[]): Entry {
  const size = type === RATIONAL ? 4 : TYPE_BYTES[type];
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (const [i, value] of values.entries()) {
    if (size === 2) view.setUint16(2 * i, value, true);
    else view.setUint32(4 * i, value, true);
  }
  return {
    tag,
    type,
    count: type === RATIONAL ? values.length / 2 : values.length,
    value: new Uint8Array(view.buffer),
  };
}

function text(tag: number, ascii: string): Entry {
  const value = strToU8(`${ascii}\0`);
  return { tag, type: ASCII, count: value.length, value };
}

/** ImageJ's description. `channel_names` and `label_kind` are ours; ImageJ ignores them. */
function describe(image: Image, c: number, slices: number, frames: number): string {
  const {
    spacing: { x, y, z, t },
    channels,
    valueUnit,
    labelKind,
    dtype,
  } = image;
  // ImageJ writes µm as "micron"; TIFF texts are 7-bit.
  const unit = (name: string) => (name === 'µm' ? 'micron' : escaped(name));
  const images = c * slices * frames;
  const lines: (string | undefined)[] = [
    'ImageJ=1.54f',
    images > 1 ? `images=${images}` : undefined,
    c > 1 ? `channels=${c}` : undefined,
    slices > 1 ? `slices=${slices}` : undefined,
    frames > 1 ? `frames=${frames}` : undefined,
    [c, slices, frames].filter((n) => n > 1).length > 1 ? 'hyperstack=true' : undefined,
    c > 1 ? 'mode=grayscale' : undefined,
    x === undefined ? undefined : `unit=${unit(x.unit)}`,
    y === undefined || y.unit === x?.unit ? undefined : `yunit=${unit(y.unit)}`,
    z === undefined || z.unit === x?.unit ? undefined : `zunit=${unit(z.unit)}`,
    z === undefined ? undefined : `spacing=${z.value}`,
    t === undefined ? undefined : `finterval=${t.value}`,
    t === undefined || t.unit === 's' ? undefined : `tunit=${unit(t.unit)}`,
    // Values are as stored; for signed 16 bits ImageJ adds 32768 to the stored value.
    valueUnit === undefined ? undefined : `cf=0\nc0=${dtype === 'int16' ? -32_768 : 0}\nc1=1\nvunit=${unit(valueUnit)}`,
    c > 1 && channels !== undefined ? `channel_names=${escaped(JSON.stringify(channels))}` : undefined,
    labelKind === undefined ? undefined : `label_kind=${labelKind}`,
  ];
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`;
}

/** Printable ASCII; all else as in JSON. */
function escaped(text: string): string {
  return text.replace(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Numerator and denominator, below 2^32, of 1 / value: the continued fraction of `value`, truncated where it evaluates
 * to the same double or would exceed the range.
 */
function inverseFraction(value: number): [number, number] {
  let [h, hBefore] = [Math.floor(value), 1];
  let [k, kBefore] = [1, 0];
  let rest = value - Math.floor(value);
  while (rest > 0 && h / k !== value) {
    const whole = Math.floor(1 / rest);
    rest = 1 / rest - whole;
    const [hNext, kNext] = [whole * h + hBefore, whole * k + kBefore];
    if (hNext >= 2 ** 32 || kNext >= 2 ** 32) break;
    [h, hBefore, k, kBefore] = [hNext, h, kNext, k];
  }
  return [k, h];
}
