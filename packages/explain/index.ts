/** `lamella/explain`: what a network does with one image, and how runs compare. */

export { type ExplainOptions, explain } from '../explain/explain.ts';
export type { Explanation } from '../explain/explanation.ts';
export { type CompareOptions, type Comparison, compareRuns, type RunResult } from '../report/compare/comparison.ts';
