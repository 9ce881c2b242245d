/** Line charts as SVG by Observable Plot, with colours from the page's style sheet. */

import * as Plot from '@observablehq/plot';
import { gaussianBlur } from '../../array/gaussian.ts';
import { chartFigure, lineColour } from '../kit/chart.ts';
import type { Markup } from '../kit/markup.ts';
import type { Series } from './data.ts';

export interface ChartOptions {
  /** Caption and accessible name. */
  readonly description: string;
  readonly x: string;
  readonly y: string;
  /** Logarithmic y; points at or below 0 are excluded. */
  readonly log?: boolean;
  readonly yDomain?: readonly [number, number];
  readonly widthPx?: number;
  readonly heightPx?: number;
  /** Points to mark, with a label. */
  readonly marks?: readonly {
    readonly x: number;
    readonly y: number;
    readonly label: string;
    readonly series: number;
  }[];
  /** Whether to draw small dots at the points. */
  readonly dots?: boolean;
  /** Single points behind their smoothed line, in the colour of the first series. */
  readonly cloud?: Series;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
}

const DASHES = ['none', '6 3', '2 3', '8 3 2 3'];

/** One line per series, distinguished by colour and dash, with its name at the end. */
export function lineChart(series: readonly Series[], options: ChartOptions): Markup {
  const { description, x, y, log = false, yDomain, widthPx = 520, heightPx = 300, marks = [], dots, cloud } = options;
  const pointsOf = ({ name, points }: Series): Point[] =>
    points.flatMap(([px, py]) => (py === null || (log && py <= 0) ? [] : [{ x: px, y: py, series: name }]));
  const lines = series.map(pointsOf);
  const several = series.length > 1;
  const start = lines.flat().reduce((least, point) => Math.min(least, point.x), Number.POSITIVE_INFINITY);
  return chartFigure(description, {
    width: widthPx,
    height: heightPx,
    marginLeft: 52,
    marginRight: several ? 92 : 20,
    marginTop: 28,
    marginBottom: 40,
    x: { label: x, labelAnchor: 'center', labelArrow: 'none', tickFormat: (value: number) => String(value), ticks: 6 },
    y: {
      label: y,
      labelArrow: 'none',
      grid: true,
      type: log ? 'log' : 'linear',
      ...(yDomain === undefined ? { nice: true } : { domain: [...yDomain], clamp: true }),
      ticks: 6,
      tickFormat: (value: number) => String(Number(value.toPrecision(3))),
    },
    marks: [
      ...(cloud === undefined
        ? []
        : [Plot.dot(pointsOf(cloud), { x: 'x', y: 'y', r: 1.2, fill: lineColour(0), fillOpacity: 0.35 })]),
      ...lines.map((points, i) =>
        Plot.line(points, {
          x: 'x',
          y: 'y',
          stroke: lineColour(i),
          strokeWidth: 2,
          ...(several ? { strokeDasharray: DASHES[i % DASHES.length] as string } : {}),
        }),
      ),
      ...(dots === true
        ? lines.map((points, i) => Plot.dot(points, { x: 'x', y: 'y', r: 2.5, fill: lineColour(i) }))
        : []),
      ...marks.map(({ x: px, y: py, series: i }) =>
        Plot.dot([{ x: px, y: py }], {
          x: 'x',
          y: 'y',
          r: 5,
          stroke: lineColour(i),
          strokeWidth: 2,
          fill: 'var(--page)',
        }),
      ),
      ...marks.map(({ x: px, y: py, label }) =>
        Plot.text([{ x: px, y: py }], {
          x: 'x',
          y: 'y',
          text: () => label,
          dy: -12,
          // Keeps names off the axis.
          dx: px === start ? 6 : 0,
          textAnchor: px === start ? 'start' : 'middle',
          fill: 'currentColor',
          stroke: 'var(--page)',
          strokeWidth: 4,
          fontWeight: 600,
        }),
      ),
      ...(several ? endLabels(lines, log, yDomain, heightPx) : []),
    ],
  });
}

/** Names at the ends of the lines, moved apart where they would overlap. */
function endLabels(
  lines: readonly (readonly Point[])[],
  log: boolean,
  yDomain: readonly [number, number] | undefined,
  heightPx: number,
): Plot.Markish[] {
  const ends = lines.flatMap((points, i) => {
    const last = points.at(-1);
    return last === undefined ? [] : [{ ...last, i }];
  });
  const scale = (value: number): number => (log ? Math.log(value) : value);
  const all = lines.flat().map((point) => scale(point.y));
  const [low, high] = yDomain?.map(scale) ?? [
    all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
  const pxPer = (heightPx - 68) / Math.max(1e-12, (high as number) - (low as number));
  const height = (end: { readonly y: number }): number =>
    ((high as number) - Math.max(low as number, scale(end.y))) * pxPer;
  let above = Number.NEGATIVE_INFINITY;
  return ends
    .sort((a, b) => height(a) - height(b))
    .map((end) => {
      const at = Math.max(height(end), above + 14);
      above = at;
      return Plot.text([end], {
        x: 'x',
        y: 'y',
        text: 'series',
        dx: 8,
        dy: at - height(end),
        textAnchor: 'start',
        fill: lineColour(end.i),
        fontWeight: 600,
      });
    });
}

/** At most `most` of the points, evenly spaced, including the last. */
export function thin({ name, points }: Series, most: number): Series {
  if (points.length <= most) return { name, points };
  const step = (points.length - 1) / (most - 1);
  return {
    name,
    points: Array.from({ length: most }, (_, i) => points[Math.round(i * step)] as (typeof points)[number]),
  };
}

/** Gaussian running mean, `sigma` in points; points without a value are excluded. */
export function smooth({ name, points }: Series, sigma: number): Series {
  const known = points.filter((point): point is readonly [number, number] => point[1] !== null);
  const values = Float32Array.from(known, ([, y]) => y);
  gaussianBlur(values, 1, values.length, sigma);
  return { name, points: known.map(([x], i) => [x, values[i] as number]) };
}
