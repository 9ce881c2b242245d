/** The report of a run of folds: the scores of cross-validation, and what was chosen on them. */

import type { Interval } from '../../metrics/bootstrap.ts';
import { html } from '../kit/markup.ts';
import { renderPage, section } from '../kit/page.ts';
import type { PageHead, Score } from '../run/data.ts';
import { scoreTable } from '../run/tables.ts';

export interface FoldsReport extends Omit<PageHead, 'headline'> {
  /** `Dice`. */
  readonly metric: string;
  /** Means with their 95 % intervals, without post-processing, with it, and the paired difference. */
  readonly before?: Interval | undefined;
  readonly after?: Interval | undefined;
  readonly difference?: Interval | undefined;
  /** What was found, one sentence each. */
  readonly lines: readonly string[];
  readonly folds: readonly {
    readonly name: string;
    readonly minutes: Score;
    /** Number of images held out. */
    readonly images: Score;
    /** Its best validation score. */
    readonly best: Score;
    readonly failed?: string | undefined;
  }[];
}

export function renderFolds({ metric, before, after, difference, lines, folds, ...head }: FoldsReport): string {
  const figure = (label: string, interval: Interval | undefined) =>
    interval === undefined
      ? []
      : [
          {
            label,
            value: interval.value.toFixed(4),
            note: `95 % interval ${interval.low.toFixed(4)} to ${interval.high.toFixed(4)}`,
          },
        ];
  const failed = folds.filter((fold) => fold.failed !== undefined);
  return renderPage(
    {
      ...head,
      headline: [
        ...figure(metric, before),
        ...figure(`${metric}, post-processing of the other folds`, after),
        ...figure('Difference', difference),
      ],
      ...(failed.length > 0 && {
        warning: `Not part of the model: ${failed.map(({ name, failed: why }) => `${name} (${why})`).join('; ')}`,
      }),
    },
    [
      section('found', 'Cross-validation', html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`),
      section(
        'folds',
        'Folds',
        scoreTable({
          caption: 'Each fold, scored on what it held out',
          columns: [{ label: 'Minutes' }, { label: 'Images held out' }, { label: `Best ${metric}`, better: 'higher' }],
          rows: folds.map(({ name, minutes, images, best }) => ({ name, values: [minutes, images, best] })),
          digits: [1, 0, 4],
          note: 'The best score of a fold is that by which its weights were chosen, so it is slightly too good; so are, for the same reason, the scores of cross-validation.',
        }),
      ),
    ],
  );
}
