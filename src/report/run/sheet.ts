/** Image sheets of the report: image, ground truth, probability, prediction and errors, side by side. */

import { counted } from '../../errors.ts';
import { type Colour, classColour } from '../../image/display.ts';
import { html, type Markup } from '../kit/markup.ts';
import { ERROR_COLOURS } from '../kit/pictures.ts';
import { shortName } from '../kit/short-name.ts';
import {
  type ErrorCounts,
  PICTURE_KINDS,
  type PictureKind,
  type ReportCase,
  type ReportData,
  type ReportImage,
} from './data.ts';

const HEADINGS: Readonly<Record<PictureKind, string>> = {
  image: 'Image',
  truth: 'Truth',
  probability: 'Probability',
  prediction: 'Prediction',
  errors: 'Errors',
};

const MEANINGS: readonly (readonly [keyof typeof ERROR_COLOURS, string])[] = [
  ['split', 'Split: cut off from the rest of its object'],
  ['merged', 'Merged: joined to another object'],
  ['missed', 'Missed: object predicted as background'],
  ['false', 'False: background predicted as object'],
];

const css = ([r, g, b]: Colour): string => `rgb(${r} ${g} ${b})`;

/** Legend of the error colours. */
export function errorLegend(): Markup {
  return html`<ul class="legend" aria-label="Colours of the errors">${MEANINGS.map(
    ([kind, meaning]) =>
      html`<li><span class="swatch" style="background: ${css(ERROR_COLOURS[kind])}"></span>${meaning}</li>`,
  )}</ul>`;
}

/** Legend of the class colours, if there are more than two classes. */
export function classLegend(classNames: readonly string[]): Markup | undefined {
  if (classNames.length <= 2) return undefined;
  return html`<ul class="legend" aria-label="Colours of the classes">${classNames.map((name, i) => {
    const colour = classColour(i);
    return html`<li><span class="swatch" style="background: ${css(colour)}"></span>${name}</li>`;
  })}</ul>`;
}

interface Shown {
  readonly row: Pick<ReportImage, 'name' | 'pictures' | 'widthPx' | 'heightPx'>;
  readonly details: readonly string[];
}

function pictureTable(caption: string, rows: readonly Shown[], close: boolean): Markup {
  return html`<div class="scroll"><table class="sheet${close ? ' close' : ''}">
<caption class="hidden">${caption}</caption>
<colgroup><col class="names">${PICTURE_KINDS.map(() => html`<col>`)}</colgroup>
<thead><tr><th scope="col"><span class="hidden">Name</span></th>${PICTURE_KINDS.map(
    (kind) => html`<th scope="col">${HEADINGS[kind]}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    ({
      row,
      details,
    }) => html`<tr><th scope="row"><strong title="${row.name}">${breakable(shortPath(row.name))}</strong>${details.map(
      (detail, i) => html`${i > 0 ? html`<br>` : undefined}${detail}`,
    )}</th>${PICTURE_KINDS.map(
      (kind) =>
        html`<td><img src="${row.pictures[kind]}" width="${row.widthPx}" height="${row.heightPx}" alt="${HEADINGS[kind]} of ${row.name}${kind === 'errors' ? `: ${details.join(', ')}` : ''}"></td>`,
    )}</tr>
`,
  )}</tbody></table></div>`;
}

/** A path with its last name shortened. */
const shortPath = (path: string): string => path.replace(/[^/]*$/, shortName);

/** A name with line breaks allowed after its separators. */
function breakable(name: string): readonly Markup[] {
  return name.split(/(?<=[/\\._[-])/).map((part) => html`${part}<wbr>`);
}

function describeErrors({ splits, merges, missedPixels, falsePixels, pixels }: ErrorCounts): string[] {
  const percent = (n: number): string => `${((100 * n) / Math.max(1, pixels)).toFixed(1)} %`;
  return [
    ...(splits === undefined ? [] : [`${counted(splits, 'split')}, ${counted(merges as number, 'merge')}`]),
    `${percent(missedPixels)} missed`,
    `${percent(falsePixels)} false`,
  ];
}

const scoreOf = (name: string, value: number | null): string => `${name} ${value === null ? 'none' : value.toFixed(3)}`;

/** Whole images. */
export function imageSheet({ sheet, scoreName }: Pick<ReportData, 'sheet' | 'scoreName'>): Markup {
  return pictureTable(
    'Images with ground truth, probability, prediction and errors',
    sheet.map((row) => ({ row, details: [scoreOf(scoreName, row.score), ...describeErrors(row.errors)] })),
    false,
  );
}

/** Windows of images. */
export function caseSheet(caption: string, cases: readonly ReportCase[], scoreName: string): Markup {
  return pictureTable(
    caption,
    cases.map((row) => ({
      row,
      details: [scoreOf(scoreName, row.score), `at x ${row.xPx}, y ${row.yPx}`],
    })),
    true,
  );
}
