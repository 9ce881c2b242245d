/** Maps of a network in the pixels of the view, the part of the input that shows the image. */

import { type Dependence, receptiveField, type Value } from 'lamella/graph';
import type { Point, Rectangle } from 'lamella/predict';
import type { Plane } from './explanation.ts';
import { elementAt } from './layers.ts';

export interface View {
  /** The part of the input, in its pixels. */
  readonly shown: Rectangle;
  readonly dependence: Dependence;
}

/** A part of a plane. */
export function cropPlane(data: Float32Array, width: number, { x, y, width: columns, height: rows }: Rectangle): Plane {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = (y + row) * width + x;
    out.set(data.subarray(from, from + columns), row * columns);
  }
  return { height: rows, width: columns, data: out };
}

/** The elements of a map in the view. */
export function elementsOf(value: Value, { shown, dependence }: View): Rectangle {
  const first = elementAt(dependence, value, shown);
  const end = { x: shown.x + shown.width - 1, y: shown.y + shown.height - 1 };
  const last: Point = elementAt(dependence, value, end);
  return { ...first, width: last.x - first.x + 1, height: last.y - first.y + 1 };
}

/** Map `channel` of a value [1, C, H, W], cropped to the view, in its own resolution. */
export function mapInView(data: Float32Array, value: Value, channel: number, view: View): Plane {
  const [, , height, width] = value.shape;
  const map = data.subarray(channel * height * width, (channel + 1) * height * width);
  return cropPlane(map, width, elementsOf(value, view));
}

/** A map with the shape of a value's, interpolated at every pixel of the view. */
export function resampleToView(map: Float32Array, value: Value, { shown, dependence }: View): Plane {
  const [, , height, width] = value.shape;
  const { fields } = receptiveField(dependence, value);
  const along = (axis: number, start: number, count: number, size: number) => {
    const field = fields.find((candidate) => candidate.axis === axis);
    const inputSize = dependence.input.shape[axis];
    return Array.from({ length: count }, (_, i): readonly [number, number, number] => {
      const at = start + i;
      const place =
        field === undefined
          ? ((at + 0.5) * size) / inputSize - 0.5
          : ((at - field.offset - (field.size - 1) / 2) * field.jump.denominator) / field.jump.numerator;
      const inside = Math.max(0, Math.min(size - 1, place));
      const below = Math.floor(inside);
      return [below, Math.min(size - 1, below + 1), inside - below];
    });
  };
  const rows = along(2, shown.y, shown.height, height);
  const columns = along(3, shown.x, shown.width, width);
  const data = new Float32Array(shown.height * shown.width);
  rows.forEach(([upper, lower, down], y) => {
    columns.forEach(([left, right, across], x) => {
      const top = map[upper * width + left] * (1 - across) + map[upper * width + right] * across;
      const low = map[lower * width + left] * (1 - across) + map[lower * width + right] * across;
      data[y * shown.width + x] = top * (1 - down) + low * down;
    });
  });
  return { height: shown.height, width: shown.width, data };
}
