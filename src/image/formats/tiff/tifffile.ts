/** tifffile's default description: `{"shape": [6, 32, 40], "axes": "TYX"}`. */
import { counted, FormatError } from '../../../errors.ts';
import {
  type Arrangement,
  type Described,
  descriptionOf,
  firstOf,
  gridOf,
  type Place,
  readAsSlices,
  stack,
} from './arrangement.ts';
import { imagejSpacing } from './imagej.ts';
import type { PageLayout } from './layout.ts';

const AXES_REMEDY = " For times or channels, save it with metadata={'axes': 'TYX'} or 'CYX' in tifffile.";

interface Shaped {
  readonly shape: readonly number[];
  /** One letter per axis; undefined if the description does not name them. */
  readonly axes: string | undefined;
  readonly texts: ReadonlyMap<string, string>;
}

/** The number of pages of a layout stated by the description. */
export function tifffilePages(description: string, { width, height, samples }: PageLayout): number | undefined {
  const values = parse(description)?.shape.reduce((product, length) => product * length, 1);
  return values === undefined ? undefined : Math.max(1, Math.floor(values / (width * height * samples)));
}

export function tifffileArrangement({
  description,
  directories,
  layout,
  held,
  file,
}: Described): Arrangement | undefined {
  const shaped = parse(description);
  if (shaped === undefined) return undefined;
  const spacing = shaped.texts.has('unit') ? imagejSpacing(directories[0], shaped.texts) : {};
  const leading = leadingAxes(shaped, layout, file);
  const pages = leading?.reduce((product, { length }) => product * length, 1) ?? 0;
  if (leading === undefined || pages > held) {
    const text = `The description states the shape ${shaped.shape.join(' x ')}, but the file contains ${counted(held, 'page')}`;
    return stack(held, held === 1 ? `${text}.` : `${text}: they are read as slices.`, spacing);
  }
  if (pages === 1 && held > 1 && directories.every((directory) => descriptionOf(directory) === description)) {
    return stack(held, `tifffile wrote each of the ${held} pages as an image of its own: read as slices.`, spacing);
  }
  const several = directories.filter((directory) => parse(descriptionOf(directory)) !== undefined).length;
  const notes = pages < held ? [firstOf(Math.max(2, several), 'series of tifffile')] : [];
  const long = leading.filter(({ length }) => length > 1);
  const named = long.map(({ letter }) => ({ T: 't', C: 'c', S: 'c', Z: 'z' })[letter]);
  const unnamed = long.filter((_, i) => named[i] === undefined);
  const names = named.map((name) => name ?? 'z');
  if (new Set(names).size < names.length) {
    notes.push(`Its axes ${long.map(({ letter, length }) => `${letter} (${length})`).join(', ')} are read as slices.`);
    return { ...stack(pages, undefined, spacing), notes };
  }
  for (const { letter, length } of unnamed) {
    // "Q" is tifffile's name for an unnamed axis.
    notes.push(letter === 'Q' ? readAsSlices(length, AXES_REMEDY) : `Its axis ${letter} is read as slices.`);
  }
  const lengths = Object.fromEntries(names.map((name, i) => [name, long[i].length])) as Partial<Place>;
  return { ...gridOf(names.join(''), lengths), spacing, notes };
}

/**
 * The axes formed by the pages, slowest first; undefined if the shape does not match the pages.
 * @throws FormatError if a page's rows and columns are not y and x
 */
function leadingAxes(
  { shape, axes }: Shaped,
  { width, height, samples, planar }: PageLayout,
  file: string,
): { readonly letter: string; readonly length: number }[] | undefined {
  const letters = axes ?? 'Q'.repeat(shape.length);
  const page: [string, number][] = [
    ['Y', height],
    ['X', width],
  ];
  if (samples > 1) page.splice(planar ? 0 : 2, 0, ['S', samples]);
  let at = shape.length;
  for (const [letter, length] of page.reverse()) {
    while (at > 0 && shape[at - 1] !== length && shape[at - 1] === 1) at--;
    at--;
    if (at < 0 || shape[at] !== length) return undefined;
    if (axes !== undefined && letter !== 'S' && letters[at] !== letter) {
      throw new FormatError(`the axes "${axes}" of its description are not supported.`, {
        file,
        remedy: 'Save it with y and x as the last axes, or the last before the samples of a pixel.',
      });
    }
  }
  return shape.slice(0, at).map((length, i) => ({ letter: letters[i], length }));
}

function parse(description: string): Shaped | undefined {
  // Until 2017 it was "shape=(6, 32, 40)".
  const old = /^shape=\(([\d, ]+)\)$/.exec(description.trim());
  const json = old === null ? description : `{"shape": [${(old[1] as string).replace(/,\s*$/, '')}]}`;
  if (!json.startsWith('{')) return undefined;
  try {
    const found: Record<string, unknown> = JSON.parse(json);
    const { shape, axes } = found;
    const isShape = Array.isArray(shape) && shape.length > 1 && shape.every((n) => Number.isInteger(n) && n > 0);
    if (!isShape) return undefined;
    return {
      shape,
      axes: typeof axes === 'string' && axes.length === shape.length ? axes.toUpperCase() : undefined,
      texts: new Map(Object.entries(found).map(([key, value]) => [key, String(value)])),
    };
  } catch {
    return undefined;
  }
}
