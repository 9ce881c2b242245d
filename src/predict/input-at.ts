/** What a network is given where it answers for one pixel of an image. */

import { float32, type NdArray } from '../array/ndarray.ts';
import type { Rectangle } from '../array/window-sums.ts';
import type { NamedPage } from '../input/channels.ts';
import { type ClassInput, copyCrop, cropViews, storedPlanes, type View } from '../input/classes.ts';
import { prepareInput, prepareView } from '../input/network-input.ts';
import { windowReader } from '../input/window.ts';
import type { SegmentationModel } from './model.ts';
import { predictPlanes } from './predict.ts';
import { type AxisTile, planAxis, type TilingRule } from './tile-plan.ts';
import { requireImages } from './volume.ts';
import { fillWindow } from './window.ts';

/** A pixel, counted from the upper left. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The network's input for one pixel, and its position in the image. */
export interface PixelInput {
  /** [1, channels, rows, columns], normalised. */
  readonly feed: NdArray<'float32'>;
  /** The pixel in the input; of a classifier that crops, it may lie outside. */
  readonly pixel: Point;
  /** The part of the input that shows the image, and which part of the image that is, in its pixels. */
  readonly shown: Rectangle;
  readonly box: Rectangle;
}

/**
 * The tile from which `predictPages` takes the prediction of a pixel; of a network that classifies the middle of a
 * window, the window around the pixel.
 * @throws DatasetError if the slice's channels do not match; ModelError for a network of volumes.
 */
export function inputAt(model: SegmentationModel, page: NamedPage, at: Point): PixelInput {
  requireImages(model);
  const { height, width } = page;
  const planes = prepareInput(page, model.input);
  const channels = model.input.channels.count;
  if (model.patches !== undefined) {
    const { side, cover } = model.patches.window;
    const feed = float32([1, channels, side, side]);
    windowReader(planes, { channels, height, width }, model.patches.window)(at.y, at.x, feed.data);
    const reach = Math.floor(cover / 2);
    return {
      feed,
      pixel: { x: Math.floor(side / 2), y: Math.floor(side / 2) },
      shown: { x: 0, y: 0, width: side, height: side },
      box: { x: at.x - reach, y: at.y - reach, width: cover, height: cover },
    };
  }
  const y = tileOf(height, model.rule.y, at.y);
  const x = tileOf(width, model.rule.x, at.x);
  const feed = float32([1, channels, y.side, x.side]);
  const origin = { y: y.origin, x: x.origin };
  fillWindow(feed.data, planes, { height, width, channels }, origin, { y: y.side, x: x.side });
  const shown = { x: x.from, y: y.from, width: x.to - x.from, height: y.to - y.from };
  return {
    feed,
    pixel: { y: at.y - origin.y, x: at.x - origin.x },
    shown,
    box: { ...shown, x: shown.x + origin.x, y: shown.y + origin.y },
  };
}

/** The tile along one axis with the largest weight at a pixel, and its part inside the image. */
function tileOf(size: number, rule: TilingRule, at: number) {
  const { side, tiles } = planAxis(size, rule);
  const weight = ({ from, to, weights }: AxisTile): number =>
    at < from || at >= to ? -1 : (weights?.[at - from] ?? 1);
  const { origin } = tiles.reduce((best, next) => (weight(next) > weight(best) ? next : best));
  return { side, origin, from: Math.max(0, -origin), to: Math.min(side, size - origin) };
}

/**
 * The probabilities of the classes at one pixel as `predictPages` computes them: from the whole page, or from as much of
 * it as a window reaches.
 * @throws as `predictPages`
 */
export async function predictAt(model: SegmentationModel, page: NamedPage, at: Point): Promise<readonly number[]> {
  const { height, width, name } = page;
  const planes = prepareInput(page, model.input);
  const cover = model.patches?.window.cover;
  if (cover === undefined) return columnOf(await predictPlanes(model, { planes, height, width, name }), at);
  // Mirrored where the image ends, as in the whole.
  const [top, left] = [Math.max(0, at.y - cover), Math.max(0, at.x - cover)];
  const crop = [Math.min(height, at.y + cover + 1) - top, Math.min(width, at.x + cover + 1) - left] as const;
  const channels = model.input.channels.count;
  const cut = new Float32Array(channels * crop[0] * crop[1]);
  copyCrop(planes, channels, [height, width], { top, left, crop, mirror: false }, cut);
  const part = { planes: cut, height: crop[0], width: crop[1], name };
  return columnOf(await predictPlanes(model, part), { x: at.x - left, y: at.y - top });
}

function columnOf({ shape, data }: NdArray<'float32'>, { x, y }: Point): number[] {
  const [classes, height, width] = shape as readonly [number, number, number];
  return Array.from({ length: classes }, (_, c) => data[(c * height + y) * width + x]);
}

/**
 * The middle view of an image that `classifyPages` gives to an image classifier: scaled to cover `input.stored`, cut to
 * `input.crop` around the middle. A pixel of what is cut away has a `pixel` outside of the input.
 * @throws DatasetError if the slice's channels do not match.
 */
export function viewAt(input: ClassInput, page: NamedPage, at: Point): PixelInput {
  const { channels, stored, crop } = input;
  const [{ top, left }] = cropViews({ ...input, views: 1 }) as readonly [View];
  const feed = float32([1, channels.count, ...crop]);
  prepareView(storedPlanes(page, input), input, { top, left, mirror: false }, feed.data);
  // As `resizeToCover` does.
  const scale = Math.max(stored[0] / page.height, stored[1] / page.width);
  const lost = { y: (page.height * scale - stored[0]) / 2 + top, x: (page.width * scale - stored[1]) / 2 + left };
  return {
    feed,
    pixel: {
      y: Math.floor((at.y + 0.5) * scale - lost.y),
      x: Math.floor((at.x + 0.5) * scale - lost.x),
    },
    shown: { x: 0, y: 0, width: crop[1], height: crop[0] },
    box: { x: lost.x / scale, y: lost.y / scale, width: crop[1] / scale, height: crop[0] / scale },
  };
}
