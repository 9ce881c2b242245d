/** The scores of cross-validation. */

import type { ValidationMetric } from '../train/validate.ts';

interface Fold {
  readonly config: { readonly metric?: ValidationMetric | undefined };
  readonly best: { readonly score: number } | undefined;
}

/** The best score of each fold and their mean as a printed line. Scores of different kinds have no mean. */
export function describeFolds(folds: readonly Fold[]): string {
  const each = folds.map(({ best }) => (best === undefined ? 'none' : best.score.toFixed(4)));
  const kinds = folds.map(({ config: { metric } }) => metric?.kind ?? 'none');
  const scored = folds.flatMap(({ best }) => best?.score ?? []);
  const line = `${folds.length} folds: ${each.join(', ')}`;
  if (scored.length === 0) return `${line}; no fold has a score`;
  const different = new Set(kinds.filter((_, i) => folds[i]?.best !== undefined));
  if (different.size > 1) return `${line}; no mean, since the scores are of different kinds (${kinds.join(', ')})`;
  const mean = scored.reduce((a, b) => a + b, 0) / scored.length;
  return `${line}; mean ${scored.length < folds.length ? `of ${scored.length} ` : ''}${mean.toFixed(4)}`;
}
