import { splitObject } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Point } from '../viewer/transform.ts';
import type { Tool } from './tool.ts';

/** Divides the objects that a drawn line crosses. */
export const split: Tool = (bench, at) => {
  const { layer, slice } = bench;
  let points: readonly Point[] = [at];
  return {
    move(more) {
      points = [...points, ...more];
      bench.draft([{ points, closed: false }]);
    },
    up() {
      bench.draft([]);
      const line = points.map(({ x, y }) => [x, y] as const);
      const parts = [...crossed(points)].flatMap((object) => splitObject(layer, object, line, slice));
      if (parts.length > 0) bench.commit(text.edits.split);
      else bench.note(text.tools.noSplit);
      return false;
    },
    cancel: () => bench.draft([]),
  };

  function crossed(line: readonly Point[]): ReadonlySet<number> {
    const found = new Set<number>();
    for (let i = 1; i < line.length; i++) {
      const [a, b] = [line[i - 1], line[i]];
      const steps = Math.max(1, Math.ceil(2 * Math.hypot(b.x - a.x, b.y - a.y)));
      for (let k = 0; k <= steps; k++) {
        const [x, y] = [a.x + ((b.x - a.x) * k) / steps, a.y + ((b.y - a.y) * k) / steps];
        const label = layer.get(Math.floor(x), Math.floor(y), slice);
        if (label !== 0 && label !== layer.notAnnotated) found.add(label);
      }
    }
    return found;
  }
};
