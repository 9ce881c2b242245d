/** Curves of the report: learning and thresholds. */

import { html, type Markup } from '../kit/markup.ts';
import { lineChart, smooth, thin } from './charts.ts';
import type { Series, ThresholdCurves, TrainingLog } from './data.ts';

/** Most points per line. */
const MOST_POINTS = 400;

function rangeOf(series: Series): readonly [number, number] {
  const values = series.points.flatMap(([, y]) => (y === null ? [] : [y]));
  return [
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
}

/** Loss, validation scores, learning rate. */
export function learningCurves({ loss, learningRate, validation, others = [] }: TrainingLog): Markup {
  const charts: Markup[] = [];
  if (loss.points.length > 0) {
    const [low, high] = rangeOf(loss);
    const log = low > 0 && high / low > 20;
    charts.push(
      lineChart([thin(smooth(loss, loss.points.length / 100), MOST_POINTS)], {
        description: 'Training loss over steps: running mean (line) and single steps (dots).',
        x: 'Step',
        y: log ? 'Loss (log)' : 'Loss',
        log,
        cloud: thin(loss, 3 * MOST_POINTS),
      }),
    );
  }
  if (validation !== undefined && validation.points.length > 1) {
    const { best } = validation;
    const shown = [validation, ...others.slice(0, 3)];
    const lowest = shown.map((series) => rangeOf(series)[0]).reduce((a, b) => Math.min(a, b));
    charts.push(
      lineChart(shown, {
        description: `Scores on the validation images over steps${
          best === undefined ? '' : `; the best ${validation.name} is ${best.value.toFixed(4)} at step ${best.step}`
        }.`,
        x: 'Step',
        y: 'Score',
        yDomain: [Math.max(0, Math.floor(lowest * 20) / 20), 1],
        dots: true,
        marks: best && [{ x: best.step, y: best.value, label: best.value.toFixed(3), series: 0 }],
      }),
    );
  }
  if (learningRate !== undefined && learningRate.points.length > 1) {
    charts.push(
      lineChart([thin(learningRate, MOST_POINTS)], {
        description: 'Learning rate over steps.',
        x: 'Step',
        y: 'Learning rate',
        heightPx: 220,
      }),
    );
  }
  return html`<div class="charts">${charts}</div>`;
}

/** Scores over the probability threshold. */
export function thresholdCharts(curves: readonly ThresholdCurves[]): Markup {
  return html`<div class="charts">${curves.map(({ title, series, best, better, note }) => {
    const values = series.map(rangeOf);
    const low = values.reduce((least, [from]) => Math.min(least, from), Number.POSITIVE_INFINITY);
    const high = values.reduce((most, [, to]) => Math.max(most, to), 0);
    const chosen = series.findIndex(({ name }) => name === best?.series);
    return lineChart(series, {
      description: `${title} over the threshold (${better} is better)${
        best === undefined
          ? ''
          : `; ${best.series} is best, ${best.value.toPrecision(4)}, at ${best.threshold.toFixed(2)}`
      }.${note === undefined ? '' : ` ${note}`}`,
      x: 'Probability threshold',
      y: title,
      yDomain: better === 'higher' ? [Math.max(0, Math.floor(low * 10) / 10), 1] : [0, high * 1.05],
      dots: true,
      marks: best && [
        { x: best.threshold, y: best.value, label: best.value.toPrecision(3), series: Math.max(0, chosen) },
      ],
    });
  })}</div>`;
}
