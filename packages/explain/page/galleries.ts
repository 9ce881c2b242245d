/** The inside of a network as rows of small images: filters, feature maps, layers. */

import {
  dataUri,
  html,
  imagePicture,
  largest,
  type Markup,
  type Picture,
  shrink,
  signedPicture,
  withPrefix,
} from 'lamella/report';
import type { Explanation, Filter, LayerSummary, Plane } from '../explanation.ts';
import { shortNumber } from './arithmetic.ts';

/** Longest side of images in galleries, in pixels. */
const TILE_PX = 128;

/** `1,234,567` */
export const countOf = (n: number): string => Math.round(n).toLocaleString('en');

function tile(picture: Picture, alt: string, kind = ''): Markup {
  const small = shrink(picture, TILE_PX);
  return html`<img${kind === '' ? undefined : html` class="${kind}"`} src="${dataUri(small)}" width="${small.width}" height="${small.height}" alt="${alt}">`;
}

/** A map as grey between its own percentiles, so that a few large numbers do not darken the rest. */
function mapPicture(map: Plane): Picture {
  return imagePicture([map.data], map.height, map.width);
}

function rangeOf({ data }: Plane): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Three planes as RGB around mid-grey, one as blue to orange; of other numbers the first. */
function kernelPicture({ planes }: Filter, most: number): Picture {
  const [first] = planes as readonly [Plane];
  if (planes.length !== 3) return signedPicture(first, most);
  const scaled = planes.map(({ data }) =>
    Uint8Array.from(data, (value) => (most === 0 ? 128 : Math.round(127.5 + (127.5 * value) / most))),
  );
  return { planes: scaled, height: first.height, width: first.width };
}

/** The weights of the first layer and the response of each. */
export function filterGallery({ filters, classes }: Explanation): readonly (Markup | undefined)[] {
  if (filters === undefined) return [];
  const { kernels, total, layer } = filters;
  const most = largest(kernels.flatMap(({ planes }) => planes));
  const [sample] = kernels;
  const colour = sample?.planes.length === 3;
  const convolution = sample?.response !== undefined;
  const perClass = !convolution && total === classes.length;
  const some = kernels.length < total ? `${kernels.length} of its ${total}` : `All ${total}`;
  const what = convolution
    ? `${some} kernels of ${layer}, and below each its response to this image (dark is low, light is high).`
    : `${some} units of ${layer}${kernels.length < total ? ', those with the largest outputs for this image' : ''}: the weight of every pixel.`;
  return [
    html`<p>${what}</p>`,
    colour
      ? html`<p class="note">Weights as colour: mid-grey is 0.</p>`
      : html`<ul class="legend" aria-label="Colours of the weights"><li><span class="ramp signed"></span>Weights from −${shortNumber(most)} through 0 to ${shortNumber(most)}</li></ul>`,
    html`<div class="tiles">${kernels.map((kernel) => {
      const name = perClass ? (classes[kernel.channel] as string) : `${kernel.channel}`;
      const { response, value } = kernel;
      const range = response && rangeOf(response).map(shortNumber).join(' to ');
      return html`<figure>${tile(kernelPicture(kernel, most), `Weights of ${name}`, 'kernel')}${
        response && tile(mapPicture(response), `Response of ${name}`)
      }<figcaption>${perClass ? name : `№ ${name}`}${range === undefined ? '' : `: ${range}`}${
        value === undefined ? '' : `: ${shortNumber(value)}`
      }</figcaption></figure>
`;
    })}</div>`,
  ];
}

/** The feature maps of the chosen layer. */
export function mapGallery({ features, view }: Explanation): readonly Markup[] {
  if (features === undefined) return [];
  const { maps, shape, layer } = features;
  const total = shape[1] as number;
  const [sample] = maps;
  const coarse = sample !== undefined && sample.map.width < view.widthPx / 2;
  return [
    html`<p>${maps.length < total ? `The ${maps.length} strongest of ${total}` : `All ${total}`} maps of ${layer}, ${shape[3] as number} × ${shape[2] as number} numbers each${
      coarse ? ', coarser than the image' : ''
    }. Each is scaled from black to white over its own range, which is given below it.</p>`,
    html`<div class="tiles">${maps.map(({ channel, map }) => {
      const [low, high] = rangeOf(map);
      return html`<figure>${tile(mapPicture(map), `Map ${channel}`, map.width < 64 ? 'kernel' : '')}<figcaption>№ ${channel}: ${shortNumber(low)} to ${shortNumber(high)}</figcaption></figure>
`;
    })}</div>`,
  ];
}

/** Every layer with a small image of its output. */
export function layerTable(layers: readonly LayerSummary[]): Markup {
  const total = { parameters: 0, macs: 0 };
  for (const { parameters, macs } of layers) {
    total.parameters += parameters;
    total.macs += macs;
  }
  return html`<p>The output of each layer after its activation: the mean of its maps, or its numbers in rows.</p>
<div class="scroll"><table class="layers"><thead><tr><th scope="col">Mean</th><th scope="col">Layer</th><th scope="col">Operation</th><th scope="col">Output</th><th scope="col">Receptive field</th><th scope="col">Parameters</th><th scope="col">MACs</th></tr></thead>
<tbody>${layers.map(({ name, op, shape, sees, parameters, macs, mean }) => {
    const small = mean.height === 1 ? strip(mean) : mean;
    return html`<tr><td class="picture">${tile(mapPicture(small), `Mean of ${name}`, small.width < 64 ? 'kernel' : '')}</td><th scope="row">${name}</th><td>${op}</td><td>${shape.slice(1).join(' × ')}</td><td>${
      sees === undefined ? 'all' : `${sees[1]} × ${sees[0]}`
    }</td><td class="number">${parameters === 0 ? '' : countOf(parameters)}</td><td class="number">${macs === 0 ? '' : withPrefix(macs)}</td></tr>
`;
  })}<tr><td></td><th scope="row">total</th><td></td><td></td><td></td><td class="number">${countOf(total.parameters)}</td><td class="number">${withPrefix(total.macs)}</td></tr></tbody></table></div>`;
}

/** A vector of numbers, wrapped into rows. */
function strip({ data }: Plane): Plane {
  const width = data.length <= 32 ? data.length : Math.ceil(Math.sqrt(data.length * 2));
  const height = Math.ceil(data.length / width);
  const lines = new Float32Array(width * height).fill(data.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
  lines.set(data);
  return { height, width, data: lines };
}
