/** The affine map between image and screen: a point of the image at the centre of the canvas, and a scale. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** In device pixels, so that a scale of 1 is one image pixel on one pixel of the screen. */
export interface Transform {
  /** The image point at the centre of the canvas; the first pixel covers 0..1. */
  readonly x: number;
  readonly y: number;
  /** Device pixels per image pixel. */
  readonly scale: number;
}

const LARGEST_SCALE = 128;

export const toScreen = (point: Point, { x, y, scale }: Transform, canvas: Size): Point => ({
  x: (point.x - x) * scale + canvas.width / 2,
  y: (point.y - y) * scale + canvas.height / 2,
});

export const toImage = (point: Point, { x, y, scale }: Transform, canvas: Size): Point => ({
  x: (point.x - canvas.width / 2) / scale + x,
  y: (point.y - canvas.height / 2) / scale + y,
});

/** The whole image, centred, with a margin of 4 % of the canvas. */
export function fit(image: Size, canvas: Size): Transform {
  const scale = 0.96 * Math.min(canvas.width / image.width, canvas.height / image.height);
  return { x: image.width / 2, y: image.height / 2, scale: scale > 0 && Number.isFinite(scale) ? scale : 1 };
}

/** Scales by `factor` about a point of the screen, which stays where it is. */
export function zoomAt(at: Point, factor: number, transform: Transform, canvas: Size, image: Size): Transform {
  const smallest = Math.min(1, fit(image, canvas).scale / 4);
  const scale = Math.min(LARGEST_SCALE, Math.max(smallest, transform.scale * factor));
  const { x, y } = toImage(at, transform, canvas);
  return { x: x - (at.x - canvas.width / 2) / scale, y: y - (at.y - canvas.height / 2) / scale, scale };
}

/** Moves the image by device pixels; its centre cannot leave the canvas's reach. */
export function panBy(dx: number, dy: number, transform: Transform, image: Size): Transform {
  const clamp = (value: number, high: number): number => Math.min(high, Math.max(0, value));
  return {
    ...transform,
    x: clamp(transform.x - dx / transform.scale, image.width),
    y: clamp(transform.y - dy / transform.scale, image.height),
  };
}

/** The part of the image that is on the screen, in whole pixels; empty where there is none. */
export function visiblePart(transform: Transform, canvas: Size, image: Size) {
  const from = toImage({ x: 0, y: 0 }, transform, canvas);
  const to = toImage({ x: canvas.width, y: canvas.height }, transform, canvas);
  const x = Math.max(0, Math.floor(from.x));
  const y = Math.max(0, Math.floor(from.y));
  return {
    x,
    y,
    width: Math.max(0, Math.min(image.width, Math.ceil(to.x)) - x),
    height: Math.max(0, Math.min(image.height, Math.ceil(to.y)) - y),
  };
}

/** Length of a scale bar that is a round number of the unit and at most `longest` device pixels. */
export function scaleBar(spacing: number, scale: number, longest: number): { length: number; pixels: number } {
  const most = (longest / scale) * spacing;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = ([5, 2, 1].find((step) => step * power <= most) ?? 1) * power;
  return { length, pixels: (length / spacing) * scale };
}
