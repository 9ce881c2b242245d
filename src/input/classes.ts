/** From an image to the input of an image classifier. JSON, stored in the model file. */

import { resizeToCover } from '../array/resize.ts';
import { keepsChannels, selectChannels } from './channels.ts';
import type { InputSpec } from './normalise.ts';
import type { Page } from './planes.ts';

export interface ClassInput extends InputSpec {
  /** Images are scaled to cover this size and cropped to it, [height, width]. */
  readonly stored: readonly [number, number];
  /** The part of it that the network receives, [height, width]. */
  readonly crop: readonly [number, number];
  /** Number of views that a prediction averages: 1, the centre; 10, centre and corners and their mirror images. */
  readonly views: 1 | 10;
}

/**
 * The planes [channels, *stored] of an image in the values of its file; bytes stay bytes.
 * @throws DatasetError if its channels do not match.
 */
export function storedPlanes(
  page: Page & { readonly name?: string },
  { channels, stored }: Pick<ClassInput, 'channels' | 'stored'>,
): Uint8Array | Float32Array {
  const { height, width } = page;
  const bytes = page.data instanceof Uint8Array;
  const fits = height === stored[0] && width === stored[1];
  if (fits && bytes && keepsChannels(page, channels)) return page.data;
  const planes = selectChannels(page, channels);
  const made = fits ? planes : resizeToCover(planes, channels.count, [height, width], stored);
  return bytes ? Uint8Array.from(made, (value) => value + 0.5) : made;
}

/** Copies a crop of planes [channels, height, width], optionally mirrored left to right, to `out`. */
export function copyCrop(
  planes: ArrayLike<number>,
  channels: number,
  [height, width]: readonly [number, number],
  { top, left, crop: [rows, columns], mirror }: View & Pick<ClassInput, 'crop'>,
  out: Float32Array,
): void {
  let to = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      const from = (c * height + top + y) * width + left;
      if (mirror) for (let x = columns - 1; x >= 0; x--) out[to++] = planes[from + x];
      else for (let x = 0; x < columns; x++) out[to++] = planes[from + x];
    }
  }
}

/** Position of a view in the stored image. */
export interface View {
  readonly top: number;
  readonly left: number;
  readonly mirror: boolean;
}

/**
 * The centre, or the centre and the four corners, each unchanged and mirrored (Krizhevsky et al. 2012, section 4.1).
 */
export function cropViews({ stored, crop, views }: Pick<ClassInput, 'stored' | 'crop' | 'views'>): readonly View[] {
  const bottom = stored[0] - crop[0];
  const right = stored[1] - crop[1];
  const middle = [bottom >> 1, right >> 1] as const;
  if (views === 1) return [{ top: middle[0], left: middle[1], mirror: false }];
  const places = [middle, [0, 0], [0, right], [bottom, 0], [bottom, right]] as const;
  return places.flatMap(([top, left]) => [false, true].map((mirror) => ({ top, left, mirror })));
}
