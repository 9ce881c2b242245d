/**
 * The pixels of COCO's segmentations, exactly those that pycocotools finds (cocoapi, common/maskApi.c). Run lengths count
 * pixels in column-major order, alternately of background and object, background first.
 */

import type { FoundRun, Line, Size } from '../../objects/fill-polygon.ts';

/** Of polygons: an outline is traced in as many steps as it is long. */
export const LARGEST_COORDINATE = 2 ** 20;

/** Polygons are traced on a grid of fifths of a pixel. */
const SCALE = 5;

/** Run lengths from their text, without a check of what they are; the inverse of `compressCounts`. */
export function decompressCounts(text: string): readonly number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    let bits = 0;
    for (let more = true; more; bits += 5) {
      // What is no digit ends as a length that fits no image.
      const group = text.charCodeAt(at++) - 48;
      if (!(group >= 0 && group < 64 && bits <= 30)) return [Number.NaN];
      value += (group & 31) * 2 ** bits;
      more = (group & 32) !== 0;
      if (!more && (group & 16) !== 0) value -= 2 ** (bits + 5);
    }
    counts.push(counts.length > 2 ? value + (counts.at(-2) as number) : value);
  }
  return counts;
}

/** The pixels of run lengths whose image has this height. */
export const fillCounts = (counts: readonly number[], height: number, found: FoundRun): void =>
  fillUnion([counts], height, found);

/** The union of polygons; the part of one that is outside the image is clipped as pycocotools clips it. */
export function fillTraced(polygons: readonly Line[], size: Size, found: FoundRun): void {
  fillUnion(
    polygons.map((polygon) => tracedCounts(polygon, size)),
    size[0],
    found,
  );
}

type PaintLine = (line: number, from: number, to: number) => void;

/** The runs of pixels that belong to the object, line by line: columns in COCO. */
export function eachRun(counts: readonly number[], length: number, paint: PaintLine): void {
  let start = 0;
  counts.forEach((count, i) => {
    const end = start + count;
    for (let at = start; i % 2 === 1 && at < end; ) {
      const line = Math.floor(at / length);
      const to = Math.min(end, (line + 1) * length);
      paint(line, at - line * length, to - line * length);
      at = to;
    }
    start = end;
  });
}

/** Draws into the smallest box, column by column, and reads it row by row. */
function fillUnion(parts: readonly (readonly number[])[], height: number, found: FoundRun): void {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  const each = (paint: PaintLine): void => {
    for (const counts of parts) eachRun(counts, height, paint);
  };
  each((column, from, to) => {
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    top = Math.min(top, from);
    bottom = Math.max(bottom, to);
  });
  if (right === 0) return;
  const [columns, rows] = [right - left, bottom - top];
  const mask = new Uint8Array(columns * rows);
  each((column, from, to) => {
    const start = (column - left) * rows - top;
    mask.fill(1, start + from, start + to);
  });
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      if (mask[x * rows + y] === 0) continue;
      const from = x;
      while (x < columns && mask[x * rows + y] === 1) x++;
      found(top + y, left + from, left + x);
    }
  }
}

/**
 * Run lengths of a polygon (`rleFrPoly`): its outline is traced in steps of a fifth of a pixel, and the rows at which it
 * passes the middle of a column begin and end the runs of that column.
 */
function tracedCounts(polygon: Line, [height, width]: Size): readonly number[] {
  const corners = polygon.length / 2;
  const fine = (i: number): number => Math.trunc(SCALE * (polygon[i % polygon.length] as number) + 0.5);
  const ends: number[] = [];
  let [lastX, lastY] = [Number.NaN, 0];
  const pass = (x: number, y: number): void => {
    if (!Number.isNaN(lastX) && x !== lastX) {
      const column = ((x < lastX ? x : x - 1) + 0.5) / SCALE - 0.5;
      if (Number.isInteger(column) && column >= 0 && column <= width - 1) {
        const row = (Math.min(y, lastY) + 0.5) / SCALE - 0.5;
        ends.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)));
      }
    }
    [lastX, lastY] = [x, y];
  };
  for (let i = 0; i < corners; i++) {
    const [ax, ay, bx, by] = [fine(2 * i), fine(2 * i + 1), fine(2 * i + 2), fine(2 * i + 3)];
    const [dx, dy] = [Math.abs(bx - ax), Math.abs(by - ay)];
    const steps = Math.max(dx, dy);
    const isFlat = dx >= dy;
    // Both directions of an edge have the same points.
    const isBackward = isFlat ? ax > bx : ay > by;
    const [x, y, slope] = isBackward
      ? [bx, by, isFlat ? (ay - by) / dx : (ax - bx) / dy]
      : [ax, ay, isFlat ? (by - ay) / dx : (bx - ax) / dy];
    for (let d = 0; d <= steps; d++) {
      const t = isBackward ? steps - d : d;
      const across = steps === 0 ? 0 : slope * t;
      if (isFlat) pass(x + t, Math.trunc(y + across + 0.5));
      else pass(Math.trunc(x + across + 0.5), y + t);
    }
  }
  ends.sort((a, b) => a - b);
  return countsBetween([...ends, height * width]);
}

/** Lengths between ascending ends; of two at the same place neither is one. */
function countsBetween(ends: readonly number[]): readonly number[] {
  const lengths = ends.map((end, i) => end - (ends[i - 1] ?? 0));
  const counts = [lengths[0] as number];
  for (let i = 1; i < lengths.length; i++) {
    if ((lengths[i] as number) > 0) counts.push(lengths[i] as number);
    else if (++i < lengths.length) counts[counts.length - 1] = (counts.at(-1) as number) + (lengths[i] as number);
  }
  return counts;
}
