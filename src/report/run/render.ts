/** The report of a run: one self-contained HTML file. */

import { html } from '../kit/markup.ts';
import { renderPage, reproduce, section } from '../kit/page.ts';
import { learningCurves, thresholdCharts } from './curves.ts';
import type { ReportData } from './data.ts';
import { caseSheet, classLegend, errorLegend, imageSheet } from './sheet.ts';
import { factTable, scoreTable } from './tables.ts';

/** The report as HTML, without empty sections; deterministic. */
export function renderReport(data: ReportData): string {
  const { training, sheet, imageCount, worst, best, scoreName } = data;
  const shown = imageCount > sheet.length ? `${sheet.length} of ${imageCount} images, evenly spaced.` : undefined;
  return renderPage(data, [
    data.tables.length > 0 ? section('scores', 'Scores', ...data.tables.map(scoreTable)) : undefined,
    sheet.length > 0
      ? section(
          'images',
          'Images',
          html`<p>${data.sheetNote}${shown === undefined ? '' : ` ${shown}`}</p>`,
          classLegend(data.classNames),
          errorLegend(),
          imageSheet(data),
        )
      : undefined,
    worst.length + best.length > 0
      ? section(
          'cases',
          'Worst and best cases',
          html`<p>The images with the lowest and the highest ${scoreName}, each cropped to the window with the most errors.</p>`,
          html`<h3>Worst</h3>`,
          caseSheet('Worst cases', worst, scoreName),
          html`<h3>Best</h3>`,
          caseSheet('Best cases', best, scoreName),
        )
      : undefined,
    training === undefined ? undefined : section('learning', 'Learning', learningCurves(training)),
    data.thresholds.length > 0 ? section('thresholds', 'Thresholds', thresholdCharts(data.thresholds)) : undefined,
    section(
      'run',
      'The run',
      html`<div class="facts">${[
        factTable('Data', data.dataset),
        factTable('Network and training', data.network),
        factTable('Machine', data.machine),
        factTable('Times', data.times),
      ].map((table) => table ?? '')}</div>`,
      data.decisions.length === 0
        ? undefined
        : html`<details><summary>Automatic choices and their reasons</summary><ul>${data.decisions.map((line) => html`<li>${line}</li>`)}</ul></details>`,
      reproduce(data.commands),
      data.configuration === undefined
        ? undefined
        : html`<details><summary>Configuration as JSON</summary><pre>${JSON.stringify(data.configuration, null, 2)}</pre></details>`,
    ),
  ]);
}
