/**
 * Objects from star-convex polygons: each pixel proposes one, and of those that overlap the most probable stays
 * (Schmidt, Weigert, Broaddus and Myers, Cell Detection with Star-convex Polygons, MICCAI 2018).
 */

import { type NdArray, ndarray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import { fillPolygon } from '../fill-polygon.ts';
import { relabelConsecutive } from '../relabel.ts';
import {
  areaOf,
  boundBy,
  cutIntoStrips,
  emptyStrips,
  sharedArea,
  sharedBox,
  type WholePolygons,
} from './star-overlap.ts';
import { LEAST_RAYS } from './star-targets.ts';

export interface StarMaps {
  /** That a pixel is in the middle of an object, [h, w], 0..1. */
  readonly probability: NdArray<'float32'>;
  /** To the border along each ray in pixels of the image, [rays, h, w]; as `starDistances` makes them. */
  readonly distances: NdArray<'float32'>;
}

export interface StarOptions {
  /** Pixels with a greater probability propose an object. Default 0.5. */
  readonly threshold?: number;
  /**
   * A polygon is dropped if it shares more than this part of the smaller one of both areas with one of more
   * probability. 0..1, default 0.4.
   */
  readonly overlap?: number;
  /** Pixels of the maps so near their border propose nothing. Default 2. */
  readonly margin?: number;
  /** The maps have one value for every n-th row and column of the image, from the first. Default 1. */
  readonly grid?: number;
  /** Of the image; default: that of the maps times `grid`. */
  readonly shape?: readonly [height: number, width: number];
}

/** A polygon that stayed. */
export interface StarObject {
  /** In pixels of the image. */
  readonly y: number;
  readonly x: number;
  readonly probability: number;
  /** x0, y0, x1, y1, ..., one corner for each ray; centres of pixels are whole numbers. */
  readonly outline: Float32Array;
}

export interface StarObjects {
  /** [h, w]: 0 = background, 1..count in the order of `objects`. */
  readonly labels: NdArray<'int32'>;
  readonly count: number;
  /** Most probable first. */
  readonly objects: readonly StarObject[];
}

/** Distances below are taken for this, in pixels. */
const LEAST_DISTANCE = 1e-3;

/**
 * Finds objects in maps of stars: greedy non-maximum suppression from the most probable polygon down, among equally
 * probable ones in raster order, so that the result depends on nothing but the maps. Where polygons that stay overlap,
 * the more probable one has the pixels; one without any pixel of its own is left out. Overlaps are exact areas of
 * polygons whose corners are cut to whole pixels (towards 0), as StarDist cuts them; pixels are those whose centres a
 * polygon of uncut corners encloses.
 * @throws UsageError for shapes that do not fit, fewer than 3 rays, options out of range, or a distance that is NaN or
 * infinite where an object is proposed.
 */
export function starObjects(maps: StarMaps, options: StarOptions = {}): StarObjects {
  const { threshold = 0.5, overlap = 0.4, margin = 2, grid = 1 } = options;
  const [rows, columns] = requireFitting(maps, { overlap, margin, grid });
  const [height, width] = options.shape ?? [rows * grid, columns * grid];
  const kept = suppressed(proposals(maps, { threshold, margin, grid }), { overlap, grid, rows, columns });
  const stars = kept.map((pixel) => starAt(maps, pixel, grid));
  const labels = ndarray('int32', [height, width]);
  for (let i = stars.length - 1; i >= 0; i--) {
    // Centres of pixels are halves there.
    const line = Array.from(stars[i].outline, (value) => value + 0.5);
    fillPolygon([line], [height, width], (row, from, to) => {
      labels.data.fill(i + 1, row * width + from, row * width + to);
    });
  }
  const numbered = relabelConsecutive(labels);
  return {
    labels: numbered.labels,
    count: numbered.count,
    objects: numbered.values.slice(1).map((label) => stars[label - 1]),
  };
}

function starAt({ probability: { data, shape }, distances }: StarMaps, pixel: number, grid: number): StarObject {
  const columns = shape[1] as number;
  const x = (pixel % columns) * grid;
  const y = Math.floor(pixel / columns) * grid;
  const directions = directionsOf(distances.shape[0]);
  const outline = Float32Array.from(directions, (direction, i) =>
    cornerOf(i % 2 === 0 ? x : y, distanceOf(distances, Math.floor(i / 2), pixel), direction),
  );
  return { y, x, probability: data[pixel], outline };
}

function requireFitting(
  { probability, distances }: StarMaps,
  { overlap, margin, grid }: Required<Pick<StarOptions, 'overlap' | 'margin' | 'grid'>>,
): readonly [rows: number, columns: number] {
  const [rays, ...sides] = distances.shape;
  const fits = probability.shape.length === 2 && sides.length === 2;
  if (!fits || probability.shape.some((side, axis) => side !== sides[axis]) || rays < LEAST_RAYS) {
    throw new UsageError(
      `A probability [${probability.shape.join(', ')}] and distances [${distances.shape.join(', ')}] are no stars.`,
      { remedy: `Use [height, width] and [rays, height, width] with at least ${LEAST_RAYS} rays.` },
    );
  }
  const isWhole = [margin, grid].every(Number.isInteger) && margin >= 0 && grid >= 1;
  if (!isWhole || !(overlap >= 0 && overlap <= 1)) {
    throw new UsageError(`An overlap of ${overlap}, a margin of ${margin} and a grid of ${grid} are not possible.`, {
      remedy: 'Use an overlap of 0..1, a whole margin of at least 0, and a whole grid of at least 1.',
    });
  }
  return probability.shape as readonly [number, number];
}

/** What pixels propose, most probable first, equally probable ones in raster order. */
interface Proposals {
  /** Of the maps. */
  readonly pixels: Int32Array;
  /** The polygons, with corners cut to whole pixels. */
  readonly polygons: WholePolygons;
  /** Largest distance of each, in pixels of the image. */
  readonly reaches: Float64Array;
}

/** Cosine and sine of the angle of each ray. */
const directionsOf = (rays: number): Float64Array =>
  Float64Array.from({ length: 2 * rays }, (_, i) =>
    (i % 2 === 0 ? Math.cos : Math.sin)((2 * Math.PI * Math.floor(i / 2)) / rays),
  );

function proposals(
  { probability: { data, shape }, distances }: StarMaps,
  { threshold, margin, grid }: Required<Pick<StarOptions, 'threshold' | 'margin' | 'grid'>>,
): Proposals {
  const [rows, columns] = shape as readonly [number, number];
  const found: number[] = [];
  for (let row = margin; row < rows - margin; row++) {
    for (let pixel = row * columns + margin; pixel < (row + 1) * columns - margin; pixel++) {
      if (data[pixel] > threshold) found.push(pixel);
    }
  }
  const pixels = Int32Array.from(found).sort((a, b) => data[b] - data[a] || a - b);
  const rays = distances.shape[0];
  const directions = directionsOf(rays);
  const places = new Int32Array(pixels.length * 2 * rays);
  const reaches = new Float64Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i];
    const column = pixel % columns;
    const row = (pixel - column) / columns;
    let reach = 0;
    for (let k = 0; k < rays; k++) {
      const distance = distanceOf(distances, k, pixel);
      places[2 * (i * rays + k)] = cornerOf(column * grid, distance, directions[2 * k]);
      places[2 * (i * rays + k) + 1] = cornerOf(row * grid, distance, directions[2 * k + 1]);
      // NaN if any is.
      reach = Math.max(reach, distance);
    }
    if (!Number.isFinite(reach)) {
      throw new UsageError(`The distances at row ${row}, column ${column} are not all finite.`, {
        remedy: 'Use a network whose output is finite.',
      });
    }
    reaches[i] = reach;
  }
  return { pixels, polygons: { corners: rays, places }, reaches };
}

const distanceOf = ({ shape: [, rows, columns], data }: NdArray<'float32'>, ray: number, pixel: number): number =>
  Math.max(LEAST_DISTANCE, data[ray * (rows as number) * (columns as number) + pixel]);

/** In single precision, rounded twice, as the reference does. */
const cornerOf = (centre: number, distance: number, direction: number): number =>
  Math.fround(Math.fround(distance * direction) + centre);

/** Which proposals stay, most probable first: pixels of the maps. */
function suppressed(
  { pixels, polygons, reaches }: Proposals,
  { overlap, grid, rows, columns }: Readonly<Record<'overlap' | 'grid' | 'rows' | 'columns', number>>,
): readonly number[] {
  /** Of each pixel of the maps: the rank of its proposal, counted from 1; 0 for one that has none any more. */
  const ranks = new Int32Array(rows * columns);
  for (let i = 0; i < pixels.length; i++) ranks[pixels[i]] = i + 1;
  const farthest = reaches.reduce((a, b) => Math.max(a, b), 0);
  const own = emptyStrips(polygons.corners);
  const other = emptyStrips(polygons.corners);
  const kept: number[] = [];
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i];
    if (ranks[pixel] === 0) continue;
    ranks[pixel] = 0;
    kept.push(pixel);
    boundBy(own, polygons, i);
    cutIntoStrips(own, polygons, i);
    const area = areaOf(polygons, i);
    const near = Math.ceil((reaches[i] + farthest) / grid);
    const column = pixel % columns;
    const row = (pixel - column) / columns;
    for (let r = Math.max(0, row - near); r <= Math.min(rows - 1, row + near); r++) {
      for (let c = Math.max(0, column - near); c <= Math.min(columns - 1, column + near); c++) {
        const j = ranks[r * columns + c] - 1;
        if (j < 0) continue;
        boundBy(other, polygons, j);
        if (sharedBox(own, other) === 0) continue;
        const most = overlap * Math.min(area, areaOf(polygons, j));
        if (sharedBox(own, other) <= most) continue;
        cutIntoStrips(other, polygons, j);
        if (sharedArea(own, other) > most) ranks[r * columns + c] = 0;
      }
    }
  }
  return kept;
}
