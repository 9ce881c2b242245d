/** Connected components of masks and label maps, by union-find over runs of pixels in rows. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { type Connectivity, connectivityOf, extentsOf, type IntegerArray } from './grid.ts';

export interface ConnectedComponentsOptions {
  /** 4 or 8 in 2D (default 4), 6 or 26 in 3D (default 6). */
  readonly connectivity?: Connectivity;
  /**
   * `mask` (default): connects neighbours that are both nonzero.
   * `value`: connects neighbours with the same value; zero is background.
   */
  readonly by?: 'mask' | 'value';
  /**
   * Memory for the labels, one element per pixel, with any content; it becomes `labels.data`. For processing many
   * arrays: allocating fresh memory can take as long as the labelling. Default: newly allocated.
   */
  readonly out?: Int32Array;
}

export interface Components {
  /** 0 = background, 1..count in row-by-row scan order of their first pixels. */
  readonly labels: NdArray<'int32'>;
  readonly count: number;
}

/** A previously scanned row, above or behind, whose runs may touch those of this row. */
interface EarlierRow {
  readonly dz: number;
  readonly dy: number;
}

function earlierRows(connectivity: Connectivity): readonly EarlierRow[] {
  const rows: EarlierRow[] = [{ dz: 0, dy: -1 }];
  if (connectivity === 6) rows.push({ dz: -1, dy: 0 });
  if (connectivity === 26) for (const dy of [-1, 0, 1]) rows.push({ dz: -1, dy });
  return rows;
}

/**
 * Labels the connected components of a 2D [h, w] or 3D [d, h, w] array.
 *
 * An empty array and an all-zero one have no component (`count` 0).
 * @throws UsageError if the connectivity does not match the number of axes, or `out` not the array.
 * @example connectedComponents(ndarray('uint8', [2, 2], Uint8Array.of(1, 0, 0, 1))).count // 2
 */
export function connectedComponents(
  array: IntegerArray,
  { connectivity, by = 'mask', out }: ConnectedComponentsOptions = {},
): Components {
  const { depth, height, width, size, rank } = extentsOf(array.shape);
  if (out !== undefined && out.length !== size) {
    throw new UsageError(`The memory for the labels has ${out.length} elements, the array ${size}.`, {
      remedy: 'Use an Int32Array with one element per pixel.',
    });
  }
  const chosen = connectivityOf(connectivity, rank);
  const rows = depth * height;
  const values = by === 'value' ? array.data : undefined;
  const { edges, firstRun } = runsOf(array.data, rows, width, values !== undefined);
  const runs = firstRun[rows];

  const parent = new Int32Array(runs);
  for (let run = 0; run < runs; run++) parent[run] = run;
  const reach = chosen === 8 || chosen === 26 ? 1 : 0;
  const earlier = earlierRows(chosen);
  for (let z = 0, row = 0; z < depth; z++) {
    for (let y = 0; y < height; y++, row++) {
      for (const { dz, dy } of earlier) {
        if (z + dz < 0 || y + dy < 0 || y + dy >= height) continue;
        const other = row + dz * height + dy;
        linkRows(row, other, width, reach, edges, firstRun, parent, values);
      }
    }
  }
  const labels = out ?? new Int32Array(size);
  const count = paint({ edges, firstRun }, width, parent, labels, out !== undefined);
  return { labels: ndarray('int32', array.shape, labels), count };
}

type Data = IntegerArray['data'];

interface Runs {
  /** Start and end (exclusive) of each run, in order, with spare room at the end. */
  readonly edges: Int32Array;
  /** Runs of row r: firstRun[r] .. firstRun[r + 1] - 1. */
  readonly firstRun: Int32Array;
}

/** Runs of nonzero pixels, or of pixels with the same nonzero value. */
function runsOf(data: Data, rows: number, width: number, byValue: boolean): Runs {
  const firstRun = new Int32Array(rows + 1);
  const words = byValue ? undefined : wordsOf(data, width);
  // Enough for most images, so that nothing is copied; unused pages are not committed.
  let edges = new Int32Array(2 * width + 1024 + (data.length >> 3));
  let k = 0;
  for (let row = 0; row < rows; row++) {
    firstRun[row] = k >> 1;
    if (k + 2 * width + 2 > edges.length) {
      const grown = new Int32Array(2 * edges.length);
      grown.set(edges);
      edges = grown;
    }
    const start = row * width;
    if (words !== undefined) k = runsOfBytes(words, start, start + width, edges, k);
    else if (byValue) k = runsOfValues(data, start, start + width, edges, k);
    else k = runsOfPixels(data, start, start + width, edges, k);
  }
  firstRun[rows] = k >> 1;
  return { edges, firstRun };
}

/** A mask of bytes, four at a time, if its rows are word-aligned. */
export function wordsOf(data: Data, width: number): Int32Array | undefined {
  if (!(data instanceof Uint8Array) || width % 4 !== 0 || data.byteOffset % 4 !== 0) return undefined;
  return new Int32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** Branch-free, because noise makes branches unpredictable: every edge is written, and counted only if it is one. */
function runsOfPixels(data: Data, start: number, end: number, edges: Int32Array, first: number): number {
  let k = first;
  let before = 0;
  for (let i = start; i < end; i++) {
    const value = data[i];
    const now = (value | -value) >>> 31;
    edges[k] = i;
    k += now ^ before;
    before = now;
  }
  edges[k] = end;
  return k + before;
}

/**
 * The same for bytes, 32 pixels at a time: with the pixels as bits, the first the lowest, an edge is where a bit
 * differs from that of the pixel before. Three edges are extracted without checking that they exist. Pixel by pixel,
 * branch mispredictions took half the time of a ragged mask.
 */
function runsOfBytes(words: Int32Array, start: number, end: number, edges: Int32Array, first: number): number {
  let k = first;
  let before = 0;
  for (let i = start; i < end; i += 32) {
    const next = Math.min(i + 32, end);
    let inside = 0;
    for (let w = i >> 2; w < next >> 2; w++) {
      const word = words[w];
      // The top bit of every nonzero byte; the product gathers the four, the first byte's lowest.
      const tops = (((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word) & 0x80808080;
      inside = (inside >>> 4) | (Math.imul(tops >>> 7, 0x10204080) & 0xf0000000);
    }
    // A short group ends with pixels outside, so it also contains the edge at the end of the row.
    inside >>>= 32 - (next - i);
    let edge = inside ^ ((inside << 1) | before);
    before = inside >>> 31;
    if (edge === 0) continue;
    // The lowest bit, which exists, and two more that are counted only if they exist.
    const lowest = i + 31;
    edges[k++] = lowest - Math.clz32(edge & -edge);
    edge &= edge - 1;
    edges[k] = lowest - Math.clz32(edge & -edge);
    k += (edge | -edge) >>> 31;
    edge &= edge - 1;
    edges[k] = lowest - Math.clz32(edge & -edge);
    k += (edge | -edge) >>> 31;
    edge &= edge - 1;
    for (; edge !== 0; edge &= edge - 1) edges[k++] = lowest - Math.clz32(edge & -edge);
  }
  edges[k] = end;
  return k + before;
}

function runsOfValues(data: Data, start: number, end: number, edges: Int32Array, first: number): number {
  let k = first;
  let i = start;
  while (i < end) {
    const value = data[i];
    if (value === 0) {
      i++;
      continue;
    }
    edges[k++] = i++;
    while (i < end && data[i] === value) i++;
    edges[k++] = i;
  }
  return k;
}

/**
 * Unites the runs of a row with the runs of an earlier row that they touch.
 * @param values if given, only runs of the same value are united
 */
function linkRows(
  row: number,
  earlier: number,
  width: number,
  reach: number,
  edges: Int32Array,
  firstRun: Int32Array,
  parent: Int32Array,
  values: Data | undefined,
): void {
  const shift = (row - earlier) * width;
  const last = firstRun[row + 1];
  const lastEarlier = firstRun[earlier + 1];
  let run = firstRun[row];
  let other = firstRun[earlier];
  while (run < last && other < lastEarlier) {
    const start = edges[2 * run];
    const end = edges[2 * run + 1];
    const otherStart = edges[2 * other];
    const otherEnd = edges[2 * other + 1] + shift;
    if (start < otherEnd + reach && otherStart + shift < end + reach) {
      if (values === undefined || values[start] === values[otherStart]) unite(parent, run, other);
    }
    if (values !== undefined && reach > 0 && otherEnd === end && run + 1 < last) {
      // Runs of different values may be adjacent, so the next one may touch this one's neighbour at a corner.
      const next = edges[2 * run + 2];
      if (next === end && values[next] === values[otherStart]) unite(parent, run + 1, other);
    }
    if (otherEnd <= end) other++;
    else run++;
  }
}

/** The earlier root stays the root: labels are then in scan order, and parents precede children. */
function unite(parent: Int32Array, a: number, b: number): void {
  let rootA = a;
  let rootB = b;
  while (parent[rootA] !== rootA) {
    // Path halving keeps the trees flat.
    parent[rootA] = parent[parent[rootA]];
    rootA = parent[rootA];
  }
  while (parent[rootB] !== rootB) {
    parent[rootB] = parent[parent[rootB]];
    rootB = parent[rootB];
  }
  if (rootA < rootB) parent[rootB] = rootA;
  else parent[rootA] = rootB;
}

/** Number of elements cleared and painted together, so that they stay in the L1 cache in between. */
const PAINTED_TOGETHER = 8192;

/**
 * Replaces parents by labels, in place, and writes them to the runs; returns their number.
 * @param clear whether to set labels to 0 outside the runs
 */
function paint(
  { edges, firstRun }: Runs,
  width: number,
  parent: Int32Array,
  labels: Int32Array,
  clear: boolean,
): number {
  const rows = firstRun.length - 1;
  const together = Math.ceil(PAINTED_TOGETHER / Math.max(1, width));
  let count = 0;
  for (let row = 0; row < rows; row += together) {
    const next = Math.min(row + together, rows);
    if (clear) labels.fill(0, row * width, next * width);
    for (let run = firstRun[row]; run < firstRun[next]; run++) {
      // Parents precede their children, so theirs are labels already.
      const above = parent[run];
      const label = above === run ? ++count : parent[above];
      parent[run] = label;
      const start = edges[2 * run];
      const last = edges[2 * run + 1] - 1;
      // Most runs of noise are at most two pixels long and need no loop.
      labels[start] = label;
      labels[last] = label;
      for (let i = start + 1; i < last; i++) labels[i] = label;
    }
  }
  return count;
}
