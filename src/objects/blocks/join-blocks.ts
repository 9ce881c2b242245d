/** From blocks that were labelled by themselves to the objects of the whole image, and their numbers. */

import { elementCount } from '../../array/ndarray.ts';
import { isKept } from '../filter-objects.ts';
import type { Connectivity } from '../grid.ts';
import { UnionFind } from '../union-find.ts';
import { type BlockGrid, boxOf, indexOf, placeOf } from './block-grid.ts';
import { acrossAxis, type BlockRecord } from './block-record.ts';
import { type Areas, enclosing, NONE } from './enclosed.ts';

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
  /** By hole: the object that it is filled with, or 0. */
  readonly holes?: Uint32Array;
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

/** What is kept of a block until the end, and where its labels and holes are in the lists of all blocks. */
interface Joined {
  readonly record: Omit<BlockRecord, 'faces'>;
  readonly labelsFrom: number;
  readonly holesFrom: number;
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
  #holes = 0;
  /** Pairs of areas that touch between two blocks: labels of all blocks from 0 on, holes of all blocks as -1, -2, ... */
  readonly #touching: number[] = [];

  constructor(grid: BlockGrid, { connectivity }: JoinOptions = {}) {
    this.#grid = grid;
    this.#reach = connectivity === 8 || connectivity === 26 ? 1 : 0;
  }

  add({ faces, ...record }: BlockRecord): void {
    const index = this.#blocks.length;
    const labelsFrom = this.#labels.add(record.first.length - 1) - 1;
    const holesFrom = this.#holes;
    this.#holes += (record.holes?.sizes.length ?? 1) - 1;
    this.#blocks.push({ record, labelsFrom, holesFrom });
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
    const own = this.#faces.get(index)?.[axis][side];
    const others = this.#faces.get(other)?.[axis][1 - side];
    if (own === undefined || others === undefined) throw new RangeError('blocks are added in the order of the grid');
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
    if (code > 0 && otherCode > 0 && a.record.values?.[code] === b.record.values?.[otherCode]) {
      const areParts = a.record.isPart[code] === 1 && b.record.isPart[otherCode] === 1;
      if (areParts) this.#labels.unite(a.labelsFrom + code, b.labelsFrom + otherCode);
    }
    if (a.record.holes === undefined) return;
    const [own, others] = [inAll(a, code), inAll(b, otherCode)];
    const last = this.#touching.length;
    if (this.#touching[last - 2] !== own || this.#touching[last - 1] !== others) this.#touching.push(own, others);
  }

  /**
   * The objects, numbered in the order of their seeds' first pixels, those without a seed after them in the order of their
   * own; after all blocks were added.
   */
  finish({ minSize = 0, minMean = 0, border = 'keep' }: NumberingOptions = {}): JoinedBlocks {
    const { objectOf, count } = this.#objects();
    const sizes = new Float64Array(count);
    const sums = new Float64Array(count);
    const open = new Float64Array(count);
    const atBorder = new Uint8Array(count);
    for (const { record, labelsFrom } of this.#blocks) {
      for (let label = 1; label < record.first.length; label++) {
        const object = objectOf[labelsFrom + label];
        sizes[object] += record.sizes[label];
        sums[object] += record.sums[label];
        open[object] += record.open[label];
        atBorder[object] |= record.atBorder[label];
      }
    }
    const areas = this.#areas(objectOf);
    const filledBy = enclosing(areas);
    this.#eachHole((hole, size, sum) => {
      const object = filledBy[hole];
      if (object === NONE) return;
      sizes[object] += size;
      sums[object] += sum;
    });
    const numbers = new Uint32Array(count);
    let kept = 0;
    let openPixels = 0;
    let openObjects = 0;
    for (let object = 0; object < count; object++) {
      openPixels += open[object];
      if (open[object] > 0) openObjects++;
      const total = { size: sizes[object], sum: sums[object], atBorder: atBorder[object] === 1 };
      if (isKept(total, { minSize, minMean, border })) numbers[object] = ++kept;
    }
    /** Of each area, 0 for background, which is also what was removed. */
    const numberOf = Uint32Array.from(areas.objectOf, (own, area) => {
      const object = own === NONE ? filledBy[area] : own;
      return object === NONE ? 0 : numbers[object];
    });
    const sizesOfKept = new Float64Array(kept + 1);
    for (let object = 0; object < count; object++)
      if (numbers[object] > 0) sizesOfKept[numbers[object]] = sizes[object];
    // As `cleanObjects`: what was removed may have lain in a hole.
    const filledLater = enclosing({ ...areas, objectOf: Int32Array.from(numberOf, (number) => number || NONE) });
    this.#eachArea((area, size) => {
      const number = filledLater[area];
      if (number === NONE) return;
      numberOf[area] = number;
      sizesOfKept[number] += size;
    });
    const labelCount = this.#labels.length;
    return {
      count: kept,
      openPixels,
      openObjects,
      sizes: sizesOfKept,
      numbersOf: (index) => {
        const { record, labelsFrom, holesFrom } = this.#blocks[index];
        const labels = Uint32Array.from(record.first, (_, label) => (label === 0 ? 0 : numberOf[labelsFrom + label]));
        const holes =
          record.holes &&
          Uint32Array.from(record.holes.sizes, (_, hole) =>
            hole === 0 ? 0 : numberOf[labelCount + holesFrom + hole - 1],
          );
        return { labels, ...(holes && { holes }) };
      },
    };
  }

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

  /** The labels of all blocks, and after them their holes. */
  #areas(objectOf: Int32Array): Areas {
    const labelCount = this.#labels.length;
    const areaOf = (inAllBlocks: number): number => (inAllBlocks < 0 ? labelCount - 1 - inAllBlocks : inAllBlocks);
    const ofAreas = new Int32Array(labelCount + this.#holes).fill(NONE);
    ofAreas.set(objectOf);
    const atBorder = new Uint8Array(ofAreas.length);
    for (const { record, labelsFrom, holesFrom } of this.#blocks) {
      atBorder.set(record.atBorder.subarray(1), labelsFrom + 1);
      if (record.holes !== undefined) atBorder.set(record.holes.atBorder.subarray(1), labelCount + holesFrom);
    }
    const eachTouching: Areas['eachTouching'] = (visit) => {
      for (const block of this.#blocks) {
        const { touching } = block.record.holes ?? { touching: [] };
        for (let k = 0; k < touching.length; k += 2)
          visit(areaOf(inAll(block, touching[k])), areaOf(inAll(block, touching[k + 1])));
      }
      for (let k = 0; k < this.#touching.length; k += 2)
        visit(areaOf(this.#touching[k]), areaOf(this.#touching[k + 1]));
    };
    return { objectOf: ofAreas, atBorder, eachTouching };
  }

  /** @param visit called with the number of the area, as `#areas` has them */
  #eachHole(visit: (area: number, size: number, sum: number) => void): void {
    for (const { record, holesFrom } of this.#blocks) {
      const { sizes, sums } = record.holes ?? { sizes: [], sums: [] };
      for (let hole = 1; hole < sizes.length; hole++)
        visit(this.#labels.length + holesFrom + hole - 1, sizes[hole], sums[hole]);
    }
  }

  #eachArea(visit: (area: number, size: number) => void): void {
    for (const { record, labelsFrom } of this.#blocks) {
      for (let label = 1; label < record.sizes.length; label++) visit(labelsFrom + label, record.sizes[label]);
    }
    this.#eachHole(visit);
  }
}

/** A label or hole of a block among those of all blocks: labels from 0 on, holes as -1, -2, ... */
const inAll = ({ labelsFrom, holesFrom }: Pick<Joined, 'labelsFrom' | 'holesFrom'>, code: number): number =>
  code > 0 ? labelsFrom + code : code - holesFrom;

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
