/** The lung report: slices with outlines, tables, HU histograms and a frontal projection. */

import { dataTable } from '../kit/data-table.ts';
import { histogramOfCounts } from '../kit/histograms.ts';
import { html, type Markup } from '../kit/markup.ts';
import { overlay } from '../kit/outline-overlay.ts';
import { renderPage, section } from '../kit/page.ts';
import { OBJECTS_STYLE } from '../objects/style.ts';
import { aboutSection } from '../run/about.ts';
import { scoreTable } from '../run/tables.ts';
import type { HuCounts, LungsPatient, LungsProjection, LungsReport } from './data.ts';

/** Shown above everything else. */
export const RESEARCH_ONLY =
  'For research only. This is not a medical device: outlines and figures are computed by software, have not been reviewed by a physician, and must not be used for diagnosis or treatment.';

const STYLE = `${OBJECTS_STYLE}
:root { --left: #4cc4ff; --right: #ffb020; }
.warning { border-left: 4px solid var(--line-2); background: var(--panel); padding: 10px 16px; border-radius: 0 6px 6px 0;
  margin: 14px 0 0; max-width: 90ch; }
.gallery.small { grid-template-columns: repeat(auto-fill, minmax(min(270px, 100%), 1fr)); gap: 18px 18px; }
.overlay .left { stroke: var(--left); stroke-width: 2; fill: color-mix(in srgb, var(--left) 16%, transparent); }
.overlay .right { stroke: var(--right); stroke-width: 2; fill: color-mix(in srgb, var(--right) 16%, transparent); }
@media print { .gallery.small { grid-template-columns: 1fr 1fr 1fr; gap: 8pt; } }
.patient { margin: 18px 0 34px; }
.patient h3 { font-size: 18px; margin-bottom: 10px; }
.views { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); gap: 18px 32px; align-items: end; margin-bottom: 18px; }
.front, .views figure.chart { max-width: 520px; }
.views .scores { min-width: 0; width: 100%; font-size: 14px; }
.views .scores td, .views .scores thead th + th { padding-left: 10px; padding-right: 4px; }
.views .scores th:first-child { padding-left: 0; white-space: nowrap; }
.front .frame img { object-fit: fill; image-rendering: auto; }
.front .frame { container-type: inline-size; }
.mark { position: absolute; top: 8px; color: #fff; font-weight: 700; font-size: 14px; text-shadow: 0 0 3px #000; }
.bar { position: absolute; left: 10px; bottom: 10px; border-bottom: 3px solid #fff; color: #fff; font-size: 12px; text-shadow: 0 0 3px #000;
  box-sizing: border-box; text-align: center; line-height: 1.5; }
.overlay .numbers text { font-weight: 700; }
`;

/** The page as text; deterministic. */
export function renderLungsReport(report: LungsReport): string {
  const { perPatient, perSlice, patients, scores, notes, facts, commands } = report;
  return renderPage(
    { ...report, warning: RESEARCH_ONLY },
    [
      perPatient.rows === 1
        ? undefined
        : section('patients', 'Patients', dataTable(perPatient, { caption: 'Measurements per patient' })),
      scores.length === 0 ? undefined : section('truth', 'Comparison with ground truth', ...scores.map(scoreTable)),
      patients.length === 0
        ? undefined
        : section(
            'slices',
            'Slices',
            html`<p>Slices in the lung window (centre −600 HU, width 1500 HU), in radiological orientation: the patient's left is on the right.</p>`,
            html`<ul class="legend" aria-label="Colours of the outlines"><li><span class="line" style="border-color: var(--left)"></span>Left lung</li><li><span class="line" style="border-color: var(--right)"></span>Right lung</li></ul>`,
            html`<div class="switches"><label><input type="checkbox" id="outlines" checked> Outlines</label><label><input type="checkbox" id="numbers" checked> Letters</label></div>`,
            ...patients.map(patientView),
          ),
      section(
        'table',
        'All slices',
        html`<p>Click a column heading to sort. The filter accepts words and conditions, combined.</p>`,
        dataTable(perSlice, { caption: 'Measurements per slice' }),
      ),
      aboutSection({ notes, facts, commands }),
    ],
    { style: STYLE, tables: true },
  );
}

function patientView({ name, slices, sliceCount, counts, projection, figures }: LungsPatient, index: number): Markup {
  return html`<div class="patient"><h3>${name}</h3>
<div class="views">${projection === undefined ? undefined : frontView(projection, name)}${huChart(counts)}${figures === undefined ? undefined : html`<div>${scoreTable(figures)}</div>`}</div>
<div class="gallery small">${slices.map(
    ({ name: slice, widthPx, heightPx, picture, shapes }, i) =>
      html`<figure><div class="frame"><img src="${picture}" width="${widthPx}" height="${heightPx}" alt="${name}, ${slice}, with lung outlines">${overlay(
        shapes,
        { widthPx, heightPx, id: `p${index}s${i}`, shownPx: 270 },
      )}</div><figcaption><strong>${slice}</strong></figcaption></figure>
`,
  )}</div>${
    slices.length < sliceCount ? html`<p class="note">${slices.length} of ${sliceCount} slices.</p>` : undefined
  }</div>
`;
}

/** Fraction of the width taken by the 100 mm scale bar. */
function frontView({ picture, widthMm, heightMm }: LungsProjection, name: string): Markup {
  const share = (100 * 100) / widthMm;
  return html`<figure class="front"><div class="frame"><img src="${picture}" width="${Math.round(widthMm)}" height="${Math.round(
    heightMm,
  )}" style="aspect-ratio: ${widthMm.toFixed(1)} / ${heightMm.toFixed(1)}" alt="Frontal projection of ${name} with the lungs in colour"><span class="mark" style="left: 10px">R</span><span class="mark" style="right: 10px">L</span><span class="bar" style="width: ${share.toFixed(
    2,
  )}%">100 mm</span></div><figcaption>Frontal projection: mean density, overlaid with the lungs; a stronger colour means greater depth.</figcaption></figure>`;
}

function huChart({ startHu, widthHu, left, right, medianHu }: HuCounts): Markup | undefined {
  if (medianHu === null) return html`<p class="note">No lung found.</p>`;
  return histogramOfCounts([left, right], {
    start: startHu,
    width: widthHu,
    label: 'Density',
    unit: 'HU',
    counted: 'voxels',
    median: medianHu,
    said: `Lung HU, left (blue) and right (orange): median ${String(Math.round(medianHu)).replace('-', '−')} HU (dashed). The outermost bins include values outside the range.`,
    widthPx: 460,
    heightPx: 240,
  });
}
