import { paintShape } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Point } from '../viewer/transform.ts';
import type { Tool } from './tool.ts';

/** Nearer than so many image pixels to the last point, a click is a double click. */
const SAME_PX = 0.5;

/** Corners by clicks, or freely while the pointer is held: a lasso. Enter, or a click on the last corner, fills it. */
export const polygon: Tool = (bench, at, held) => {
  const value = held.alt ? bench.layer.notAnnotated : bench.label(at, held, true);
  let points: readonly Point[] = [at];
  let isLasso = false;
  let ended = false;
  const show = (more: readonly Point[] = []): void => bench.draft([{ points: [...points, ...more], closed: true }]);
  const finish = (): void => {
    if (ended) return;
    ended = true;
    bench.draft([]);
    if (points.length < 3) return;
    paintShape(
      bench.layer,
      { polygon: [Float64Array.from(points.flatMap(({ x, y }) => [x, y]))] },
      { value, slice: bench.slice, over: bench.keep && !held.alt ? 'unlabelled' : 'anything' },
    );
    bench.commit(held.alt ? text.edits.eraser : text.edits.polygon);
  };
  return {
    move(more) {
      isLasso ||= points.length === 1;
      points = [...points, ...more];
      show();
    },
    up() {
      if (isLasso && points.length > 2) finish();
      return !ended;
    },
    down(next) {
      const last = points[points.length - 1];
      if (Math.hypot(next.x - last.x, next.y - last.y) < SAME_PX) finish();
      else points = [...points, next];
      if (!ended) show();
    },
    hover: (next) => show([next]),
    finish,
    cancel() {
      ended = true;
      bench.draft([]);
    },
  };
};
