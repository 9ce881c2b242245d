/** Connected components of masks and of label maps, by raster scan and union-find. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { type Connectivity, connectivityOf, extentsOf, type IntegerArray } from './grid.ts';

export interface ConnectedComponentsOptions {
  /** 4 or 8 in 2D (default 4), 6 or 26 in 3D (default 6). */
  readonly connectivity?: Connectivity;
  /**
   * `mask` (default): neighbours that are both not zero belong together.
   * `value`: neighbours of the same value do; zero stays background.
   */
  readonly by?: 'mask' | 'value';
}

export interface Components {
  /** 0 = background, 1..count in the order in which a row-by-row scan first meets them. */
  readonly labels: NdArray<'int32'>;
  readonly count: number;
}

/** A row above or behind that holds neighbours already scanned. */
interface NeighbourRow {
  readonly dz: number;
  readonly dy: number;
  /** How far to look left and right in that row: 0 or 1. */
  readonly reach: number;
}

function scannedRows(connectivity: Connectivity): readonly NeighbourRow[] {
  const reach = connectivity === 8 || connectivity === 26 ? 1 : 0;
  const rows: NeighbourRow[] = [{ dz: 0, dy: -1, reach }];
  if (connectivity === 6) rows.push({ dz: -1, dy: 0, reach });
  if (connectivity === 26) for (const dy of [-1, 0, 1]) rows.push({ dz: -1, dy, reach });
  return rows;
}

/**
 * Labels the connected components of a 2D [h, w] or 3D [d, h, w] array.
 *
 * An empty array and an all-zero one have no component (`count` 0).
 * @throws UsageError when the connectivity does not fit the number of axes.
 * @example connectedComponents(ndarray('uint8', [2, 2], Uint8Array.of(1, 0, 0, 1))).count // 2
 */
export function connectedComponents(
  array: IntegerArray,
  { connectivity, by = 'mask' }: ConnectedComponentsOptions = {},
): Components {
  const { depth, height, width, size, rank } = extentsOf(array.shape);
  const chosen = connectivityOf(connectivity, rank);
  const data = array.data;
  const byValue = by === 'value';
  const labels = new Int32Array(size);
  let parent = new Int32Array(1024);
  let provisional = 0;

  const find = (label: number): number => {
    let root = label;
    while (parent[root] !== root) {
      // Path halving keeps the trees flat.
      parent[root] = parent[parent[root] as number] as number;
      root = parent[root] as number;
    }
    return root;
  };
  const unite = (a: number, b: number): number => {
    const rootA = find(a);
    const rootB = find(b);
    // The smaller label stays the root, so that roots come in scan order.
    if (rootA < rootB) {
      parent[rootB] = rootA;
      return rootA;
    }
    parent[rootA] = rootB;
    return rootB;
  };

  const rows = scannedRows(chosen);
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const near = rows.filter(({ dz, dy }) => z + dz >= 0 && y + dy >= 0 && y + dy < height);
      const offsets = Int32Array.from(near, ({ dz, dy }) => (dz * height + dy) * width);
      const reach = near[0]?.reach ?? 0;
      for (let x = 0; x < width; x++, i++) {
        const value = data[i] as number;
        if (value === 0) continue;
        let label = x > 0 && (byValue ? data[i - 1] === value : data[i - 1] !== 0) ? (labels[i - 1] as number) : 0;
        const first = x - reach < 0 ? 0 : -reach;
        const last = x + reach >= width ? 0 : reach;
        for (let k = 0; k < offsets.length; k++) {
          for (let dx = first; dx <= last; dx++) {
            const j = i + (offsets[k] as number) + dx;
            if (byValue ? data[j] !== value : data[j] === 0) continue;
            const other = labels[j] as number;
            if (label === 0) label = other;
            else if (label !== other) label = unite(label, other);
          }
        }
        if (label === 0) {
          label = ++provisional;
          if (label === parent.length) {
            const grown = new Int32Array(parent.length * 2);
            grown.set(parent);
            parent = grown;
          }
          parent[label] = label;
        }
        labels[i] = label;
      }
    }
  }

  let count = 0;
  const final = new Int32Array(provisional + 1);
  for (let label = 1; label <= provisional; label++) {
    const root = find(label);
    if (root === label) final[label] = ++count;
    else final[label] = final[root] as number;
  }
  for (let i = 0; i < size; i++) labels[i] = final[labels[i] as number] as number;
  return { labels: ndarray('int32', array.shape, labels), count };
}
