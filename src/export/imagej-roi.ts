/**
 * ROIs of ImageJ and Fiji. The format, big-endian: a header of 64 bytes ("Iout", version, type, bounding box as 16-bit
 * integers, number of corners, size of a shape, position in the stack, offset of the second header), then the x and y
 * coordinates of a polygon relative to its box as 16-bit integers, or the segments of a shape as float32 (0 x y = move,
 * 1 x y = line, 4 = close), then a second header of 64 bytes with the position in a hyperstack and the ROI's name in
 * UTF-16.
 */

import { type Zippable, zipSync } from 'fflate';
import { UsageError } from '../errors.ts';
import { boundsOfLines } from '../objects/fill-polygon.ts';
import type { Outline } from '../objects/polygons.ts';
import type { Ring } from '../objects/rings.ts';
import type { OutlinedSlice } from './outlined-slices.ts';

const VERSION = 228;
const TRACED = 8;
const RECTANGLE = 1;
const HEADER_BYTES = 64;
/** Zip stores the number of files in 16 bits. */
const MOST_FILES = 65_535;
/** Maximum of a signed 16-bit coordinate. */
const MOST_SHORT = 32_767;

export interface RoiOptions {
  readonly name: string;
  /**
   * Position in the stack, counted from 1; 0 (default): everywhere. A number is the position in a plain stack. A
   * hyperstack, with several channels, slices or time points, has separate slice and time, and the ROI applies to all
   * channels.
   */
  readonly position?: number | { readonly slice: number; readonly frame: number };
}

export interface RoiZipOptions {
  /** Channels of the source image; default 1. An RGB photograph has one channel, as in ImageJ. */
  readonly channels?: number;
}

/**
 * One object as an ImageJ ROI: a traced polygon if it is one piece without holes, otherwise a composite shape.
 * @throws UsageError if the object has no polygon.
 */
export function encodeRoi({ label, polygons }: Outline, { name, position = 0 }: RoiOptions): Uint8Array {
  const rings = polygons.flatMap(({ exterior, holes }) => [exterior, ...holes]);
  if (rings.length === 0) throw new UsageError(`The object ${label} has no outline.`);
  const [left, top, right, bottom] = boundsOfLines(rings);
  const [only] = rings as [Ring];
  const simple = rings.length === 1 && only.length / 2 <= MOST_FILES && right <= MOST_SHORT && bottom <= MOST_SHORT;
  const body = simple ? polygonBody(only, left, top) : shapeBody(rings);
  const secondHeader = HEADER_BYTES + body.length;
  const out = new Uint8Array(secondHeader + 64 + 2 * name.length);
  const view = new DataView(out.buffer);
  for (let i = 0; i < 4; i++) out[i] = 'Iout'.charCodeAt(i);
  view.setInt16(4, VERSION);
  out[6] = simple ? TRACED : RECTANGLE;
  view.setInt16(8, top);
  view.setInt16(10, left);
  view.setInt16(12, bottom);
  view.setInt16(14, right);
  if (simple) view.setUint16(16, only.length / 2);
  else view.setInt32(36, body.length / 4);
  view.setInt32(60, secondHeader);
  out.set(body, HEADER_BYTES);
  // As ImageJ 1.53t writes them: one or the other, as a hyperstack position is ignored in a plain stack.
  if (typeof position === 'number') view.setInt32(56, position);
  else {
    view.setInt32(secondHeader + 8, position.slice);
    view.setInt32(secondHeader + 12, position.frame);
  }
  view.setInt32(secondHeader + 16, secondHeader + 64);
  view.setInt32(secondHeader + 20, name.length);
  for (let i = 0; i < name.length; i++) view.setUint16(secondHeader + 64 + 2 * i, name.charCodeAt(i));
  return out;
}

/**
 * All objects as a zip for ImageJ's ROI manager: `0012.roi` for label 12, in a volume `0003-0012.roi` for its part in
 * the third slice, prefixed by `t0002-` at the second time point. The same outlines produce the same bytes.
 * @throws UsageError for more than 65,535 ROIs.
 */
export function writeRoiZip(slices: readonly OutlinedSlice[], { channels = 1 }: RoiZipOptions = {}): Uint8Array {
  const files: Zippable = {};
  const digits = (count: number): string => String(count).padStart(4, '0');
  let count = 0;
  for (const { z, t, outlines } of slices) {
    const [slice, frame] = [z === undefined ? 0 : z + 1, t === undefined ? 0 : t + 1];
    const isHyperstack = [channels > 1, slice > 0, frame > 0].filter(Boolean).length > 1;
    const position = isHyperstack ? { slice, frame } : slice || frame;
    const place = `${frame === 0 ? '' : `t${digits(frame)}-`}${slice === 0 ? '' : `${digits(slice)}-`}`;
    for (const outline of outlines) {
      const name = `${place}${digits(outline.label)}`;
      files[`${name}.roi`] = encodeRoi(outline, { name, position });
      count++;
    }
  }
  requireRoiCount(count);
  // The first date of the format: the same objects make the same file.
  return zipSync(files, { level: 6, mtime: new Date(1980, 0, 1) });
}

/**
 * Whether so many ROIs fit into one zip.
 * @param about the file that they are of, and what to do, for the message
 * @throws UsageError for more than 65,535
 */
export function requireRoiCount(
  count: number,
  { file, remedy = 'Write GeoJSON.' }: { readonly file?: string | undefined; readonly remedy?: string } = {},
): void {
  if (count <= MOST_FILES) return;
  throw new UsageError(`${count} ROIs do not fit into one zip of ${MOST_FILES}.`, { file, remedy });
}

function polygonBody(ring: Ring, left: number, top: number): Uint8Array {
  const count = ring.length / 2;
  const view = new DataView(new ArrayBuffer(4 * count));
  for (let i = 0; i < count; i++) {
    view.setInt16(2 * i, ring[2 * i] - left);
    view.setInt16(2 * (count + i), ring[2 * i + 1] - top);
  }
  return new Uint8Array(view.buffer);
}

function shapeBody(rings: readonly Ring[]): Uint8Array {
  const segments = rings.flatMap((ring) => {
    const out: number[] = [];
    for (let i = 0; i < ring.length; i += 2) out.push(i === 0 ? 0 : 1, ring[i], ring[i + 1]);
    out.push(4);
    return out;
  });
  const view = new DataView(new ArrayBuffer(4 * segments.length));
  for (const [i, value] of segments.entries()) view.setFloat32(4 * i, value);
  return new Uint8Array(view.buffer);
}
