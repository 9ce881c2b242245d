/** A chart as a figure, with colours from the page's style sheet. */

import { html, type Markup } from './markup.ts';
import { type NumberAxis, type PlotOptions, plot } from './plot.ts';

/** Line colours in order: custom properties of the page, so that dark mode has its own. */
const LINE_COLOURS = ['var(--line-1)', 'var(--line-2)', 'var(--line-3)', 'var(--line-4)'] as const;

/** Colour of a series by its index; colours repeat from the fifth on. */
export const lineColour = (index: number): string => LINE_COLOURS[index % LINE_COLOURS.length] as string;

/** @param description what the chart shows: its caption and accessible name */
export const chartFigure = (description: string, options: PlotOptions): Markup =>
  html`<figure class="chart">${plot(description, options)}<figcaption>${description}</figcaption></figure>`;

/** The axis of a quantity, with a grid. */
export const quantityAxis = (label: string): NumberAxis => ({ label, grid: true, ticks: 6 });

/** Size, margins and y axis of a chart with one row per name. */
export const rowsOf = (names: readonly string[], rowPx = 38) => ({
  width: 560,
  height: 56 + rowPx * names.length,
  marginLeft: Math.min(230, 24 + 7 * Math.max(0, ...names.map(({ length }) => length))),
  marginRight: 24,
  marginTop: 8,
  marginBottom: 38,
  y: { names },
});
