/** Line charts, with colours from the page's style sheet. */

import { gaussianBlur } from '../../array/gaussian.ts';
import { chartFigure, lineColour } from '../kit/chart.ts';
import type { Markup } from '../kit/markup.ts';
import { dots, line, type Mark, type Place, words } from '../kit/plot.ts';
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

interface Point extends Place {
  readonly y: number;
  readonly series: string;
}

/** Text that is read on lines. */
const OUTLINED = { stroke: 'var(--page)', 'stroke-width': 4, 'font-weight': 600 } as const;

const MARGIN_LEFT = 52;
/** About half of the label of a mark. */
const LABEL_PX = 24;

const DASHES = ['none', '6 3', '2 3', '8 3 2 3'];

/** One line per series, distinguished by colour and dash, with its name at the end. */
export function lineChart(series: readonly Series[], options: ChartOptions): Markup {
  const {
    description,
    x,
    y,
    log = false,
    yDomain,
    widthPx = 520,
    heightPx = 300,
    marks = [],
    dots: dotted,
    cloud,
  } = options;
  const pointsOf = ({ name, points }: Series): Point[] =>
    points.flatMap(([px, py]) => (py === null || (log && py <= 0) ? [] : [{ x: px, y: py, series: name }]));
  const lines = series.map(pointsOf);
  const several = series.length > 1;
  const all = lines.flat().map((point) => point.x);
  const ends = [
    all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ] as const;
  const marginRight = several ? 92 : 20;
  const pxPerX = (widthPx - MARGIN_LEFT - marginRight) / Math.max(1e-12, ends[1] - ends[0]);
  /** Where the label of a mark begins or ends, so that it is neither on the axis nor on the names of the lines. */
  const beside = (at: number) =>
    (at - ends[0]) * pxPerX < LABEL_PX
      ? ({ dx: 6, 'text-anchor': 'start' } as const)
      : (ends[1] - at) * pxPerX < LABEL_PX
        ? ({ dx: -6, 'text-anchor': 'end' } as const)
        : ({ 'text-anchor': 'middle' } as const);
  return chartFigure(description, {
    width: widthPx,
    height: heightPx,
    marginLeft: MARGIN_LEFT,
    marginRight,
    marginTop: 28,
    marginBottom: 40,
    x: { label: x, ticks: 6 },
    y: {
      label: y,
      grid: true,
      type: log ? 'log' : 'linear',
      ...(yDomain === undefined ? { nice: true } : { domain: yDomain }),
      ticks: 6,
      tickFormat: (value) => String(Number(value.toPrecision(3))),
    },
    marks: [
      ...(cloud === undefined ? [] : [dots(pointsOf(cloud), { r: 1.2, fill: lineColour(0), 'fill-opacity': 0.35 })]),
      ...lines.map((points, i) =>
        line(points, {
          stroke: lineColour(i),
          'stroke-width': 2,
          ...(several && { 'stroke-dasharray': DASHES[i % DASHES.length] }),
        }),
      ),
      ...(dotted === true ? lines.map((points, i) => dots(points, { r: 2.5, fill: lineColour(i) })) : []),
      ...marks.map(({ series: i, ...place }) =>
        dots([place], { r: 5, stroke: lineColour(i), 'stroke-width': 2, fill: 'var(--page)' }),
      ),
      ...marks.map(({ label, ...place }) =>
        words(place, label, {
          dy: -12,
          ...beside(place.x),
          ...OUTLINED,
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
): Mark[] {
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
      return words(end, end.series, {
        dx: 8,
        dy: at - height(end),
        'text-anchor': 'start',
        fill: lineColour(end.i),
        'font-weight': 600,
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
