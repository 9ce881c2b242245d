import type { FoundRun, Size } from '../objects/fill-polygon.ts';
import { capsule, discCentre, type HalfPixels, type RowRuns, requireDiameter } from './capsule.ts';
import type { LabelLayer } from './label-layer.ts';
import { type PaintOptions, painter } from './paint.ts';

export interface BrushOptions extends PaintOptions {
  /** In pixels, 1..4096: a disc of 1 is one pixel, one of 2 is 2 x 2 pixels centred on a corner. */
  readonly diameter: number;
}

/**
 * A stroke of the brush, or of the eraser if `value` is the layer's `notAnnotated`: the pixels whose centres are at most
 * half a diameter away from the line through the centres of the discs.
 *
 * @example
 * const stroke = new BrushStroke(layer, { diameter: 24, value: 1, slice: 3 });
 * for (const { x, y } of positions) stroke.moveTo(x, y);
 */
export class BrushStroke {
  readonly #diameter: number;
  readonly #size: Size;
  readonly #paint: FoundRun;
  #at: HalfPixels | undefined;
  #last: RowRuns = { top: 0, from: new Int32Array(0), to: new Int32Array(0) };

  /** @throws UsageError for a diameter out of range, and for a label or a slice that the layer does not have */
  constructor(layer: LabelLayer, { diameter, ...options }: BrushOptions) {
    requireDiameter(diameter);
    this.#diameter = diameter;
    this.#size = [layer.height, layer.width];
    this.#paint = painter(layer, options);
  }

  /**
   * Paints from the last position to this one, the first time a disc.
   * @param x in pixels from the left edge; pixel 0 is 0..1
   * @throws UsageError for a position that is not finite
   */
  moveTo(x: number, y: number): void {
    const to = discCentre(x, y, this.#diameter);
    const from = this.#at ?? to;
    if (this.#at !== undefined && from[0] === to[0] && from[1] === to[1]) return;
    const area = capsule(from, to, this.#diameter, this.#size);
    paintDifference(area, this.#last, this.#paint);
    this.#at = to;
    this.#last = area;
  }
}

/** Paints what is in an area and not in the last one: for a large brush a rim of a few pixels. */
function paintDifference(area: RowRuns, last: RowRuns, paint: FoundRun): void {
  for (let i = 0; i < area.from.length; i++) {
    const row = area.top + i;
    const j = row - last.top;
    const [from, to] = [area.from[i], area.to[i]];
    const [painted, end] = j >= 0 && j < last.from.length ? [last.from[j], last.to[j]] : [0, 0];
    if (end <= painted || end <= from || painted >= to) {
      if (from < to) paint(row, from, to);
      continue;
    }
    if (from < painted) paint(row, from, painted);
    if (end < to) paint(row, end, to);
  }
}
