/**
 * Assembles the image of a whole slide from its tiles: the axis `z` contains focal planes, `c` the samples of each
 * optical path.
 */

import { allocate, bytesPer, type DType, elementCount, type Storage } from '../../../array/ndarray.ts';
import { axesOf, type Image, type Spacings } from '../../image.ts';
import type { ImageInfo } from '../../source.ts';
import { checkDeclaredSize, type ReadContext } from '../format.ts';
import type { DicomHeader } from './header.ts';
import type { Sampled } from './pixels.ts';
import type { Slide } from './slide.ts';

/**
 * The image of all tiles, from a file or the parts of a concatenation. Missing tiles are 0, which is noted. Parts of
 * edge tiles outside the image are cropped.
 */
export function assembleSlide(parts: readonly Sampled[], notes: string[], context: ReadContext): Omit<Image, 'source'> {
  const [{ samples: first }] = parts;
  const info = slideInfo(
    parts.map(({ header }) => header),
    first.dtype,
    notes,
  );
  const { rows, columns, samples, slide } = parts[0].header;
  const { width, height } = slide as Slide;
  const planes = info.shape[info.axes.indexOf('z')] ?? 1;
  const pixels = elementCount(info.shape);
  const what = `the slide (${width} x ${height}, ${first.dtype})`;
  checkDeclaredSize(what, pixels * bytesPer(first.dtype), context);
  const data = allocate(first.dtype, pixels);
  const box = [0, 0, 0, 0, pixels, planes, height, width] as const;
  const length = rows * columns * samples;
  for (const { header, samples: stored } of parts) {
    for (const [frame, tile] of (header.slide as Slide).tiles.entries()) {
      placeTile(header, tile, stored.data.subarray(frame * length, (frame + 1) * length), data, box);
    }
  }
  return { ...info, data };
}

/** What of a slide is read: the first channel, focal plane, row and column, and how many of each. */
export type SlideBox = readonly [
  ...first: readonly [c: number, z: number, y: number, x: number],
  ...lengths: readonly [channels: number, planes: number, height: number, width: number],
];

type Tile = Slide['tiles'][number];

/** The columns and rows of a tile that lie in a box, ends exclusive. */
const within = (
  { rows, columns }: DicomHeader,
  { x, y }: Tile,
  [, , firstRow, firstColumn, , , height, width]: SlideBox,
) =>
  [
    Math.max(firstColumn, x),
    Math.min(firstColumn + width, x + columns),
    Math.max(firstRow, y),
    Math.min(firstRow + height, y + rows),
  ] as const;

/** Whether a tile has pixels in a box. */
export function touches(header: DicomHeader, tile: Tile, box: SlideBox): boolean {
  const { samples } = header;
  const [c, z, , , channels, planes] = box;
  const [left, right, top, bottom] = within(header, tile, box);
  const isThere = tile.plane >= z && tile.plane < z + planes && right > left && bottom > top;
  return isThere && (tile.path + 1) * samples > c && tile.path * samples < c + channels;
}

/**
 * Writes what of a tile lies in a box.
 * @param tile in one of its focal planes
 * @param stored its samples [sample][row][column]
 * @param data of the box, [c][z][y][x]
 */
export function placeTile(
  header: DicomHeader,
  tile: Tile,
  stored: Storage[DType],
  data: Storage[DType],
  box: SlideBox,
): void {
  const { rows, columns, samples } = header;
  const { x, y, plane, path } = tile;
  const [c, z, firstRow, firstColumn, channels, planes, height, width] = box;
  const [left, right, top, bottom] = within(header, tile, box);
  if (right <= left) return;
  for (let s = 0; s < samples; s++) {
    const channel = path * samples + s - c;
    if (channel < 0 || channel >= channels) continue;
    const to = (channel * planes + plane - z) * height * width;
    for (let row = top; row < bottom; row++) {
      const start = (s * rows + row - y) * columns - x;
      const values = stored.subarray(start + left, start + right);
      data.set(values as never, to + (row - firstRow) * width + left - firstColumn);
    }
  }
}

/** What describes the image of all tiles. @param headers of the parts @param notes takes what is to be said of it */
export function slideInfo(
  headers: readonly DicomHeader[],
  dtype: DType,
  notes: string[],
): Omit<ImageInfo, 'source' | 'notes'> {
  const [header] = headers;
  const slides = headers.map(({ slide }) => slide as Slide);
  const { width, height, paths } = slides[0];
  const planes = Math.max(...slides.map((slide) => slide.planes));
  const { samples } = header;
  const channels = paths * samples;
  const seen = new Set<string>();
  let covered = 0;
  for (const tile of slides.flatMap(({ tiles }) => tiles)) {
    const [left, right, top, bottom] = within(header, tile, [0, 0, 0, 0, 0, 0, height, width]);
    const key = `${tile.x} ${tile.y} ${tile.plane} ${tile.path}`;
    if (right > left && bottom > top && !seen.has(key)) covered += (bottom - top) * (right - left);
    seen.add(key);
  }
  const missing = 1 - covered / (width * height * planes * paths);
  if (missing > 0) notes.push(`${Number((100 * missing).toPrecision(3))} % of the slide has no tiles; it is 0 there.`);
  const colours = samples === 1 ? ['grey'] : ['red', 'green', 'blue'];
  return {
    dtype,
    ...axesOf({ c: channels, z: planes, y: height, x: width }),
    spacing: slideSpacing(header, planes, slides[0].planeMm),
    channels:
      paths === 1
        ? colours
        : Array.from({ length: channels }, (_, i) => {
            const path = `optical path ${Math.floor(i / samples) + 1}`;
            return samples === 1 ? path : `${path} ${colours[i % samples]}`;
          }),
    modality: header.modality,
  };
}

/** In micrometres, as usual in microscopy. */
function slideSpacing({ frames: [place] }: DicomHeader, planes: number, planeMm: number | undefined): Spacings {
  const micrometres = (mm: number) => ({ value: Number((1000 * mm).toPrecision(12)), unit: 'µm' });
  const z = planeMm ?? place.betweenMm;
  return {
    ...(planes > 1 && z !== undefined ? { z: micrometres(z) } : {}),
    ...(place.spacingMm === undefined
      ? {}
      : { y: micrometres(place.spacingMm[1]), x: micrometres(place.spacingMm[0]) }),
  };
}
