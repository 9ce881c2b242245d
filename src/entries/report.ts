/** `lamella/report`: results as self-contained HTML pages, their parts and images; comparison of runs. */

export { type CompareOptions, type Comparison, compareRuns, type RunResult } from '../report/compare/comparison.ts';
export { greyPicture, heatOver, largest, magnitude, signedPicture } from '../report/kit/colour-maps.ts';
export { html, type Markup, trusted } from '../report/kit/markup.ts';
export { type PageOptions, renderPage, reproduce, section } from '../report/kit/page.ts';
export { crop, dataUri, imagePicture, type Picture, shrink } from '../report/kit/pictures.ts';
export { withPrefix } from '../report/kit/with-prefix.ts';
export type { FactRows, Figure, PageHead } from '../report/run/data.ts';
export { factTable } from '../report/run/tables.ts';
