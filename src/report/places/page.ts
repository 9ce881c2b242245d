/** The page that shows where to annotate next. */

import type { Rectangle } from '../../array/window-sums.ts';
import type { Interval } from '../../metrics/bootstrap.ts';
import { html } from '../kit/markup.ts';
import { renderPage, section } from '../kit/page.ts';

/** A window of a slice that is worth annotating. */
export interface ShownPlace extends Rectangle {
  readonly image: string;
  /** Time point and depth, from 0. */
  readonly t: number;
  readonly z: number;
  /** Mean of 1 - (p1 - p2) over the window, 0..1. */
  readonly uncertainty: number;
  /** Whether it was drawn at random. */
  readonly random: boolean;
}

/** A place with its pictures, as data URIs of the same window. */
export interface PlaceFigure extends ShownPlace {
  readonly picture: string;
  readonly uncertain: string;
}

export interface PlacesPage {
  readonly model: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** In the order in which to annotate them. */
  readonly figures: readonly PlaceFigure[];
  readonly accuracy: (Interval & { readonly places: number }) | undefined;
}

const STYLE = `
.places { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 22px; }
.places div { display: flex; gap: 4px; }
.places img { width: calc(50% - 2px); image-rendering: pixelated; border-radius: 4px; }`;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** `78.1 % (61.2 to 89.0 % with 95 % confidence)` */
export const describeAccuracy = ({ value, low, high }: Interval): string =>
  `${percent(value)} (${(100 * low).toFixed(1)} to ${percent(high)} with 95 % confidence)`;

/** `s01, slice 3: 128 x 128 at 512, 384` */
export function describePlace({ image, t, z, x, y, width, height }: ShownPlace): string {
  const slice = z > 0 ? `, slice ${z}` : '';
  const time = t > 0 ? `, time ${t}` : '';
  return `${image}${time}${slice}: ${width} x ${height} at x ${x}, y ${y}`;
}

/** The page as HTML. */
export function renderPlaces({ model, createdAt, figures, accuracy }: PlacesPage): string {
  const random = figures.filter((place) => place.random).length;
  return renderPage(
    {
      title: 'Where to annotate next',
      summary: `Windows that ${model} is most uncertain about; every tenth is drawn at random, so that its accuracy can be estimated once they are annotated.`,
      createdAt,
      headline: [
        { label: 'Places', value: String(figures.length), note: `${random} of them at random` },
        ...(accuracy === undefined
          ? []
          : [
              {
                label: 'Accuracy, estimated',
                value: percent(accuracy.value),
                note: `${percent(accuracy.low)} to ${percent(accuracy.high)}, from ${accuracy.places} random places`,
              },
            ]),
      ],
    },
    [
      section(
        'places',
        'Places',
        html`<p>Left the image, right the uncertainty: white where two classes are equally likely.</p>`,
        html`<div class="places">${figures.map(
          (place, i) =>
            html`<figure><div><img src="${place.picture}" alt="Image"><img src="${place.uncertain}" alt="Uncertainty"></div>
<figcaption>${i + 1}. ${describePlace(place)}; ${place.random ? 'at random' : `uncertainty ${place.uncertainty.toFixed(2)}`}</figcaption></figure>`,
        )}</div>`,
      ),
    ],
    { style: STYLE },
  );
}
