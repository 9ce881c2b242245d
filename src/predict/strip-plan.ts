/** How an image is cut into strips, where that takes less time than tiles. */
import {
  type AxisPlan,
  type AxisTile,
  defaultBorder,
  isExact,
  planAxis,
  smallestTile,
  type TilingRule,
  validSide,
} from './tile-plan.ts';

/** What is known of a network that can be evaluated by strips (`graph/strips.ts`). */
export interface StripRule {
  /** Rows by which its output stays behind its input: so many are the fewest that it can begin with. */
  readonly delay: number;
  /** Rows of its output that are held back for that. */
  readonly held: number;
  /** As `StripNetwork.changedBy`. */
  readonly changed: number;
  /** Pixels of tiles in whose time its programs are compiled. */
  readonly prepared: number;
}

/** The rows of an image in strips, in pixels of the frame (`tile-plan.ts`). */
export interface StripPlan {
  /** Rows that each strip adds and gives. */
  readonly rows: number;
  /** Rows of the first. */
  readonly first: number;
  /** Rows of the frame. */
  readonly frame: number;
  /** Rows of the frame before the image. */
  readonly lead: number;
  /** Rows of the network's output before the image. */
  readonly border: number;
}

export interface PagePlan {
  readonly y: AxisPlan;
  readonly x: AxisPlan;
  /** Undefined for tiles. */
  readonly strips?: StripPlan;
}

interface StripOptions {
  readonly rules: { readonly y: TilingRule; readonly x: TilingRule };
  /** Pixels of a strip, at most. */
  readonly pixels: number;
  readonly border?: number;
  readonly block?: readonly [y: number, x: number];
}

/** Strips are no higher: more gain nothing. */
const MOST_ROWS = 192;
const LEAST_ROWS = 64;
const MOST_COLUMNS = 64;
/** For each a U-Net of 32 channels carries 23 kB along. */
const MOST_TOGETHER = 10_000;
/** Pixels of a strip for those of a tile in the same memory, of which what is carried takes some. Measured: 2.2 kB for each, 1.3 of a tile. */
const SHARE = 1 / 2;
/** Rows that Winograd's products make at once (`lowering/conv/winograd-rows.ts`). */
export const AT_ONCE = 6;

/**
 * Time of a strip over that of a tile of as many pixels, by its rows. Measured, a U-Net of 32 channels, 2048 columns: 1.20
 * for 96 rows, 1.16 for 192; 5 % more for 144, of which the coarsest level has 9.
 */
const timeOf = (rows: number, multiple: number): number =>
  (1.11 + 8 / rows) * (rows % (AT_ONCE * multiple) === 0 ? 1 : 1.05);

/** The cheapest strips of an image; undefined if tiles cost less. @param tiles what they cost, in pixels computed */
export function planStrips(
  height: number,
  width: number,
  rule: StripRule,
  { rules: { y, x }, pixels, border, block }: StripOptions,
  tiles: number,
): Required<PagePlan> | undefined {
  if (!isExact(y) || !isExact(x) || y.spare !== undefined || x.spare !== undefined) return undefined;
  const [before, across] = [border ?? defaultBorder(y), border ?? defaultBorder(x)];
  const lead = y.margin + before;
  const { multiple } = y;
  if (before % multiple !== 0) return undefined;
  const frame = validSide(height + 2 * lead, y);
  const cut = Math.max(x.halo, x.margin);
  let best: { readonly cost: number; readonly plan: Required<PagePlan> } | undefined;
  for (let count = 1; count <= MOST_COLUMNS; count++) {
    const side = validSide(Math.ceil((width + 2 * (x.margin + across) + 2 * (count - 1) * cut) / count), x);
    if (side < smallestTile(x)) break;
    const columns = planAxis(width, x, { tile: side, border, block: block?.[1] });
    if (together(columns, block?.[1]) > MOST_TOGETHER) continue;
    for (const rows of heights((SHARE * pixels) / columns.side, multiple, block?.[0])) {
      const first = firstRows(rule, before, rows);
      const cost = columns.tiles.length * columns.side * frame * timeOf(rows, multiple);
      if (frame < first + 2 * rows || cost >= Math.min(tiles - rule.prepared, best?.cost ?? tiles)) continue;
      const strips = { rows, first, frame, lead, border: before };
      best = { cost, plan: { y: { side: rows, tiles: stripsOf(height, strips) }, x: columns, strips } };
    }
  }
  return best?.plan;
}

/** Pixels across that are carried along at once: those of a block, whose columns go down together. */
function together({ side, tiles }: AxisPlan, block: number | undefined): number {
  if (block === undefined) return side;
  return side * tiles.filter(({ from }) => from < block).length;
}

/** Rows that a strip may have: whole numbers of the network's stride that divide a block. */
function heights(most: number, multiple: number, block: number | undefined): readonly number[] {
  const count = Math.floor(Math.min(most, MOST_ROWS) / multiple);
  return Array.from({ length: Math.max(0, count) }, (_, i) => (i + 1) * multiple).filter(
    (rows) => rows >= LEAST_ROWS && (block === undefined || block % rows === 0),
  );
}

/** So many that every strip ends where one of the image does. */
function firstRows({ delay }: StripRule, border: number, rows: number): number {
  const first = (border + delay) % rows;
  return first + rows * Math.max(0, Math.ceil((delay - first) / rows));
}

const stripsOf = (height: number, { rows, lead }: StripPlan): readonly AxisTile[] =>
  Array.from({ length: Math.ceil(height / rows) }, (_, i) => ({
    origin: i * rows - lead,
    from: i * rows,
    to: Math.min(height, (i + 1) * rows),
  }));
