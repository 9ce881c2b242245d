/** Objects in each image as dots, a column a group. */

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { ObjectsImage } from '../objects/data.ts';
import { type Markup, trusted } from './markup.ts';

export function countChart(images: readonly ObjectsImage[]): Markup {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const groups = [...new Set(images.map(({ group }) => group))];
  const rows = images.map(({ group, objects }, i) => ({
    group: group === '' ? 'images' : group,
    objects,
    jitter: ((i * 0.618) % 1) - 0.5,
  }));
  const said = 'Objects in each image (dots) and their mean (bar).';
  const chart = Plot.plot({
    document: document as never,
    width: 760,
    height: Math.max(90, 60 + 34 * groups.length),
    marginLeft: Math.min(240, 30 + 7 * Math.max(...rows.map(({ group }) => group.length))),
    marginRight: 20,
    marginTop: 10,
    marginBottom: 40,
    style: { fontSize: '12px', background: 'transparent', overflow: 'visible' },
    x: { label: 'Objects in an image', labelAnchor: 'center', labelArrow: 'none', grid: true, zero: true, ticks: 6 },
    y: { label: null, domain: [...new Set(rows.map(({ group }) => group))] },
    marks: groups.flatMap((_, i) => {
      const name = [...new Set(rows.map(({ group }) => group))][i] as string;
      const own = rows.filter(({ group }) => group === name);
      return [
        // Dots of equal counts are drawn apart.
        ...[-8, -4, 0, 4, 8].map((dy, k) =>
          Plot.dot(
            own.filter(({ jitter }) => Math.floor((jitter + 0.5) * 5) === k),
            { x: 'objects', y: 'group', r: 3, fill: 'var(--line-1)', fillOpacity: 0.55, dy },
          ),
        ),
        Plot.tickX([{ group: name, objects: own.reduce((sum, { objects }) => sum + objects, 0) / own.length }], {
          x: 'objects',
          y: 'group',
          stroke: 'var(--line-2)',
          strokeWidth: 3,
        }),
      ];
    }),
  });
  const svg = chart as unknown as { setAttribute(name: string, value: string): void; readonly outerHTML: string };
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', said);
  return trusted(`<figure class="chart">${svg.outerHTML}<figcaption>${said}</figcaption></figure>`);
}
