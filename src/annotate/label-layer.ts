/**
 * The labels of an image as they are painted: 256 x 256 chunks per slice that exist only where something is annotated.
 * No operation scans more than the chunks that it changes.
 */

import { UsageError } from '../errors.ts';
import { ChangedParts, type ChangeTracker, type ChunkPlace, SliceBoxes } from './changed-parts.ts';
import {
  BAND_PIXELS,
  BAND_ROWS,
  blankLabels,
  CHUNK_SIZE,
  Chunk,
  type ChunkBefore,
  type Extent,
  type Labels,
} from './chunk.ts';
import { ChunkEdit, type ChunkRuns, readRuns, type Side } from './chunk-runs.ts';
import { type LayerKind, NOT_ANNOTATED } from './label-values.ts';
import type { Box } from './region.ts';

export interface LayerSize {
  readonly width: number;
  readonly height: number;
  /** Slices times time points; slice z at time t is t * depth + z. Default 1. */
  readonly slices?: number;
}

export interface LayerChanges {
  readonly chunks: readonly ChunkRuns[];
  /** The changed rectangle of each slice. */
  readonly boxes: readonly { readonly slice: number; readonly box: Box }[];
}

/** The largest width, height and number of slices: coordinates stay exact everywhere. */
const LARGEST = 2 ** 20;

const anything = (): boolean => true;

export class LabelLayer {
  readonly kind: LayerKind;
  readonly width: number;
  readonly height: number;
  readonly slices: number;
  /** The label of pixels that nobody annotated: 255, or 2147483647 for objects. */
  readonly notAnnotated: number;
  /** Chunks in a slice. */
  readonly rows: number;
  readonly columns: number;
  #revision = 0;
  readonly #chunks = new Map<number, Chunk>();
  /** The chunks that contain a label. */
  readonly #places = new Map<number, Set<number>>();
  /** Chunks that were written since the last `takeChanges`, as they were then. */
  #before = new Map<number, ChunkBefore>();
  /** The last edit of each chunk that is as that left it, or as it was before. */
  readonly #lastEdits = new Map<number, ChunkEdit>();
  /** The labels of a band in which nothing is annotated. */
  readonly #blankBand: Labels;
  readonly #changed: ChangedParts;
  #largest = 0;

  /** @throws UsageError for a size that is not a whole number from 1 to 1,048,576 */
  constructor(kind: LayerKind, { width, height, slices = 1 }: LayerSize) {
    for (const [name, value] of Object.entries({ width, height, slices })) {
      if (Number.isInteger(value) && value >= 1 && value <= LARGEST) continue;
      throw new UsageError(`The ${name} of the label layer is ${value}.`, {
        remedy: `Use a whole number from 1 to ${LARGEST}.`,
      });
    }
    this.kind = kind;
    this.width = width;
    this.height = height;
    this.slices = slices;
    this.notAnnotated = NOT_ANNOTATED[kind];
    this.#blankBand = blankLabels(kind, BAND_PIXELS);
    this.#changed = new ChangedParts((key) => this.placeOf(key));
    this.rows = Math.ceil(height / CHUNK_SIZE);
    this.columns = Math.ceil(width / CHUNK_SIZE);
  }

  /** Increases with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** The label of a pixel; outside the image it is not annotated. */
  get(x: number, y: number, slice = 0): number {
    return this.reader(slice)(x, y);
  }

  /** Reads single pixels of a slice, faster than `get`; outside the image they are not annotated. */
  reader(slice = 0): (x: number, y: number) => number {
    this.requireSlice(slice);
    const { width, height, notAnnotated } = this;
    let [row, column, revision] = [-1, -1, -1];
    let data: Labels | undefined;
    return (x, y) => {
      if (!(x >= 0 && y >= 0 && x < width && y < height)) return notAnnotated;
      if (y >> 8 !== row || x >> 8 !== column || revision !== this.#revision) {
        [row, column, revision] = [y >> 8, x >> 8, this.#revision];
        data = this.#chunks.get(this.#key(slice, row, column))?.data;
      }
      return data === undefined ? notAnnotated : data[((y & 255) << 8) | (x & 255)];
    };
  }

  /** The labels of a rectangle, row by row; outside the image they are not annotated. */
  read([x, y, width, height]: Box, slice = 0): Labels {
    this.requireSlice(slice);
    const out = blankLabels(this.kind, width * height);
    const [right, bottom] = [Math.min(x + width, this.width), Math.min(y + height, this.height)];
    for (let row = Math.max(y, 0); row < bottom; row++) {
      for (let from = Math.max(x, 0), to: number; from < right; from = to) {
        to = Math.min(right, (from | 255) + 1);
        const data = this.#chunks.get(this.#key(slice, row >> 8, from >> 8))?.data;
        if (data === undefined) continue;
        const start = ((row & 255) << 8) | (from & 255);
        out.set(data.subarray(start, start + to - from), (row - y) * width + from - x);
      }
    }
    return out;
  }

  /** The pixels of a chunk to look at, not to change: 256 x 256; undefined if nothing is annotated there. */
  chunk({ slice, row, column }: ChunkPlace): Labels | undefined {
    return this.#chunks.get(this.#key(slice, row, column))?.data;
  }

  /** The chunks of a slice in which something is annotated. */
  chunks(slice: number): readonly ChunkPlace[] {
    this.requireSlice(slice);
    const [first, end] = [slice * this.rows * this.columns, (slice + 1) * this.rows * this.columns];
    return Array.from(this.#chunks.keys())
      .filter((key) => key >= first && key < end)
      .map((key) => this.placeOf(key));
  }

  /** Slices in which something is annotated, ascending. */
  annotatedSlices(): readonly number[] {
    return [...new Set(Array.from(this.#chunks.keys(), (key) => this.placeOf(key).slice))].sort((a, b) => a - b);
  }

  /**
   * Gives the pixels from..to-1 of a row a label; those outside the image are left out.
   * @param may which labels may be replaced; see `replaceable`
   */
  fill(
    slice: number,
    y: number,
    from: number,
    to: number,
    value: number,
    may: (label: number) => boolean = anything,
  ): void {
    if (y < 0 || y >= this.height) return;
    const end = Math.min(to, this.width);
    for (let x = Math.max(from, 0), next: number; x < end; x = next) {
      next = Math.min(end, (x | 255) + 1);
      this.#fillRow(this.#key(slice, y >> 8, x >> 8), y & 255, x & 255, ((next - 1) & 255) + 1, value, may);
    }
  }

  /** @param isEdit whether what was there before is kept */
  #fillRow(
    key: number,
    row: number,
    from: number,
    to: number,
    value: number,
    may: (label: number) => boolean,
    isEdit = true,
  ): void {
    let chunk = this.#chunks.get(key);
    if (chunk === undefined && (value === this.notAnnotated || !may(this.notAnnotated))) return;
    let [first, last] = [-1, -1];
    for (let x = from, next: number; x < to; x = next) {
      const start = row << 8;
      const old: number = chunk === undefined ? this.notAnnotated : chunk.data[start | x];
      next = x + 1;
      if (chunk === undefined) next = to;
      else while (next < to && chunk.data[start | next] === old) next++;
      if (old === value || !may(old)) continue;
      if (first < 0) {
        chunk = isEdit ? this.#keep(key, row) : this.#chunk(key);
        first = x;
      }
      last = next;
      this.#replace(chunk as Chunk, key, row, x, next, old, value);
    }
    if (first < 0) return;
    this.#revision++;
    this.#changed.add(key, first, row, last, row + 1);
  }

  #replace(chunk: Chunk, key: number, row: number, from: number, to: number, old: number, value: number): void {
    if (value !== this.notAnnotated && !chunk.extents.has(value)) this.#note(value, key);
    chunk.replace(row, from, to, old, value, this.notAnnotated);
    if (old !== this.notAnnotated && !chunk.extents.has(old)) this.#places.get(old)?.delete(key);
  }

  #note(label: number, key: number): void {
    const keys = this.#places.get(label);
    if (keys === undefined) this.#places.set(label, new Set([key]));
    else keys.add(key);
    if (label > this.#largest) this.#largest = label;
  }

  /** A chunk, of which an edit will change a row. */
  #keep(key: number, row: number): Chunk {
    let before = this.#before.get(key);
    if (before === undefined) {
      this.#releaseEdit(key);
      before = this.#chunks.get(key)?.beforeEdit() ?? { extents: undefined, bands: [] };
      this.#before.set(key, before);
    }
    const chunk = this.#chunk(key);
    const band = Math.floor(row / BAND_ROWS);
    before.bands[band] ??= before.extents === undefined ? this.#blankBand : chunk.band(band);
    return chunk;
  }

  #chunk(key: number): Chunk {
    let chunk = this.#chunks.get(key);
    if (chunk === undefined) {
      chunk = new Chunk(this.kind);
      this.#chunks.set(key, chunk);
    }
    return chunk;
  }

  /** Has the last edit of a chunk find its runs before the chunk is written. */
  #releaseEdit(key: number): void {
    this.#lastEdits.get(key)?.release();
    this.#lastEdits.delete(key);
  }

  /** Labels that occur anywhere, in no order. */
  labels(): readonly number[] {
    return Array.from(this.#places.entries()).flatMap(([label, keys]) => (keys.size > 0 ? [label] : []));
  }

  /** Pixels with a label, in one slice or in all. */
  pixels(label: number, slice?: number): number {
    let pixels = 0;
    for (const { chunk } of this.#chunksOf(label, slice)) pixels += chunk.extents.get(label)?.pixels ?? 0;
    return pixels;
  }

  /** Annotated pixels, in one slice or in all. */
  annotatedPixels(slice?: number): number {
    return this.labels().reduce((sum, label) => sum + this.pixels(label, slice), 0);
  }

  /** The smallest rectangle around the pixels of a label in each slice that it occurs in. */
  boxes(label: number): ReadonlyMap<number, Box> {
    const found = new SliceBoxes();
    for (const { key, extent } of this.extentsOf(label)) found.add(this.placeOf(key), extent);
    return found.boxes();
  }

  /** The chunks that contain a label, with the smallest rectangle around its pixels in each. */
  *extentsOf(label: number, slice?: number): Generator<{ readonly key: number; readonly extent: Readonly<Extent> }> {
    for (const { key, chunk } of this.#chunksOf(label, slice)) {
      yield { key, extent: chunk.tightExtent(label) as Extent };
    }
  }

  *#chunksOf(label: number, slice?: number): Generator<{ readonly key: number; readonly chunk: Chunk }> {
    for (const key of this.#places.get(label) ?? []) {
      if (slice !== undefined && this.placeOf(key).slice !== slice) continue;
      yield { key, chunk: this.#chunks.get(key) as Chunk };
    }
  }

  /** The largest label that has occurred since the layer was made, or 0. */
  get largestLabel(): number {
    return this.#largest;
  }

  /** Reports changes from now on, such as those to be drawn again. */
  track(): ChangeTracker {
    return this.#changed.track();
  }

  /** Whether something was written since the last `takeChanges` or `revert`. */
  get hasChanges(): boolean {
    return this.#before.size > 0;
  }

  /** What was written since the last call, as one edit. */
  takeChanges(): LayerChanges {
    const chunks = Array.from(this.#before, ([key, before]) => {
      const edit = new ChunkEdit(key, before, this.#chunks.get(key) as Chunk);
      this.#lastEdits.set(key, edit);
      return edit;
    });
    const boxes = this.#changed.takeBoxes();
    this.acceptChanges();
    return { chunks, boxes };
  }

  /** Forgets that what was written since the last `takeChanges` was an edit. */
  acceptChanges(): void {
    for (const key of this.#before.keys()) this.#dropIfEmpty(key);
    this.#before = new Map();
    this.#changed.takeBoxes();
  }

  #dropIfEmpty(key: number): void {
    if (this.#chunks.get(key)?.extents.size === 0) this.#chunks.delete(key);
  }

  /** Does once more what an edit did to a chunk, or takes it back, which is no edit. */
  apply(edit: ChunkRuns, side: Side): void {
    const { key } = edit;
    if (this.#lastEdits.get(key) !== edit || !this.#exchange(edit as ChunkEdit, side)) this.#applyRuns(edit, side);
    this.#dropIfEmpty(key);
    this.acceptChanges();
  }

  /** @returns false if the edit has only its runs left */
  #exchange(edit: ChunkEdit, side: Side): boolean {
    const { key } = edit;
    const labels = [...(this.#chunks.get(key)?.extents.keys() ?? [])];
    const exchanged = edit.exchange(side);
    if (exchanged === undefined) return false;
    const { chunk, bands } = exchanged;
    for (const label of labels) this.#places.get(label)?.delete(key);
    if (chunk === undefined) this.#chunks.delete(key);
    // It was dropped if nothing was annotated in it.
    else this.#chunks.set(key, chunk);
    for (const label of chunk?.extents.keys() ?? []) this.#note(label, key);
    this.#noteRows(key, bands.findIndex((band) => band !== undefined) * BAND_ROWS, bands.length * BAND_ROWS);
    return true;
  }

  #applyRuns({ key, runs }: ChunkRuns, side: Side): void {
    this.#releaseEdit(key);
    for (const [from, to, before, after] of readRuns(runs)) {
      const label = side === 'before' ? before : after;
      for (let p = from, next: number; p < to; p = next) {
        next = Math.min(to, (p | 255) + 1);
        this.#fillRow(key, p >> 8, p & 255, ((next - 1) & 255) + 1, label, anything, false);
      }
    }
  }

  /** Notes that rows of a chunk may have changed. */
  #noteRows(key: number, top: number, bottom: number): void {
    const { row, column } = this.placeOf(key);
    const right = Math.min(CHUNK_SIZE, this.width - column * CHUNK_SIZE);
    this.#changed.add(key, 0, top, right, Math.min(bottom, this.height - row * CHUNK_SIZE));
    this.#revision++;
  }

  /** Takes back what was written since the last `takeChanges`. */
  revert(): void {
    for (const [key, before] of this.#before) {
      const chunk = this.#chunks.get(key) as Chunk;
      for (const label of chunk.extents.keys()) this.#places.get(label)?.delete(key);
      chunk.restore(before);
      for (const label of chunk.extents.keys()) this.#note(label, key);
      this.#noteRows(key, 0, CHUNK_SIZE);
    }
    this.acceptChanges();
  }

  /** Identifies a chunk within the layer. */
  #key(slice: number, row: number, column: number): number {
    return (slice * this.rows + row) * this.columns + column;
  }

  placeOf(key: number): ChunkPlace {
    const row = Math.floor(key / this.columns);
    const slice = Math.floor(row / this.rows);
    return { slice, row: row - slice * this.rows, column: key % this.columns };
  }

  /** @throws UsageError for a slice that the layer does not have */
  requireSlice(slice: number): void {
    if (Number.isInteger(slice) && slice >= 0 && slice < this.slices) return;
    throw new UsageError(`There is no slice ${slice}; the layer has ${this.slices}.`, {
      remedy: `Use a slice from 0 to ${this.slices - 1}.`,
    });
  }

  /** @throws UsageError for what is neither a label of this kind of layer nor "not annotated" */
  requireLabel(label: number): void {
    if (Number.isInteger(label) && label >= 0 && label <= this.notAnnotated) return;
    throw new UsageError(`${label} is no label of ${this.kind}.`, {
      remedy: `Use a whole number from 0 to ${this.notAnnotated}, which means not annotated.`,
    });
  }
}
