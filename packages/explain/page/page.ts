/** The report that explains a network's prediction for an image. */

import type { Point, Rectangle } from 'lamella/predict';
import {
  crop,
  dataUri,
  type FactRows,
  type Figure,
  factTable,
  greyPicture,
  heatOver,
  html,
  imagePicture,
  largest,
  type Markup,
  magnitude,
  type Picture,
  renderPage,
  reproduce,
  section,
  shrink,
  withPrefix,
} from 'lamella/report';
import type { Check, Explanation, Plane, ReceptiveFieldView } from '../explanation.ts';
import { passageMarkup, shortNumber } from './arithmetic.ts';
import { countOf, filterGallery, layerTable, mapGallery } from './galleries.ts';
import { EXPLAIN_STYLE } from './style.ts';

/** What the report shows around the explanation. */
export interface ExplainReport {
  readonly explanation: Explanation;
  readonly title: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly facts: FactRows;
  readonly commands: readonly string[];
}

/** Minimum number of pixels that a close-up shows to each side of the point. */
const CLOSE_PX = 32;

/** The report as HTML; deterministic. */
export function renderExplanation({ explanation, title, createdAt, facts, commands }: ExplainReport): string {
  const { checks, passages, classes, inputShape, notes, features, filters, layers } = explanation;
  const [, channels, height, width] = inputShape as readonly [number, number, number, number];
  return renderPage(
    { title, summary: summaryOf(explanation), createdAt, headline: headlineOf(explanation) },
    [
      section('answer', 'Image and prediction', ...answer(explanation)),
      section('evidence', 'What the prediction depends on', ...evidence(explanation)),
      filters === undefined ? undefined : section('filters', 'First layer', ...filterGallery(explanation)),
      features === undefined
        ? undefined
        : section('maps', `Feature maps of ${features.layer}`, ...mapGallery(explanation)),
      section('layers', 'Layer by layer', layerTable(layers)),
      section(
        'numbers',
        'One pixel, step by step',
        html`<p>${pixelSentence(explanation)} From there, every number below is computed from the numbers before it and compared with the one that the network computed.</p>`,
        ...passages.map((passage) => passageMarkup(passage, classes, [channels, height, width])),
      ),
      section('checks', 'Checks', checkTable(checks)),
      section(
        'about',
        'Method',
        notes.length === 0 ? undefined : html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
        html`<div class="facts">${factTable('Facts', facts) ?? ''}</div>`,
        reproduce(commands),
      ),
    ],
    { style: EXPLAIN_STYLE },
  );
}

const percent = (p: number): string =>
  p > 0.9995 && p < 1 ? '> 99.9\u00a0%' : p < 0.0005 && p > 0 ? '< 0.1\u00a0%' : `${(100 * p).toFixed(1)}\u00a0%`;

function summaryOf({ question, image, at, classes, target, probabilities }: Explanation): string {
  const what = question === 'image' ? 'the image' : `the pixel x ${at.x}, y ${at.y}`;
  const best = probabilities.reduce((a, b) => Math.max(a, b), 0) === probabilities[target];
  const p = percent(probabilities[target] as number);
  return best
    ? `The network classifies ${what} of ${image.name} (${image.widthPx} × ${image.heightPx} pixels) as “${classes[target]}” with a probability of ${p}. This report shows how.`
    : `The network gives “${classes[target]}” a probability of ${p} for ${what} of ${image.name} (${image.widthPx} × ${image.heightPx} pixels). This report shows how.`;
}

function headlineOf({
  classes,
  target,
  probabilities,
  parameters,
  macs,
  fields,
  checks,
  question,
}: Explanation): Figure[] {
  const [output] = fields;
  const seen = output?.theoretical;
  const passed = checks.filter((check) => check.passed).length;
  return [
    {
      label: 'Answer',
      value: percent(probabilities[target] as number),
      note: `${classes[target]}${question === 'image' ? '' : ', at this pixel'}`,
    },
    { label: 'Parameters', value: countOf(parameters) },
    { label: 'MACs', value: withPrefix(macs), note: 'for this input' },
    {
      label: 'Sees',
      value: seen === undefined ? 'all' : `${seen.width} × ${seen.height}`,
      note: seen === undefined ? `of its ${question === 'window' ? 'window' : 'input'}` : 'pixels, at most',
    },
    ...(output?.effective === undefined
      ? []
      : [
          {
            label: '95 % of the gradient',
            value: `${output.effective.width} × ${output.effective.height}`,
            note: 'pixels around the point',
          },
        ]),
    {
      label: 'Checks',
      value: `${passed} of ${checks.length}`,
      note: passed === checks.length ? 'all numbers agree' : 'see the checks below',
    },
  ];
}

function pixelSentence({ pixel, at, image, question }: Explanation): string {
  const values = (list: readonly number[]): string => list.map(shortNumber).join(', ');
  const sees = question === 'image' && pixel.file.length === 0 ? '' : ` The network sees ${values(pixel.input)} there.`;
  return `At x ${at.x}, y ${at.y} the file ${image.name} has the ${pixel.file.length === 1 ? 'value' : 'values'} ${values(pixel.file)}.${sees}`;
}

/** Marks drawn over an image, in pixels of the view. */
interface Marks {
  readonly point?: Point;
  readonly field?: Rectangle | undefined;
  readonly reach?: Rectangle | undefined;
}

interface Shown {
  readonly picture: Picture;
  readonly caption: string;
  readonly title: string;
  readonly marks?: Marks;
}

/** The view, or a part of it, with marks over it. */
function figure({ picture, caption, title, marks = {} }: Shown, part: Rectangle): Markup {
  const close = part.width <= 160;
  const cut = crop(picture, part);
  const rectangle = (box: Rectangle | undefined, kind: string): Markup | undefined =>
    box && html`<rect class="${kind}" x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}"/>`;
  const arm = part.width / 30;
  const { point } = marks;
  const cross =
    point &&
    html`<path class="point" d="M${point.x + 0.5 - 2 * arm} ${point.y + 0.5}h${arm * 1.4}m${arm * 1.2} 0h${arm * 1.4}M${point.x + 0.5} ${point.y + 0.5 - 2 * arm}v${arm * 1.4}m0 ${arm * 1.2}v${arm * 1.4}"/>`;
  return html`<figure><div class="frame${close ? ' close' : ''}"><img src="${dataUri(shrink(cut, 640))}" width="${part.width}" height="${part.height}" alt="${title}"><svg viewBox="${part.x} ${part.y} ${part.width} ${part.height}" role="presentation">${rectangle(
    marks.field,
    'field',
  )}${rectangle(marks.reach, 'reach')}${cross}</svg></div><figcaption><strong>${title}</strong> ${caption}</figcaption></figure>
`;
}

const wholeView = ({ view }: Explanation): Rectangle => ({ x: 0, y: 0, width: view.widthPx, height: view.heightPx });

const inputPicture = ({ input, view }: Explanation): Picture =>
  imagePicture(
    input.map(({ data }) => data),
    view.heightPx,
    view.widthPx,
  );

function legend(explanation: Explanation): Markup {
  const [output] = explanation.fields;
  const line = (colour: string, meaning: string, kind = ''): Markup =>
    html`<li><span class="line${kind}" style="border-color: var(--${colour})"></span>${meaning}</li>`;
  return html`<ul class="legend" aria-label="Lines over the images">${line('point', 'The pixel')}${
    output?.theoretical === undefined
      ? undefined
      : line('field', 'Receptive field: nothing outside can change the prediction')
  }${
    output?.effective === undefined ? undefined : line('reach', 'The square with 95 % of the gradient', ' dashed')
  }</ul>`;
}

/** The image with the probability map, or with the classes as bars. */
function answer(explanation: Explanation): readonly (Markup | undefined)[] {
  const { fields, view, probabilityMap, classes, target, probabilities, image, question } = explanation;
  const [output] = fields;
  const marks: Marks = { point: view.point, field: output?.theoretical, reach: output?.effective };
  const { box } = view;
  const part =
    box.width >= image.widthPx && box.height >= image.heightPx
      ? ''
      : `Shown: ${Math.round(box.width)} × ${Math.round(box.height)} pixels from x ${shortNumber(Math.round(box.x))}, y ${shortNumber(Math.round(box.y))}${
          box.x < 0 || box.y < 0 || box.x + box.width > image.widthPx || box.y + box.height > image.heightPx
            ? ', mirrored beyond its border'
            : ''
        }. `;
  const shown: Shown[] = [
    {
      picture: inputPicture(explanation),
      title: question === 'window' ? 'The window' : 'The image',
      caption: `as the network receives it. ${part}`,
      marks,
    },
    ...(probabilityMap === undefined
      ? []
      : [
          {
            picture: greyPicture(probabilityMap, 0, 1),
            title: `Probability of “${classes[target]}”`,
            caption: `per pixel, from black (0) to white (1)${probabilityMap.data.some(Number.isNaN) ? '; striped where the network gives none' : ''}.`,
            marks: { point: view.point },
          },
        ]),
  ];
  return [
    legend(explanation),
    html`<div class="views two">${shown.map((each) => figure(each, wholeView(explanation)))}${
      probabilityMap === undefined || classes.length > 2 ? bars(classes, probabilities, target) : undefined
    }</div>`,
  ];
}

/** The most probable classes. */
function bars(classes: readonly string[], probabilities: readonly number[], target: number): Markup {
  const order = probabilities
    .map((_, c) => c)
    .sort((a, b) => (probabilities[b] as number) - (probabilities[a] as number));
  const shown = order.slice(0, 10);
  if (!shown.includes(target)) shown[shown.length - 1] = target;
  return html`<table class="bars"><caption>Probabilities</caption><tbody>${shown.map((c) => {
    const p = probabilities[c] as number;
    return html`<tr${c === target ? html` class="own"` : undefined}><th scope="row">${classes[c] as string}</th><td class="bar"><span style="width: ${(100 * p).toFixed(2)}%"></span></td><td>${percent(p)}</td></tr>
`;
  })}</tbody></table>`;
}

/** The part of the view around the point that matters. */
function closeUp({ view }: Explanation, fields: readonly ReceptiveFieldView[]): Rectangle {
  const { point, widthPx, heightPx } = view;
  // As far as the gradient reaches, with a margin.
  const reach = fields.reduce(
    (most, { effective }) => Math.max(most, effective === undefined ? 0 : 1.3 * (effective.width >> 1)),
    CLOSE_PX,
  );
  const from = (at: number): number => Math.max(0, Math.floor(at - reach));
  const to = (at: number, end: number): number => Math.min(end, Math.ceil(at + reach + 1));
  const [x, y] = [from(point.x), from(point.y)];
  return { x, y, width: to(point.x, widthPx) - x, height: to(point.y, heightPx) - y };
}

function evidence(explanation: Explanation): readonly (Markup | undefined)[] {
  const { attribution, fields, view, target, classes, question } = explanation;
  const [output, layer] = fields;
  if (attribution === undefined) return [html`<p class="note">No gradient; the notes below say why.</p>`];
  const whole = wholeView(explanation);
  const near = closeUp(explanation, fields.slice(0, 1));
  const isNear = near.width < whole.width || near.height < whole.height;
  const image = inputPicture(explanation);
  const point = { point: view.point };
  const { saliency, gradCam } = attribution;
  const over = (plane: Plane, share = 0.998): Picture =>
    heatOver(image, plane, magnitude(plane.data, share) || largest([plane]));
  const name = `“${classes[target]}”`;
  const asked = question === 'pixel' ? `the score of ${name} at this pixel` : `the score of ${name}`;
  const salient: Shown = {
    picture: over(saliency),
    title: 'Saliency',
    caption: `How much a small change of each pixel changes ${asked}: the magnitude of the gradient${explanation.input.length > 1 ? ', the largest of the channels' : ''}.`,
    marks: { ...point, field: output?.theoretical, reach: output?.effective },
  };
  const inner: Shown | undefined =
    layer?.gradient === undefined
      ? undefined
      : {
          picture: over(layer.gradient),
          title: `What ${layer.of} sees`,
          caption: `The gradient of all its outputs at this position. Its receptive field is ${
            layer.theoretical === undefined
              ? 'the whole input'
              : `${layer.theoretical.width} × ${layer.theoretical.height}`
          }, and 95 % of the gradient lies within ${layer.effective?.width} × ${layer.effective?.height} pixels.`,
          marks: { ...point, field: layer.theoretical, reach: layer.effective },
        };
  const close: Shown = {
    picture: image,
    title: 'Close-up',
    caption: `${near.width} × ${near.height} pixels around the pixel.`,
    marks: point,
  };
  const cam: Shown | undefined = gradCam && {
    picture: over(gradCam.map, 1),
    title: `Grad-CAM at ${gradCam.layer}`,
    caption:
      magnitude(gradCam.map.data, 1) === 0
        ? `No position of this layer raises ${asked}: the weighted sum is negative everywhere.`
        : `The sum of this layer's maps, each weighted by how much it raises ${asked}; negative values are set to 0.`,
    marks: point,
  };
  const shown: (readonly [Shown, Rectangle])[] = [
    ...(isNear ? [[close, near] as const] : []),
    [salient, near],
    ...(inner === undefined ? [] : [[inner, near] as const]),
    ...(cam === undefined ? [] : [[cam, whole] as const]),
  ];
  return [
    html`<ul class="legend" aria-label="Colours"><li><span class="ramp heat"></span>Low to high, over the image in grey</li></ul>`,
    html`<div class="views four">${shown.map(([each, part]) => figure(each, part))}</div>`,
  ];
}

function checkTable(checks: readonly Check[]): Markup {
  return html`<p>Values of this report, checked by independent computation.</p>
<div class="scroll"><table class="checks"><thead><tr><th scope="col">Value</th><th scope="col">Shown</th><th scope="col">Check</th><th scope="col">Difference</th><th scope="col">Tolerance</th><th scope="col"></th></tr></thead>
<tbody>${checks.map(
    ({ what, shown, expected, tolerance, why, passed }) =>
      html`<tr><th scope="row">${what}</th><td class="number">${shortNumber(shown)}</td><td class="number">${shortNumber(expected)}</td><td class="number">${shortNumber(Number(Math.abs(shown - expected).toPrecision(2)))}</td><td class="number" title="${why}">${shortNumber(tolerance)}</td><td>${
        passed ? html`<span class="ok">✓</span>` : html`<span class="bad">✗</span>`
      } <span class="note">${why}</span></td></tr>
`,
  )}</tbody></table></div>`;
}
