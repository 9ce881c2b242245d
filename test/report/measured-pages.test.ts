/** The pages of objects and of lungs, as text and in a browser. */

import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { Table } from '../../src/measure/table.ts';
import { matchObjects } from '../../src/metrics/match-objects.ts';
import { dataTable } from '../../src/report/kit/data-table.ts';
import { histogram } from '../../src/report/kit/histograms.ts';
import { renderPage, section } from '../../src/report/kit/page.ts';
import { patientOf } from '../../src/report/lungs/collect.ts';
import type { LungsReport } from '../../src/report/lungs/data.ts';
import { RESEARCH_ONLY, renderLungsReport } from '../../src/report/lungs/page.ts';
import { ObjectsCollector } from '../../src/report/objects/collect.ts';
import type { ObjectsReport } from '../../src/report/objects/data.ts';
import { renderObjectsReport } from '../../src/report/objects/page.ts';
import { describePages, expectSound } from '../support/pages.ts';

/** A grid of square cells; of each image another one is lost, two are one and one is false. */
function objectsReport(): ObjectsReport {
  const side = 96;
  const collector = new ObjectsCollector({ total: 5, figures: 3 });
  for (let i = 0; i < 5; i++) {
    const truth = new Int32Array(side * side);
    for (let p = 0; p < truth.length; p++) {
      const [x, y] = [p % side, Math.floor(p / side)];
      if (x % 16 < 11 + (i % 3) && y % 16 < 12) truth[p] = 1 + Math.floor(y / 16) * 6 + Math.floor(x / 16);
    }
    const found = truth.map((label, p) => (label === 3 + i ? 0 : label === 21 ? 20 : p === side - 1 ? 99 : label));
    const labels = [...new Set(found)].filter((label) => label > 0).sort((a, b) => a - b);
    const table: Table = {
      rows: labels.length,
      columns: [
        { name: 'label', values: Int32Array.from(labels) },
        {
          name: 'area',
          unit: 'µm²',
          values: Float64Array.from(labels, (label) => 0.25 * found.reduce((n, own) => n + Number(own === label), 0)),
        },
        {
          name: 'solidity',
          values: Float64Array.from(labels, (label) => (label === 99 ? Number.NaN : 1 - label / 99)),
        },
      ],
    };
    const random = stream(i, 'page');
    collector.add({
      name: `plate ${i}.tif`,
      group: i < 3 ? 'control' : '<b>treated</b>',
      labels: ndarray('int32', [side, side], found),
      table,
      pictureOf: () => ({
        planes: [Uint8Array.from(truth, (label) => (label > 0 ? 150 : 30) + 40 * random.uniform())],
        height: side,
        width: side,
      }),
      match: {
        matches: matchObjects(ndarray('int32', [side, side], truth), ndarray('int32', [side, side], found)),
        truth: ndarray('int32', [side, side], truth),
      },
    });
  }
  return {
    ...collector.result(),
    title: 'Objects in pred',
    summary: '175 objects in 5 images.',
    createdAt: '2026-01-02T03:04:05.000Z',
    headline: [{ label: 'Objects', value: '175' }],
    precision: [
      [0.5, 0.9],
      [0.95, null],
    ],
    notes: ['Pixel size 0.5 x 0.5 µm.'],
    facts: [['Images', 'pred']],
    commands: ['lamella measure pred'],
  };
}

/** Two cylinders in a box of tissue. */
function lungsReport(): LungsReport {
  const [depth, height, width] = [24, 60, 80] as const;
  const hu = new Float32Array(depth * height * width).fill(-1000);
  const sides = new Uint8Array(hu.length);
  for (let p = 0; p < hu.length; p++) {
    const [x, y, z] = [p % width, Math.floor(p / width) % height, Math.floor(p / width / height)];
    if (Math.hypot((x - 40) / 1.4, y - 30) < 27) hu[p] = 40;
    const side = Math.hypot(x - 24, y - 30) < 5 + z / 2 ? 1 : Math.hypot(x - 56, y - 30) < 4 + z / 2 ? 2 : 0;
    if (side > 0) hu[p] = -850 + 5 * z;
    sides[p] = side;
  }
  const volume = {
    name: 'patient <1>',
    hu,
    sides: ndarray('uint8', [depth, height, width], sides),
    values: { right: 1, left: 2 },
    sliceName: (z: number) => `slice ${z + 1}`,
    spacingMm: [5, 4, 4] as const,
  };
  const row = (values: readonly number[]): Table => ({
    rows: values.length,
    columns: [
      { name: 'patient', values: values.map(() => 'patient <1>') },
      { name: 'lung_volume', unit: 'L', values: Float64Array.from(values) },
    ],
  });
  return {
    title: 'Lungs in out',
    summary: 'One patient.',
    createdAt: '2026-01-02T03:04:05.000Z',
    headline: [{ label: 'Volume', value: '1.234 L' }],
    perPatient: row([1.234]),
    perSlice: row(Array.from({ length: depth }, (_, z) => z / 100)),
    patients: [patientOf(volume), patientOf({ ...volume, name: 'head first', headFirst: true })],
    scores: [],
    notes: [],
    facts: [],
    commands: [],
  };
}

describe('parts of the pages', () => {
  test('the policy of the page allows its one script, whose nonce differs from page to page', () => {
    const [page, other] = ['a', 'b'].map((text) => {
      const head = { title: text, summary: '', createdAt: '2026-01-02T03:04:05.000Z', headline: [] };
      return renderPage(head, [section('x', text)], { tables: true });
    });
    const [, nonce] = /script-src 'nonce-([0-9a-f]{8})'/.exec(page) ?? [];
    expect(page.match(/<script[^>]*>/g)).toEqual([`<script nonce="${nonce}">`]);
    expect(page).toContain('(function sortAndFilterTables() {');
    expect(other).not.toContain(nonce);
  });

  test('what collects: counts, kinds of outlines, the images with the most errors', () => {
    const { images, figures, worst, table } = objectsReport();
    expect(images.map(({ match }) => match)).toEqual(
      images.map(() => ({ truth: 36, predicted: 35, matched: 33, missed: 1, merged: 1, split: 0, spurious: 1 })),
    );
    expect(figures.map(({ name }) => name)).toEqual(['plate 0.tif', 'plate 2.tif', 'plate 4.tif']);
    expect(worst).toHaveLength(4);
    const kinds = figures[0]?.shapes.map(({ name, kind }) => `${name} ${kind}`);
    expect(kinds?.filter((text) => !text.endsWith(' matched'))).toEqual([
      '20 merged',
      '99 spurious',
      'missed-3 missed',
    ]);
    expect(table.rows).toBe(5 * 35);
    expect(table.columns.map(({ name }) => name)).toEqual(['group', 'image', 'label', 'area', 'solidity']);
  });

  test('what is equal in all objects is a sentence, and no bar', () => {
    const report = objectsReport();
    const { rows, columns } = report.table;
    const pixels = { name: 'pixels', unit: 'px', values: new Int32Array(rows).fill(7) };
    const euler = { name: 'euler_number', values: new Float64Array(rows).fill(1) };
    const text = renderObjectsReport({ ...report, table: { rows, columns: [...columns, pixels, euler] } });
    expect(text).toContain('Equal in all objects: euler number 1.');
    expect(text).not.toContain('euler number: median');
    expect(text).toMatch(/<button type="button">pixels<\/button>/);
  });
  test('a histogram counts every value once and says its median and quantiles, as numpy.quantile', () => {
    const chart = histogram([1, 2, 2, 3, Number.NaN], { label: 'neighbours' })?.html ?? '';
    expect(chart).toContain('neighbours: median 2, 1.15 to 2.85 in 90 %');
    expect(histogram([10, 100], { label: 'area' })?.html).toContain('area: median 55,');
    expect(histogram([Number.NaN], { label: 'nothing' })).toBeUndefined();
    expect(histogram([3, 3, Number.NaN], { label: 'equal' })).toBeUndefined();
    // The tail of an outlier is left out of the bars, and said.
    const many = Array.from({ length: 1000 }, (_, i) => i / 1000);
    expect(histogram([...many, 1e6], { label: 'area', unit: 'µm²' })?.html).toContain('; 5 outside the range');
  });

  test('a table without rows says so', () => {
    expect(dataTable({ rows: 0, columns: [] }, { caption: 'x' }).html).toContain('None.');
  });

  test('lungs: the outlines and densities of each side, from the front the head is up', () => {
    const [straight, turned] = lungsReport().patients;
    expect(straight?.slices).toHaveLength(8);
    expect(straight?.slices[0]?.shapes.map(({ name, kind }) => `${name} ${kind}`)).toEqual(['R right', 'L left']);
    expect(straight?.slices[0]?.name).toBe('slice 2');
    expect(turned?.projection?.picture).not.toBe(straight?.projection?.picture);
    expect(turned?.counts).toEqual(straight?.counts);
    expect(straight?.projection).toMatchObject({ widthMm: 320, heightMm: 120 });
    const sum = (values: readonly number[] = []) => values.reduce((a, b) => a + b, 0);
    expect(sum(straight?.counts.right)).toBeGreaterThan(sum(straight?.counts.left));
  });

  test('lungs: the median is of the values and not of the bins; NaN takes no part (numpy.nanmedian)', () => {
    const hu = Float32Array.of(-900, -850, -840, 40, Number.NaN, 7);
    const sides = ndarray('uint8', [1, 2, 3], Uint8Array.of(1, 2, 2, 1, 1, 0));
    const { counts } = patientOf({ name: 'p', hu, sides, values: { left: 1, right: 2 }, sliceName: String });
    expect(counts.medianHu).toBe(-845);
    expect([...counts.left, ...counts.right].reduce((a, b) => a + b, 0)).toBe(4);
  });
});

test('the same data give the same pages', () => {
  const objects = objectsReport();
  expect(renderObjectsReport(objects)).toBe(renderObjectsReport(objects));
  expect(renderLungsReport(lungsReport())).toBe(renderLungsReport(lungsReport()));
});

test('pages without objects, without truth, without patients', () => {
  const { precision: _, ...rest } = objectsReport();
  const empty: Table = { rows: 0, columns: [{ name: 'image', values: [] }] };
  const page = renderObjectsReport({ ...rest, images: [], figures: [], worst: [], table: empty });
  expect(page).toContain('None.');
  expect(page).not.toContain('Comparison with ground truth');
  expect(renderLungsReport({ ...lungsReport(), patients: [], perPatient: empty, perSlice: empty })).toContain(
    RESEARCH_ONLY,
  );
});

const pages = () => ({
  'objects.html': renderObjectsReport(objectsReport()),
  'lungs.html': renderLungsReport(lungsReport()),
});

describePages('the pages in a browser', pages, (open) => {
  for (const name of ['objects.html', 'lungs.html']) {
    for (const scheme of ['light', 'dark'] as const) {
      test(`${name}, ${scheme}: nothing is loaded, nothing complains, nothing is wider than the page`, async () => {
        const opened = await open(name, { colorScheme: scheme });
        const { tab, output } = opened;
        await expectSound(opened);
        await tab.screenshot({ path: output(name.replace('.html', `-${scheme}.png`)), fullPage: true });
        await tab.close();
      });
    }
    test(`${name}, narrow`, async () => {
      const opened = await open(name, { width: 400 });
      await expectSound(opened);
      await opened.tab.close();
    });
  }

  const table = (tab: Page) => tab.locator('[data-table]').last();
  const column = (tab: Page, k: number) => table(tab).locator(`tbody td:nth-child(${k})`).allTextContents();

  test('the table sorts by a click, numbers with the largest first, no value last', async () => {
    const { tab } = await open('objects.html');
    const head = table(tab).locator('thead th', { hasText: 'solidity' });
    await head.locator('button').click();
    const down = (await column(tab, 5)).map(Number);
    expect(down[0]).toBe(0.9899);
    expect(down).toEqual([...down].sort((a, b) => b - a));
    expect(await head.getAttribute('aria-sort')).toBe('descending');
    await head.locator('button').click();
    expect(Number((await column(tab, 5))[0])).toBe(0.6364);
    await table(tab).locator('.more').click();
    const all = await column(tab, 5);
    expect(all).toHaveLength(175);
    expect(all.slice(-5)).toEqual(new Array(5).fill('–'));
    await tab.close();
  });

  test('the filter takes words and conditions, and says what it does not know', async () => {
    const { tab } = await open('objects.html');
    const box = table(tab).locator('input');
    const told = () => table(tab).locator('output').textContent();
    expect(await told()).toBe('175 rows');
    await box.fill('treated');
    expect(await told()).toBe('70 of 175 rows');
    await box.fill('treated label <= 4');
    expect(await told()).toBe('8 of 175 rows');
    await box.fill('area_um2>60 image=plate');
    expect(await told()).toBe('0 of 175 rows');
    await box.fill('area > 60');
    const areas = (await column(tab, 4)).map(Number);
    expect(areas.length).toBeGreaterThan(0);
    expect(Math.min(...areas)).toBeGreaterThan(60);
    await box.fill('volume > 1');
    expect(await told()).toBe('Unknown column: volume.');
    // Names of folders are text, not markup.
    expect(await table(tab).locator('tbody b').count()).toBe(0);
    await tab.close();
  });

  test('a row lights up its outline, an outline its row', async () => {
    const { tab } = await open('objects.html');
    await table(tab).locator('tbody tr').nth(1).click();
    expect(await tab.locator('path.on').getAttribute('id')).toBe('oplate_0.tif-2');
    await tab.locator('[id="oplate_4.tif-30"]').click();
    const line = table(tab).locator('tbody tr.on');
    expect((await line.locator('td').allTextContents()).slice(0, 3)).toEqual(['<b>treated</b>', 'plate 4.tif', '30']);
    await tab.locator('#outlines').uncheck();
    expect(await tab.locator('#images .lines, .lines').first().isVisible()).toBe(false);
    await tab.close();
  });

  test('the page of lungs says first that it is for research, and shows both sides', async () => {
    const { tab } = await open('lungs.html');
    const warning = tab.locator('header .warning');
    expect(await warning.textContent()).toMatch(/research only.*not.*diagnosis/i);
    expect(await warning.isVisible()).toBe(true);
    expect(await tab.locator('path.left').count()).toBe(16);
    expect(
      await tab
        .locator('.front img')
        .first()
        .evaluate((img) => img.clientWidth / img.clientHeight),
    ).toBeCloseTo(320 / 120, 1);
    await tab.close();
  });
});
