import { BrushStroke } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Point } from '../viewer/transform.ts';
import type { Tool } from './tool.ts';

/** @param kind `object` gives each stroke a number of its own */
const brushTool =
  (kind: 'brush' | 'eraser' | 'object'): Tool =>
  (bench, at, held) => {
    const erases = kind === 'eraser' || held.alt;
    const stroke = new BrushStroke(bench.layer, {
      diameter: bench.diameter,
      value: erases ? bench.layer.notAnnotated : bench.label(at, held, kind === 'object'),
      slice: bench.slice,
      over: bench.keep && !erases ? 'unlabelled' : 'anything',
    });
    stroke.moveTo(at.x, at.y);
    /** Where a straight line begins; while it is held, the last position is not yet painted. */
    let end: Point | undefined;
    return {
      move(points, { shift }) {
        end = shift ? points.at(-1) : undefined;
        bench.draft(end === undefined ? [] : [{ points: [at, end], closed: false }]);
        if (end === undefined) for (const { x, y } of points) stroke.moveTo(x, y);
      },
      up() {
        if (end !== undefined) stroke.moveTo(end.x, end.y);
        bench.commit(text.edits[erases ? 'eraser' : kind]);
        return false;
      },
      cancel: bench.cancel,
    };
  };

export const brush = brushTool('brush');
export const eraser = brushTool('eraser');
export const object = brushTool('object');
