import type { LabelLayer } from 'lamella/studio';
import type { Point } from '../viewer/transform.ts';
import { boxBetween, rectangle } from './region.ts';
import type { Tool } from './tool.ts';

/** Chooses the object under the pointer, or those in a rectangle; with Shift beside those that are chosen already. */
export const select: Tool = (bench, from, { shift }) =>
  rectangle(bench, from, (to) => {
    const { layer, slice } = bench;
    bench.select(to === from ? objectAt(layer, from, slice) : objectsBetween(layer, from, to, slice), shift);
  });

function objectAt(layer: LabelLayer, { x, y }: Point, slice: number): readonly number[] {
  const label = layer.get(Math.floor(x), Math.floor(y), slice);
  return label === 0 || label === layer.notAnnotated ? [] : [label];
}

/** Objects the middle of whose rectangle is between two points. */
function objectsBetween(layer: LabelLayer, from: Point, to: Point, slice: number): readonly number[] {
  const box = boxBetween(from, to, layer);
  if (box === undefined) return [];
  const [left, top, width, height] = box;
  return layer.labels().filter((label) => {
    const own = label > 0 ? layer.boxes(label).get(slice) : undefined;
    if (own === undefined) return false;
    const [x, y] = [own[0] + own[2] / 2, own[1] + own[3] / 2];
    return x >= left && y >= top && x < left + width && y < top + height;
  });
}
