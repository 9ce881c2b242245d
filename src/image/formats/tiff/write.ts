import { zlibSync } from 'fflate';
import { concatenate } from '../../../array/bytes.ts';
import { bytesPer } from '../../../array/ndarray.ts';
import { UsageError } from '../../../errors.ts';
import { page, pageCount } from '../../convert.ts';
import { type Image, sizes } from '../../image.ts';
import { transposed } from '../../samples.ts';
import { TAG } from './directory.ts';
import {
  CLASSIC_LIMIT,
  type Entry,
  entry,
  isColour,
  LONG,
  RATIONAL,
  SHORT,
  sampleEntries,
  TiffParts,
  text,
} from './entries.ts';

export interface WriteTiffOptions {
  /** Default `deflate`. */
  readonly compression?: 'deflate' | 'none';
}

/** Approximate size of a strip: readers decode strips one by one. */
const STRIP_BYTES = 2 ** 18;

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
  if (image.data.byteLength > CLASSIC_LIMIT) {
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

  const parts = new TiffParts({ big: false });
  const header = Uint8Array.of(0x49, 0x49, 42, 0, 0, 0, 0, 0);
  parts.append(header);
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
        offsets.push(parts.append(packed));
      }
      parts.directory([
        ...shared,
        entry(TAG.StripOffsets, LONG, offsets),
        entry(TAG.RowsPerStrip, LONG, [rows]),
        entry(TAG.StripByteCounts, LONG, counts),
        ...(index + ci === 0 ? [text(TAG.ImageDescription, description)] : []),
      ]);
      if (parts.size > CLASSIC_LIMIT) {
        throw new UsageError('the image passes the 4 GiB of a TIFF file.', {
          file: source,
          remedy: 'Write one page a file.',
        });
      }
    }
  }
  new DataView(header.buffer).setUint32(4, parts.first, true);
  return concatenate(parts.parts);
}

/** Entries common to all pages. */
function sharedEntries(image: Image, samples: number, compression: 'deflate' | 'none'): Entry[] {
  const [height, width] = image.shape.slice(-2) as [number, number];
  const { x, y } = image.spacing;
  return [
    ...sampleEntries(image.dtype, [height, width], { samples, deflate: compression === 'deflate' }),
    // Pixels per unit; the unit itself is in the description, as in ImageJ.
    ...(x === undefined ? [] : [entry(TAG.XResolution, RATIONAL, inverseFraction(x.value))]),
    ...(y === undefined ? [] : [entry(TAG.YResolution, RATIONAL, inverseFraction(y.value))]),
    ...(x === undefined && y === undefined ? [] : [entry(TAG.ResolutionUnit, SHORT, [1])]),
  ];
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
