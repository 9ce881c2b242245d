/** Shapes that napari saves as a table: `index,shape-type,vertex-index,axis-0,axis-1`. */

import { addTo } from '../../array/lists.ts';
import { FormatError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import { boundsOfLines, type FoundRun, type Line, rowCrossings, type Size } from '../../objects/fill-polygon.ts';
import type { DrawnShapes, Place, Shape } from './shape.ts';

const COLUMNS = 'index,shape-type,vertex-index,axis-0,axis-1';

/**
 * Rectangles and polygons as objects 1, 2, ... in their order. The last two axes are y and x; two before them are time and
 * slice, and one is the time of an image with several times and one slice, otherwise the slice.
 * @throws FormatError for what is no table of shapes, and for ellipses, lines and paths
 */
export function readNapariShapes(text: string, file: string): DrawnShapes {
  const refuse = (problem: string, remedy = 'Save the layer again.'): FormatError =>
    new FormatError(problem, { file, remedy });
  // Words and numbers, never quoted.
  const [header = [], ...rows] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','));
  const axes = header.length - 3;
  if (!text.startsWith(COLUMNS) || axes > 4) throw refuse('this is no table of shapes on an image.');
  const byIndex = new Map<string, (readonly string[])[]>();
  for (const row of rows) addTo(byIndex, row[0] as string, row);
  const shapes = [...byIndex].map(([index, corners]): Shape => {
    const type = corners[0]?.[1] ?? '';
    if (type !== 'polygon' && type !== 'rectangle') {
      throw refuse(
        `shape ${index} is of the type "${type}", of which napari's pixels are not known.`,
        'In napari, convert the layer to labels (right click, "Convert to Labels") and save those as TIFF.',
      );
    }
    const points = corners.map((row) => row.slice(3).map((value) => (value === '' ? Number.NaN : Number(value))));
    if (points.length < 3 || !points.every((point) => point.length === axes && point.every(Number.isFinite)))
      throw refuse(`shape ${index} is incomplete.`);
    const before = (back: number): number | undefined => {
      const values = new Set(points.map((point) => Math.round(point[axes - back] as number)));
      if (axes < back) return undefined;
      if (values.size > 1) throw refuse(`shape ${index} runs through several slices.`, 'Draw it on one slice.');
      return [...values][0];
    };
    const [last, first] = [before(3), before(4)];
    const placeOn = (image: Image): Place => {
      if (last === undefined) return {};
      if (first !== undefined) return { t: first, z: last };
      const { times, slices } = sizes(image);
      return times > 1 && slices === 1 ? { t: last } : { z: last };
    };
    // napari's pixels have their centres at whole numbers.
    const line = points.flatMap((point) => [(point[axes - 1] as number) + 0.5, (point[axes - 2] as number) + 0.5]);
    const shape: Shape = {
      name: '',
      place: {},
      bounds: boundsOfLines([line]),
      fill: (size, found) => fillTouched(line, size, found),
    };
    return { ...shape, onGrid: (image) => [{ ...shape, place: placeOn(image) }] };
  });
  return { shapes };
}

/** Pixels whose centres are inside a line under the even-odd rule or on it, as `skimage.draw.polygon2mask` has them. */
function fillTouched(line: Line, [height, width]: Size, found: FoundRun): void {
  const inside = new Map<number, Uint8Array>();
  const add = (y: number, from: number, to: number): void => {
    const [a, b] = [Math.max(0, from), Math.min(width, to)];
    if (y < 0 || y >= height || b <= a) return;
    const row = inside.get(y) ?? new Uint8Array(width);
    inside.set(y, row.fill(1, a, b));
  };
  for (const [y, crossings] of rowCrossings([line], height)) {
    for (const { right, touches } of crossings) if (touches) add(y, right - 1, right);
    for (let k = 0; k + 1 < crossings.length; k += 2) add(y, crossings[k].right, crossings[k + 1].right);
  }
  // Corners and edges in a row of centres are no crossings.
  for (let i = 0; i < line.length; i += 2) {
    const j = (i + 2) % line.length;
    const [ax, ay, bx, by] = [line[i], line[i + 1], line[j], line[j + 1]];
    if ((ay - 0.5) % 1 !== 0) continue;
    const [low, high] = ay === by ? [Math.min(ax, bx), Math.max(ax, bx)] : [ax, ax];
    add(ay - 0.5, Math.ceil(low - 0.5), Math.floor(high - 0.5) + 1);
  }
  for (const [y, row] of [...inside].sort(([a], [b]) => a - b)) {
    for (let x = 0; x < width; x++) {
      if (row[x] === 0) continue;
      const from = x;
      while (x < width && row[x] === 1) x++;
      found(y, from, x);
    }
  }
}
