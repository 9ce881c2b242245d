/** The lower resolutions of a file's pages. */

import { FormatError } from '../../../errors.ts';
import type { ImageLevel, Spacings } from '../../image.ts';
import { spacingOf, spacingsOf } from '../../units.ts';
import type { Directory, TiffFile } from './directory.ts';
import { COMPRESSION, type PageLayout, PHOTOMETRIC, pageLayout } from './layout.ts';
import type { Page } from './page.ts';

/** One resolution of all pages, which are of one size. */
export interface PageLevel {
  readonly width: number;
  readonly height: number;
  /** @throws FormatError if this page has no such resolution */
  page(index: number): Promise<Page>;
}

/** Bit 0: reduced version of another page, bit 2: transparency mask; SubfileType 2: reduced. */
const isMask = (directory: Directory): boolean => ((directory.first('NewSubfileType') ?? 0) & 4) !== 0;
const isReduced = (directory: Directory): boolean =>
  ((directory.first('NewSubfileType') ?? 0) & 1) !== 0 || directory.first('SubfileType') === 2;

/** Whether a directory is a page of its own, neither a thumbnail, an overview nor a mask. */
export const isFullPage = (directory: Directory): boolean => !isReduced(directory) && !isMask(directory);

/** Those behind a page in the chain, before the next page. */
export function reducedBehind({ directories }: TiffFile, page: Directory): readonly Directory[] {
  const behind = directories.slice(directories.indexOf(page) + 1);
  const next = behind.findIndex(isFullPage);
  return behind.slice(0, next < 0 ? undefined : next).filter((one) => !isMask(one));
}

/**
 * The resolutions of pages, the full one first. The others are the directories in `SubIFDs`, as in OME-TIFF, and those
 * in the chain that `behind` names; of these, what shows the page at fewer pixels.
 * @throws FormatError if a directory is damaged
 */
export async function levelsOf(
  tiff: TiffFile,
  pages: readonly Page[],
  behind: (page: Directory) => readonly Directory[],
  file: string,
): Promise<readonly PageLevel[]> {
  const reducedOf = async ({ directory }: Page): Promise<readonly Directory[]> => {
    const below: Directory[] = [];
    for (const offset of directory.all('SubIFDs')) below.push(await tiff.directoryAt(offset));
    return [...below, ...behind(directory)];
  };
  const [{ layout: full }] = pages;
  const levels: PageLevel[] = [{ width: full.width, height: full.height, page: async (index) => pages[index] }];
  const reduced = (await reducedOf(pages[0])).map((directory, at) => ({ directory, at, ...sizeOf(directory) }));
  for (const { at, directory, width, height } of reduced.toSorted((a, b) => b.width - a.width)) {
    if (width >= levels[levels.length - 1].width || !shows(directory, full)) continue;
    const opened = new Map<number, Promise<Page>>();
    const open = async (index: number): Promise<Page> => {
      const own = (await reducedOf(pages[index]))[at];
      const layout = own === undefined ? undefined : pageLayout(own, file);
      if (own === undefined || layout === undefined || !isAlike(layout, { ...full, width, height })) {
        throw new FormatError(`page ${index} lacks the resolution of ${width} x ${height} that the first page has.`, {
          file,
          remedy: 'Read the full resolution, or save the file again.',
        });
      }
      return { directory: own, layout };
    };
    const page = (index: number): Promise<Page> => {
      const one = opened.get(index) ?? open(index);
      opened.set(index, one);
      return one;
    };
    levels.push({ width, height, page });
  }
  return levels;
}

const sizeOf = (directory: Directory) => ({
  width: directory.first('ImageWidth') ?? 0,
  height: directory.first('ImageLength') ?? 0,
});

/** Whether a directory, of any kind, is a page at fewer pixels. */
function shows(directory: Directory, full: PageLayout): boolean {
  const { width, height } = sizeOf(directory);
  if (!(width > 0 && height > 0 && width < full.width && height <= full.height)) return false;
  const isColour = (photometric: number) => photometric === PHOTOMETRIC.rgb || photometric === PHOTOMETRIC.yCbCr;
  const photometric = directory.first('PhotometricInterpretation') ?? PHOTOMETRIC.blackIsZero;
  const sameKind = photometric === full.photometric || (isColour(photometric) && isColour(full.photometric));
  const sameSamples =
    (directory.first('SamplesPerPixel') ?? 1) === full.samples && (directory.first('BitsPerSample') ?? 1) === full.bits;
  const isSupported = (Object.values(COMPRESSION) as number[]).includes(directory.first('Compression') ?? 1);
  // Either side may have been rounded by up to one pixel.
  const expected = (full.height * width) / full.width;
  return sameKind && sameSamples && isSupported && Math.abs(height - expected) <= 1 + height / width;
}

const isAlike = (a: PageLayout, b: PageLayout): boolean =>
  a.width === b.width && a.height === b.height && a.samples === b.samples && a.dtype === b.dtype;

/** The levels of an image with these axes and this spacing. */
export function imageLevels(levels: readonly PageLevel[], { shape, spacing }: ImageLevel): readonly ImageLevel[] {
  const [full] = levels;
  return levels.map((level) => {
    const [x, y] = factors(full, level);
    const scaled = (axis: 'x' | 'y', factor: number): Spacings[typeof axis] => {
      const own = spacing[axis];
      return own === undefined ? undefined : spacingOf(own.value * factor, own.unit);
    };
    return {
      shape: [...shape.slice(0, -2), level.height, level.width],
      spacing: spacingsOf({ ...spacing, x: scaled('x', x), y: scaled('y', y) }),
    };
  });
}

/**
 * How many pixels of the full resolution one pixel of a level is wide and high: a whole number if the sizes are those
 * of the full resolution divided by it and rounded, however.
 */
function factors(full: PageLevel, level: PageLevel): readonly [x: number, y: number] {
  const [x, y] = [full.width / level.width, full.height / level.height];
  const whole = Math.round(level.width > level.height ? x : y);
  const isRounded = (length: number, own: number): boolean => Math.abs(length / whole - own) < 1;
  return isRounded(full.width, level.width) && isRounded(full.height, level.height) ? [whole, whole] : [x, y];
}
