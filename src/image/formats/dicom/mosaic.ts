/**
 * Assembles the image of a whole slide from its tiles: the axis `z` contains focal planes, `c` the samples of each
 * optical path.
 */

import { allocate, bytesPer } from '../../../array/ndarray.ts';
import { axesOf, type Image, type Spacings } from '../../image.ts';
import { checkDeclaredSize, type ReadContext } from '../format.ts';
import type { DicomHeader } from './header.ts';
import type { Sampled } from './pixels.ts';
import type { Slide } from './slide.ts';

/**
 * The image of all tiles, from a file or the parts of a concatenation. Missing tiles are 0, which is noted. Parts of
 * edge tiles outside the image are cropped.
 */
export function assembleSlide(parts: readonly Sampled[], notes: string[], context: ReadContext): Omit<Image, 'source'> {
  const [{ header, samples: first }] = parts;
  const slides = parts.map((part) => part.header.slide as Slide);
  const { width, height, paths } = slides[0];
  const planes = Math.max(...slides.map((slide) => slide.planes));
  const { rows, columns, samples } = header;
  const channels = paths * samples;
  const pixels = width * height;
  const what = `the slide (${width} x ${height}, ${channels * planes} planes, ${first.dtype})`;
  checkDeclaredSize(what, pixels * channels * planes * bytesPer(first.dtype), context);
  const data = allocate(first.dtype, pixels * channels * planes);
  const seen = new Set<string>();
  let covered = 0;
  for (const { header: own, samples: stored } of parts) {
    for (const [frame, tile] of (own.slide as Slide).tiles.entries()) {
      const [left, right] = [Math.max(0, tile.x), Math.min(width, tile.x + columns)];
      const [top, bottom] = [Math.max(0, tile.y), Math.min(height, tile.y + rows)];
      if (right <= left) continue;
      for (let s = 0; s < samples; s++) {
        const from = (frame * samples + s) * rows * columns;
        const to = ((tile.path * samples + s) * planes + tile.plane) * pixels;
        for (let y = top; y < bottom; y++) {
          const start = from + (y - tile.y) * columns;
          data.set(stored.data.subarray(start + left - tile.x, start + right - tile.x) as never, to + y * width + left);
        }
      }
      const key = `${tile.x} ${tile.y} ${tile.plane} ${tile.path}`;
      if (!seen.has(key)) covered += Math.max(0, bottom - top) * (right - left);
      seen.add(key);
    }
  }
  const missing = 1 - covered / (pixels * planes * paths);
  if (missing > 0) notes.push(`${Number((100 * missing).toPrecision(3))} % of the slide has no tiles; it is 0 there.`);
  const colours = samples === 1 ? ['grey'] : ['red', 'green', 'blue'];
  return {
    dtype: first.dtype,
    data,
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
