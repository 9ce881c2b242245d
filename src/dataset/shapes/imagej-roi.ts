/**
 * ImageJ's regions of interest (`.roi`). The layout is that of ImageJ 1.53t, whose source is in the public domain
 * (`ij.io.RoiDecoder`).
 */

import { FormatError } from '../../errors.ts';
import { boundsOfLines, type Line } from '../../objects/fill-polygon.ts';
import { fillBox, fillImagejOval, fillImagejPolygon } from './imagej-fill.ts';
import type { Place, Shape } from './shape.ts';

const MAGIC = [0x49, 0x6f, 0x75, 0x74]; // "Iout"
const COORDINATES = 64;
const [SPLINE, SUB_PIXEL] = [1, 128];
const TYPES = [
  'polygon',
  'rectangle',
  'oval',
  'line',
  'freehand line',
  'segmented line',
  'empty selection',
  'freehand',
  'traced',
  'angle',
  'point',
] as const;
const SUBTYPES = ['', 'text', 'arrow', 'ellipse', 'image', 'rotated rectangle'] as const;

/** Whether bytes are a `.roi` file. */
export const isRoi = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

type Box = readonly [left: number, top: number, width: number, height: number];

/** Whole numbers as from ImageJ's `Rectangle`, of the bounds of an area. */
function boxOf(lines: readonly Line[]): Box {
  const [left, top, right, bottom] = boundsOfLines(lines);
  const [x, y] = [Math.floor(left), Math.floor(top)];
  return [x, y, Math.ceil(right) - x, Math.ceil(bottom) - y];
}

/**
 * One region of interest.
 * @param file for messages
 * @throws FormatError for a truncated file, and for one that is no area: lines, points, text, ellipses, rotated and
 * rounded rectangles, spline fits and curves, each by name.
 */
export function decodeRoi(bytes: Uint8Array, file: string): Shape {
  const problem = (what: string, remedy: string): FormatError => new FormatError(what, { file, remedy });
  if (!isRoi(bytes) || bytes.length < COORDINATES) {
    throw problem('this is not a region of interest of ImageJ.', 'Save it again in ImageJ.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return decode(view, (what) => problem(`the region is ${what}, which is not supported.`, REMEDY));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw problem('the region of interest is truncated.', 'Copy the file again, or save it again in ImageJ.');
  }
}

const REMEDY = 'Delete it, or draw the area as a polygon, freehand selection or with the wand.';

function decode(view: DataView, refuse: (what: string) => FormatError): Shape {
  const options = view.getInt16(50);
  const subtype = view.getInt16(48);
  const type = TYPES[view.getUint8(6)] ?? `of the unknown type ${view.getUint8(6)}`;
  const [top, left, bottom, right] = [8, 10, 12, 14].map((at) => view.getInt16(at)) as [number, number, number, number];
  const subPixel = (options & SUB_PIXEL) !== 0 && view.getInt16(4) >= 222;
  const facts = { ...secondHeader(view), ...colourOf(view) };
  if (subtype !== 0 && subtype !== 2) throw refuse(`${SUBTYPES[subtype] ?? 'of an unknown kind'}`);
  const shapeSize = view.getInt32(36);
  if (type === 'rectangle' && shapeSize > 0) return ofLines(facts, linesOfComposite(view, shapeSize, refuse), refuse);
  if (type === 'rectangle' || type === 'oval') {
    if (view.getInt16(54) > 0 && type === 'rectangle') throw refuse('a rounded rectangle');
    let box: Box = [left, top, right - left, bottom - top];
    if (subPixel) {
      const [x, y, wide, high] = [18, 22, 26, 30].map((at) => view.getFloat32(at)) as [number, number, number, number];
      box = [Math.trunc(x), Math.trunc(y), Math.ceil(wide), Math.ceil(high)];
    }
    const fill: Shape['fill'] = (size, found) => (type === 'oval' ? fillImagejOval : fillBox)(box, size, found);
    return { ...facts, bounds: [box[0], box[1], box[0] + box[2], box[1] + box[3]], fill };
  }
  if (type !== 'polygon' && type !== 'freehand' && type !== 'traced') throw refuse(`a ${type}`);
  if ((options & SPLINE) !== 0) throw refuse('a spline fit');
  const count = view.getUint16(16) || view.getInt32(18);
  const line = subPixel ? floatsAt(view, COORDINATES + 4 * count, count) : integersAt(view, count, [left, top]);
  return ofLines(facts, [line], refuse);
}

function integersAt(view: DataView, count: number, [left, top]: readonly [number, number]): Float64Array {
  const line = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    line[2 * i] = left + Math.max(0, view.getInt16(COORDINATES + 2 * i));
    line[2 * i + 1] = top + Math.max(0, view.getInt16(COORDINATES + 2 * (count + i)));
  }
  return line;
}

/** The x coordinates, then the y coordinates. */
function floatsAt(view: DataView, from: number, count: number): Float32Array {
  const line = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    line[2 * i] = view.getFloat32(from + 4 * i);
    line[2 * i + 1] = view.getFloat32(from + 4 * (count + i));
  }
  return line;
}

function ofLines(facts: Facts, lines: readonly Line[], refuse: (what: string) => FormatError): Shape {
  const bounds = boundsOfLines(lines);
  // Of no point at all, or of one that is no number.
  if (!bounds.every(Number.isFinite)) throw refuse('without a place');
  const box = boxOf(lines);
  const relative = lines.map((line) => Float64Array.from(line, (value, i) => value - (box[i % 2] as number)));
  return {
    ...facts,
    bounds,
    fill: (size, found) => fillImagejPolygon(relative, box, size, found),
  };
}

/** Segments: 0 moves, 1 draws a straight line, 2 and 3 curves, 4 closes. */
function linesOfComposite(view: DataView, count: number, refuse: (what: string) => FormatError): readonly Line[] {
  const lines: number[][] = [];
  for (let i = 0; i < count; ) {
    const segment = view.getFloat32(COORDINATES + 4 * i++);
    if (segment === 4) continue;
    if (segment !== 0 && segment !== 1) throw refuse('a composite with curves');
    const point = [view.getFloat32(COORDINATES + 4 * i++), view.getFloat32(COORDINATES + 4 * i++)];
    if (segment === 0) lines.push(point);
    else lines.at(-1)?.push(...point);
  }
  return lines.filter((line) => line.length > 4);
}

type Facts = Omit<Shape, 'bounds' | 'fill'>;

/** Stroke colour, if one was chosen. */
function colourOf(view: DataView): Pick<Shape, 'colour'> {
  const argb = view.getUint32(40);
  return argb === 0 ? {} : { colour: argb & 0xffffff };
}

/** Name, group and position. ImageJ's groups are numbers from 1; they serve as classes. */
function secondHeader(view: DataView): Facts {
  const position = view.getInt32(56);
  const at = view.getInt32(60);
  if (at < COORDINATES || at + 32 > view.byteLength) return { name: '', place: placeOf(position, 0, 0) };
  const [z, t, nameAt, length] = [8, 12, 16, 20].map((offset) => view.getInt32(at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  const group = view.getUint8(at + 30);
  let name = '';
  if (nameAt > 0) for (let i = 0; i < length; i++) name += String.fromCharCode(view.getUint16(nameAt + 2 * i));
  return { name, place: placeOf(position, z, t), ...(group === 0 ? {} : { className: `group ${group}` }) };
}

/** ImageJ counts from 1; 0 is every one. A hyperstack has its own position. */
function placeOf(position: number, z: number, t: number): Place {
  if (z > 0 || t > 0) return { ...(z > 0 && { z: z - 1 }), ...(t > 0 && { t: t - 1 }) };
  return position > 0 ? { index: position - 1 } : {};
}
