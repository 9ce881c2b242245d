/** Images and HU counts of one patient's lungs for the report. */

import { ndarray } from '../../array/ndarray.ts';
import { median } from '../../array/quantile.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { extentsOf, type IntegerArray } from '../../objects/grid.ts';
import { toPolygons } from '../../objects/polygons.ts';
import { shapeOf } from '../kit/outline-overlay.ts';
import { dataUri, type Picture, shrink } from '../kit/pictures.ts';
import { score } from '../run/data.ts';
import type { HuCounts, LungsPatient, LungsProjection, LungsSlice } from './data.ts';

/** Label values of the left and right lung. */
export interface SideValues {
  readonly left: number;
  readonly right: number;
}

export interface PatientVolume {
  readonly name: string;
  /** HU, [depth, height, width]; a single slice has depth 1. */
  readonly hu: Float32Array;
  /** Left and right lung, [depth, height, width], 0 = neither. */
  readonly sides: IntegerArray;
  readonly values: SideValues;
  /** Name of a slice by its zero-based index. */
  readonly sliceName: (z: number) => string;
  /** Voxel size, if the slices form a volume without gaps. */
  readonly spacingMm?: readonly [z: number, y: number, x: number];
  /** Whether the first slice is nearest to the head. Default false. */
  readonly headFirst?: boolean;
}

export interface PatientOptions {
  /** Number of slices to show, evenly spaced over those with lung; default 8. */
  readonly slices?: number;
  /** Longest side of the slice images in pixels; default 512. */
  readonly mostPx?: number;
}

/** Lung window: centre -600 HU, width 1500 HU. */
const WINDOW_HU = [-1350, 150] as const;
const BIN_HU = 20;
const FIRST_HU = -1080;
const BINS = 66;
/** Fewer slices get no frontal projection. */
const LEAST_DEPTH = 12;

export function patientOf(volume: PatientVolume, { slices = 8, mostPx = 512 }: PatientOptions = {}): LungsPatient {
  const { depth } = extentsOf(volume.sides.shape);
  const { spacingMm } = volume;
  const window = chestWindow(volume.sides);
  return {
    name: volume.name,
    slices: chosenSlices(volume.sides, slices).map((z) => sliceOf(volume, z, window, mostPx)),
    sliceCount: depth,
    counts: countHu(volume),
    ...(spacingMm === undefined || depth < LEAST_DEPTH ? {} : { projection: projectionOf(volume, spacingMm) }),
  };
}

/** Evenly spaced over the slices with lung, or over all if none has any. */
function chosenSlices({ data, shape }: IntegerArray, count: number): readonly number[] {
  const { depth, height, width } = extentsOf(shape);
  const pixels = height * width;
  const all = Array.from({ length: depth }, (_, z) => z);
  const filled = all.filter((z) => data.subarray(z * pixels, (z + 1) * pixels).some((value: number) => value !== 0));
  const from = filled.length > 0 ? filled : all;
  if (from.length <= count) return from;
  // The end slices show little.
  return Array.from({ length: count }, (_, i) => from[Math.floor(((i + 0.5) * from.length) / count)] as number);
}

/** The region around the lungs with a margin; the whole slice if there are none. */
function chestWindow({ data, shape }: IntegerArray): Rectangle {
  const { height, width } = extentsOf(shape);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let p = 0; p < data.length; p++) {
    if (data[p] === 0) continue;
    const x = p % width;
    const y = Math.floor(p / width) % height;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  if (right < 0) return { x: 0, y: 0, width, height };
  const margin = Math.round(0.13 * Math.max(width, height));
  const x = Math.max(0, left - margin);
  const y = Math.max(0, top - margin);
  return { x, y, width: Math.min(width, right + 1 + margin) - x, height: Math.min(height, bottom + 1 + margin) - y };
}

function sliceOf(
  { hu, sides, values, sliceName }: PatientVolume,
  z: number,
  window: Rectangle,
  mostPx: number,
): LungsSlice {
  const { height, width } = extentsOf(sides.shape);
  const plane = new Uint8ClampedArray(window.height * window.width);
  const map = ndarray(sides.dtype, [window.height, window.width]);
  const [low, high] = WINDOW_HU;
  for (let row = 0, to = 0; row < window.height; row++) {
    let from = (z * height + window.y + row) * width + window.x;
    for (let column = 0; column < window.width; column++, from++, to++) {
      plane[to] = (255 * ((hu[from] as number) - low)) / (high - low);
      map.data[to] = sides.data[from] as number;
    }
  }
  return {
    name: sliceName(z),
    widthPx: window.width,
    heightPx: window.height,
    picture: dataUri(
      shrink({ planes: [new Uint8Array(plane.buffer)], height: window.height, width: window.width }, mostPx),
    ),
    shapes: toPolygons(map).map((outline) =>
      outline.label === values.left ? shapeOf(outline, 'L', 'left') : shapeOf(outline, 'R', 'right'),
    ),
  };
}

function countHu({ hu, sides, values }: PatientVolume): HuCounts {
  const left = new Float64Array(BINS);
  const right = new Float64Array(BINS);
  const inside = hu.filter((_, p) => sides.data[p] !== 0);
  for (let p = 0; p < hu.length; p++) {
    const side = sides.data[p] as number;
    if (side === 0 || Number.isNaN(hu[p])) continue;
    const bin = Math.max(0, Math.min(BINS - 1, Math.floor(((hu[p] as number) - FIRST_HU) / BIN_HU)));
    const row = side === values.left ? left : right;
    row[bin] = (row[bin] as number) + 1;
  }
  return { startHu: FIRST_HU, widthHu: BIN_HU, left: [...left], right: [...right], medianHu: score(median(inside)) };
}

/** Sky blue and orange, like the outlines. */
const TINTS = { left: [76, 196, 255], right: [255, 176, 32] } as const;

/** Frontal projection, head up: mean density along y in grey, overlaid with each lung by its depth along y. */
function projectionOf(
  { hu, sides, values, headFirst = false }: PatientVolume,
  spacingMm: readonly [z: number, y: number, x: number],
): LungsProjection {
  const { depth, height, width } = extentsOf(sides.shape);
  const density = new Float32Array(depth * width);
  const behind = { left: new Float32Array(depth * width), right: new Float32Array(depth * width) };
  for (let z = 0; z < depth; z++) {
    const row = (headFirst ? z : depth - 1 - z) * width;
    for (let y = 0; y < height; y++) {
      for (let x = 0, p = (z * height + y) * width; x < width; x++, p++) {
        const value = Number.isNaN(hu[p]) ? -1000 : (hu[p] as number);
        // Air is 0, water 1000; clipped at dense bone, so that metal does not dominate.
        density[row + x] = (density[row + x] as number) + Math.min(1500, Math.max(0, value + 1000));
        const side = sides.data[p] as number;
        if (side === 0) continue;
        const depths = side === values.left ? behind.left : behind.right;
        depths[row + x] = (depths[row + x] as number) + 1;
      }
    }
  }
  const dense = density.reduce((most, value) => Math.max(most, value), 1);
  const deep = [behind.left, behind.right].reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 1);
  const planes = [0, 1, 2].map(() => new Uint8Array(depth * width));
  for (let p = 0; p < depth * width; p++) {
    const grey = 235 * ((density[p] as number) / dense) ** 0.8;
    for (let k = 0; k < 3; k++) {
      let value = grey;
      for (const side of ['left', 'right'] as const) {
        const share = (behind[side][p] as number) / deep;
        // Thin edges stay visible.
        const alpha = share === 0 ? 0 : 0.18 + 0.62 * share;
        value += alpha * ((TINTS[side][k] as number) - value);
      }
      (planes[k] as Uint8Array)[p] = Math.round(value);
    }
  }
  const picture: Picture = { planes, height: depth, width };
  return { picture: dataUri(picture), widthMm: width * spacingMm[2], heightMm: depth * spacingMm[0] };
}
