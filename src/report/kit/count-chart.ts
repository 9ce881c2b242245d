/** Objects per image as dots, one row per group. */

import type { ObjectsImage } from '../objects/data.ts';
import { chartFigure, lineColour, quantityAxis } from './chart.ts';
import type { Markup } from './markup.ts';
import { dots, rowTick } from './plot.ts';

export function countChart(images: readonly ObjectsImage[]): Markup {
  const rows = images.map(({ group, objects }, i) => ({
    x: objects,
    y: group === '' ? 'images' : group,
    // Dots of equal counts are spread out.
    dy: 4 * (Math.floor(((i * 0.618) % 1) * 5) - 2),
  }));
  const names = [...new Set(rows.map(({ y }) => y))];
  return chartFigure('Objects per image (dots) and their mean (bar).', {
    width: 760,
    height: Math.max(90, 60 + 34 * names.length),
    marginLeft: Math.min(240, 30 + 7 * Math.max(...names.map(({ length }) => length))),
    marginRight: 20,
    marginTop: 10,
    marginBottom: 40,
    x: { ...quantityAxis('Objects per image'), zero: true },
    y: { names },
    marks: [
      dots(rows, { r: 3, fill: lineColour(0), 'fill-opacity': 0.55 }),
      ...names.map((name) => {
        const own = rows.filter(({ y }) => y === name);
        const mean = own.reduce((sum, { x }) => sum + x, 0) / own.length;
        return rowTick({ x: mean, y: name }, { stroke: lineColour(1), 'stroke-width': 3 });
      }),
    ],
  });
}
