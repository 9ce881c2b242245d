/** Which value of a label image is which class. */

import type { NdArray } from '../../array/ndarray.ts';
import { allOf, DatasetError, option, UsageError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import { pagesOf } from '../../input/planes.ts';
import { labelGrid } from '../../objects/grid.ts';
import { markRims } from '../../objects/rims.ts';
import { type LabelKind, LabelKindSurvey } from './label-kind.ts';
import { requireMask } from './lossy.ts';
import { notAnnotatedValue } from './not-annotated.ts';
import { requireOnePalette } from './palettes.ts';
import { negativeLabel, notALabel, requireColours, slicesOrColours, tooMany } from './refusals.ts';
import { isSoftMask, WHITE_FROM } from './soft-mask.ts';

/** The class index of pixels that are ignored in loss and scores. */
export const IGNORE = 255;

export interface LabelClass {
  readonly name: string;
  /**
   * The file's values for this class; colours as 0xRRGGBB. `rest` = every value not named elsewhere.
   * `rim` = pixels of the rest within two pixels of a different value, which separates touching objects.
   */
  readonly values: readonly number[] | 'rest' | 'rim';
}

/** A union of values with a name, which may overlap others. */
export interface LabelRegion {
  readonly name: string;
  readonly values: readonly number[];
  /** The one of them that stands for the region where no later one is. */
  readonly shownAs: number;
}

/** Stored in the model file and the run's configuration. */
export interface LabelMapping {
  readonly kind: 'binary' | 'integer' | 'colour' | 'instances';
  /** Class 0 first, the background if there is one. */
  readonly classes: readonly LabelClass[];
  /** Values that are ignored. */
  readonly ignore: readonly number[];
  /**
   * Regions that are trained in place of the classes, each by itself: the class of a pixel is that of the last one that
   * it is in, or class 0.
   */
  readonly regions?: readonly LabelRegion[];
}

/** What label values are under a mapping. */
export const kindOf = ({ kind }: LabelMapping): LabelKind => (kind === 'instances' ? 'objects' : 'classes');

/**
 * The classes that a mean over the foreground excludes: class 0 if it is the background, that is, if it includes the
 * value 0. Labels whose 0 is ignored, such as strokes, have no background, and every class counts.
 */
export const backgroundOf = ({ classes: [first] }: LabelMapping): readonly number[] =>
  Array.isArray(first?.values) && !first.values.includes(0) ? [] : [0];

/** One slice of labels as read: integers, or colours packed as 0xRRGGBB. */
export interface LabelPage {
  /** Unsigned if a number exceeds 2^31 - 1. */
  readonly values: Int32Array | Uint32Array;
  readonly height: number;
  readonly width: number;
  readonly colour: boolean;
  readonly source: string;
  /** Colours of the values, if their file has a palette that is not grey. */
  readonly palette?: Image['palette'];
}

export interface LabelOptions {
  /** Class names in order of value, or explicit values: `[{ name: 'membrane', values: [0] }, ...]`. */
  readonly classes?: readonly (string | LabelClass)[];
  /** Values to ignore, besides the one that is recognised as "not annotated" (`notAnnotatedValue`). */
  readonly ignore?: readonly number[];
  /** `instances`: every value is a separate object, and object borders are a class. Default: inferred from the data. */
  readonly task?: 'semantic' | 'instances';
  /** Whether values number objects or encode classes, if known (`LabelKindSurvey`). Default: judged by the values. */
  readonly kind?: LabelKind;
  /** What says that values number objects, for messages; default `task`. */
  readonly objectsBy?: 'task' | 'as';
  /** Regions that the values of `classes` make up, in the order in which they are painted over each other. */
  readonly regions?: readonly LabelRegion[] | undefined;
  /** Number of classes of a model: more in the data is an error. */
  readonly classCount?: number;
}

/**
 * The slices of a label image. Grey images saved as RGB become grey; palette indices stay indices unless the palette is
 * grey, in which case its levels are used (so black is 0 whatever its index). A black and white mask in JPEG is cut at
 * half of white.
 * @throws DatasetError for other labels in JPEG, fractions, more than three channels, NaN, and colours in planes, which may be three slices.
 */
export function labelPages(given: Image): readonly LabelPage[] {
  const image = given.lossy === true ? requireMask(given) : given;
  const source = image.source ?? 'labels';
  return pagesOf(image).map(({ data, channels, height, width }, page, all) => {
    const name = all.length > 1 ? `${source}[${page}]` : source;
    const pixels = height * width;
    // Also where they are equal: the slices of an object drawn through all of them are.
    if (image.colourPlanes === true && channels === 3) throw slicesOrColours(name);
    if (channels === 3) {
      const values = new Int32Array(pixels);
      let colour = false;
      for (let p = 0; p < pixels; p++) {
        const [r, g, b] = [data[p], data[pixels + p], data[2 * pixels + p]];
        if (r !== g || g !== b) colour = true;
        values[p] = (r << 16) | (g << 8) | b;
      }
      if (colour) requireColours(data, name);
      else for (let p = 0; p < pixels; p++) values[p] = data[p];
      return { values, height, width, colour, source: name };
    }
    if (channels !== 1) {
      throw new DatasetError(`labels have ${channels} channels; 1 (classes) or 3 (colours) are understood.`, {
        file: name,
        remedy: 'Save the labels as one channel of class numbers.',
      });
    }
    const grey = image.palette?.every(([r, g, b]) => r === g && g === b) === true ? image.palette : undefined;
    const values = data instanceof Uint32Array || exceedsInt32(data) ? new Uint32Array(pixels) : new Int32Array(pixels);
    for (let p = 0; p < pixels; p++) {
      const value = data[p];
      values[p] = grey === undefined ? value : (grey[value]?.[0] ?? value);
      if (grey === undefined && values[p] !== value) throw notALabel(value, name, image.fractionBy);
    }
    const palette = grey === undefined ? image.palette : undefined;
    return { values, height, width, colour: false, source: name, ...(palette !== undefined && { palette }) };
  });
}

function exceedsInt32(data: ArrayLike<number>): boolean {
  for (let p = 0; p < data.length; p++) if (data[p] > 0x7fffffff) return true;
  return false;
}

/**
 * The labels of an image as arrays, one per time point: [height, width], or [depth, height, width] for a volume.
 * Colours are packed as 0xRRGGBB.
 * @throws as `labelPages`
 */
export function labelArrays(image: Image): readonly NdArray<'int32' | 'uint32'>[] {
  const pages = labelPages(image);
  const { times, slices: depth } = sizes(image);
  return Array.from({ length: times }, (_, t) => stackLabels(pages.slice(t * depth, (t + 1) * depth)));
}

/** Slices of one size as one array: [height, width] for a single one, otherwise [slices, height, width]. */
export function stackLabels(pages: readonly LabelPage[]): NdArray<'int32' | 'uint32'> {
  const [{ values, height, width }] = pages as readonly [LabelPage];
  if (pages.length === 1) return labelGrid(values, [height, width]);
  const unsigned = pages.some((page) => page.values instanceof Uint32Array);
  const data = new (unsigned ? Uint32Array : Int32Array)(pages.length * height * width);
  for (const [z, page] of pages.entries()) data.set(page.values, z * height * width);
  return labelGrid(data, [pages.length, height, width]);
}

/** The values of label slices. */
export interface LabelValues {
  /** Pixels of each value over all slices. */
  readonly counts: ReadonlyMap<number, number>;
  /** Whether they are colours. */
  readonly colour: boolean;
  /** Number of slices, and what the first is of. */
  readonly pages: number;
  readonly source?: string;
}

export const labelValues = (pages: readonly LabelPage[]): LabelValues => ({
  counts: addCounts(new Map(), pages),
  colour: pages.some((page) => page.colour),
  pages: pages.length,
  source: pages[0]?.source,
});

/** Adds the pixels of each value of some slices. */
export function addCounts(counts: Map<number, number>, pages: readonly LabelPage[]): Map<number, number> {
  for (const { values } of pages) {
    let run = values[0];
    let length = 0;
    for (let p = 0; p < values.length; p++) {
      const value = values[p];
      if (value === run) length++;
      else {
        counts.set(run, (counts.get(run) ?? 0) + length);
        run = value;
        length = 1;
      }
    }
    if (values.length > 0) counts.set(run, (counts.get(run) ?? 0) + length);
  }
  return counts;
}

/**
 * Whether values number objects. Pages of one file count as one image: they are slices of a volume, or its time points.
 * A few values that could be either are classes here.
 */
function numbersObjects(pages: readonly LabelPage[], ignore: readonly number[]): boolean {
  const survey = new LabelKindSurvey({ ignore });
  for (let from = 0, to = 1; from < pages.length; from = to++) {
    // Later pages of the same file are named `file[1]`, `file[2]`, ...
    while (to < pages.length && /\[[1-9]\d*\]$/.test(pages[to].source)) to++;
    survey.add(stackLabels(pages.slice(from, to)));
  }
  return survey.result({ unclear: 'classes' }).kind === 'objects';
}

const hex = (value: number): string => `#${value.toString(16).padStart(6, '0')}`;

/** The value of `notAnnotatedValue`; two values of any kind are a mask, unless the numbers are known to be objects. */
function skippedValue(values: readonly number[], objects: boolean): number | undefined {
  return values.length === 2 && !objects ? undefined : notAnnotatedValue(values.filter((value) => value > 0));
}

/** The values to ignore in maps of objects: those given, and the one that means "not annotated". */
export function ignoredAmongObjects({ counts, colour }: LabelValues, ignore: readonly number[]): readonly number[] {
  const found = [...counts.keys()].filter((value) => !ignore.includes(value)).sort((a, b) => a - b);
  const skipped = colour ? undefined : skippedValue(found, true);
  return skipped === undefined ? ignore : [...ignore, skipped];
}

/**
 * The mapping of values to classes, inferred from all label slices of a data set together, or as set by the options.
 * Recognised: two values (0/255, 0/1, any two: the smaller is class 0), class numbers (in order of value), colours
 * (black first), soft-edged 0..255 masks (thresholded at 128), instance numbers (0 background, all others foreground,
 * and with `task: 'instances'` their borders). A value that means "not annotated" is ignored (`notAnnotatedValue`).
 *
 * @throws DatasetError if all pixels have one value, if there are too many values for classes, more classes than
 * `classCount`, or palettes in which a colour of a class has different values; UsageError if the options contradict each other.
 */
export function findMapping(pages: readonly LabelPage[], options: LabelOptions = {}): LabelMapping {
  const found = mappingOfValues(labelValues(pages), options, (ignore) => numbersObjects(pages, ignore));
  if (found.kind !== 'instances') requireOnePalette(pages);
  return found;
}

/**
 * `findMapping` of values that were counted.
 * @param numbersObjects asked where neither `kind` nor `task` says whether values number objects
 */
export function mappingOfValues(
  { counts: all, colour, pages, source: first = 'labels' }: LabelValues,
  options: LabelOptions,
  numbersObjects: (ignore: readonly number[]) => boolean,
): LabelMapping {
  const { classes = [], regions, ignore: given = [], task, kind, classCount, objectsBy } = options;
  const counts = new Map(all);
  for (const value of given) counts.delete(value);
  const found = [...counts.keys()].sort((a, b) => a - b);
  const skipped = colour ? undefined : skippedValue(found, kind === 'objects' || task === 'instances');
  const values = found.filter((value) => value !== skipped);
  const ignore = skipped === undefined ? given : [...given, skipped];
  const explicit = classes.filter((item): item is LabelClass => typeof item !== 'string');
  if (explicit.length > 0) {
    if (explicit.length < classes.length) {
      throw new UsageError('Some classes have values and others have not.', {
        remedy: 'Use name=value for each class.',
      });
    }
    const rest = explicit.some((item) => item.values === 'rest');
    const named =
      skipped !== undefined &&
      explicit.some(({ values: own }) => own !== 'rest' && own !== 'rim' && own.includes(skipped));
    return {
      ...{ kind: rest ? 'instances' : 'integer', classes: explicit, ignore: rest && !named ? ignore : given },
      ...(regions && { regions }),
    };
  }
  const names = classes as readonly string[];
  if (values.length < 2) {
    const left = values.length === 0 ? 'nothing' : `the value ${values[0]} only`;
    if (ignore.length > 0) {
      const which = ignore.length === 1 ? `the ignored value ${ignore[0]}` : `the ignored values ${ignore.join(', ')}`;
      throw new DatasetError(`besides ${which} the labels of ${allOf(pages, 'page')} hold ${left}.`, {
        file: first,
        remedy:
          given.length > 0
            ? `Paint some of another class, or list only values that mark no class as ${option('ignore')}.`
            : 'Paint some of another class.',
      });
    }
    const background = values[0] === 0 ? ': all background' : '';
    throw new DatasetError(`the labels of ${allOf(pages, 'page')} hold ${left}${background}.`, {
      file: first,
      remedy: 'Check that these are the label files, and draw something in them.',
    });
  }
  const mapping = (
    kind: LabelMapping['kind'],
    groups: readonly LabelClass['values'][],
    usual: readonly string[] = groups.length === 2 ? ['background', 'foreground'] : [],
  ): LabelMapping => {
    if (classCount !== undefined && groups.length > classCount) {
      throw new DatasetError(`the labels have ${groups.length} classes, the model has ${classCount}.`, {
        file: first,
        remedy: 'Ignore or merge classes, or train a new model.',
      });
    }
    if (names.length > 0 && names.length !== groups.length) {
      throw new DatasetError(
        `the labels have ${groups.length} classes (values ${values.slice(0, 8).join(', ')}${values.length > 8 ? ', ...' : ''}), not the ${names.length} that were named.`,
        { file: first, remedy: 'Name each class, or use name=value for each.' },
      );
    }
    const named = (i: number): string =>
      names[i] ?? usual[i] ?? (i === 0 && values[0] === 0 ? 'background' : `class ${i}`);
    return {
      kind,
      classes: groups.map((group, i) => ({ name: named(i), values: group })),
      ignore,
    };
  };

  if (task === undefined && !colour && isSoftMask(counts)) {
    return mapping('binary', [
      values.filter((value) => value < WHITE_FROM),
      values.filter((value) => value >= WHITE_FROM),
    ]);
  }
  if (task === 'instances') return mapping('instances', [[0], 'rest', 'rim'], ['background', 'object', 'border']);
  const objects =
    kind === 'objects' ||
    (kind === undefined && task === undefined && !colour && values.length > 2 && numbersObjects(ignore));
  if (objects) return mapping('instances', [[0], 'rest']);
  const each = values.map((value) => [value]);
  if (values.length === 2) return mapping(colour ? 'colour' : 'binary', each);
  if (values.length > (colour ? 32 : 64) || (!colour && values[0] < 0)) {
    throw tooMany(first, values.length, colour ? 0 : values[0], objectsBy);
  }
  return mapping(colour ? 'colour' : 'integer', each);
}

/**
 * @param ignore values that may be negative; undefined where none can be ignored
 * @throws DatasetError for another negative value: it is neither background nor an object or class
 */
export function requireLabels(pages: readonly LabelPage[], ignore?: readonly number[]): void {
  for (const { values, source } of pages) {
    if (values instanceof Uint32Array) continue;
    const wrong = values.find((value) => value < 0 && ignore?.includes(value) !== true);
    if (wrong !== undefined) throw negativeLabel(source, wrong, ignore !== undefined);
  }
}

/**
 * The class of every pixel, `IGNORE` (255) if it is ignored.
 * @throws DatasetError for a value that is not in the mapping, naming value and file.
 */
export function applyMapping(page: LabelPage, { classes, ignore }: LabelMapping): Uint8Array {
  const table = new Map<number, number>();
  let rest: number | undefined;
  let rim: number | undefined;
  classes.forEach(({ values }, index) => {
    if (values === 'rest') rest = index;
    else if (values === 'rim') rim = index;
    else for (const value of values) table.set(value, index);
  });
  for (const value of ignore) table.set(value, IGNORE);
  const out = new Uint8Array(page.values.length);
  let held = page.values[0];
  let index = -1;
  for (let p = 0; p < out.length; p++) {
    const value = page.values[p];
    if (value !== held || index < 0) {
      const found = table.get(value) ?? rest;
      if (found === undefined) {
        const shown = page.colour ? hex(value) : String(value);
        throw new DatasetError(`the labels hold ${shown}, which is none of the ${classes.length} classes.`, {
          file: page.source,
          remedy: `Name it as a class, or use ${option('ignore', value)}.`,
        });
      }
      held = value;
      index = found;
    }
    out[p] = index;
  }
  if (rest !== undefined && rim !== undefined) {
    markRims(out, page.values, [page.height, page.width], { inside: rest, rim, unknown: IGNORE });
  }
  return out;
}

/** Whether the border between objects is a separate class. */
export function hasRim({ classes }: LabelMapping): boolean {
  return classes.some(({ values }) => values === 'rim');
}

/** The mapping as one line. */
export function describeMapping(mapping: LabelMapping): string {
  // Two classes that a project names are those that its files have without it.
  const kind = mapping.kind === 'integer' && mapping.classes.length === 2 ? 'binary' : mapping.kind;
  return `labels (${kind}): ${describeClasses(mapping)}`;
}

/** Which values are which class: `0 is background (class 0); 255 is cell (class 1)`. */
export function describeClasses({ kind, classes, ignore }: LabelMapping): string {
  const show = (values: LabelClass['values']): string => {
    if (values === 'rest') return 'all other values';
    if (values === 'rim') return 'the rim of each of them';
    if (values.length === 0) return 'no value';
    if (values.length > 3) return `${values[0]}..${values[values.length - 1]}`;
    return values.map((value) => (kind === 'colour' ? hex(value) : value)).join(', ');
  };
  const parts = classes.map(
    ({ name, values }, i) => `${show(values)} ${values === 'rest' ? 'are' : 'is'} ${name} (class ${i})`,
  );
  if (ignore.length > 0) parts.push(`${ignore.join(', ')} is ignored`);
  return parts.join('; ');
}
