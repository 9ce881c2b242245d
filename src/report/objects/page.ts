/** The object report: outlines, counts, comparison with ground truth, measurements. */

import { median } from '../../array/quantile.ts';
import { counted } from '../../errors.ts';
import { type Column, headerOf, type Table } from '../../measure/table.ts';
import { countChart } from '../kit/count-chart.ts';
import { dataTable } from '../kit/data-table.ts';
import { histogram } from '../kit/histograms.ts';
import { html, type Markup } from '../kit/markup.ts';
import { type ObjectKind, overlay } from '../kit/outline-overlay.ts';
import { renderPage, section } from '../kit/page.ts';
import { aboutSection } from '../run/about.ts';
import { lineChart } from '../run/charts.ts';
import type { ScoreTable } from '../run/data.ts';
import { scoreTable } from '../run/tables.ts';
import { countsTable, sumOfMatches } from './counts.ts';
import type { MatchCounts, ObjectsFigure, ObjectsImage, ObjectsReport } from './data.ts';
import { OBJECTS_STYLE } from './style.ts';

const MEANINGS: readonly (readonly [kind: ObjectKind, meaning: string, line: string])[] = [
  ['matched', 'Matched: one ground-truth object, one prediction', ''],
  ['merged', 'Merged: covers several ground-truth objects', ''],
  ['split', 'Split: one of several parts of a ground-truth object', ''],
  ['missed', 'Missed: ground-truth object that was not found', ' dashed'],
  ['spurious', 'Spurious: predicted where there is no object', ' dotted'],
];

/** Position columns: no histogram. */
const PLACES = /^(label|pixels|centroid_.*|box_.*|touches_border)$/;

/** Secondary columns: their histograms are collapsed. */
const DETAILS = /^intensity_(?!mean)/;

/** The report as HTML; deterministic. */
export function renderObjectsReport(report: ObjectsReport): string {
  const { images, figures, worst, table, precision, notes, facts, commands } = report;
  const groups = [...new Set(images.map(({ group }) => group))];
  const truth = images.some(({ match }) => match !== undefined);
  const shown = images.length > figures.length ? `${figures.length} of ${images.length} images, evenly spaced. ` : '';
  return renderPage(
    report,
    [
      figures.length === 0
        ? undefined
        : section(
            'images',
            'Objects',
            html`<p>${shown}Hover over an outline to see its number; click it to find its row in the table below.</p>`,
            html`<div class="switches"><label><input type="checkbox" id="outlines" checked> Outlines</label><label><input type="checkbox" id="numbers" checked> Numbers</label></div>`,
            truth ? legend() : undefined,
            gallery(figures, 'o'),
          ),
      truth
        ? section(
            'truth',
            'Comparison with ground truth',
            html`<div class="beside"><div>${scoreTable(matchTable(images, groups))}</div>${
              precision === undefined
                ? undefined
                : lineChart([{ name: 'average precision', points: precision }], {
                    description: 'Average precision TP / (TP + FP + FN) over the IoU threshold of a match.',
                    x: 'IoU threshold',
                    y: 'Average precision',
                    yDomain: [0, 1],
                    dots: true,
                    heightPx: 250,
                  })
            }</div>`,
            worst.length === 0 ? undefined : html`<h3>Images with the most errors</h3>`,
            worst.length === 0 ? undefined : gallery(worst, 'w'),
          )
        : undefined,
      images.length > 1
        ? section(
            'counts',
            'Counts',
            images.length > 3 ? countChart(images) : undefined,
            scoreTable(groupTable(images, groups)),
            imageTable(images),
          )
        : undefined,
      table.rows === 0 ? undefined : section('histograms', 'Distributions', ...distributions(table)),
      section(
        'objects',
        'All objects',
        html`<p>Click a column heading to sort. The filter accepts words and conditions, combined.</p>`,
        dataTable(table, {
          caption: 'Measurements of all objects',
          link: ['image', 'label'],
          ...exampleOf(table),
        }),
      ),
      aboutSection({ notes, facts, commands }),
    ],
    { style: OBJECTS_STYLE, tables: true },
  );
}

function exampleOf(table: Table): { readonly example?: string } {
  const column = table.columns.find(({ name }) => name === 'area' || name === 'volume');
  if (column === undefined) return {};
  return { example: `${headerOf(column)} > ${Number(median(column.values as ArrayLike<number>).toPrecision(2))}` };
}

function legend(): Markup {
  return html`<ul class="legend" aria-label="Colours of the outlines">${MEANINGS.map(
    ([kind, meaning, line]) =>
      html`<li><span class="line${line}" style="border-color: var(--${kind})"></span>${meaning}</li>`,
  )}</ul>`;
}

function gallery(figures: readonly ObjectsFigure[], prefix: string): Markup {
  return html`<div class="gallery"${prefix === 'o' ? html` data-linked` : undefined}>${figures.map((figure) => {
    const { name, widthPx, heightPx, picture, shapes, objects, match, slice } = figure;
    return html`<figure><div class="frame"><img src="${picture}" width="${widthPx}" height="${heightPx}" alt="${name} with ${objects} outlined objects">${overlay(
      shapes,
      { widthPx, heightPx, id: `${prefix}${name}` },
    )}</div><figcaption><strong>${name}</strong><span>${counted(objects, 'object', 'en')}</span>${
      slice === undefined ? undefined : html`<span>slice ${slice.index} of ${slice.count}</span>`
    }${match === undefined ? undefined : html`<span>${describeMatch(match)}</span>`}</figcaption></figure>
`;
  })}</div>`;
}

function describeMatch({ missed, merged, split, spurious }: MatchCounts): string {
  const parts = Object.entries({ missed, merged, split, spurious }).filter(([, n]) => n > 0);
  return parts.length === 0 ? 'all objects match' : parts.map(([name, n]) => `${n} ${name}`).join(', ');
}

/** One row per group, and one for all. */
function perGroup<T>(
  images: readonly ObjectsImage[],
  groups: readonly string[],
  row: (own: readonly ObjectsImage[]) => T,
): { readonly name: string; readonly values: T; readonly own?: boolean }[] {
  const all = { name: 'All images', values: row(images), own: groups.length > 1 };
  if (groups.length < 2) return [all];
  return [
    ...groups.map((group) => ({
      name: group === '' ? 'no folder' : group,
      values: row(images.filter((image) => image.group === group)),
    })),
    all,
  ];
}

function matchTable(images: readonly ObjectsImage[], groups: readonly string[]): ScoreTable {
  const keys = ['truth', 'predicted', 'matched', 'missed', 'merged', 'split', 'spurious'] as const;
  const labels = ['Ground truth', 'Predicted', 'Matched', 'Missed', 'Merged', 'Split', 'Spurious'];
  return {
    caption: 'Predicted and ground-truth objects',
    columns: labels.map((label, i) => ({
      label,
      ...(i > 2 ? { better: 'lower' as const } : i === 2 ? { better: 'higher' as const } : {}),
    })),
    digits: labels.map(() => 0),
    rows: perGroup(images, groups, (own) => {
      const sum = sumOfMatches(own);
      return keys.map((key) => sum[key]);
    }),
    note: 'Missed and split count ground-truth objects; merged and spurious count predicted objects.',
  };
}

function groupTable(images: readonly ObjectsImage[], groups: readonly string[]): ScoreTable {
  return {
    caption: groups.length > 1 ? 'Counts per group' : 'Counts',
    columns: ['Images', 'Objects', 'Mean per image', 'Standard deviation', 'Minimum', 'Maximum', 'Covered, %'].map(
      (label) => ({
        label,
      }),
    ),
    digits: [0, 0, 1, 1, 0, 0, 1],
    rows: perGroup(images, groups, (own) => {
      const counts = own.map(({ objects }) => objects);
      const sum = counts.reduce((a, b) => a + b, 0);
      const mean = sum / counts.length;
      const variance = counts.reduce((a, b) => a + (b - mean) ** 2, 0) / (counts.length - 1);
      const covered = own.flatMap((image) => (image.covered === null ? [] : [image.covered]));
      return [
        counts.length,
        sum,
        mean,
        counts.length > 1 ? Math.sqrt(variance) : null,
        Math.min(...counts),
        Math.max(...counts),
        covered.length === 0 ? null : (100 * covered.reduce((a, b) => a + b, 0)) / covered.length,
      ];
    }),
  };
}

function imageTable(images: readonly ObjectsImage[]): Markup {
  const example = images.some(({ match }) => match !== undefined) ? 'merged > 0' : 'objects > 10';
  return html`<h3>Images</h3>${dataTable(countsTable(images), { caption: 'Counts per image', example })}`;
}

/** A histogram per measurement, coloured by group if there are two to four. */
function distributions(table: Table): readonly (Markup | undefined)[] {
  const groupColumn = table.columns.find(({ name }) => name === 'group')?.values as readonly string[] | undefined;
  const groups = groupColumn === undefined ? [''] : [...new Set(groupColumn)];
  const coloured = groupColumn !== undefined && groups.length > 1 && groups.length <= 4;
  const numbers = new Map(groups.map((group, i) => [group, i]));
  const chartOf = ({ name, unit, values }: Column): Markup | undefined =>
    histogram(values as ArrayLike<number>, {
      label: name.replaceAll('_', ' '),
      unit,
      ...(coloured ? { groups, groupOf: (i: number) => numbers.get(groupColumn[i] as string) as number } : {}),
    });
  const measured = table.columns.filter(({ name, values }) => !Array.isArray(values) && !PLACES.test(name));
  const equal = measured.flatMap(({ name, unit = '', values }) => {
    const [first, ...rest] = new Set(Array.from(values as ArrayLike<number>).filter(Number.isFinite));
    return first === undefined || rest.length > 0
      ? []
      : [`${name.replaceAll('_', ' ')} ${Number(first.toPrecision(4))} ${unit}`.trim()];
  });
  const charts = measured.filter(({ name }) => !DETAILS.test(name)).map(chartOf);
  const more = measured.filter(({ name }) => DETAILS.test(name)).map(chartOf);
  const key = coloured
    ? html`<ul class="legend" aria-label="Colours of the groups">${groups.map(
        (group, i) => html`<li><span class="swatch" style="background: var(--line-${i + 1})"></span>${group}</li>`,
      )}</ul>`
    : undefined;
  return [
    charts.some((chart) => chart !== undefined) ? html`<p>The dashed line is the median.</p>` : undefined,
    equal.length === 0 ? undefined : html`<p>Equal in all objects: ${equal.join(', ')}.</p>`,
    key,
    html`<div class="histograms">${charts.map((chart) => chart ?? '')}</div>`,
    more.length === 0
      ? undefined
      : html`<details><summary>${more.length} more intensity measurements</summary><div class="histograms">${more.map((chart) => chart ?? '')}</div></details>`,
  ];
}
