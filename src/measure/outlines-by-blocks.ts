/** Outlines of the objects of a label map block by block, equal to those of the whole map. */

import { ndarray } from '../array/ndarray.ts';
import { LamellaError } from '../errors.ts';
import { type Outline, toPolygons } from '../objects/polygons.ts';
import type { Ring } from '../objects/rings.ts';
import type { LabelBlock } from './label-block.ts';
import { eachRun } from './regions.ts';

/** Numbers of a run. */
const RUN = 4;
/** Bytes that tracing takes per pixel of the box of an object. */
const TRACED_BYTES = 8;

/**
 * The pixels of the objects of a block, one object after the other. Plain data, by which processes tell each other of
 * their blocks.
 */
export interface BlockRuns {
  /** Those that have an outline. */
  readonly labels: Float64Array;
  /** Of object k `runs[starts[k]]` to before `runs[starts[k + 1]]`. */
  readonly starts: Float64Array;
  /** Runs of pixels in a row: z, y, first x, end of x. */
  readonly runs: Int32Array;
}

/**
 * @param block without its neighbours
 * @param hasOutline whether outlines of an object are wanted
 */
export function runsOfBlock(block: LabelBlock, hasOutline: (label: number) => boolean): BlockRuns {
  const found = block.values.map((label, number): number[] | undefined =>
    number > 0 && hasOutline(label) ? [] : undefined,
  );
  eachRun(block, (number, z, y, start, end) => {
    found[number]?.push(z, y, start, end);
  });
  const own = found.flatMap((runs, number) => (runs === undefined || runs.length === 0 ? [] : [{ runs, number }]));
  const starts = new Float64Array(own.length + 1);
  for (const [k, { runs }] of own.entries()) starts[k + 1] = starts[k] + runs.length;
  const runs = new Int32Array(starts[own.length]);
  for (const [k, of] of own.entries()) runs.set(of.runs, starts[k]);
  return { labels: Float64Array.from(own, ({ number }) => block.values[number]), starts, runs };
}

interface OpenObject {
  pixels: number;
  readonly runs: Int32Array[];
}

export interface OutlinesOptions {
  /** Pixels of an object in all blocks. */
  pixelsOf(label: number): number;
  /** Largest box of an object to trace, in bytes. */
  readonly maxBytes: number;
  /** Of the map, for messages. */
  readonly file?: string;
}

/**
 * Memory: 8 bytes per corner of the outlines, 16 for each run of pixels in a row of an object that goes on in blocks that
 * were not added yet, and 8 per pixel of the box of one object.
 */
export class OutlinesByBlocks {
  readonly #options: OutlinesOptions;
  readonly #open = new Map<number, OpenObject>();
  readonly #slices: Outline[][];

  constructor(depth: number, options: OutlinesOptions) {
    this.#options = options;
    this.#slices = Array.from({ length: depth }, () => []);
  }

  /**
   * Takes the objects of a block.
   * @throws LamellaError for an object whose box is larger than the memory there is
   */
  take({ labels, starts, runs }: BlockRuns): void {
    for (const [k, label] of labels.entries()) {
      const own = runs.slice(starts[k], starts[k + 1]);
      const open = this.#open.get(label) ?? { pixels: 0, runs: [] };
      for (let i = 0; i < own.length; i += RUN) open.pixels += own[i + 3] - own[i + 2];
      open.runs.push(own);
      this.#open.set(label, open);
      if (open.pixels < this.#options.pixelsOf(label)) continue;
      this.#open.delete(label);
      this.#trace(label, open.runs);
    }
  }

  #trace(label: number, parts: readonly Int32Array[]): void {
    const bySlice = new Map<number, number[]>();
    for (const runs of parts) {
      for (let i = 0; i < runs.length; i += RUN) {
        const of = bySlice.get(runs[i]) ?? [];
        of.push(runs[i + 1], runs[i + 2], runs[i + 3]);
        bySlice.set(runs[i], of);
      }
    }
    for (const [z, runs] of bySlice) {
      let [top, bottom, left, right] = [runs[0], runs[0], runs[1], runs[2]];
      for (let i = 0; i < runs.length; i += 3) {
        top = Math.min(top, runs[i]);
        bottom = Math.max(bottom, runs[i]);
        left = Math.min(left, runs[i + 1]);
        right = Math.max(right, runs[i + 2]);
      }
      const [height, width] = [bottom + 1 - top, right - left];
      this.#requireMemory(label, height, width);
      const mask = ndarray('uint8', [height, width]);
      for (let i = 0; i < runs.length; i += 3) {
        const row = (runs[i] - top) * width - left;
        mask.data.fill(1, row + runs[i + 1], row + runs[i + 2]);
      }
      const polygons = toPolygons(mask)[0].polygons.map(({ exterior, holes }) => ({
        exterior: shifted(exterior, left, top),
        holes: holes.map((hole) => shifted(hole, left, top)),
      }));
      this.#slices[z].push({ label, polygons });
    }
  }

  #requireMemory(label: number, height: number, width: number): void {
    const bytes = TRACED_BYTES * height * width;
    if (bytes <= this.#options.maxBytes) return;
    throw new LamellaError(
      `object ${label} extends over ${width} x ${height} pixels, and to trace its outline takes ${Math.ceil(bytes / 1e6)} MB, more than is free.`,
      { file: this.#options.file, remedy: 'Write no outlines, or leave the object out.' },
    );
  }

  /** The outlines of each slice by ascending label, after all blocks were added: `toPolygons` of the whole. */
  result(): readonly (readonly Outline[])[] {
    return this.#slices.map((outlines) => outlines.sort((a, b) => a.label - b.label));
  }
}

const shifted = (ring: Ring, x: number, y: number): Ring => ring.map((at, i) => at + (i % 2 === 0 ? x : y));
