/**
 * Aperio SVS: a slide whose tiled pages are its resolutions, and whose other pages are a thumbnail and photographs of
 * the label and the slide. Sources: Aperio's "Digital slides and third-party data interchange", OpenSlide's notes on
 * the format.
 */

import { spacingOf, spacingsOf } from '../../units.ts';
import { type Arrangement, type Described, stack } from './arrangement.ts';
import type { Directory } from './directory.ts';

export const isAperio = (description: string): boolean => description.startsWith('Aperio');

/** The slide: its first page, at a pixel size in micrometres that the description states. */
export function aperioArrangement({ description, directories }: Described): Arrangement | undefined {
  if (!isAperio(description)) return undefined;
  const um = spacingOf(Number(/\|\s*MPP\s*=\s*([\d.]+)/.exec(description)?.[1]), 'µm');
  const other = directories.slice(1).some((directory) => !isTiled(directory));
  const notes = other ? ['Of the slide (Aperio SVS), its thumbnail and pictures of its label are not read.'] : [];
  return { ...stack(1), pages: [0], spacing: spacingsOf({ x: um, y: um }), notes };
}

/** The pages that may be resolutions of the slide. */
export const aperioLevels = (directories: readonly Directory[]): readonly Directory[] =>
  directories.slice(1).filter(isTiled);

const isTiled = (directory: Directory): boolean => directory.first('TileWidth') !== undefined;
