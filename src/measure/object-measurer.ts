/** Measurements of a label map block by block, equal to those of the whole map. */

import type { NdArray, Storage } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { type Extents, extentsOf, gridSpacing } from '../objects/grid.ts';
import { type HullColumns, shapeColumns, wholeNumbers } from './columns.ts';
import { hullOf2d } from './hull.ts';
import { hullOf3d } from './hull-3d.ts';
import {
  groupValues,
  ListedValues,
  type NumberDType,
  type ObjectValues,
  objectValues,
  requireNumbers,
  statisticsOf,
} from './intensity.ts';
import type { LabelBlock } from './label-block.ts';
import { MEASURES, type MeasureName, type MeasureOptions } from './measures.ts';
import { ObjectIndex } from './object-index.ts';
import { addRows, emptyRows, type ObjectRows, rowsOf } from './object-rows.ts';
import { addRegion, emptyRegions, type PerAxis, type Regions, rowReachOf } from './regions.ts';
import type { Column, Table } from './table.ts';
import { addWindows, emptyWindows, type WindowCounts, windowsOf } from './windows.ts';

type Numbers = NdArray<NumberDType>;

/** What is measured, without its pixels. */
export interface MeasuredGrid {
  /** Of the whole label map: [h, w] or [d, h, w]. */
  readonly shape: readonly number[];
  /** If there is an image: its number of channels, and their names. */
  readonly channels?: number;
  readonly names?: readonly string[];
}

/** What is collected of an object until all of its pixels have been seen. */
interface CollectedObject {
  readonly rows: ObjectRows | undefined;
  /** Of each channel. */
  readonly values: readonly ObjectValues[];
}

interface OpenObject extends CollectedObject {
  pixels: number;
}

/** The objects of a block as they were counted, by their number in it; 0 is none. */
export interface BlockCounts {
  /** Labels in the map. */
  readonly labels: readonly number[];
  readonly regions: Regions;
  /** If boundaries, Euler numbers or neighbours are measured. */
  readonly windows?: WindowCounts;
}

/** An object that lies in a block as a whole. */
export interface FinishedObject {
  readonly label: number;
  /** Pixels, largest and least diameter of the hull. */
  readonly hull?: readonly [pixels: number, feretMax: number, feretMin: number];
  /** Of each channel, in the order of the columns. */
  readonly statistics: readonly (readonly number[])[];
}

/** What a block has of an object that goes on in others. */
export interface ObjectPart {
  readonly label: number;
  readonly pixels: number;
  /** The first pixel of its box. */
  readonly first: PerAxis<number>;
  readonly rows?: ObjectRows;
  /** Of each channel. */
  readonly values: readonly Storage[NumberDType][];
}

/** Shapes and values of the objects of a block. */
export interface BlockValues {
  readonly finished: readonly FinishedObject[];
  readonly parts: readonly ObjectPart[];
  /** Of the values. */
  readonly dtype?: NumberDType;
}

/** Results by index. */
interface Results {
  /** 1 if all pixels of the object were seen. */
  readonly done: Uint8Array;
  readonly hulls: HullColumns;
  /** Of each channel: the statistics in the order of `statisticNames`. */
  readonly channels: readonly (readonly Float64Array[])[];
}

/**
 * Measures a label map in blocks that cover it, in any order: first `addLabels` of each, then `addValues` of each, then
 * `table`. The table is that of `measure` for the whole map: what is counted are whole numbers, which add exactly, and
 * hulls and intensities are computed when the last pixel of an object has been seen.
 *
 * Memory is about 250 bytes per object, 150 more per channel of an image, 8 per pair of neighbours, and of the objects
 * that lie in several blocks, as long as not all of these were added, their pixels' values, and 8 bytes per row of their
 * box (in a volume, per row of each plane).
 */
export class ObjectMeasurer {
  readonly #extents: Extents;
  readonly #shape: readonly number[];
  readonly #options: MeasureOptions;
  readonly #spacing: readonly number[];
  readonly #percentiles: readonly number[];
  readonly #wanted: ReadonlySet<MeasureName>;
  readonly #suffixes: readonly string[];
  readonly #index = new ObjectIndex();
  #room = 64;
  #regions: Regions;
  #windows: WindowCounts;
  #dropped: Uint8Array | undefined;
  #results: Results | undefined;
  readonly #open = new Map<number, OpenObject>();

  /** @throws UsageError as `measure` */
  constructor({ shape, channels = 0, names = [] }: MeasuredGrid, options: MeasureOptions = {}) {
    const { spacing, unit, measures = MEASURES, percentiles = [5, 25, 50, 75, 95] } = options;
    this.#extents = extentsOf(shape);
    this.#shape = shape;
    this.#options = options;
    this.#spacing = gridSpacing(spacing, this.#extents.rank);
    if (spacing !== undefined && unit === undefined) {
      throw new UsageError('The spacing has no unit.', { remedy: 'Set one, such as µm or mm.' });
    }
    if (spacing === undefined && unit !== undefined) {
      throw new UsageError(`The unit ${unit} has no spacing.`, { remedy: 'Set the pixel size of each axis.' });
    }
    for (const p of channels > 0 ? percentiles : []) {
      if (!(p >= 0 && p <= 100)) throw new UsageError(`The percentile ${p} is not in 0..100.`);
    }
    this.#percentiles = percentiles;
    this.#wanted = new Set(measures);
    this.#suffixes = this.#wanted.has('intensity') ? suffixesOf(channels, names) : [];
    this.#regions = emptyRegions(this.#room);
    this.#windows = emptyWindows(this.#extents.rank, this.#room);
  }

  /** Whether `addValues` is needed. */
  get needsValues(): boolean {
    return this.#needsHulls || this.#suffixes.length > 0;
  }

  get #needsHulls(): boolean {
    return this.#wanted.has('solidity') || this.#wanted.has('feret');
  }

  get #needsWindows(): boolean {
    return (['boundary', 'roundness', 'euler', 'neighbours'] as const).some((name) => this.#wanted.has(name));
  }

  /** Labels and pixels of all objects, by index; index 0 is none. */
  get objects(): { readonly labels: readonly number[]; readonly pixels: Float64Array } {
    return { labels: this.#index.labels, pixels: this.#regions.pixels.subarray(0, this.#index.count + 1) };
  }

  /**
   * Counts the pixels of a block.
   * @param block with its neighbours, if boundaries, Euler numbers or neighbours are measured
   * @throws RangeError for a block that is not within the map, or lacks neighbours
   */
  addLabels(block: LabelBlock): void {
    this.addCounts(this.countsOf(block));
  }

  /** What `addLabels` adds: by it, other processes can count blocks. @throws as `addLabels` */
  countsOf(block: LabelBlock): BlockCounts {
    const { start, own, beyond } = block;
    const inside = (['z', 'y', 'x'] as const).every((axis) => {
      const length = { z: 'depth', y: 'height', x: 'width' } as const;
      const left = this.#extents[length[axis]] - start[axis] - own[length[axis]];
      return start[axis] >= 0 && (this.#needsWindows ? left > 0 === beyond[axis] && left >= 0 : left >= 0);
    });
    if (!inside || own.rank !== this.#extents.rank) {
      throw new RangeError(
        `the block at ${start.z}, ${start.y}, ${start.x} is not within [${this.#shape.join(', ')}], or lacks its neighbours`,
      );
    }
    const windows = this.#needsWindows ? windowsOf(block) : undefined;
    return { labels: block.values, regions: block.regions, windows };
  }

  /** Of an object that is measured, in all blocks; 0 of one that is left out. */
  pixelsOf(label: number): number {
    const index = this.#index.find(label);
    return this.#dropped?.[index] === 1 ? 0 : this.#regions.pixels[index];
  }

  addCounts({ labels, regions, windows }: BlockCounts): void {
    const indices = Int32Array.from(labels, (label) => (label === 0 ? 0 : this.#index.of(label)));
    this.#makeRoom();
    for (let label = 1; label < labels.length; label++) addRegion(this.#regions, indices[label], regions, label);
    if (windows !== undefined) addWindows(this.#windows, windows, indices);
  }

  #makeRoom(): void {
    if (this.#index.count <= this.#room) return;
    this.#room = Math.max(2 * this.#room, this.#index.count);
    this.#regions = emptyRegions(this.#room, this.#regions);
    this.#windows = emptyWindows(this.#extents.rank, this.#room, this.#windows);
  }

  /** Leaves objects out, as if their pixels were background. Between `addLabels` and `addValues`. */
  drop(isDropped: (label: number, pixels: number) => boolean): void {
    const { labels, pixels } = this.objects;
    this.#dropped = Uint8Array.from(labels, (label, index) => (isDropped(label, pixels[index]) ? 1 : 0));
  }

  /**
   * Takes the shapes and values of the objects of a block, after all blocks were given to `addLabels`.
   * @param block without its neighbours
   * @param image of the block, with channels as its first axis if there are several
   * @throws RangeError for pixels that `addLabels` did not see, and a block with neighbours; UsageError for values that are no numbers
   */
  addValues(block: LabelBlock, image?: NdArray): void {
    this.takeValues(this.valuesOf(block, image));
  }

  /** What `addValues` adds: by it, other processes can measure blocks, when all are counted. @throws as `addValues` */
  valuesOf(block: LabelBlock, image?: NdArray): BlockValues {
    const { regions, labels, own } = block;
    if (labels.length !== own.size) throw new RangeError('the block has neighbours, which are no part of it');
    const reach = this.#needsHulls ? rowReachOf(block, regions) : undefined;
    const numbers = this.#suffixes.length === 0 ? undefined : this.#checked(image, block);
    const grouped = this.#suffixes.map((_, c) =>
      groupValues(
        labels,
        (numbers as Numbers).data.subarray(c * labels.length, (c + 1) * labels.length),
        regions.pixels,
      ),
    );
    const finished: FinishedObject[] = [];
    const parts: ObjectPart[] = [];
    for (let number = 1; number <= block.count; number++) {
      const label = block.values[number];
      const index = this.#index.find(label);
      if (this.#dropped?.[index] === 1) continue;
      const rows = reach && rowsOf(regions, reach, number);
      const pixels = regions.pixels[number];
      if (pixels === this.#regions.pixels[index]) {
        const values = grouped.map((of) => new ListedValues(of(number), of(number).length));
        finished.push(this.#finished(label, { rows, values }));
      } else {
        const { z, y, x } = regions.box.first;
        const first = { z: z[number], y: y[number], x: x[number] };
        parts.push({ label, pixels, first, rows, values: grouped.map((of) => of(number)) });
      }
    }
    return { finished, parts, dtype: numbers?.dtype };
  }

  takeValues({ finished, parts, dtype }: BlockValues): void {
    this.#results ??= this.#emptyResults();
    for (const object of finished) this.#take(object);
    const { first } = this.#regions.box;
    for (const { label, pixels, first: own, rows, values } of parts) {
      const index = this.#index.find(label);
      const open = this.#openObject(index, dtype);
      open.pixels += pixels;
      const left = this.#regions.pixels[index] - open.pixels;
      if (left < 0 || this.#results.done[index] === 1) throw seenTwice(label);
      const steps = { z: own.z - first.z[index], y: own.y - first.y[index], x: own.x - first.x[index] };
      if (rows && open.rows) addRows(open.rows, rows, steps);
      for (const [c, of] of values.entries()) open.values[c].add(of);
      if (left > 0) continue;
      this.#open.delete(index);
      this.#take(this.#finished(label, open));
    }
  }

  #checked(image: NdArray | undefined, { labels }: LabelBlock): Numbers {
    const expected = labels.length * this.#suffixes.length;
    if (image?.data.length !== expected) {
      throw new RangeError(`the image of the block has ${image?.data.length ?? 0} values, not ${expected}`);
    }
    requireNumbers(image);
    return image;
  }

  #openObject(index: number, dtype: NumberDType | undefined): OpenObject {
    const known = this.#open.get(index);
    if (known !== undefined) return known;
    const pixels = this.#regions.pixels[index];
    const opened = {
      pixels: 0,
      rows: this.#needsHulls ? emptyRows(this.#regions, index) : undefined,
      values: dtype === undefined ? [] : this.#suffixes.map(() => objectValues(dtype, pixels)),
    };
    this.#open.set(index, opened);
    return opened;
  }

  #emptyResults(): Results {
    const column = (): Float64Array => new Float64Array(this.#index.count + 1);
    const statistics = 5 + this.#percentiles.length;
    return {
      done: new Uint8Array(this.#index.count + 1),
      hulls: { pixels: column(), feretMax: column(), feretMin: column() },
      channels: this.#suffixes.map(() => Array.from({ length: statistics }, column)),
    };
  }

  #finished(label: number, { rows, values }: CollectedObject): FinishedObject {
    const [z, y, x] = this.#spacing;
    const hull = rows && (this.#extents.rank === 2 ? hullOf2d(rows, [z, y]) : hullOf3d(rows, [z, y, x]));
    return {
      label,
      hull: hull && [hull.pixels, hull.feretMax, hull.feretMin ?? Number.NaN],
      statistics: values.map((of) => {
        const { mean, sd, min, percentiles, max, sum } = statisticsOf(of, this.#percentiles);
        return [mean, sd, min, ...percentiles, max, sum];
      }),
    };
  }

  #take({ label, hull, statistics }: FinishedObject): void {
    const { hulls, channels, done } = this.#results as Results;
    const index = this.#index.find(label);
    if (done[index] === 1 || this.#open.has(index)) throw seenTwice(label);
    done[index] = 1;
    if (hull !== undefined) [hulls.pixels[index], hulls.feretMax[index], hulls.feretMin[index]] = hull;
    for (const [c, of] of statistics.entries()) for (const [k, value] of of.entries()) channels[c][k][index] = value;
  }

  /**
   * The table of all objects, in ascending order of their labels.
   * @throws RangeError if objects are incomplete
   */
  table(): Table {
    const { labels, pixels } = this.objects;
    const { hulls, channels, done } = this.#results ?? this.#emptyResults();
    const order = Int32Array.from([...pixels.keys()].filter((index) => index > 0 && this.#dropped?.[index] !== 1)).sort(
      (a, b) => labels[a] - labels[b],
    );
    const isMissing = this.needsValues && order.some((index) => done[index] === 0);
    if (isMissing) throw new RangeError('the values of some blocks were not added');
    const by = (values: ArrayLike<number>): Float64Array => Float64Array.from(order, (index) => values[index]);
    const shape = shapeColumns(
      {
        order,
        extents: this.#extents,
        spacing: this.#spacing,
        unit: this.#options.unit ?? 'px',
        regions: this.#regions,
        windows: this.#windows,
        hulls,
      },
      this.#wanted,
    );
    const columns: Column[] = [{ name: 'label', values: wholeNumbers(by(labels)) }];
    for (const name of MEASURES) if (this.#wanted.has(name)) columns.push(...(shape[name] ?? []));
    const percentiles = this.#percentiles.map((p) => `p${String(p).padStart(2, '0').replace('.', '_')}`);
    const names = ['mean', 'sd', 'min', ...percentiles, 'max', 'sum'];
    for (const [c, statistics] of channels.entries()) {
      for (const [k, name] of names.entries()) {
        const unit = this.#options.valueUnit;
        columns.push({ name: `intensity_${name}${this.#suffixes[c]}`, unit, values: by(statistics[k]) });
      }
    }
    return { columns, rows: order.length };
  }
}

const seenTwice = (label: number): RangeError => new RangeError(`label ${label} has more pixels than before`);

/** What is appended to the column names of each channel; nothing for a single one. */
function suffixesOf(count: number, names: readonly string[]): readonly string[] {
  const slugs = Array.from({ length: count }, (_, k) => slug(names[k] ?? '') || `channel_${k + 1}`);
  // Channels of the same name are distinguished by their number.
  return slugs.map((name, k) =>
    count === 1 ? '' : slugs.indexOf(name) === slugs.lastIndexOf(name) ? `_${name}` : `_${name}_${k + 1}`,
  );
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '');
}
