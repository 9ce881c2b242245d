/** From blocks that were labelled by themselves to the objects of the whole image, and their numbers. */

import { elementCount } from '../../array/ndarray.ts';
import { isKept } from '../filter-objects.ts';
import type { Connectivity } from '../grid.ts';
import { UnionFind } from '../union-find.ts';
import { type BlockGrid, boxOf, indexOf, placeOf } from './block-grid.ts';
import { acrossAxis, type BlockRecord } from './block-record.ts';

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
  /** By label; 0 for those that are removed. */
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

/** A hole that touches what grew from two seeds, or the border of the image. */
const OPEN = -1;

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
  readonly #holes = new UnionFind();
  /** Pairs of a hole and a label that meet between two blocks. */
  readonly #touching: number[] = [];

  constructor(grid: BlockGrid, { connectivity }: JoinOptions = {}) {
    this.#grid = grid;
    this.#reach = connectivity === 8 || connectivity === 26 ? 1 : 0;
  }

  add({ faces, ...record }: BlockRecord): void {
    const index = this.#blocks.length;
    const labelsFrom = this.#labels.add(record.first.length - 1) - 1;
    const holesFrom = this.#holes.add(Math.max(0, (record.holes?.sizes.length ?? 0) - 1)) - 1;
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
    if (code > 0 && otherCode > 0) {
      const isSame = a.record.values?.[code] === b.record.values?.[otherCode];
      if (!isSame || a.record.isPart[code] === 0 || b.record.isPart[otherCode] === 0) return;
      this.#labels.unite(a.labelsFrom + code, b.labelsFrom + otherCode);
    } else if (code < 0 && otherCode < 0) {
      this.#holes.unite(a.holesFrom - code, b.holesFrom - otherCode);
    } else {
      const [hole, label] =
        code < 0 ? [a.holesFrom - code, b.labelsFrom + otherCode] : [b.holesFrom - otherCode, a.labelsFrom + code];
      const last = this.#touching.length;
      if (this.#touching[last - 2] !== hole || this.#touching[last - 1] !== label) this.#touching.push(hole, label);
    }
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
    const around = this.#around(objectOf);
    this.#eachHole((hole, size, sum) => {
      const object = around[this.#holes.find(hole)] - 1;
      if (object < 0) return;
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
    const sizesOfKept = new Float64Array(kept + 1);
    for (let object = 0; object < count; object++)
      if (numbers[object] > 0) sizesOfKept[numbers[object]] = sizes[object];
    return {
      count: kept,
      openPixels,
      openObjects,
      sizes: sizesOfKept,
      numbersOf: (index) => {
        const { record, labelsFrom, holesFrom } = this.#blocks[index];
        const of = (object: number): number => (object < 0 ? 0 : numbers[object]);
        const labels = record.first.map((_, label) => (label === 0 ? 0 : of(objectOf[labelsFrom + label])));
        const holes = record.holes?.sizes.map((_, hole) =>
          hole === 0 ? 0 : of(around[this.#holes.find(holesFrom + hole)] - 1),
        );
        return { labels: Uint32Array.from(labels), ...(holes && { holes: Uint32Array.from(holes) }) };
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

  /** For the first of each set of holes: the only object around it plus 1, or OPEN; 0 where there is none. */
  #around(objectOf: Int32Array): Int32Array {
    const around = new Int32Array(this.#holes.length);
    const touch = (hole: number, label: number): void => {
      const root = this.#holes.find(hole);
      const object = objectOf[label] + 1;
      around[root] = around[root] === 0 || around[root] === object ? object : OPEN;
    };
    for (const { record, labelsFrom, holesFrom } of this.#blocks) {
      const { isOpen, touching } = record.holes ?? { isOpen: [], touching: [] };
      for (let k = 0; k < touching.length; k += 2) touch(holesFrom + touching[k], labelsFrom + touching[k + 1]);
      for (let hole = 1; hole < isOpen.length; hole++) {
        if (isOpen[hole] === 1) around[this.#holes.find(holesFrom + hole)] = OPEN;
      }
    }
    for (let k = 0; k < this.#touching.length; k += 2) touch(this.#touching[k], this.#touching[k + 1]);
    return around;
  }

  #eachHole(visit: (hole: number, size: number, sum: number) => void): void {
    for (const { record, holesFrom } of this.#blocks) {
      const { sizes, sums } = record.holes ?? { sizes: [], sums: [] };
      for (let hole = 1; hole < sizes.length; hole++) visit(holesFrom + hole, sizes[hole], sums[hole]);
    }
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
