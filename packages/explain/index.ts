/** `lamella/explain`: what a network does with one image, in numbers and as a page. Uses only public names. */

export { type ExplainOptions, explain } from './explain.ts';
export type { Explanation } from './explanation.ts';
export { type WriteExplanationOptions, writeExplanation } from './write-explanation.ts';
