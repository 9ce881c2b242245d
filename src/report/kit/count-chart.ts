/** Objects per image as dots, one row per group. */

import * as Plot from '@observablehq/plot';
import type { ObjectsImage } from '../objects/data.ts';
import { chartFigure, lineColour, quantityAxis } from './chart.ts';
import type { Markup } from './markup.ts';

export function countChart(images: readonly ObjectsImage[]): Markup {
  const groups = [...new Set(images.map(({ group }) => group))];
  const rows = images.map(({ group, objects }, i) => ({
    group: group === '' ? 'images' : group,
    objects,
    jitter: ((i * 0.618) % 1) - 0.5,
  }));
  return chartFigure('Objects per image (dots) and their mean (bar).', {
    width: 760,
    height: Math.max(90, 60 + 34 * groups.length),
    marginLeft: Math.min(240, 30 + 7 * Math.max(...rows.map(({ group }) => group.length))),
    marginRight: 20,
    marginTop: 10,
    marginBottom: 40,
    x: { ...quantityAxis('Objects per image'), zero: true },
    y: { label: null, domain: [...new Set(rows.map(({ group }) => group))] },
    marks: groups.flatMap((_, i) => {
      const name = [...new Set(rows.map(({ group }) => group))][i] as string;
      const own = rows.filter(({ group }) => group === name);
      return [
        // Dots of equal counts are spread out.
        ...[-8, -4, 0, 4, 8].map((dy, k) =>
          Plot.dot(
            own.filter(({ jitter }) => Math.floor((jitter + 0.5) * 5) === k),
            { x: 'objects', y: 'group', r: 3, fill: lineColour(0), fillOpacity: 0.55, dy },
          ),
        ),
        Plot.tickX([{ group: name, objects: own.reduce((sum, { objects }) => sum + objects, 0) / own.length }], {
          x: 'objects',
          y: 'group',
          stroke: lineColour(1),
          strokeWidth: 3,
        }),
      ];
    }),
  });
}
