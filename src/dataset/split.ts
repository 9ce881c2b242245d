/** Which slices are for training and which for validation. */

import { addTo } from '../array/lists.ts';
import { type Random, stream } from '../array/random.ts';
import { counted, DatasetError, UsageError } from '../errors.ts';
import { baseName, folderOf, naturalOrder, stemOf } from './discover/names.ts';

/** The properties of a slice that the split uses. */
export interface SplitItem {
  /** Path of the image's file. */
  readonly file: string;
  /** Of the slice, `stack.tif[3]`; needed for a split by `pages`. */
  readonly name?: string;
  /** Page within the file. */
  readonly page: number;
  readonly height: number;
  readonly width: number;
  /** Values of the slice [height, width], if known. */
  readonly label?: { readonly values: ArrayLike<number> };
}

export interface Split {
  /** Indices into the items, ascending. */
  readonly train: readonly number[];
  readonly validation: readonly number[];
  /** How the data were split, as a printed line. */
  readonly reason: string;
}

/**
 * Fraction (0.2), number ranges or names (`20..23`, `a.png,b.png`, `ID_0007_*`), single slices, or a fold.
 */
export type SplitChoice =
  | { readonly fraction: number }
  | { readonly names: readonly string[] }
  | PagesChoice
  | { readonly fold: number; readonly folds: number };

/** Names of slices as they stand; those that are not there are held out of nothing. */
export interface PagesChoice {
  readonly pages: readonly string[];
  /** Regions that are held out besides those marked so. */
  readonly regions?: RegionNumbers;
  /** Regions that are held out but not scored. */
  readonly unscored?: RegionNumbers;
}

/** Numbers of regions, by name of their slice. */
export interface RegionNumbers {
  readonly [page: string]: readonly number[];
}

interface Stack {
  readonly name: string;
  readonly items: readonly number[];
}

/**
 * Slices that may be adjacent: those of one multi-page file, and single-page files whose names differ only in their
 * last number and whose sizes match (`0.png`..`23.png`; `ID_0007_Z_0033.tif` and `ID_0007_Z_0053.tif`). Adjacent slices
 * look alike, so a stack is never split slice by slice.
 */
export function stacksOf(items: readonly SplitItem[]): readonly Stack[] {
  const stacks = new Map<string, number[]>();
  const volumes = new Set(items.filter(({ page }) => page > 0).map(({ file }) => file));
  items.forEach((item, index) => {
    const numbered = /^(.*?)\d+(\D*)$/.exec(stemOf(item.file));
    const series = numbered === null ? stemOf(item.file) : `${numbered[1]}#${numbered[2]}`;
    const key = volumes.has(item.file) ? item.file : `${folderOf(item.file)}/${series} ${item.height}x${item.width}`;
    addTo(stacks, key, index);
  });
  return [...stacks].map(([name, members]) => ({
    name: name.replace(/ \d+x\d+$/, '').replace(/^\//, ''),
    items: members.sort((a, b) => {
      const left = items[a];
      const right = items[b];
      return naturalOrder(left.file, right.file) || left.page - right.page;
    }),
  }));
}

/** The name of a stack without the slice number: `ID_0007_Z_#` is the patient `ID_0007`. May be empty. */
export function nameOfStack({ name }: Pick<Stack, 'name'>): string {
  return name.replace(/(?:[ _-]*(?:z|slice|s|im|image)?[ _-]*)#.*$/i, '');
}

function finish(items: readonly SplitItem[], validation: readonly number[], reason: string): Split {
  const held = new Set(validation);
  return {
    train: items.map((_, i) => i).filter((i) => !held.has(i)),
    validation: [...held].sort((a, b) => a - b),
    reason,
  };
}

/**
 * Splits by stack if there are several (whole stacks, in an order sampled from `seed`, with those that are the only
 * ones of their size last), and by a contiguous block at the end if there is one, because adjacent slices are alike and
 * splitting them individually would inflate the score. If labels are known and those held out, or the others, lack a
 * class, as the ends of a patient do, the block is moved towards the middle, and other stacks are drawn. A single slice
 * is not split: its validation is empty.
 *
 * @throws UsageError for a fraction outside 0..0.9, names that match no file (listing those that exist), or invalid
 * folds; DatasetError if nothing would remain for training.
 */
export function splitItems(
  items: readonly SplitItem[],
  choice: SplitChoice,
  { seed = 0 }: { readonly seed?: number } = {},
): Split {
  if ('pages' in choice) {
    const wanted = new Set(choice.pages);
    const held = items.flatMap(({ name }, i) => (name !== undefined && wanted.has(name) ? [i] : []));
    return finish(items, held, `validation: ${counted(held.length, 'page')} of ${items.length}`);
  }
  if ('names' in choice) return byNames(items, choice.names);
  if ('folds' in choice) return byFold(items, choice.fold, choice.folds, seed);
  const { fraction } = choice;
  if (!(fraction >= 0 && fraction <= 0.9)) {
    throw new UsageError(`The validation fraction is ${fraction}.`, { remedy: 'Use a number from 0 to 0.9.' });
  }
  if (fraction === 0) return finish(items, [], 'validation: none');
  if (items.length < 2) return finish(items, [], 'validation: none, there is one page only');
  const stacks = stacksOf(items);
  const wanted = Math.max(1, Math.round(fraction * items.length));
  if (stacks.length === 1) {
    const order = stacks[0].items;
    const count = Math.min(wanted, order.length - 1);
    const start = blockWithAll(items, order, count);
    const where =
      start === order.length - count
        ? `the last ${counted(count, 'page')} of ${order.length} of the one stack`
        : `pages ${start} to ${start + count - 1} of ${order.length} (from 0) of the one stack: its end lacks a class`;
    return finish(items, order.slice(start, start + count), `validation: ${where}`);
  }
  const random = stream(seed, 'split');
  const classes = new ClassesOf(items);
  let drawn = drawStacks(items, stacks, wanted, random);
  // Most data have every class on most images: one draw does.
  for (let tries = 1; tries < MOST_DRAWS && classes.spread(drawn.held) < classes.most; tries++) {
    const other = drawStacks(items, stacks, wanted, random);
    if (classes.spread(other.held) > classes.spread(drawn.held)) drawn = other;
  }
  const { held, stackCount } = drawn;
  const unit = stacks.length === items.length ? 'images' : 'stacks';
  const which =
    stackCount <= 4 ? ` (${[...new Set(held.map((i) => stemOf(items[i].file)))].slice(0, 8).join(', ')})` : '';
  return finish(
    items,
    held,
    `validation: ${stackCount} of ${stacks.length} ${unit}, ${counted(held.length, 'page')} of ${items.length}, seed ${seed}${unit === 'stacks' ? which : ''}`,
  );
}

/** So many draws of whole stacks, at most, for one with every class on both sides. */
const MOST_DRAWS = 50;

/** Draws whole stacks, with about `wanted` slices in all. */
function drawStacks(
  items: readonly SplitItem[],
  stacks: readonly Stack[],
  wanted: number,
  random: Random,
): { readonly held: readonly number[]; readonly stackCount: number } {
  const held: number[] = [];
  let stackCount = 0;
  const sizes = new SizesLeft(items);
  const passedOver: Stack[] = [];
  const hold = ({ items: members }: Stack): void => {
    const closer = Math.abs(held.length + members.length - wanted) < Math.abs(held.length - wanted);
    if (!closer || held.length + members.length >= items.length) return;
    held.push(...members);
    sizes.take(members);
    stackCount++;
  };
  for (const at of random.permutation(stacks.length)) {
    const stack = stacks[at];
    if (sizes.leaves(stack.items)) hold(stack);
    else passedOver.push(stack);
  }
  for (const stack of passedOver) hold(stack);
  if (held.length > 0) return { held, stackCount };
  // Every stack is larger than twice the requested size: use the smallest.
  const smallest = stacks.reduce((a, b) => (b.items.length < a.items.length ? b : a));
  return { held: smallest.items, stackCount: 1 };
}

/**
 * How many slices of each size remain for training. Images of another kind, from another microscope or stain, usually
 * also differ in size, and a score is meaningless for a kind that is not trained on.
 */
class SizesLeft {
  readonly #items: readonly SplitItem[];
  readonly #left = new Map<string, number>();

  constructor(items: readonly SplitItem[]) {
    this.#items = items;
    for (const index of items.keys()) this.#count(index, 1);
  }

  /** Whether slices of this size remain for training if these are held out. */
  leaves(members: readonly number[]): boolean {
    const [first] = members;
    return first === undefined || (this.#left.get(this.#sizeOf(first)) as number) > members.length;
  }

  take(members: readonly number[]): void {
    for (const index of members) this.#count(index, -1);
  }

  #count(index: number, change: number): void {
    const size = this.#sizeOf(index);
    this.#left.set(size, (this.#left.get(size) ?? 0) + change);
  }

  #sizeOf(index: number): string {
    const { height, width } = this.#items[index];
    return `${height}x${width}`;
  }
}

/** With more values the labels number objects; all but 0 then count as one class. */
const FEW_VALUES = 8;

/** The classes of slices, as far as they are known: values of labels, or objects and background. */
class ClassesOf {
  readonly #perItem: readonly ReadonlySet<number>[];
  /** The largest `spread` that is possible. */
  readonly most: number;

  constructor(items: readonly SplitItem[]) {
    const values = items.map(({ label }) => differentValues(label?.values ?? []));
    const areNumbers = new Set(values.flatMap((own) => [...own])).size > FEW_VALUES;
    this.#perItem = areNumbers
      ? values.map((own) => new Set([...own].map((value) => Math.min(1, Math.abs(value)))))
      : values;
    this.most = 2 * this.#among(items.keys()).size;
  }

  /** How well slices are held out: 2 for each class that they and the others have, 1 for one that the others have alone. */
  spread(held: readonly number[]): number {
    const isHeld = new Set(held);
    const own = this.#among(isHeld);
    const rest = this.#among([...this.#perItem.keys()].filter((i) => !isHeld.has(i)));
    return rest.size + [...rest].filter((one) => own.has(one)).length;
  }

  #among(indices: Iterable<number>): Set<number> {
    const found = new Set<number>();
    for (const i of indices) for (const one of this.#perItem[i] as ReadonlySet<number>) found.add(one);
    return found;
  }
}

function differentValues(values: ArrayLike<number>): Set<number> {
  const found = new Set<number>();
  for (let p = 0; p < values.length; p++) {
    const value = values[p] as number;
    if (p === 0 || value !== values[p - 1]) found.add(value);
  }
  return found;
}

/**
 * First slice of the block of `count` slices of a stack that are best held out by their classes; the last of those
 * that are equally good.
 */
function blockWithAll(items: readonly SplitItem[], order: readonly number[], count: number): number {
  const last = order.length - count;
  const classes = new ClassesOf(items);
  const step = Math.max(1, count >> 1);
  let best = last;
  let most = -1;
  for (let start = last; start >= 0 && most < classes.most; start -= step) {
    const spread = classes.spread(order.slice(start, start + count));
    if (spread > most) [best, most] = [start, spread];
  }
  return best;
}

function byFold(items: readonly SplitItem[], fold: number, folds: number, seed: number): Split {
  if (!Number.isInteger(folds) || folds < 2 || folds > items.length) {
    throw new UsageError(`${folds} folds do not fit ${counted(items.length, 'page')}.`, {
      remedy: `Use 2 to ${items.length}.`,
    });
  }
  if (!Number.isInteger(fold) || fold < 0 || fold >= folds) {
    throw new UsageError(`Fold ${fold} of ${folds} does not exist.`, { remedy: `Folds count from 0 to ${folds - 1}.` });
  }
  const stacks = stacksOf(items);
  if (stacks.length < folds) {
    const order = stacks.flatMap((stack) => stack.items);
    const block = order.slice(
      Math.round((fold * order.length) / folds),
      Math.round(((fold + 1) * order.length) / folds),
    );
    return finish(items, block, `fold ${fold} of ${folds}: a block of ${counted(block.length, 'page')}`);
  }
  // The largest stacks first, each to the smallest fold, ties in an order sampled from the seed.
  const order = [...stream(seed, 'folds').permutation(stacks.length)].map((i) => stacks[i]);
  order.sort((a, b) => b.items.length - a.items.length);
  const dealt = Array.from({ length: folds }, (): number[] => []);
  for (const stack of order) {
    const smallest = dealt.reduce((a, b) => (b.length < a.length ? b : a));
    smallest.push(...stack.items);
  }
  const held = dealt[fold];
  return finish(
    items,
    held,
    `fold ${fold} of ${folds}: ${counted(held.length, 'page')} of ${items.length}, by ${stacks.length === items.length ? 'image' : 'stack'}`,
  );
}

function byNames(items: readonly SplitItem[], names: readonly string[]): Split {
  const perFile = new Map<string, number>();
  for (const { file } of items) perFile.set(file, (perFile.get(file) ?? 0) + 1);
  const held = new Set<number>();
  for (const name of names) {
    const range = /^(\d+)(?:\.\.(\d+))?$/.exec(name);
    const low = Number(range?.[1]);
    const high = Number(range?.[2] ?? range?.[1]);
    const pattern = new RegExp(
      `^${name
        .split('*')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    );
    const found = items.flatMap((item, index) => {
      const { file, page } = item;
      if ([file, baseName(file), stemOf(file)].some((candidate) => pattern.test(candidate))) return [index];
      if (range === null) return [];
      const number =
        (perFile.get(file) as number) > 1 ? page : Number(/(\d+)\D*$/.exec(stemOf(file))?.[1] ?? Number.NaN);
      return number >= low && number <= high ? [index] : [];
    });
    if (found.length === 0) {
      const known = [...perFile.keys()].slice(0, 3).map(stemOf).join(', ');
      throw new UsageError(`"${name}" names no image of this data set.`, {
        remedy: `There are ${known}${perFile.size > 3 ? ', ...' : '.'}${/^[\d.]+%?$/.test(name) ? ' A fraction is a number from 0 to 0.9, such as 0.2.' : ''}`,
      });
    }
    for (const index of found) held.add(index);
  }
  if (held.size === items.length) {
    throw new DatasetError('all pages are held out for validation, none is left to train on.', {
      remedy: 'List fewer.',
    });
  }
  return finish(items, [...held], `validation: ${counted(held.size, 'page')} of ${items.length}, as named`);
}

/**
 * Parses `0.2`, `20..23`, `a.png,b.png` as written on a command line.
 * @throws UsageError for an empty text.
 */
export function parseSplit(text: string): SplitChoice {
  const trimmed = text.trim();
  if (trimmed === '')
    throw new UsageError('The validation split is empty.', { remedy: 'Use a fraction such as 0.2, or names.' });
  if (/^(0?\.\d+|0|0\.0*)$/.test(trimmed)) return { fraction: Number(trimmed) };
  return { names: trimmed.split(',').map((name) => name.trim()) };
}
