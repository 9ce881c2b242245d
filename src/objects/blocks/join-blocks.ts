/** From blocks that were labelled by themselves to the objects of the whole image, and their numbers. */

import { elementCount } from '../../array/ndarray.ts';
import { isKept } from '../filter-objects.ts';
import type { Connectivity } from '../grid.ts';
import { UnionFind } from '../union-find.ts';
import { type BlockGrid, boxOf, indexOf, placeOf } from './block-grid.ts';
import { acrossAxis, type BlockRecord } from './block-record.ts';
import { enclosing, NONE } from './enclosed.ts';

export interface JoinOptions {
  /** How parts are connected. Default 4 in 2D, 6 in 3D; holes need the default. */
  readonly connectivity?: Connectivity;
}

export interface NumberingOptions {
  /** Smaller objects are removed, in pixels; default 0. */
  readonly minSize?: number;
  /** Objects with a smaller mean of the map are removed, in its steps; default: none. */
  readonly minMean?: number;
  readonly border?: 'keep' | 'clear';
}

/** The numbers of a block. */
export interface BlockNumbers {
  /** By label; of those that are removed, the object whose hole they lay in, or 0. */
  readonly labels: Uint32Array;
  /** The object that each hole is filled with, or 0; the first hole first. */
  readonly holes: Uint32Array;
}

export interface JoinedBlocks {
  /** Objects are 1..count. */
  readonly count: number;
  /** Pixels for which it was not proved that their object is that of the whole image. */
  readonly openPixels: number;
  /** Objects that have such pixels. */
  readonly openObjects: number;
  /** Pixels of each object, by its number; the first entry is unused. */
  readonly sizes: Float64Array;
  numbersOf(index: number): BlockNumbers;
}

/** What is kept of a block until the end, and where its labels and areas are in the lists of all blocks. */
interface Joined {
  readonly record: Omit<BlockRecord, 'faces'>;
  readonly labelsFrom: number;
  readonly areasFrom: number;
}

/**
 * Joins blocks, added in the order of the grid. Memory: about 100 bytes for each label of each block, and the faces of the
 * blocks that have not met all of their neighbours yet.
 */
export class BlockJoin {
  readonly #grid: BlockGrid;
  readonly #reach: 0 | 1;
  readonly #blocks: Joined[] = [];
  readonly #faces = new Map<number, BlockRecord['faces']>();
  readonly #labels = new UnionFind();
  #areas = 0;
  /** Pairs of areas that touch between two blocks. */
  readonly #touching: number[] = [];

  constructor(grid: BlockGrid, { connectivity }: JoinOptions = {}) {
    this.#grid = grid;
    this.#reach = connectivity === 8 || connectivity === 26 ? 1 : 0;
  }

  add({ faces, ...record }: BlockRecord): void {
    const index = this.#blocks.length;
    const labelsFrom = this.#labels.add(record.first.length - 1) - 1;
    const areasFrom = this.#areas - 1;
    this.#areas += record.sizes.length - 1;
    this.#blocks.push({ record, labelsFrom, areasFrom });
    this.#faces.set(index, faces);
    for (const { other, towards } of this.#earlier(index)) this.#meet(index, other, towards);
    // Those further back have met all of their neighbours.
    for (const done of this.#faces.keys()) if (done < this.#oldestFor(index + 1)) this.#faces.delete(done);
  }

  /** No block before this one touches a block. */
  #oldestFor(index: number): number {
    const { counts } = this.#grid;
    return index - counts.reduce((sum, _, axis) => sum + elementCount(counts.slice(axis + 1)), 0);
  }

  /** Earlier blocks that touch a block, with their direction: by faces, or also by edges and corners. */
  #earlier(index: number): readonly { readonly other: number; readonly towards: readonly number[] }[] {
    const { counts } = this.#grid;
    const place = placeOf(this.#grid, index);
    const found: { other: number; towards: readonly number[] }[] = [];
    for (const towards of directions(counts.length)) {
      const steps = towards.filter((step) => step !== 0).length;
      const at = place.map((p, axis) => p + towards[axis]);
      if (steps === 0 || (steps > 1 && this.#reach === 0)) continue;
      if (at.some((p, axis) => p < 0 || p >= counts[axis])) continue;
      const other = indexOf(this.#grid, at);
      if (other < index) found.push({ other, towards });
    }
    return found;
  }

  /** Two blocks: all pairs of pixels that are neighbours. */
  #meet(index: number, other: number, towards: readonly number[]): void {
    const axis = towards.findIndex((step) => step !== 0);
    const side = towards[axis] < 0 ? 0 : 1;
    const facesOf = (block: number) => (this.#faces.get(block) as BlockRecord['faces'])[axis];
    const [own, others] = [facesOf(index)[side], facesOf(other)[1 - side]];
    const [rows, columns] = acrossAxis(boxOf(this.#grid, index).shape, axis);
    const [otherRows, otherColumns] = acrossAxis(boxOf(this.#grid, other).shape, axis);
    const [du, dv] = towards.length === 2 ? [0, acrossAxis(towards, axis)[1]] : acrossAxis(towards, axis);
    const us = facing(du, rows, otherRows, this.#reach);
    const vs = [...facing(dv, columns, otherColumns, this.#reach)];
    for (const [u, otherU] of us) {
      for (const [v, otherV] of vs)
        this.#touch(index, own[u * columns + v], other, others[otherU * otherColumns + otherV]);
    }
  }

  #touch(index: number, code: number, other: number, otherCode: number): void {
    if (code === 0 || otherCode === 0) return;
    const [a, b] = [this.#blocks[index], this.#blocks[other]];
    const isSame = a.record.values?.[code] === b.record.values?.[otherCode];
    if (isSame && a.record.isPart[code] === 1 && b.record.isPart[otherCode] === 1)
      this.#labels.unite(a.labelsFrom + code, b.labelsFrom + otherCode);
    if (a.record.touching === undefined) return;
    const [own, others] = [a.areasFrom + code, b.areasFrom + otherCode];
    const last = this.#touching.length;
    if (this.#touching[last - 2] !== own || this.#touching[last - 1] !== others) this.#touching.push(own, others);
  }

  /**
   * The objects, numbered in the order of their seeds' first pixels, those without a seed after them in the order of their
   * own; after all blocks were added.
   */
  finish(numbering: NumberingOptions = {}): JoinedBlocks {
    const { objectOf, count } = this.#objects();
    const open = new Float64Array(count);
    const own = new Int32Array(this.#areas).fill(NONE);
    const areaSizes = new Float64Array(this.#areas);
    const areaSums = new Float64Array(this.#areas);
    const areaAtBorder = new Uint8Array(this.#areas);
    for (const { record, labelsFrom, areasFrom } of this.#blocks) {
      areaSizes.set(record.sizes.subarray(1), areasFrom + 1);
      areaSums.set(record.sums.subarray(1), areasFrom + 1);
      areaAtBorder.set(record.atBorder.subarray(1), areasFrom + 1);
      for (let label = 1; label < record.first.length; label++) {
        own[areasFrom + label] = objectOf[labelsFrom + label];
        open[objectOf[labelsFrom + label]] += record.open[label];
      }
    }
    const filledBy = enclosing({ objectOf: own, atBorder: areaAtBorder, eachTouching: this.#eachTouching });
    const objects = own.map((object, area) => Math.max(object, filledBy[area]));
    const sizes = new Float64Array(count);
    const sums = new Float64Array(count);
    const atBorder = new Uint8Array(count);
    objects.forEach((object, area) => {
      if (object === NONE) return;
      sizes[object] += areaSizes[area];
      sums[object] += areaSums[area];
      atBorder[object] |= areaAtBorder[area];
    });
    const numbers = new Int32Array(count).fill(NONE);
    let kept = 0;
    let openPixels = 0;
    let openObjects = 0;
    for (let object = 0; object < count; object++) {
      openPixels += open[object];
      if (open[object] > 0) openObjects++;
      const total = { size: sizes[object], sum: sums[object], atBorder: atBorder[object] === 1 };
      if (isKept(total, numbering)) numbers[object] = ++kept;
    }
    // What is removed is background, in which others lie: as `cleanObjects`.
    const left = objects.map((object) => (object === NONE ? NONE : numbers[object]));
    const filledLater = enclosing({ objectOf: left, atBorder: areaAtBorder, eachTouching: this.#eachTouching });
    const numberOf = Uint32Array.from(left, (number, area) => Math.max(0, number, filledLater[area]));
    const sizesOfKept = new Float64Array(kept + 1);
    numberOf.forEach((number, area) => {
      if (number > 0) sizesOfKept[number] += areaSizes[area];
    });
    return {
      count: kept,
      openPixels,
      openObjects,
      sizes: sizesOfKept,
      numbersOf: (index) => {
        const { record, areasFrom } = this.#blocks[index];
        const holesFrom = areasFrom + record.first.length;
        const labels = new Uint32Array(record.first.length);
        labels.set(numberOf.subarray(areasFrom + 1, holesFrom), 1);
        return { labels, holes: numberOf.subarray(holesFrom, areasFrom + record.sizes.length) };
      },
    };
  }

  readonly #eachTouching = (visit: (a: number, b: number) => void): void => {
    const between = { record: { touching: this.#touching }, areasFrom: 0 };
    for (const { record, areasFrom } of [between, ...this.#blocks]) {
      const { touching = [] } = record;
      for (let k = 0; k < touching.length; k += 2) visit(areasFrom + touching[k], areasFrom + touching[k + 1]);
    }
  };

  /** The object, 0..count - 1, of each label of all blocks. */
  #objects(): { readonly objectOf: Int32Array; readonly count: number } {
    const length = this.#labels.length;
    const first = new Float64Array(length);
    const isPart = new Uint8Array(length);
    for (const { record, labelsFrom } of this.#blocks) {
      first.set(record.first.subarray(1), labelsFrom + 1);
      isPart.set(record.isPart.subarray(1), labelsFrom + 1);
    }
    // Of parts that are united, the first pixel is the first of all. What grew from a seed is a set by itself.
    for (let label = 0; label < length; label++) {
      const root = this.#labels.find(label);
      first[root] = Math.min(first[root], first[label]);
    }
    for (let label = 0; label < length; label++) first[label] = first[this.#labels.find(label)];
    const seeds = distinct(first.filter((_, label) => isPart[label] === 0));
    const parts = distinct(first.filter((_, label) => isPart[label] === 1));
    const objectOf = new Int32Array(length);
    for (let label = 0; label < length; label++) {
      objectOf[label] =
        isPart[label] === 0 ? placeIn(seeds, first[label]) : seeds.length + placeIn(parts, first[label]);
    }
    return { objectOf, count: seeds.length + parts.length };
  }
}

/** The neighbours of a block: -1, 0 or 1 along each axis. */
function directions(rank: number): readonly (readonly number[])[] {
  return rank === 0 ? [[]] : directions(rank - 1).flatMap((rest) => [-1, 0, 1].map((step) => [...rest, step]));
}

/** Along an axis, the pixels of a block and those of another in this direction that may be neighbours. */
function* facing(
  towards: number,
  length: number,
  otherLength: number,
  reach: 0 | 1,
): Generator<readonly [own: number, other: number]> {
  if (towards < 0) yield [0, otherLength - 1];
  else if (towards > 0) yield [length - 1, 0];
  else {
    for (let own = 0; own < length; own++) {
      for (let other = Math.max(0, own - reach); other <= Math.min(length - 1, own + reach); other++)
        yield [own, other];
    }
  }
}

/** Ascending, each once. */
function distinct(values: Float64Array): Float64Array {
  values.sort();
  return values.filter((value, i) => i === 0 || value !== values[i - 1]);
}

/** Where a value that is there is in an ascending list. */
function placeIn(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
