/** Charts that compare runs, with colours from the page's style sheet. */

import { chartFigure, lineColour, quantityAxis, rowsOf } from '../kit/chart.ts';
import type { Markup } from '../kit/markup.ts';
import { dots, lines, type Mark, rowBars, rule, words } from '../kit/plot.ts';
import { withPrefix } from '../kit/with-prefix.ts';
import type { ComparedRun, Comparison } from './comparison.ts';

const short = (value: number): string => String(Number(value.toPrecision(3)));

interface Placed {
  readonly place: number;
}

const colourOf = ({ place }: Placed): string => lineColour(place);

/** The scores with their confidence intervals, one row per run. */
export function scoreChart({ runs, metric, level, images }: Comparison): Markup {
  const rows = runs.map(({ name, score }, place) => ({ name, ...score, place }));
  return chartFigure(
    `Mean ${metric} of ${images.length.toLocaleString('en')} ${images.length === 1 ? 'image' : 'images'}; lines: ${Math.round(100 * level)} % confidence intervals.`,
    {
      ...rowsOf(rows.map(({ name }) => name)),
      x: { ...quantityAxis(`${metric}, mean over images`), nice: true },
      marks: intervals(rows, colourOf),
    },
  );
}

interface Estimate {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Means as dots on their confidence intervals. */
function intervals<R extends Estimate>(rows: readonly R[], colour: (row: R) => string): readonly Mark[] {
  return [
    lines(
      rows.map((row) => ({
        from: { x: row.low, y: row.name },
        to: { x: row.high, y: row.name },
        look: { stroke: colour(row) },
      })),
      { 'stroke-width': 3 },
    ),
    dots(
      rows.map((row) => ({ x: row.value, y: row.name, look: { fill: colour(row) } })),
      { r: 5 },
    ),
  ];
}

/** Differences of pairs with their confidence intervals, and the line of no difference. */
export function differenceChart({ runs, pairs, metric, level }: Comparison): Markup {
  const nameOf = (place: number): string => (runs[place] as ComparedRun).name;
  const rows = pairs.map(({ a, b, difference, verdict }) => ({
    name: `${nameOf(b)} − ${nameOf(a)}`,
    ...difference,
    decided: verdict !== 'undecided',
  }));
  return chartFigure(
    `Differences on the same images, with ${Math.round(100 * level)} % confidence intervals; orange if significant, else grey.`,
    {
      ...rowsOf(rows.map(({ name }) => name)),
      x: { ...quantityAxis(`Difference in ${metric}`), nice: true, zero: true },
      marks: [
        rule({ x: 0 }, { stroke: 'currentColor', 'stroke-width': 1.5 }),
        ...intervals(rows, ({ decided }) => (decided ? 'var(--line-2)' : 'var(--muted)')),
      ],
    },
  );
}

/** Score over MACs, with disc area proportional to parameters: figure 2 of Canziani et al. 2016. */
export function costChart({ runs, metric }: Comparison): Markup {
  const most = runs.reduce((a, { parameters }) => Math.max(a, parameters), 1);
  // Radius of the disc with the most parameters.
  const radius = (parameters: number): number => Math.max(3, 38 * Math.sqrt(parameters / most));
  const rows = runs.map(({ name, macs, score, parameters }, place) => ({
    name,
    macs,
    ...score,
    r: radius(parameters),
    place,
    label: `${name} (${withPrefix(parameters)})`,
  }));
  const [least, largest] = [Math.min(...rows.map(({ macs }) => macs)), Math.max(...rows.map(({ macs }) => macs))];
  // Margin for the outermost discs.
  const span = Math.max(Math.log10(largest / least), 0.6);
  const domain: [number, number] = [least * 10 ** (-0.22 * span), largest * 10 ** (0.3 * span)];
  const low = Math.min(...rows.map((row) => row.low));
  const high = Math.max(...rows.map((row) => row.high));
  const space = 0.18 * Math.max(high - low, 1e-3);
  return chartFigure(
    `Score (${metric}) over MACs per image; disc area is proportional to the number of parameters (in brackets), as in Canziani et al. 2016.`,
    {
      width: 760,
      height: 430,
      marginLeft: 58,
      marginRight: 24,
      marginTop: 30,
      marginBottom: 42,
      x: {
        type: 'log',
        domain,
        ...quantityAxis('MACs per image'),
        ticks: 5,
        tickFormat: withPrefix,
      },
      y: {
        label: metric,
        grid: true,
        domain: [low - space, high + space],
        ticks: 6,
        tickFormat: short,
      },
      marks: [
        lines(
          rows.map((row) => ({
            from: { x: row.macs, y: row.low },
            to: { x: row.macs, y: row.high },
            look: { stroke: colourOf(row) },
          })),
          { 'stroke-width': 1.5 },
        ),
        dots(
          rows.map((row) => ({
            x: row.macs,
            y: row.value,
            r: row.r,
            look: { fill: colourOf(row), stroke: colourOf(row) },
          })),
          { 'fill-opacity': 0.32, 'stroke-width': 1.5 },
        ),
        dots(
          rows.map((row) => ({ x: row.macs, y: row.value, look: { fill: colourOf(row) } })),
          { r: 2.5 },
        ),
        ...rows.map((row) =>
          words({ x: row.macs, y: row.value }, row.label, {
            dy: -Math.max(12, row.r + 9),
            'text-anchor': 'middle',
            stroke: 'var(--page)',
            'stroke-width': 4,
            'font-weight': 600,
          }),
        ),
      ],
    },
  );
}

/** Score per million parameters: figure 10 of Canziani et al. 2016. */
export function efficiencyChart({ runs, metric }: Comparison): Markup {
  const rows = runs.map(({ name, efficiency }, place) => ({
    x: efficiency,
    y: name,
    look: { fill: lineColour(place) },
  }));
  return chartFigure(
    'Score per million parameters: how efficiently parameters are used, not which network is best. This favours small networks.',
    {
      ...rowsOf(
        rows.map(({ y }) => y),
        34,
      ),
      marginRight: 60,
      x: { ...quantityAxis(`${metric} per million parameters`), zero: true, ticks: 5, tickFormat: short },
      marks: [
        rowBars(rows),
        ...rows.map((row) => words(row, short(row.x), { dx: 6, 'text-anchor': 'start' })),
        rule({ x: 0 }, { stroke: 'var(--muted)' }),
      ],
    },
  );
}

/** Score per image, with those of one image joined: shows where runs differ. */
export function imageChart({ runs, images, metric }: Comparison): Markup {
  const rows = images.flatMap((image, i) =>
    runs.map(({ perImage }, place) => ({ x: perImage[i] as number, y: image, look: { fill: lineColour(place) } })),
  );
  return chartFigure(`Score (${metric}) per image; one colour per run, as in the legend.`, {
    ...rowsOf(images, 22),
    width: 620,
    height: 50 + 22 * images.length,
    x: { ...quantityAxis(metric), nice: true },
    marks: [
      lines(
        images.map((image, i) => {
          const scores = runs.map(({ perImage }) => perImage[i] as number);
          return { from: { x: Math.min(...scores), y: image }, to: { x: Math.max(...scores), y: image } };
        }),
        { stroke: 'var(--rule)', 'stroke-width': 2 },
      ),
      dots(rows, { r: 4 }),
    ],
  });
}
