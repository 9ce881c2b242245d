/**
 * How an image is cut into tiles.
 *
 * Prediction is defined on a *frame*: the image mirrored outwards by `lead` pixels before its start and by at least as
 * many after its end, up to a size that the network supports. The network's output for the frame in one piece is the
 * prediction; tiles are windows of the frame that reproduce it. So the result does not depend on the tile size: a tile
 * starts a multiple of the stride from the frame's start, and outputs only pixels that are at least a receptive field
 * away from any edge where it was cut. Where it ends with the frame it ends as the whole does, including zero padding.
 *
 * If there is no such distance (normalisation over the whole tile, unknown ops), tiles overlap and are blended.
 */

import { ModelError, UsageError } from '../errors.ts';

/** The sides that a network supports and returns, along both axes. */
export interface TilingRule {
  /** Valid sides are `offset` modulo `multiple`. */
  readonly multiple: number;
  readonly offset: number;
  /** Smallest valid side. */
  readonly minimum: number;
  /** Radius of the receptive field: input pixels to each side that an output pixel depends on. */
  readonly halo: number;
  /** Pixels that the output lacks on each side: 92 for the U-Net of 2015, 0 for padded convolutions. */
  readonly margin: number;
  /** Pixels of the output before and after those, where more is lost on one side: they are not used. */
  readonly spare?: readonly [before: number, after: number];
  /** Pixels of an output, at each edge where the image was cut, that are not used: what a package says as its halo. */
  readonly unused?: number;
  /** Whether `halo` strictly bounds the receptive field. */
  readonly exact: boolean;
  /** The only side that a model of fixed size supports. */
  readonly fixed?: number;
}

/** Of the pixels that an output lacks at both ends; negative where it has more than the input. */
export function marginOf(before: number, after: number): Pick<TilingRule, 'margin' | 'spare'> {
  const margin = Math.max(0, before, after);
  const spare = [margin - before, margin - after] as const;
  return before === margin && after === margin ? { margin } : { margin, spare };
}

/** One tile along one axis, in image pixels; `origin` and the window's end may lie outside the image. */
export interface AxisTile {
  /** Start of the input window, which is `side` pixels long. */
  readonly origin: number;
  /** The pixels that the tile outputs: from..to-1. */
  readonly from: number;
  readonly to: number;
  /** Weight of this tile at each of these pixels; over all tiles they sum to 1. Undefined: 1. */
  readonly weights?: Float32Array;
}

export interface AxisPlan {
  /** Side of every input window. */
  readonly side: number;
  readonly tiles: readonly AxisTile[];
}

export interface AxisOptions {
  /** Largest side of a tile. Default 640. */
  readonly tile?: number;
  /** Pixels mirrored around the image in addition to the margin. Default: see `defaultBorder`. */
  readonly border?: number;
  /**
   * Pixels from one block to the next, the first at 0: every tile gives pixels of one block only, so that blocks can be
   * predicted one after the other. Default: no blocks. Not for tiles that are blended, nor for models of fixed size.
   */
  readonly block?: number;
}

/** Default largest side of a tile: a few hundred MB of activations for a typical U-Net. */
export const DEFAULT_TILE = 640;

/** If the receptive field is unknown, tiles overlap by this fraction of their side. */
const BLEND_SHARE = 0.25;

/**
 * Mirrored context around the image: only the margin for an unpadded network; up to 32 pixels for a padded one, so that
 * zero padding lies outside the image. More takes longer and adds little, because the weight of the receptive field is
 * concentrated at its centre. It is a whole number of strides, so that pooling starts where it does for the image
 * without a frame: away from the border the network gives what any other program gets of it. A network that is not exact
 * has none: statistics of the whole image, as of instance normalisation, would be those of the image and its frame.
 */
export function defaultBorder(rule: TilingRule): number {
  const hasFrame = rule.exact && rule.margin === 0 && rule.fixed === undefined;
  return hasFrame ? roundUp(Math.min(rule.halo, 32), rule.multiple) : 0;
}

/** The smallest valid side of at least `length` pixels. */
export function validSide(length: number, { multiple, offset, minimum }: TilingRule): number {
  const atLeast = Math.max(length, minimum);
  return atLeast + mod(offset - atLeast, multiple);
}

/** Pixels of a tile at each edge where the image was cut that give nothing. */
const lostAtCut = ({ exact, halo, margin, unused = 0 }: TilingRule): number =>
  exact ? Math.max(halo, margin) : margin + unused;

/** The smallest side with which tiles can be assembled: without seams if the rule is exact. */
export function smallestTile(rule: TilingRule): number {
  const lost = lostAtCut(rule);
  return validSide(2 * lost + (rule.exact ? 1 : 4) * rule.multiple, rule);
}

/**
 * The tiles along one axis of `length` pixels. Every pixel 0..length-1 is output by exactly one tile, or with weights
 * that sum to 1.
 * @throws UsageError if the tile is too small for the network, naming the smallest valid side; ModelError if a model of
 * fixed size loses its whole input to the margin.
 */
export function planAxis(length: number, rule: TilingRule, options: AxisOptions = {}): AxisPlan {
  const { tile = DEFAULT_TILE, border = defaultBorder(rule), block } = options;
  const { multiple, margin, fixed } = rule;
  const blended = !rule.exact;
  const lead = margin + border;
  if (block !== undefined && (length > block || validSide(length + 2 * lead, rule) > tile)) {
    return planBlocks(length, block, rule, options);
  }
  if (fixed !== undefined && fixed <= 2 * margin) {
    throw new ModelError(`The model takes ${fixed} pixels and loses ${margin} on each side, so nothing is left.`);
  }
  // A fixed-size model takes windows at any position: its frame need not be a valid size, only cover the image.
  const frame =
    fixed === undefined
      ? validSide(length + 2 * lead, rule)
      : fixed + roundUp(Math.max(0, length + 2 * lead - fixed), multiple);
  const cut = lostAtCut(rule);
  const overlap = (side: number): number => (blended ? Math.ceil(BLEND_SHARE * (side - 2 * cut)) : 0);
  const stepOf = (side: number): number =>
    Math.max(blended && multiple === 1 ? 1 : 0, Math.floor((side - 2 * cut - overlap(side)) / multiple) * multiple);

  let side = fixed ?? frame;
  let count = 1;
  if (side < frame || frame > tile) {
    if (fixed === undefined) side = Math.min(frame, largestSide(tile, rule, options.tile !== undefined));
    if (side < frame) {
      const step = stepOf(side);
      if (step < multiple) {
        // A fixed-size model whose receptive field exceeds its input is blended; one whose strides do, at any place.
        return planAxis(length, { ...rule, exact: false, multiple: blended ? 1 : multiple }, options);
      }
      count = Math.ceil((frame - side) / step) + 1;
      // The same number of tiles, but no larger than necessary.
      while (
        fixed === undefined &&
        side - multiple >= smallestTile(rule) &&
        (count - 1) * stepOf(side - multiple) + side - multiple >= frame
      ) {
        side -= multiple;
      }
    }
  }
  const units = (frame - side) / multiple;
  const origins = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.floor((i * units) / (count - 1)) * multiple,
  );
  return {
    side,
    tiles: blended ? blend(origins, side, lead, length, { margin, cut }) : abut(origins, side, lead, length, cut),
  };
}

/**
 * The tiles that give the pixels from..to-1 of an axis as `planAxis` gives them for the whole of it: windows of the same
 * frame, with what those pixels depend on. Their side depends on how many pixels are asked for, not on where, except
 * that it never exceeds the frame: one compiled shape serves every place. Undefined where no window is exact.
 */
export function planRegion(
  length: number,
  { from, to }: { readonly from: number; readonly to: number },
  rule: TilingRule,
  options: AxisOptions = {},
): AxisPlan | undefined {
  if (!isExact(rule)) return undefined;
  const { most } = windowsOf(length, rule, options);
  const count = Math.ceil((to - from) / most);
  const each = Math.ceil((to - from) / count);
  return windows([{ from, to }], { each, lost: rule.multiple - 1 }, length, rule, options);
}

/** Whether windows of any place and size give what the whole image gives. */
export const isExact = ({ exact, fixed }: TilingRule): boolean => exact && fixed === undefined;

function planBlocks(length: number, block: number, rule: TilingRule, options: AxisOptions): AxisPlan {
  if (!isExact(rule))
    throw new UsageError('Blocks need a network whose tiles are exact.', { remedy: 'Use no blocks.' });
  const { multiple } = rule;
  const { most, lead, cut } = windowsOf(length, rule, options);
  // Where tiles begin at whole strides, all their windows lose the same.
  const lost = block % multiple === 0 ? mod(lead - cut, multiple) : multiple - 1;
  const count = Math.ceil(block / (most + multiple - 1 - lost));
  const each = Math.min(block, roundUp(Math.ceil(block / count), multiple));
  const blocks = Array.from({ length: Math.ceil(length / block) }, (_, i) => ({
    from: i * block,
    to: Math.min(length, (i + 1) * block),
  }));
  return windows(blocks, { each, lost }, length, rule, options);
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Where windows of the frame can begin, and how many pixels the largest gives wherever it begins. */
function windowsOf(length: number, rule: TilingRule, options: AxisOptions) {
  const { tile = DEFAULT_TILE, border = defaultBorder(rule) } = options;
  const { multiple, margin } = rule;
  const lead = margin + border;
  const cut = lostAtCut(rule);
  // A window begins a whole number of strides from the frame's start, so up to a stride less is left.
  const most = Math.max(1, largestSide(tile, rule, options.tile !== undefined) - 2 * cut - (multiple - 1));
  return { lead, cut, most, frame: validSide(length + 2 * lead, rule) };
}

/**
 * Windows of one side that give `each` pixels of these stretches after the others.
 * @param size lost: pixels that a window may begin before it has to, at most
 */
function windows(
  stretches: readonly Stretch[],
  { each, lost }: { readonly each: number; readonly lost: number },
  length: number,
  rule: TilingRule,
  options: AxisOptions,
): AxisPlan {
  const { lead, cut, frame } = windowsOf(length, rule, options);
  const { multiple } = rule;
  const side = Math.min(frame, validSide(each + 2 * cut + lost, rule));
  const tiles = stretches.flatMap(({ from, to }) =>
    Array.from({ length: Math.ceil((to - from) / each) }, (_, i): AxisTile => {
      const at = from + i * each;
      const wanted = Math.floor((at + lead - cut) / multiple) * multiple;
      const origin = Math.max(0, Math.min(wanted, frame - side));
      return { origin: origin - lead, from: at, to: Math.min(to, at + each) };
    }),
  );
  return { side, tiles };
}

/** The largest valid side up to `tile`. */
function largestSide(tile: number, rule: TilingRule, asked: boolean): number {
  const least = smallestTile(rule);
  if (tile < least) {
    if (!asked) return least;
    throw new UsageError(`A tile of ${tile} pixels is too small for this network.`, {
      remedy: `Use ${least} or more.`,
    });
  }
  return tile - mod(tile - rule.offset, rule.multiple);
}

/** Tiles that abut in the middle of their overlap. */
function abut(origins: readonly number[], side: number, lead: number, length: number, cut: number): AxisTile[] {
  const tiles: AxisTile[] = [];
  let from = 0;
  for (const [i, origin] of origins.entries()) {
    const next = origins[i + 1];
    const to =
      next === undefined
        ? length
        : Math.min(length, Math.max(0, Math.floor((next + cut + origin + side - cut) / 2) - lead));
    if (to > from) tiles.push({ origin: origin - lead, from, to });
    from = Math.max(from, to);
  }
  return tiles;
}

/** Tiles whose weights fall linearly to their cut edges over the overlap, normalised. */
function blend(
  origins: readonly number[],
  side: number,
  lead: number,
  length: number,
  { margin, cut }: { readonly margin: number; readonly cut: number },
): AxisTile[] {
  const sum = new Float64Array(length);
  const shaped = origins.map((origin, i) => {
    const isLast = i === origins.length - 1;
    const first = origin + (i === 0 ? margin : cut);
    const end = origin + side - (isLast ? margin : cut);
    const before = i === 0 ? 0 : origins[i - 1] + side - cut - first;
    const after = isLast ? 0 : end - (origins[i + 1] + cut);
    const from = Math.min(length, Math.max(0, first - lead));
    const to = Math.max(from, Math.min(length, end - lead));
    const weights = new Float32Array(to - from);
    for (let x = from; x < to; x++) {
      const rise = before === 0 ? 1 : (x + lead - first + 0.5) / before;
      const fall = after === 0 ? 1 : (end - x - lead - 0.5) / after;
      const weight = Math.min(1, rise, fall);
      weights[x - from] = weight;
      sum[x] = sum[x] + weight;
    }
    return { origin: origin - lead, from, to, weights };
  });
  for (const { from, to, weights } of shaped) {
    for (let x = from; x < to; x++) weights[x - from] = weights[x - from] / sum[x];
  }
  return shaped.filter(({ from, to }) => to > from);
}

function mod(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
