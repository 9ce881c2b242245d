/** Histograms, with colours from the page's style sheet. */

import { quantile } from '../../array/quantile.ts';
import { chartFigure, lineColour } from './chart.ts';
import type { Markup } from './markup.ts';
import { boxes, rule } from './plot.ts';

export interface HistogramOptions {
  /** Name of the quantity, and its unit. */
  readonly label: string;
  readonly unit?: string;
  /** What is counted: `objects`, `voxels`. */
  readonly counted?: string;
  /** Group index of each value, in the order of `groups`; colours distinguish up to four. */
  readonly groupOf?: (i: number) => number;
  readonly groups?: readonly string[];
}

const BINS = 32;
/** So many whole numbers fit below the bars. */
const MOST_TICKS = 8;

/**
 * A histogram with its median marked; nothing without values, or where all are equal. Outliers are cut off, and their
 * number is stated.
 */
export function histogram(values: ArrayLike<number>, options: HistogramOptions): Markup | undefined {
  const { label, unit, counted = 'objects', groupOf = () => 0, groups = [''] } = options;
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  if (finite.length === 0 || finite[0] === finite.at(-1)) return undefined;
  const at = (share: number): number => quantile(finite, share);
  let [low, high] = [at(0), at(1)];
  const [low99, high99] = [at(0.005), at(0.995)];
  // One huge object must not squeeze all others into one bar.
  if (high - high99 > 0.5 * (high99 - low99) && high99 > low99) high = high99;
  if (low99 - low > 0.5 * (high99 - low99) && high99 > low99) low = low99;
  const integers = finite.every(Number.isInteger);
  if (integers) [low, high] = [Math.ceil(low), Math.floor(high)];
  const whole = integers && high - low < BINS;
  const bins = whole ? high - low + 1 : high > low ? BINS : 1;
  const width = whole ? 1 : high > low ? (high - low) / bins : Math.abs(low) || 1;
  const start = whole || bins === 1 ? low - width / 2 : low;
  const counts = groups.map(() => new Float64Array(bins));
  let beyond = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    if (value < low || value > high) beyond++;
    else {
      const row = counts[groupOf(i)] as Float64Array;
      const bin = Math.min(bins - 1, Math.floor((value - start) / width));
      row[bin] = (row[bin] as number) + 1;
    }
  }
  const median = at(0.5);
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  const suffix = unit === undefined ? '' : ` ${unit}`;
  const said = `${label}: median ${short(median)}${suffix}, ${short(at(0.05))} to ${short(at(0.95))}${suffix} in 90 %${
    beyond === 0 ? '' : `; ${beyond} outside the range`
  }`;
  return histogramOfCounts(counts, {
    start,
    width,
    label,
    unit,
    counted,
    median,
    said,
    ticks: whole && bins <= MOST_TICKS ? Array.from({ length: bins }, (_, i) => low + i) : undefined,
  });
}

export interface CountedHistogram extends Pick<HistogramOptions, 'label' | 'unit'> {
  readonly counted: string;
  /** Start of the first bin, and the width of each. */
  readonly start: number;
  readonly width: number;
  readonly median?: number;
  /** A sentence on what it shows. */
  readonly said: string;
  /** Values to name below the bars; default about five. */
  readonly ticks?: readonly number[];
  readonly widthPx?: number;
  readonly heightPx?: number;
}

/** Bars of counts, stacked by group. */
export function histogramOfCounts(
  counts: readonly ArrayLike<number>[],
  { start, width, label, unit, counted, median, said, ticks, widthPx = 360, heightPx = 190 }: CountedHistogram,
): Markup {
  const bins = Math.max(0, ...counts.map(({ length }) => length));
  const below = new Float64Array(bins);
  const bars = counts.flatMap((row, group) =>
    Array.from(row, (count, i) => {
      const from = below[i] as number;
      below[i] = from + count;
      const x: [number, number] = [start + i * width, start + (i + 1) * width];
      return { x, y: [from, from + count] as [number, number], look: { fill: lineColour(group) } };
    }),
  );
  const most = bars.reduce((max, { y: [from, to] }) => Math.max(max, to - from), 0);
  return chartFigure(said, {
    width: widthPx,
    height: heightPx,
    marginLeft: 44,
    marginRight: 10,
    marginTop: 22,
    marginBottom: 36,
    x: { label: unit === undefined ? label : `${label} (${unit})`, ticks: ticks ?? 5, tickFormat: shortTick },
    y: { label: counted, grid: true, ticks: Math.min(4, most), tickFormat: shortTick },
    marks: [
      boxes(
        bars.filter(({ y: [from, to] }) => to > from),
        0.5,
      ),
      rule({ y: 0 }, { stroke: 'var(--muted)' }),
      ...(median === undefined
        ? []
        : [rule({ x: median }, { stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-dasharray': '3 3' })]),
    ],
  });
}

function shortTick(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(4)));
}
