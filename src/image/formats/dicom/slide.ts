/**
 * Positions of the tiles of a whole slide in its image, the total pixel matrix (PS3.3 C.7.6.17.3, C.8.12.4, C.8.12.14).
 */

import { FormatError } from '../../../errors.ts';
import { frameItems, item, numberOf, sharedItem } from './frames.ts';
import type { DataSet } from './parser.ts';

/** The image that tiles form. */
export interface Slide {
  readonly width: number;
  readonly height: number;
  readonly planes: number;
  readonly paths: number;
  /** Distance between focal planes, mm. */
  readonly planeMm?: number;
  /** Position of each frame of the file: the first pixel, counted from 0, its focal plane and its optical path. */
  readonly tiles: readonly { readonly x: number; readonly y: number; readonly plane: number; readonly path: number }[];
}

const TAG = {
  width: 'x00480006',
  height: 'x00480007',
  organization: 'x00209311',
  pathCount: 'x00480302',
  planeCount: 'x00480303',
  paths: 'x00480105',
  pathOfFrame: 'x00480207',
  pathId: 'x00480106',
  planePosition: 'x0048021a',
  column: 'x0048021e',
  row: 'x0048021f',
  zOffset: 'x0040074a',
} as const;

/**
 * The image of a tiled file; undefined for others.
 * @param firstFrame number of the file's first frame in the whole image, of which it may be a part (concatenation)
 * @throws FormatError if the header does not state the positions of tiles
 */
export function slideOf(
  dataSet: DataSet,
  size: { readonly rows: number; readonly columns: number; readonly frames: number; readonly firstFrame: number },
  file: string,
): Slide | undefined {
  const [width, height] = [dataSet.uint32(TAG.width), dataSet.uint32(TAG.height)];
  if (!width || !height) return undefined;
  const { rows, columns, frames, firstFrame } = size;
  const stated = { paths: dataSet.uint32(TAG.pathCount), planes: dataSet.uint32(TAG.planeCount) };
  const optical = dataSet.elements[TAG.paths]?.items ?? [];
  const items = frameItems(dataSet);
  const isFull = dataSet.string(TAG.organization) === 'TILED_FULL';
  if (isFull || (items === undefined && width <= columns && height <= rows && frames === 1)) {
    const [across, down] = [Math.ceil(width / columns), Math.ceil(height / rows)];
    const planes = stated.planes || 1;
    const paths = stated.paths || Math.max(1, optical.length);
    const tiles = Array.from({ length: frames }, (_, i) => {
      const n = firstFrame + i;
      const layer = Math.floor(n / (across * down));
      return {
        x: (n % across) * columns,
        y: (Math.floor(n / across) % down) * rows,
        plane: layer % planes,
        path: Math.floor(layer / planes),
      };
    });
    if (tiles.some(({ path }) => path >= paths)) {
      throw new FormatError(
        `${firstFrame + frames} tiles are more than the image has (${across * down * planes * paths}).`,
        {
          file,
          remedy: 'Export the slide again.',
        },
      );
    }
    return { width, height, planes, paths, tiles };
  }
  const ids = optical.map(({ dataSet: own }) => own?.string(TAG.pathId));
  const shared = sharedItem(dataSet);
  const places = items?.map((own) => {
    const place = item(own, TAG.planePosition) ?? item(shared, TAG.planePosition);
    const path = (item(own, TAG.pathOfFrame) ?? item(shared, TAG.pathOfFrame))?.string(TAG.pathId);
    return {
      x: place?.int32(TAG.column),
      y: place?.int32(TAG.row),
      // Micrometres, rounded to nanometres: headers have few digits.
      z: Math.round(1000 * ((place === undefined ? undefined : numberOf(place, TAG.zOffset)) ?? 0)),
      path: Math.max(0, ids.indexOf(path)),
    };
  });
  if (places === undefined || places.some(({ x, y }) => x === undefined || y === undefined)) {
    throw new FormatError('the header does not state the positions of the slide tiles.', {
      file,
      remedy: 'Export the slide again, or convert it to OME-TIFF.',
    });
  }
  const heights = [...new Set(places.map(({ z }) => z))].sort((a, b) => a - b);
  const step = (heights[1] - heights[0]) / 1e6;
  const isEven = heights.every((z, i) => Math.abs((z - heights[0]) / 1e6 - i * step) < 0.01 * step);
  return {
    width,
    height,
    planes: heights.length,
    paths: Math.max(1, ids.length),
    planeMm: heights.length > 1 && isEven ? step : undefined,
    tiles: places.map(({ x = 1, y = 1, z, path }) => ({ x: x - 1, y: y - 1, plane: heights.indexOf(z), path })),
  };
}
