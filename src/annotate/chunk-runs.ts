/** What an edit changed in a chunk, as runs of pixels. */

import { ByteReader, ByteWriter } from './byte-stream.ts';
import { BAND_PIXELS, type Chunk, type ChunkBefore } from './chunk.ts';

/** Changed pixels of a chunk. */
export interface ChunkRuns {
  /** Of the chunk in its layer. */
  readonly key: number;
  /** Pixels to skip, pixels, label before, label after, of each run, as `ByteWriter` writes numbers. */
  readonly runs: Uint8Array;
}

/** First pixel of a chunk and the one after the last, label before and after. */
export type ChunkRun = readonly [from: number, to: number, before: number, after: number];

/** What a chunk is after an edit (`after`), or was before it. */
export type Side = 'before' | 'after';

/**
 * An edit of a chunk. Until the chunk is written again, the edit is taken back and made once more by exchanging labels;
 * its runs are found when they are needed, or before that is over.
 */
export class ChunkEdit implements ChunkRuns {
  readonly key: number;
  readonly #chunk: Chunk;
  /** Whether the edit made the chunk. Then it is taken back by leaving the chunk out, which stays as it is. */
  readonly #isNew: boolean;
  /** The other side of the one that the chunk is on. */
  #kept: ChunkBefore | undefined;
  #side: Side = 'after';
  #runs: Uint8Array | undefined;

  /** @param chunk as it is after the edit */
  constructor(key: number, before: ChunkBefore, chunk: Chunk) {
    this.key = key;
    this.#kept = before;
    this.#chunk = chunk;
    this.#isNew = before.extents === undefined;
  }

  get runs(): Uint8Array {
    if (this.#runs === undefined && this.#kept !== undefined) {
      this.#runs = runsBetween(this.#kept, this.#chunk, this.#isNew ? 'after' : this.#side);
    }
    return this.#runs as Uint8Array;
  }

  /** Forgets what the chunk was on the other side. Call it before the chunk is written. */
  release(): void {
    this.runs;
    this.#kept = undefined;
  }

  /**
   * Brings the chunk onto a side.
   * @returns the chunk, if there is one on that side, and its bands that changed; undefined if only the runs are left
   */
  exchange(side: Side): { readonly chunk: Chunk | undefined; readonly bands: ChunkBefore['bands'] } | undefined {
    if (this.#kept === undefined || side === this.#side) return undefined;
    this.#side = side;
    const { bands } = this.#kept;
    if (this.#isNew) return { chunk: side === 'after' ? this.#chunk : undefined, bands };
    this.#chunk.exchange(this.#kept);
    return { chunk: this.#chunk, bands };
  }

  /** Memory that it takes. */
  get bytes(): number {
    const kept = this.#kept?.bands.reduce((sum, labels) => sum + (labels?.byteLength ?? 0), 0) ?? 0;
    return kept + (this.#runs?.length ?? 0);
  }
}

function runsBetween({ bands }: ChunkBefore, { data }: Chunk, side: Side): Uint8Array {
  const runs = new ByteWriter();
  /** The pixel after the last run. */
  let written = 0;
  for (const [band, kept] of bands.entries()) {
    if (kept === undefined) continue;
    const first = band * BAND_PIXELS;
    const own = data.subarray(first, first + BAND_PIXELS);
    const [old, now] = side === 'after' ? [kept, own] : [own, kept];
    const end = now.length;
    for (let p = 0; p < end; ) {
      const from = p;
      const before = old[p];
      const after = now[p];
      do p++;
      while (p < end && old[p] === before && now[p] === after);
      if (before === after) continue;
      for (const number of [first + from - written, p - from, before, after]) runs.number(number);
      written = first + p;
    }
  }
  return runs.take();
}

/** The runs from their bytes. */
export function* readRuns(runs: Uint8Array): Generator<ChunkRun> {
  const reader = new ByteReader(runs);
  for (let from = 0; reader.hasMore; ) {
    from += reader.number();
    const to = from + reader.number();
    yield [from, to, reader.number(), reader.number()];
    from = to;
  }
}
