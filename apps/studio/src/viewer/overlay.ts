/** What is drawn over the image in lines: regions, what a tool is at, the brush, the crosshair and the scale bar. */

import type { Rect, Region } from 'lamella/studio';
import type { Draft } from '../tools/tool.ts';
import { type Point, type Size, scaleBar, type Transform, toScreen } from './transform.ts';

export interface Overlay {
  readonly transform: Transform;
  /** Device pixels per CSS pixel. */
  readonly density: number;
  readonly image: Size;
  readonly regions: readonly Region[];
  readonly draft: readonly Draft[];
  /** Where the brush would paint. */
  readonly brush?: { readonly at: Point; readonly diameter: number; readonly erases: boolean };
  readonly crosshair?: Point;
  /** Image pixels to draw attention to, for a moment. */
  readonly flash?: Rect;
  /** Image pixels that are looked at. */
  readonly frame?: Rect;
  /** Of one pixel, if it is known. */
  readonly spacing?: { readonly value: number; readonly unit: string };
  readonly words: { readonly complete: string; readonly held: string };
}

const FONT = 'ui-sans-serif, system-ui, sans-serif';

export function drawOverlay(context: CanvasRenderingContext2D, overlay: Overlay): void {
  const { canvas } = context;
  const { transform, density } = overlay;
  const at = (point: Point): Point => toScreen(point, transform, canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.lineJoin = 'round';
  for (const region of overlay.regions) drawRegion(context, region, at, overlay);
  for (const { points, closed } of overlay.draft) {
    twice(context, density, () => trace(context, points.map(at), closed));
  }
  for (const [rect, width] of [
    [overlay.frame, density],
    [overlay.flash, 2 * density],
  ] as const) {
    if (rect !== undefined) twice(context, width, () => trace(context, cornersOf(rect).map(at), true));
  }
  if (overlay.brush !== undefined) drawBrush(context, overlay.brush, at, overlay);
  if (overlay.crosshair !== undefined) drawCrosshair(context, at(overlay.crosshair), density);
  if (overlay.spacing !== undefined) drawScaleBar(context, overlay.spacing, overlay);
}

/** Strokes a path in black below and white above, to be seen on anything. */
function twice(context: CanvasRenderingContext2D, width: number, path: () => void): void {
  for (const [colour, extra] of [
    ['rgba(0, 0, 0, 0.7)', 2],
    ['#fff', 0],
  ] as const) {
    context.beginPath();
    path();
    context.strokeStyle = colour;
    context.lineWidth = width * (1 + extra);
    context.stroke();
  }
}

function trace(context: CanvasRenderingContext2D, points: readonly Point[], closed: boolean): void {
  points.forEach(({ x, y }, i) => {
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  if (closed) context.closePath();
}

function drawRegion(
  context: CanvasRenderingContext2D,
  region: Region,
  at: (point: Point) => Point,
  overlay: Overlay,
): void {
  const { density, words } = overlay;
  const lines = outlinesOf(region);
  context.setLineDash([6 * density, 4 * density]);
  twice(context, density, () => {
    for (const line of lines) trace(context, line.map(at), true);
  });
  context.setLineDash([]);
  const [first] = lines[0];
  const label = [region.complete && words.complete, region.held && words.held].filter(Boolean).join(' · ');
  const { x, y } = at(first);
  context.font = `${11 * density}px ${FONT}`;
  const width = context.measureText(label).width;
  context.fillStyle = 'rgba(0, 0, 0, 0.65)';
  context.fillRect(x, y - 17 * density, width + 10 * density, 17 * density);
  context.fillStyle = '#fff';
  context.fillText(label, x + 5 * density, y - 5 * density);
}

function outlinesOf({ shape }: Region): readonly (readonly Point[])[] {
  if ('polygon' in shape) {
    return shape.polygon.map((line) =>
      Array.from({ length: line.length / 2 }, (_, i) => ({ x: line[2 * i], y: line[2 * i + 1] })),
    );
  }
  const [x, y, width, height] = shape.box;
  return [cornersOf({ x, y, width, height })];
}

const cornersOf = ({ x, y, width, height }: Rect): readonly Point[] => [
  { x, y },
  { x: x + width, y },
  { x: x + width, y: y + height },
  { x, y: y + height },
];

function drawBrush(
  context: CanvasRenderingContext2D,
  { at: centre, diameter, erases }: NonNullable<Overlay['brush']>,
  at: (point: Point) => Point,
  { transform: { scale }, density }: Overlay,
): void {
  // As the brush itself: an odd diameter is centred on a pixel, an even one on a corner.
  const snapped =
    diameter % 2 === 1
      ? { x: Math.floor(centre.x) + 0.5, y: Math.floor(centre.y) + 0.5 }
      : { x: Math.round(centre.x), y: Math.round(centre.y) };
  const { x, y } = at(snapped);
  const radius = Math.max(density, (diameter / 2) * scale);
  if (erases) context.setLineDash([4 * density, 3 * density]);
  twice(context, density, () => {
    if (diameter === 1) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
  });
  context.setLineDash([]);
}

function drawCrosshair(context: CanvasRenderingContext2D, { x, y }: Point, density: number): void {
  const [inner, outer] = [4 * density, 14 * density];
  twice(context, density, () => {
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      context.moveTo(x + dx * inner, y + dy * inner);
      context.lineTo(x + dx * outer, y + dy * outer);
    }
  });
}

function drawScaleBar(
  context: CanvasRenderingContext2D,
  { value, unit }: NonNullable<Overlay['spacing']>,
  { transform, density }: Overlay,
): void {
  const { canvas } = context;
  const { length, pixels } = scaleBar(value, transform.scale, 140 * density);
  const [right, bottom] = [canvas.width - 16 * density, canvas.height - 14 * density];
  context.fillStyle = 'rgba(0, 0, 0, 0.5)';
  context.fillRect(right - pixels - 8 * density, bottom - 22 * density, pixels + 16 * density, 30 * density);
  context.fillStyle = '#fff';
  context.fillRect(right - pixels, bottom - 2 * density, pixels, 3 * density);
  context.font = `${11 * density}px ${FONT}`;
  context.textAlign = 'center';
  context.fillText(`${length} ${unit}`, right - pixels / 2, bottom - 7 * density);
  context.textAlign = 'start';
}
