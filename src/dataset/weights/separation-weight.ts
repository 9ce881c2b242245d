/** The pixel weights of the U-Net paper (Ronneberger, Fischer, Brox 2015, equation 2). */

export interface SeparationOptions {
  /** Strength of the border term. Default 10, as in the paper. */
  readonly w0?: number;
  /** Its range, in pixels. Default 5. */
  readonly sigmaPx?: number;
}

const NONE = 0x7fffffff;

/** How far from a pixel what lies there may change its border term. */
export const separationReachPx = ({ sigmaPx = 5 }: SeparationOptions): number => Math.ceil(4 * sigmaPx);

/**
 * The border term w0 exp(-(d1 + d2)^2 / (2 sigma^2)) of every pixel [height, width], where d1 and d2 are the Euclidean
 * distances between pixel centres to the nearest object and to the second nearest. It is 0 on objects (the paper
 * weights the background between cells) and if there are fewer than two objects.
 *
 * Exact up to a term of w0 exp(-8): pairs with d1 + d2 > 4 sigma are ignored, so only a disc of 4 sigma around each
 * border pixel is examined, in two passes: distances along columns for each object there, then along rows.
 *
 * @param instances int32 [height, width], 0 background, every other value an object
 */
export function separationTerm(
  instances: Int32Array,
  [height, width]: readonly [number, number],
  { w0 = 10, sigmaPx = 5 }: SeparationOptions = {},
): Float32Array {
  const out = new Float32Array(height * width);
  const reach = separationReachPx({ sigmaPx });
  if (!(w0 > 0) || !(sigmaPx > 0)) return out;

  // Distinct objects directly above and below each pixel within range, nearest first, at most SLOTS.
  const { objects, squares } = nearestInColumns(instances, height, width, reach);
  const limit = 4 * sigmaPx;
  const scale = -1 / (2 * sigmaPx * sigmaPx);
  const neighbours = new RowNeighbours(width);
  for (let y = 0; y < height; y++) {
    neighbours.look(objects, squares, y * width);
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      if (instances[p] !== 0 || !neighbours.hasTwo(Math.max(0, x - reach), Math.min(width - 1, x + reach))) continue;
      let first = NONE;
      let second = NONE;
      let owner = 0;
      for (let dx = 0; dx <= reach; dx++) {
        const across = dx * dx;
        if (across >= second) break;
        for (let side = dx === 0 ? 1 : -1; side <= 1; side += 2) {
          const column = x + side * dx;
          if (column < 0 || column >= width) continue;
          const q = SLOTS * (y * width + column);
          for (let slot = 0; slot < SLOTS; slot++) {
            const square = squares[q + slot];
            if (square === NONE) break;
            const total = square + across;
            if (total >= second) break;
            const object = objects[q + slot];
            if (object === owner) {
              if (total < first) first = total;
            } else if (total < first) {
              second = first;
              first = total;
              owner = object;
            } else second = total;
          }
        }
      }
      if (second === NONE) continue;
      const sum = Math.sqrt(first) + Math.sqrt(second);
      if (sum <= limit) out[p] = w0 * Math.exp(sum * sum * scale);
    }
  }
  return out;
}

/**
 * Separates touching objects, as the paper does before weighting the gap: a pixel whose right or lower neighbour
 * belongs to another object becomes background, so no two objects remain 4-connected.
 * @param instances int32 [height, width], 0 background; not changed
 */
export function separateTouching(instances: Int32Array, [height, width]: readonly [number, number]): Int32Array {
  const out = instances.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      const own = instances[p];
      const right = x + 1 < width ? instances[p + 1] : 0;
      const below = y + 1 < height ? instances[p + width] : 0;
      if (own !== 0 && ((right !== 0 && right !== own) || (below !== 0 && below !== own))) out[p] = 0;
    }
  }
  return out;
}

/**
 * Two objects per column are enough: among the objects in one column seen from p, the nearest two bound what this
 * column contributes as nearest and second nearest of different objects.
 */
const SLOTS = 2;

/**
 * Determines in constant time whether a run of one row sees two different objects at all; most of an image does not.
 */
class RowNeighbours {
  private readonly next: Int32Array;
  private readonly changes: Int32Array;
  private readonly doubles: Int32Array;

  private readonly width: number;

  constructor(width: number) {
    this.width = width;
    this.next = new Int32Array(width + 1);
    this.changes = new Int32Array(width + 1);
    this.doubles = new Int32Array(width + 1);
  }

  look(objects: Int32Array, squares: Int32Array, row: number): void {
    const { width, next, changes, doubles } = this;
    let held = 0;
    for (let x = 0; x < width; x++) {
      const q = SLOTS * (row + x);
      const object = squares[q] === NONE ? 0 : objects[q];
      changes[x + 1] = changes[x] + (object !== 0 && held !== 0 && object !== held ? 1 : 0);
      doubles[x + 1] = doubles[x] + (squares[q + 1] === NONE ? 0 : 1);
      if (object !== 0) held = object;
    }
    next[width] = width;
    for (let x = width - 1; x >= 0; x--) next[x] = squares[SLOTS * (row + x)] === NONE ? next[x + 1] : x;
  }

  /** Columns `left` to `right`, both inclusive. */
  hasTwo(left: number, right: number): boolean {
    const { next, changes, doubles } = this;
    if (doubles[right + 1] > doubles[left]) return true;
    const first = next[left];
    return first <= right && changes[right + 1] > changes[first + 1];
  }
}

function nearestInColumns(instances: Int32Array, height: number, width: number, reach: number) {
  const objects = new Int32Array(SLOTS * height * width);
  const squares = new Int32Array(SLOTS * height * width).fill(NONE);
  // Per column, the last two distinct objects met and their rows, downwards then upwards.
  const lastObject = new Int32Array(width);
  const lastRow = new Int32Array(width);
  const beforeObject = new Int32Array(width);
  const beforeRow = new Int32Array(width);
  for (const direction of [1, -1]) {
    lastObject.fill(0);
    beforeObject.fill(0);
    for (let step = 0; step < height; step++) {
      const y = direction === 1 ? step : height - 1 - step;
      for (let x = 0; x < width; x++) {
        const p = y * width + x;
        const object = instances[p];
        if (object !== 0) {
          if (object !== lastObject[x]) {
            beforeObject[x] = lastObject[x];
            beforeRow[x] = lastRow[x];
            lastObject[x] = object;
          }
          lastRow[x] = y;
        }
        if (lastObject[x] !== 0) insert(objects, squares, SLOTS * p, lastObject[x], y - lastRow[x], reach);
        if (beforeObject[x] !== 0) insert(objects, squares, SLOTS * p, beforeObject[x], y - beforeRow[x], reach);
      }
    }
  }
  return { objects, squares };
}

function insert(
  objects: Int32Array,
  squares: Int32Array,
  at: number,
  object: number,
  distance: number,
  reach: number,
): void {
  if (distance > reach || -distance > reach) return;
  const square = distance * distance;
  if (objects[at] === object) {
    if (square < squares[at]) squares[at] = square;
  } else if (square < squares[at]) {
    if (objects[at] !== 0) {
      objects[at + 1] = objects[at];
      squares[at + 1] = squares[at];
    }
    objects[at] = object;
    squares[at] = square;
  } else if (square < squares[at + 1]) {
    objects[at + 1] = object;
    squares[at + 1] = square;
  }
}

export interface ClassWeightOptions {
  /**
   * 0: every class has weight 1. 1: every class has the same total weight. Default 0.5, the square root between the
   * two.
   */
  readonly balance?: number;
}

/**
 * The weight w_c of each class from its fraction of the pixels: fraction^-balance, scaled so that the mean over all
 * pixels is 1; a class that does not occur gets 1.
 * @param shares fraction of each class, excluding ignored pixels
 */
export function classWeights(shares: readonly number[], { balance = 0.5 }: ClassWeightOptions = {}): readonly number[] {
  const raw = shares.map((share) => (share > 0 ? share ** -balance : 0));
  let total = 0;
  let sum = 0;
  shares.forEach((share, i) => {
    total += share * raw[i];
    sum += share;
  });
  return raw.map((weight) => (weight === 0 || total === 0 ? 1 : (weight * sum) / total));
}
