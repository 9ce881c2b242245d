/**
 * Charts as SVG: marks of data on a horizontal axis of numbers and a vertical one of numbers or of names. There is neither
 * a DOM in Node nor in a worker, so the SVG is written as text.
 */

import { html, type Markup } from './markup.ts';
import { linearScale, logScale, nameScale, niceInterval, type Scale } from './scales.ts';

/** An axis of numbers. */
export interface NumberAxis {
  readonly label: string;
  readonly type?: 'linear' | 'log';
  /** The ends; default those of the marks. What lies beyond is moved to the end. */
  readonly domain?: readonly [number, number];
  /** Whether 0 is on it. */
  readonly zero?: boolean;
  /** Whether it ends at ticks. */
  readonly nice?: boolean;
  /** Lines at the ticks through the chart. */
  readonly grid?: boolean;
  /** Values to name, or about how many. Default 5. */
  readonly ticks?: number | readonly number[];
  readonly tickFormat?: (value: number) => string;
}

/** A vertical axis of names, from top to bottom. */
export interface NameAxis {
  readonly names: readonly string[];
}

export interface PlotOptions {
  readonly width: number;
  readonly height: number;
  readonly marginLeft: number;
  readonly marginRight: number;
  readonly marginTop: number;
  readonly marginBottom: number;
  readonly x: NumberAxis;
  readonly y: NumberAxis | NameAxis;
  /** From the back to the front. */
  readonly marks: readonly Mark[];
}

/** Where values and names are drawn, in pixels. */
export interface Frame {
  x(value: number): number;
  y(value: number | string): number;
  /** Height of a row of an axis of names. */
  readonly row: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Something that is drawn of data, with the values that the axes have to hold. */
export interface Mark {
  readonly x: readonly number[];
  readonly y: readonly number[];
  draw(frame: Frame): Markup;
}

/** Attributes of SVG; a mark without colour is not seen. */
export interface Look {
  readonly [attribute: string]: string | number | undefined;
}

export interface Place {
  readonly x: number;
  /** A name on an axis of names. */
  readonly y: number | string;
}

const px = (value: number): number => Math.round(100 * value) / 100;

function attributes(look: Look): Markup[] {
  return Object.entries(look).flatMap(([name, value]) =>
    value === undefined ? [] : [html` ${{ html: name }}="${value}"`],
  );
}

const numbers = (values: readonly (number | string)[]): readonly number[] =>
  values.filter((value): value is number => typeof value === 'number');

const holds = (places: readonly Place[]): Pick<Mark, 'x' | 'y'> => ({
  x: places.map(({ x }) => x),
  y: numbers(places.map(({ y }) => y)),
});

/** A line through points. */
export const line = (points: readonly Place[], look: Look): Mark => ({
  ...holds(points),
  draw: ({ x, y }) => {
    const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${px(x(point.x))},${px(y(point.y))}`).join('');
    return html`<g class="line" fill="none" stroke-linejoin="round"${attributes(look)}><path d="${path}"/></g>`;
  },
});

/** Discs of a radius in pixels; `dy` moves them down. */
export const dots = (
  places: readonly (Place & { readonly r?: number; readonly dy?: number; readonly look?: Look })[],
  { r = 3, ...look }: Look & { readonly r?: number },
): Mark => ({
  ...holds(places),
  draw: ({ x, y }) =>
    html`<g class="dots"${attributes(look)}>${places.map(
      (place) =>
        html`<circle cx="${px(x(place.x))}" cy="${px(y(place.y) + (place.dy ?? 0))}" r="${px(place.r ?? r)}"${attributes(place.look ?? {})}/>`,
    )}</g>`,
});

/** Lines between two values of one axis at a value of the other. */
export const lines = (
  ends: readonly { readonly from: Place; readonly to: Place; readonly look?: Look }[],
  look: Look,
): Mark => ({
  ...holds(ends.flatMap(({ from, to }) => [from, to])),
  draw: ({ x, y }) =>
    html`<g class="lines"${attributes(look)}>${ends.map(
      ({ from, to, look: own = {} }) =>
        html`<line x1="${px(x(from.x))}" y1="${px(y(from.y))}" x2="${px(x(to.x))}" y2="${px(y(to.y))}"${attributes(own)}/>`,
    )}</g>`,
});

/** A line through the whole chart at a value of one axis. */
export const rule = (at: { readonly x: number } | { readonly y: number }, look: Look): Mark => ({
  x: 'x' in at ? [at.x] : [],
  y: 'y' in at ? [at.y] : [],
  draw({ x, y, left, right, top, bottom }) {
    const [x1, x2] = 'x' in at ? [x(at.x), x(at.x)] : [left, right];
    const [y1, y2] = 'y' in at ? [y(at.y), y(at.y)] : [top, bottom];
    return html`<g class="rule"${attributes(look)}><line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/></g>`;
  },
});

/** A short upright line in a row of names. */
export const rowTick = ({ x: value, y: name }: { readonly x: number; readonly y: string }, look: Look): Mark => ({
  x: [value],
  y: [],
  draw({ x, y, row }) {
    const [at, middle] = [px(x(value)), y(name)];
    return html`<g class="tick"${attributes(look)}><line x1="${at}" y1="${px(middle - 0.45 * row)}" x2="${at}" y2="${px(middle + 0.45 * row)}"/></g>`;
  },
});

/** Rectangles between values of both axes. @param inset pixels that are left free at both sides */
export const boxes = (
  rects: readonly {
    readonly x: readonly [number, number];
    readonly y: readonly [number, number];
    readonly look?: Look;
  }[],
  inset = 0,
): Mark => ({
  x: rects.flatMap(({ x }) => x),
  y: rects.flatMap(({ y }) => y),
  draw: ({ x, y }) =>
    html`<g class="boxes">${rects.map(({ x: [x1, x2], y: [y1, y2], look = {} }) => {
      const [left, top] = [x(x1) + inset, Math.min(y(y1), y(y2))];
      const width = Math.max(0, x(x2) - inset - left);
      return html`<rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(Math.abs(y(y2) - y(y1)))}"${attributes(look)}/>`;
    })}</g>`,
});

/** Bars from 0, one in each row of names. */
export const rowBars = (bars: readonly { readonly x: number; readonly y: string; readonly look?: Look }[]): Mark => ({
  x: bars.flatMap(({ x }) => [0, x]),
  y: [],
  draw: ({ x, y, row }) =>
    html`<g class="bars">${bars.map(({ x: value, y: name, look = {} }) => {
      const height = 0.65 * row;
      const [left, right] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
      return html`<rect x="${px(left)}" y="${px(y(name) - height / 2)}" width="${px(right - left)}" height="${px(height)}"${attributes(look)}/>`;
    })}</g>`,
});

/** A text at a place, moved by pixels; read on any background, with a `stroke` behind it. */
export const words = (
  place: Place,
  text: string,
  { dx = 0, dy = 0, ...look }: Look & { readonly dx?: number; readonly dy?: number },
): Mark => ({
  ...holds([place]),
  draw: ({ x, y }) =>
    html`<text x="${px(x(place.x) + dx)}" y="${px(y(place.y) + dy)}" dy="0.32em" paint-order="stroke" stroke-linejoin="round"${attributes(look)}>${text}</text>`,
});

/** The ends of an axis: as stated, or of what is drawn. */
function endsOf({ domain, zero, nice, type, ticks }: NumberAxis, values: readonly number[]): readonly [number, number] {
  if (domain !== undefined) return domain;
  const finite = values.filter((value) => Number.isFinite(value) && (type !== 'log' || value > 0));
  const of = (pick: (a: number, b: number) => number, first: number): number => finite.reduce(pick, zero ? 0 : first);
  const ends = [
    of((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    of((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ] as const;
  if (!(ends[0] <= ends[1])) return type === 'log' ? [1, 10] : [0, 1];
  return nice && type !== 'log' ? niceInterval(ends, typeof ticks === 'number' ? ticks : 5) : ends;
}

const scaleOf = (axis: NumberAxis, ends: readonly [number, number], range: readonly [number, number]): Scale =>
  (axis.type === 'log' ? logScale : linearScale)(ends, range);

const ticksOf = ({ ticks = 5 }: NumberAxis, scale: Scale): readonly number[] =>
  typeof ticks === 'number' ? scale.ticks(ticks) : ticks;

/** A chart as an SVG element. @param description its accessible name */
export function plot(description: string, options: PlotOptions): Markup {
  const { width, height, x, y, marks } = options;
  const [left, right] = [options.marginLeft, width - options.marginRight];
  const [top, bottom] = [options.marginTop, height - options.marginBottom];
  const clamped =
    ([low, high]: readonly [number, number], scale: Scale) =>
    (value: number) =>
      scale.at(Math.min(high, Math.max(low, value)));
  const xEnds = endsOf(
    x,
    marks.flatMap((mark) => mark.x),
  );
  const xScale = scaleOf(x, xEnds, [left, right]);
  const names = 'names' in y ? nameScale(y.names, [top, bottom]) : undefined;
  let yAt = (value: number | string): number => names?.at(String(value)) ?? 0;
  let yAxis: Markup = html``;
  if ('names' in y) {
    yAxis = html`<g class="names" text-anchor="end">${y.names.map(
      (name) => html`<text x="${left - 8}" y="${px(yAt(name))}" dy="0.32em">${name}</text>`,
    )}</g>`;
  } else {
    const ends = endsOf(
      y,
      marks.flatMap((mark) => mark.y),
    );
    const scale = scaleOf(y, ends, [bottom, top]);
    const at = clamped(ends, scale);
    yAt = (value) => at(value as number);
    const { tickFormat = String } = y;
    yAxis = html`<g class="axis" text-anchor="end">${ticksOf(y, scale).map((value) => {
      const level = px(scale.at(value));
      return html`${y.grid ? html`<line x1="${left}" y1="${level}" x2="${right}" y2="${level}" stroke="currentColor" stroke-opacity="0.1"/>` : undefined}<line x1="${left - 6}" y1="${level}" x2="${left}" y2="${level}" stroke="currentColor"/><text x="${left - 9}" y="${level}" dy="0.32em">${tickFormat(value)}</text>`;
    })}<text x="4" y="${px(Math.max(12, top - 12))}" text-anchor="start">${y.label}</text></g>`;
  }
  const { tickFormat = String } = x;
  const xAxis = html`<g class="axis" text-anchor="middle">${ticksOf(x, xScale).map((value) => {
    const at = px(xScale.at(value));
    return html`${x.grid ? html`<line x1="${at}" y1="${top}" x2="${at}" y2="${bottom}" stroke="currentColor" stroke-opacity="0.1"/>` : undefined}<line x1="${at}" y1="${bottom}" x2="${at}" y2="${bottom + 6}" stroke="currentColor"/><text x="${at}" y="${bottom + 9}" dy="0.71em">${tickFormat(value)}</text>`;
  })}<text x="${px((left + right) / 2)}" y="${height - 4}">${x.label}</text></g>`;
  const frame: Frame = { x: clamped(xEnds, xScale), y: yAt, row: names?.row ?? 0, left, right, top, bottom };
  return html`<svg role="img" aria-label="${description}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="currentColor" font-size="12" overflow="visible">${yAxis}${xAxis}${marks.map((mark) => mark.draw(frame))}</svg>`;
}
