import { isHeldOutNext, type Region } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Point } from '../viewer/transform.ts';
import type { Bench, Gesture, Tool } from './tool.ts';

/** The pixels of the image that a rectangle between two points touches: x, y, width, height; undefined for none. */
export function boxBetween(
  a: Point,
  b: Point,
  { width, height }: { readonly width: number; readonly height: number },
): readonly [number, number, number, number] | undefined {
  const left = Math.max(0, Math.floor(Math.min(a.x, b.x)));
  const top = Math.max(0, Math.floor(Math.min(a.y, b.y)));
  const right = Math.min(width, Math.ceil(Math.max(a.x, b.x)));
  const bottom = Math.min(height, Math.ceil(Math.max(a.y, b.y)));
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : undefined;
}

/** The number of a new region. */
export const freeId = (regions: readonly Region[]): number => 1 + Math.max(0, ...regions.map(({ id }) => id));

/** A rectangle that is drawn from corner to corner. @param end gets the opposite corner; `from` itself after a click */
export function rectangle(bench: Bench, from: Point, end: (to: Point) => void): Gesture {
  let to = from;
  return {
    move(points) {
      to = points.at(-1) ?? to;
      const corners = [from, { x: to.x, y: from.y }, to, { x: from.x, y: to.y }];
      bench.draft([{ points: corners, closed: true }]);
    },
    up() {
      bench.draft([]);
      end(to);
      return false;
    },
    cancel: () => bench.draft([]),
  };
}

/** A rectangle in which everything is annotated: what is not painted there is background. */
export const region: Tool = (bench, from) =>
  rectangle(bench, from, (to) => {
    const box = boxBetween(from, to, bench.layer);
    if (box === undefined || to === from) return;
    const { annotations, image, slice } = bench;
    const regions = annotations.regions(image);
    const id = freeId(regions);
    const drawn: Region = { id, shape: { box }, slice, complete: true, origin: 'painted', held: false };
    const held = isHeldOutNext(annotations, image, drawn);
    annotations.setRegions(image, [...regions, { ...drawn, held }]);
    bench.commit(text.edits.region);
    if (held) bench.note(text.regions.heldOut(id));
  });
