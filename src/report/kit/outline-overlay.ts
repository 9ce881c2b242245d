/** Outlines as SVG over an image: sharp at any size, with a tooltip per object. */

import type { Outline } from '../../objects/polygons.ts';
import type { Polygon, Ring } from '../../objects/rings.ts';
import { html, type Markup } from './markup.ts';

/** Result of an object's comparison with the ground truth; `plain` without one. */
export type ObjectKind = 'plain' | 'matched' | 'merged' | 'split' | 'spurious' | 'missed' | 'left' | 'right';

/** An outlined object, in pixels of the whole image. */
export interface ObjectShape {
  /** Name shown on it and in its tooltip. */
  readonly name: string;
  readonly kind: ObjectKind;
  /** SVG path data. */
  readonly path: string;
  /** Position of its name and the room there. */
  readonly xPx: number;
  readonly yPx: number;
  readonly roomPx: number;
}

/** An image with the outlines of its objects. */
export interface OutlinedPicture {
  readonly widthPx: number;
  readonly heightPx: number;
  /** PNG as a data URI, possibly smaller than the image. */
  readonly picture: string;
  readonly shapes: readonly ObjectShape[];
}

/** The outline of an object as a shape. @throws RangeError if it has no polygon. */
export function shapeOf({ polygons }: Outline, name: string, kind: ObjectKind): ObjectShape {
  let largest = { areaPx: 0, xPx: 0, yPx: 0 };
  for (const { exterior } of polygons) {
    const found = momentsOf(exterior);
    if (found.areaPx > largest.areaPx) largest = found;
  }
  if (largest.areaPx === 0) throw new RangeError(`${name} has no outline`);
  return {
    name,
    kind,
    path: polygons.map(pathOf).join(''),
    xPx: largest.xPx,
    yPx: largest.yPx,
    roomPx: Math.sqrt(largest.areaPx),
  };
}

function momentsOf(ring: Ring): { readonly areaPx: number; readonly xPx: number; readonly yPx: number } {
  let [twice, x, y] = [0, 0, 0];
  for (let i = 0, n = ring.length; i < n; i += 2) {
    const [ax, ay] = [ring[i] as number, ring[i + 1] as number];
    const [bx, by] = [ring[(i + 2) % n] as number, ring[(i + 3) % n] as number];
    const cross = ax * by - bx * ay;
    twice += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  return { areaPx: twice / 2, xPx: x / (3 * twice), yPx: y / (3 * twice) };
}

function pathOf({ exterior, holes }: Polygon): string {
  return [exterior, ...holes].map(ringPath).join('');
}

/** An SVG path of relative steps; `h` and `v` for horizontal and vertical ones. */
function ringPath(ring: Ring): string {
  let text = `M${ring[0]} ${ring[1]}`;
  for (let i = 2; i < ring.length; i += 2) {
    const dx = (ring[i] as number) - (ring[i - 2] as number);
    const dy = (ring[i + 1] as number) - (ring[i - 1] as number);
    text += dy === 0 ? `h${dx}` : dx === 0 ? `v${dy}` : `l${dx} ${dy}`;
  }
  return `${text}z`;
}

/** Id of an outline in the page; the script of the tables forms the same id from a row. */
function shapeId(prefix: string, name: string): string {
  return `${prefix}-${name}`.replace(/\s/g, '_');
}

export interface OverlayOptions {
  /** Size of the original image, which may be larger than the embedded one. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Prefix of the outlines' ids, before the shape's name. */
  readonly id: string;
  /** Approximate display width, for the font size of the numbers. */
  readonly shownPx?: number;
  readonly numbers?: boolean;
}

/** The shapes as an SVG overlay in image coordinates. */
export function overlay(
  shapes: readonly ObjectShape[],
  { widthPx, heightPx, id, shownPx = 380, numbers = true }: OverlayOptions,
): Markup {
  const size = (11 * Math.max(widthPx, heightPx)) / shownPx;
  const fits = ({ name, roomPx }: ObjectShape): boolean => roomPx > 0.62 * size * name.length && roomPx > 0.9 * size;
  // Keeps the name within the image.
  const within = (at: number, half: number, side: number): number => Math.max(half, Math.min(side - half, at));
  const round = (value: number): string => String(Number(value.toFixed(1)));
  return html`<svg viewBox="0 0 ${widthPx} ${heightPx}" class="overlay" role="presentation"><g class="lines">${shapes.map(
    ({ name, kind, path }) =>
      html`<path id="${shapeId(id, name)}" class="${kind}" d="${path}"><title>${name}${kind === 'plain' ? '' : `, ${kind}`}</title></path>`,
  )}</g>${
    numbers
      ? html`<g class="numbers" font-size="${round(size)}">${shapes.filter(fits).map(({ name, xPx, yPx }) => {
          const x = within(xPx, 0.31 * size * name.length, widthPx);
          return html`<text x="${round(x)}" y="${round(within(yPx, 0.5 * size, heightPx))}">${name}</text>`;
        })}</g>`
      : undefined
  }</svg>`;
}
