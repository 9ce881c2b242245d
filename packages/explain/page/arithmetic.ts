/** Single numbers of a network, computed step by step so that they can be checked with a calculator. */

import { dataUri, html, type Markup, signedPicture } from 'lamella/report';
import type {
  ConvolutionStep,
  DenseStep,
  ElementStep,
  Passage,
  PoolingStep,
  ProbabilityStep,
  Step,
  Worked,
} from '../explanation.ts';

/** Kernels up to this side are shown as numbers, larger ones as images with their numbers collapsed. */
const NUMBERS_UP_TO = 5;
/** Largest number of products shown, of maps or inputs. */
const MOST_TERMS = 10;

/** `−0.0312`: four digits, a true minus. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replaceAll('-', '−');
}

const same = ({ total, graph, tolerance }: Worked): Markup =>
  Math.abs(total - graph) <= tolerance
    ? html`<span class="ok">✓ network: ${shortNumber(graph)}</span>`
    : html`<span class="bad">✗ network: ${shortNumber(graph)}</span>`;

/** Background tint of a number: blue below 0, orange above. */
function tint(value: number, most: number): string {
  const share = most === 0 || Number.isNaN(value) ? 0 : Math.min(1, Math.abs(value) / most);
  return `background: rgb(${value < 0 ? '0 114 178' : '213 94 0'} / ${(0.55 * share).toFixed(2)})`;
}

interface Grid {
  readonly values: Float32Array;
  readonly kernel: readonly [number, number];
  readonly caption: string;
  /** Index of a number to mark. */
  readonly marked?: number;
}

function grid({ values, kernel: [rows, columns], caption, marked }: Grid): Markup {
  const most = values.reduce((a, b) => (Number.isNaN(b) ? a : Math.max(a, Math.abs(b))), 0);
  return html`<figure><table class="grid"><tbody>${Array.from(
    { length: rows },
    (_, i) =>
      html`<tr>${Array.from({ length: columns }, (_, j) => {
        const value = values[i * columns + j] as number;
        if (Number.isNaN(value)) return html`<td class="pad">0</td>`;
        const mark = marked === i * columns + j ? html` class="most"` : undefined;
        return html`<td${mark} style="${tint(value, most)}">${shortNumber(value)}</td>`;
      })}</tr>`,
  )}</tbody></table><figcaption>${caption}</figcaption></figure>`;
}

function picture(values: Float32Array, [height, width]: readonly [number, number], caption: string): Markup {
  const data = values.map((value) => (Number.isNaN(value) ? 0 : value));
  return html`<figure><img src="${dataUri(signedPicture({ height, width, data }))}" width="${width}" height="${height}" alt="${caption}"><figcaption>${caption}</figcaption></figure>`;
}

/** Values, weights and their products side by side. */
function products(
  values: Float32Array,
  weights: Float32Array,
  kernel: readonly [number, number],
  what: string,
): Markup {
  const product = values.map((value, i) => value * (weights[i] as number));
  const parts = [
    [values, what],
    [weights, 'weights'],
    [product, 'products'],
  ] as const;
  const signs = ['×', '='];
  const row = (draw: (numbers: Float32Array, caption: string) => Markup): Markup =>
    html`<div class="equation">${parts.map(([numbers, caption], i) => [
      draw(numbers, caption),
      signs[i] === undefined ? '' : html`<span class="sign">${signs[i] as string}</span>`,
    ])}</div>`;
  const numbers = row((own, caption) => grid({ values: own, kernel, caption }));
  if (Math.max(...kernel) <= NUMBERS_UP_TO) return numbers;
  const pictures = row((own, caption) => picture(own, kernel, caption));
  if (kernel[0] * kernel[1] > 400) return pictures;
  return html`${pictures}<details><summary>All ${kernel[0] * kernel[1]} numbers</summary><div class="scroll">${numbers}</div></details>`;
}

function sum(values: Float32Array, weights: Float32Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (!Number.isNaN(value)) total += value * (weights[i] as number);
  }
  return total;
}

interface Term {
  readonly name: string;
  readonly value: number;
  /** Its factors, if it is a single product. */
  readonly product?: readonly [value: number, weight: number];
}

/** Largest first; the rest summed. */
function terms(
  rows: readonly Term[],
  {
    bias,
    total,
    heading,
    rest,
  }: Pick<DenseStep, 'bias' | 'total'> & { readonly heading: string; readonly rest: string },
): Markup {
  const sorted = rows.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
  // Products with 0 add nothing.
  const count = Math.min(MOST_TERMS, sorted.filter(({ value }) => value !== 0).length);
  const others = sorted.slice(count);
  const single = rows.some(({ product }) => product !== undefined);
  const line = ({ name, value, product }: Term, kind?: string): Markup =>
    html`<tr${kind === undefined ? undefined : html` class="${kind}"`}><th scope="row">${name}</th>${
      single ? html`<td>${product === undefined ? '' : product.map(shortNumber).join(' × ')}</td>` : undefined
    }<td>${shortNumber(value)}</td></tr>
`;
  return html`<table class="terms"><thead><tr><th scope="col">${heading}</th>${
    single
      ? html`<th scope="col">value × weight</th><th scope="col">product</th>`
      : html`<th scope="col">sum of products</th>`
  }</tr></thead><tbody>${sorted.slice(0, count).map((row) => line(row))}${
    others.length === 0
      ? undefined
      : line({
          name: `the other ${others.length} ${rest}`,
          value: others.reduce((sofar, { value }) => sofar + value, 0),
        })
  }${line({ name: 'bias', value: bias })}${line({ name: 'sum', value: total }, 'total')}</tbody></table>`;
}

function convolution(step: ConvolutionStep): Markup {
  const { channel, at, kernel, stride, dilation, origin, values, weights, bias, total, firstChannel } = step;
  const size = kernel[0] * kernel[1];
  const count = values.length / size;
  const sums = Array.from({ length: count }, (_, c) => sum(values, weights, c * size, (c + 1) * size));
  const top = sums.reduce((best, value, c) => (Math.abs(value) > Math.abs(sums[best] as number) ? c : best), 0);
  const part = (from: Float32Array, c: number): Float32Array => from.subarray(c * size, (c + 1) * size);
  const moves = [
    step.transposed === undefined && (stride[0] > 1 || stride[1] > 1) ? `, stride ${stride[0]}` : '',
    dilation[0] > 1 || dilation[1] > 1 ? `, dilation ${dilation[0]}` : '',
  ].join('');
  const where = `Map ${channel} at x ${at.x}, y ${at.y}: `;
  const maps = count === 1 ? 'the previous map' : `the ${count} previous maps`;
  const spread =
    step.transposed === undefined
      ? undefined
      : `${where}every input number is spread over ${step.transposed.kernel[1]} × ${step.transposed.kernel[0]} positions, with stride ${stride[0]}.`;
  if (size === 1) {
    const which =
      spread === undefined
        ? `${where}the number at the same position in each of ${maps} times its weight`
        : `${spread} Here contributes, from each of ${maps}, the number at x ${origin.x}, y ${origin.y} times its weight for this position`;
    return html`<p>${which}; the products are added.</p>
${terms(
  sums.map((value, c) => ({
    name: `map ${firstChannel + c}`,
    value,
    product: [values[c] as number, weights[c] as number],
  })),
  { bias, total, heading: 'previous map', rest: 'maps' },
)}<p class="sum">${same(step)}</p>`;
  }
  const grids = (c: number): Markup =>
    products(part(values, c), part(weights, c), kernel, count === 1 ? 'values' : `values of map ${firstChannel + c}`);
  const padding = values.some(Number.isNaN) ? ' Hatched cells are padding, which counts as 0.' : '';
  const window = `a window of ${kernel[1]} × ${kernel[0]} in ${maps}, with its corner at x ${origin.x}, y ${origin.y}${moves}`;
  return html`<p>${spread === undefined ? `${where}${window}` : `${spread} Here contributes ${window}, with the weights for this position`}. Each value is multiplied by its weight and the ${values.length} products are added.${padding}</p>
${
  count === 1
    ? html`${grids(0)}<p class="sum">${shortNumber(sums[0] as number)} + bias ${shortNumber(bias)} = <b>${shortNumber(total)}</b> ${same(step)}</p>`
    : html`<div class="abreast"><div>${
        count > 3
          ? html`<p>The previous map that contributes most, number ${firstChannel + top}:</p>${grids(top)}`
          : Array.from({ length: count }, (_, c) => grids(c))
      }</div><div>${terms(
        sums.map((value, c) => ({ name: `map ${firstChannel + c}`, value })),
        { bias, total, heading: 'previous map', rest: 'maps' },
      )}<p class="sum">${same(step)}</p></div></div>`
}`;
}

function dense(step: DenseStep, view: readonly [number, number, number]): Markup {
  const { channel, values, weights, bias, total } = step;
  const [channels, height, width] = view;
  const isImage = values.length === channels * height * width && height > 1;
  const pixels = height * width;
  const all = Array.from(values, (value, i) => ({
    name: isImage ? `x ${i % width}, y ${Math.floor((i % pixels) / width)}` : `input ${i}`,
    value: value * (weights[i] as number),
    product: [value, weights[i] as number] as const,
  }));
  return html`<p>Unit ${channel}: the sum of the ${values.length} inputs, each times its weight.</p>
<div class="abreast">${
    isImage
      ? products(values.subarray(0, pixels), weights.subarray(0, pixels), [height, width], 'the image')
      : undefined
  }<div>${terms(all, { bias, total, heading: isImage ? 'pixel' : 'input', rest: 'products' })}<p class="sum">${same(step)}</p></div></div>`;
}

function element(step: ElementStep): Markup {
  const { op, formula, total } = step;
  return html`<p class="sum">${op}: ${formula} = <b>${shortNumber(total)}</b> ${same(step)}</p>`;
}

function pooling(step: PoolingStep): Markup {
  const { how, channel, at, origin, kernel, stride, values, total } = step;
  const marked = how === 'maximum' ? values.indexOf(Math.fround(total)) : -1;
  const what =
    stride === undefined
      ? `all ${values.length} numbers of the same previous map`
      : `a window of ${kernel[1]} × ${kernel[0]} with its corner at x ${origin.x}, y ${origin.y} in the same previous map, stride ${stride[0]}`;
  const drawn =
    Math.max(...kernel) > 2 * NUMBERS_UP_TO
      ? picture(values, kernel, 'values')
      : grid({ values, kernel, caption: 'values', ...(marked < 0 ? {} : { marked }) });
  return html`<p>Map ${channel}${stride === undefined ? '' : ` at x ${at.x}, y ${at.y}`}: the ${how} of ${what}.</p>
<div class="equation">${drawn}<span class="sign">→</span><p class="sum"><b>${shortNumber(total)}</b> ${same(step)}</p></div>`;
}

function probability({ how, scores, totals, graph, tolerance }: ProbabilityStep, classes: readonly string[]): Markup {
  if (how === 'softmax') {
    const most = Math.max(...scores);
    const powers = scores.map((z) => Math.exp(z - most));
    const together = powers.reduce((a, b) => a + b, 0);
    const order = scores.map((_, k) => k).sort((a, b) => (totals[b] as number) - (totals[a] as number));
    const shown = order.slice(0, MOST_TERMS).sort((a, b) => a - b);
    return html`<p>Softmax: p<sub>k</sub> = exp(z<sub>k</sub> − m) / Σ<sub>j</sub> exp(z<sub>j</sub> − m), with m = ${shortNumber(most)} the largest score, which prevents overflow. The exponentials add up to ${shortNumber(together)}.</p>
<div class="scroll"><table class="terms"><thead><tr><th scope="col">class</th><th scope="col">score z</th><th scope="col">exp(z − m)</th><th scope="col">probability</th><th scope="col">network</th></tr></thead><tbody>${shown.map(
      (k) =>
        html`<tr><th scope="row">${classes[k] ?? String(k)}</th><td>${shortNumber(scores[k] as number)}</td><td>${shortNumber(powers[k] as number)}</td><td>${shortNumber(totals[k] as number)}</td><td>${shortNumber(graph[k] as number)}</td></tr>
`,
    )}</tbody></table></div>${order.length > shown.length ? html`<p class="note">The ${shown.length} most probable of ${order.length} classes.</p>` : undefined}`;
  }
  const [z] = scores;
  return html`<p class="sum">Sigmoid: 1 / (1 + exp(−(${shortNumber(z as number)}))) = <b>${shortNumber(totals.at(-1) as number)}</b> ${same({ total: totals.at(-1) as number, graph: graph.at(-1) as number, tolerance })}</p>`;
}

function stepMarkup(step: Step, classes: readonly string[], view: readonly [number, number, number]): Markup {
  switch (step.kind) {
    case 'convolution':
      return convolution(step);
    case 'dense':
      return dense(step, view);
    case 'element':
      return element(step);
    case 'pooling':
      return pooling(step);
    case 'probability':
      return probability(step, classes);
  }
}

/** @param view channels, height and width of the input, if a dense layer receives it directly. */
export function passageMarkup(
  { name, steps }: Passage,
  classes: readonly string[],
  view: readonly [number, number, number],
): Markup {
  const layer = steps.map((step) => ('layer' in step ? step.layer : undefined)).find((word) => word !== undefined);
  return html`<div class="passage"><h3>${name}${layer === undefined || name.includes(layer) ? '' : `: ${layer}`}</h3>
${steps.map(
  (step) => html`<div class="step">${stepMarkup(step, classes, view)}</div>
`,
)}</div>`;
}
