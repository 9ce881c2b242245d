import { forEachRun, wand as grow, painter } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Point } from '../viewer/transform.ts';
import { valuesOf } from './fill.ts';
import type { Tool } from './tool.ts';

/** Paints what is like the pixel under the pointer within the circle of the brush, and goes on while it is dragged. */
export const wand: Tool = (bench, at, held) => {
  const { layer, slice, diameter } = bench;
  const value = held.alt ? layer.notAnnotated : bench.label(at, held, false);
  const paint = painter(layer, { value, slice, over: bench.keep && !held.alt ? 'unlabelled' : 'anything' });
  const values = valuesOf(bench);
  const growAt = ({ x, y }: Point): void => {
    const task = grow(values, [x, y], { size: [layer.height, layer.width], diameter, deviations: bench.deviations });
    let state = task.next();
    while (!state.done) state = task.next();
    forEachRun(state.value, paint);
  };
  let last = at;
  growAt(at);
  return {
    move(points) {
      const next = points.at(-1);
      // Circles overlap by half: between two of them nothing is left out that one of them would take.
      if (next === undefined || Math.hypot(next.x - last.x, next.y - last.y) < diameter / 4) return;
      last = next;
      growAt(next);
    },
    up() {
      bench.commit(held.alt ? text.edits.eraser : text.edits.wand);
      return false;
    },
    cancel: bench.cancel,
  };
};
