import { strFromU8 } from 'fflate';
import type { Image, Spacings } from '../../image.ts';
import type { Directory, TiffFile } from './directory.ts';
import type { PageLayout } from './layout.ts';

type PageAxis = 't' | 'c' | 'z';
export type Place = Readonly<Record<PageAxis, number>>;

/**
 * The meaning of a file's pages. The page of directory `pages[i]` is at `place(i)` in a grid of `t` x `c` x `z` pages.
 */
export interface Arrangement extends Grid {
  /** Numbers of the directories to read; default the first t * c * z. */
  readonly pages?: readonly number[];
  readonly spacing: Spacings;
  readonly channels?: readonly string[];
  readonly notes: readonly string[];
  readonly labelKind?: Image['labelKind'];
  /** The file is from ImageJ: palettes and inverted look-up tables are only for display. */
  readonly imagej?: boolean;
  /** How ImageJ interprets the stored values. */
  readonly calibration?: Calibration;
}

/** ImageJ's value calibration: number of the function, its parameters, and the unit of its result. */
export interface Calibration {
  readonly method: number;
  readonly parameters: readonly number[];
  readonly unit: string | undefined;
}

/** t x c x z pages in some order. */
export interface Grid {
  readonly t: number;
  readonly c: number;
  readonly z: number;
  place(page: number): Place;
}

/** A grid with pages numbered along its axes. */
export interface OrderedGrid extends Grid {
  index(place: Place): number;
}

/** Pages numbered along `axes`, such as `tzc`, the last one fastest; axes missing in `lengths` have length 1. */
export function gridOf(axes: string, lengths: Partial<Place>): OrderedGrid {
  const { t = 1, c = 1, z = 1 } = lengths;
  const sizes = { t, c, z };
  return {
    ...sizes,
    index: (place) => ([...axes] as PageAxis[]).reduce((index, axis) => index * sizes[axis] + place[axis], 0),
    place(page) {
      const place = { t: 0, c: 0, z: 0 };
      let rest = page;
      for (const axis of [...axes].reverse() as PageAxis[]) {
        place[axis] = rest % sizes[axis];
        rest = Math.floor(rest / sizes[axis]);
      }
      return place;
    },
  };
}

/**
 * Pages at positions of a larger array, as in one file of a set, as an array on their own.
 * @returns undefined if two pages have the same position, or positions have gaps
 */
export function gridOfPlaces(
  places: readonly Place[],
): (Grid & { kept(axis: PageAxis): readonly number[] }) | undefined {
  const steps = (axis: PageAxis) => [...new Set(places.map((place) => place[axis]))].sort((a, b) => a - b);
  const [t, c, z] = [steps('t'), steps('c'), steps('z')];
  const ranks = places.map((place) => ({ t: t.indexOf(place.t), c: c.indexOf(place.c), z: z.indexOf(place.z) }));
  const taken = new Set(ranks.map((rank) => (rank.t * c.length + rank.c) * z.length + rank.z));
  const count = t.length * c.length * z.length;
  if (taken.size !== places.length || taken.size !== count) return undefined;
  return { t: t.length, c: c.length, z: z.length, place: (page) => ranks[page], kept: (axis) => ({ t, c, z })[axis] };
}

/** What the writer of a file may have stated about it. */
export interface Described {
  readonly tiff: TiffFile;
  /** Its pages, without thumbnails, overviews and masks. */
  readonly directories: readonly Directory[];
  /** Layout of the first page. */
  readonly layout: PageLayout;
  /** Number of pages: those of `directories`, or those that follow the only one. */
  readonly held: number;
  /** Description of the first page. */
  readonly description: string;
  readonly file: string;
}

/** Pages along z. */
export function stack(pages: number, note?: string, spacing: Spacings = {}): Arrangement {
  return { ...gridOf('z', { z: pages }), spacing, notes: note === undefined ? [] : [note] };
}

export function descriptionOf(directory: Directory): string {
  const bytes = directory.bytes('ImageDescription');
  if (bytes === undefined) return '';
  // UTF-8, as in OME; otherwise Latin 1, as in ImageJ.
  const text = strFromU8(bytes);
  return text.includes('�') ? strFromU8(bytes, true) : text;
}

/** The note for a file with more images than the one read. */
export function firstOf(images: number, writer: string): string {
  return `The file contains ${images} images (${writer}): only the first is read.`;
}

/** The note for pages that may be slices, time points or channels. */
export function readAsSlices(pages: number, remedy = ''): string {
  return `The file does not say what its ${pages} pages are: they are read as slices.${remedy}`;
}
