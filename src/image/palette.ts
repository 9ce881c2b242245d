import { FormatError } from '../errors.ts';
import type { Image } from './image.ts';
import type { ImageInfo } from './source.ts';

const COLOURS = ['red', 'green', 'blue', 'alpha'] as const;

/** Name of a channel, or its number if it has none. */
export function colourName(channels: readonly string[] | undefined, index: number): string {
  return channels?.[index] ?? `channel ${index}`;
}

/** What `expandPalette` makes of an image: a uint8 image with a `c` axis of 3, or 4 if a colour is not opaque. */
export function expandedInfo(
  info: ImageInfo,
  colours: readonly (readonly number[])[],
): ImageInfo & { readonly dtype: 'uint8' } {
  const channels = colours.some((colour) => (colour[3] ?? 255) < 255) ? 4 : 3;
  const { bitDepth: _, palette: __, levels, ...rest } = info;
  const zAt = zAxis(info.axes);
  const withChannels = (shape: readonly number[]) => [...shape.slice(0, zAt), channels, ...shape.slice(zAt)];
  return {
    ...rest,
    dtype: 'uint8',
    shape: withChannels(info.shape),
    axes: `${info.axes.slice(0, zAt)}c${info.axes.slice(zAt)}`,
    channels: COLOURS.slice(0, channels),
    ...(levels === undefined
      ? {}
      : { levels: levels.map((level) => ({ ...level, shape: withChannels(level.shape) })) }),
  };
}

/** The first of the axes `z`, `y` and `x` that there are. */
const zAxis = (axes: string): number => axes.length - 2 - (axes.includes('z') ? 1 : 0);

/**
 * Converts indices to colours (`expandedInfo`).
 * @param image uint8 without a `c` axis
 * @throws FormatError if a value has no colour
 */
export function expandPalette(image: Image, colours: readonly (readonly number[])[], file: string): Image<'uint8'> {
  const info = expandedInfo(image, colours);
  const indices = image.data as Uint8Array | Uint16Array;
  const zAt = zAxis(image.axes);
  const channels = info.shape[zAt];
  const inner = image.shape.slice(zAt).reduce((size, length) => size * length, 1);
  const outer = indices.length / inner;
  const data = new Uint8Array(indices.length * channels);
  const entries = Math.max(256, colours.length);
  const table = new Uint8Array(entries * channels);
  for (let k = 0; k < channels; k++) {
    for (let i = 0; i < entries; i++) table[k * entries + i] = colours[i]?.[k] ?? 255;
  }
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const index = indices[o * inner + i];
      if (index >= colours.length) {
        throw new FormatError(`a pixel has colour ${index}, but the palette has ${colours.length}.`, {
          file,
          remedy: 'Save it again.',
        });
      }
      for (let k = 0; k < channels; k++) data[(o * channels + k) * inner + i] = table[k * entries + index];
    }
  }
  return { ...info, data };
}
