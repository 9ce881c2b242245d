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

/** The runs of an edit, which are found when they are needed, or before the chunk is written again. */
export class ChunkEdit implements ChunkRuns {
  readonly key: number;
  #source: { readonly before: ChunkBefore; readonly chunk: Chunk } | undefined;
  #runs: Uint8Array | undefined;

  /** @param chunk as it is after the edit, and stays until `runs` was asked for */
  constructor(key: number, before: ChunkBefore, chunk: Chunk) {
    this.key = key;
    this.#source = { before, chunk };
  }

  get runs(): Uint8Array {
    if (this.#source !== undefined) this.#runs = runsBetween(this.#source.before, this.#source.chunk);
    this.#source = undefined;
    return this.#runs as Uint8Array;
  }

  /** Memory that it takes. */
  get bytes(): number {
    if (this.#runs !== undefined) return this.#runs.length;
    return this.#source?.before.bands.reduce((sum, labels) => sum + (labels?.byteLength ?? 0), 0) ?? 0;
  }
}

function runsBetween({ bands }: ChunkBefore, { data }: Chunk): Uint8Array {
  const runs = new ByteWriter();
  /** The pixel after the last run. */
  let written = 0;
  for (const [band, old] of bands.entries()) {
    if (old === undefined) continue;
    const first = band * BAND_PIXELS;
    const now = data.subarray(first, first + BAND_PIXELS);
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
