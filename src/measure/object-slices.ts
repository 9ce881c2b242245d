/** In which slices of a label map objects lie, counted block by block: as many outlines they have. */

import type { LabelBlock } from './label-block.ts';
import { eachRun } from './regions.ts';

/** Each object of a block with each slice that it lies in. Plain data, by which processes tell each other of their blocks. */
export interface BlockSlices {
  readonly labels: Float64Array;
  readonly slices: Int32Array;
}

export function slicesOfBlock(block: LabelBlock): BlockSlices {
  const last = new Int32Array(block.count + 1).fill(-1);
  const [labels, slices]: [number[], number[]] = [[], []];
  eachRun(block, (number, z) => {
    // In raster order: slice after slice.
    if (last[number] === z) return;
    last[number] = z;
    labels.push(block.values[number]);
    slices.push(z);
  });
  return { labels: Float64Array.from(labels), slices: Int32Array.from(slices) };
}

/** Memory: about 100 bytes for each object, and a bit for each slice. */
export class SlicesByBlocks {
  readonly #bytes: number;
  readonly #of = new Map<number, Uint8Array>();

  constructor(depth: number) {
    this.#bytes = Math.ceil(depth / 8);
  }

  take({ labels, slices }: BlockSlices): void {
    for (const [k, label] of labels.entries()) {
      const bits = this.#of.get(label) ?? new Uint8Array(this.#bytes);
      this.#of.set(label, bits);
      bits[slices[k] >> 3] |= 1 << (slices[k] & 7);
    }
  }

  /** Slices of all objects together. @param isCounted whether an object counts */
  count(isCounted: (label: number) => boolean): number {
    let count = 0;
    for (const [label, bits] of this.#of) {
      if (!isCounted(label)) continue;
      for (const byte of bits) for (let rest = byte; rest > 0; rest &= rest - 1) count++;
    }
    return count;
  }
}
