/** A chart as a figure: SVG by Observable Plot, with colours from the page's style sheet. */

import * as Plot from '@observablehq/plot';
import { html, type Markup, trusted } from './markup.ts';
import { svgDocument } from './svg-document.ts';

/** Line colours in order: custom properties of the page, so that dark mode has its own. */
const LINE_COLOURS = ['var(--line-1)', 'var(--line-2)', 'var(--line-3)', 'var(--line-4)'] as const;

/** Colour of a series by its index; colours repeat from the fifth on. */
export const lineColour = (index: number): string => LINE_COLOURS[index % LINE_COLOURS.length] as string;

/** @param description what the chart shows: its caption and accessible name */
export function chartFigure(description: string, options: Plot.PlotOptions): Markup {
  const chart = Plot.plot({
    document: svgDocument() as never,
    style: 'font-size:12px;background:transparent;overflow:visible',
    ...options,
  }) as unknown as { setAttribute(name: string, value: string): void; readonly outerHTML: string };
  chart.setAttribute('role', 'img');
  chart.setAttribute('aria-label', description);
  return html`<figure class="chart">${trusted(chart.outerHTML)}<figcaption>${description}</figcaption></figure>`;
}

/** Options of the axis of a quantity: its name in the middle, without an arrow, and a grid. */
export const quantityAxis = (label: string): Plot.ScaleOptions => ({
  label,
  labelAnchor: 'center',
  labelArrow: 'none',
  grid: true,
  ticks: 6,
});

/** Size, margins and y axis of a chart with one row per name. */
export const rowsOf = (names: readonly string[], rowPx = 38) => ({
  width: 560,
  height: 56 + rowPx * names.length,
  marginLeft: Math.min(230, 24 + 7 * Math.max(0, ...names.map(({ length }) => length))),
  marginRight: 24,
  marginTop: 8,
  marginBottom: 38,
  y: { label: null, domain: [...names] },
});
