/** The report that compares runs. */

import { counted } from '../../errors.ts';
import { lineColour } from '../kit/chart.ts';
import { html, type Markup } from '../kit/markup.ts';
import { renderPage, reproduce, section } from '../kit/page.ts';
import { withPrefix } from '../kit/with-prefix.ts';
import { lineChart } from '../run/charts.ts';
import type { Figure, Method, PageHead, ScoreTable } from '../run/data.ts';
import { factTable, scoreTable } from '../run/tables.ts';
import { costChart, differenceChart, efficiencyChart, imageChart, scoreChart } from './charts.ts';
import type { ComparedPair, ComparedRun, Comparison } from './comparison.ts';

/** What the report shows around the comparison. */
export interface CompareReport extends Pick<PageHead, 'title' | 'createdAt'>, Omit<Method, 'notes'> {
  readonly comparison: Comparison;
  /** What the runs were scored on: `5 images that all runs held out`. */
  readonly where: string;
}

const COMPARE_STYLE = `
.verdicts { margin: 10px 0 4px; padding: 0; list-style: none; max-width: 95ch; }
.verdicts li { padding: 8px 14px; border-left: 4px solid var(--rule); background: var(--panel); margin-bottom: 6px; border-radius: 0 6px 6px 0; }
.verdicts li.decided { border-left-color: var(--line-2); }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 8px 40px; align-items: start; }
figure.chart.wide svg { max-width: 800px; }
.wide figure.chart svg, .wide figure.chart figcaption { max-width: 820px; }
.swatch.run { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 7px; vertical-align: -1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
@media print { .beside { grid-template-columns: 1fr 1fr; } .verdicts li { break-inside: avoid; } }
`;

/** With more images, single images are not shown. */
const MOST_IMAGES = 60;

/** The report as HTML; deterministic. */
export function renderComparison({ comparison, title, createdAt, where, facts, commands }: CompareReport): string {
  const { runs, notes, images, metric } = comparison;
  const learning = runs.flatMap(({ learning: curve }) => (curve === undefined ? [] : [curve]));
  const sameScore = learning.length > 1 && new Set(learning.map((curve) => curve.metric)).size === 1;
  return renderPage(
    { title, summary: summaryOf(comparison, where), createdAt, headline: headlineOf(comparison) },
    [
      section(
        'scores',
        'Scores',
        html`<ul class="verdicts">${comparison.pairs.map((pair) => verdict(pair, comparison))}</ul>`,
        html`<div class="beside">${scoreChart(comparison)}${differenceChart(comparison)}</div>`,
        scoreTable(scoresOf(comparison)),
        seedTable(comparison),
        pairTable(comparison),
        html`<h3>Caveats</h3><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
      ),
      section(
        'cost',
        'Cost',
        html`<div class="wide">${costChart(comparison)}</div>`,
        scoreTable(costsOf(comparison)),
        efficiencyChart(comparison),
      ),
      images.length < 2 || images.length > MOST_IMAGES
        ? undefined
        : section('images', 'Image by image', legend(runs), imageChart(comparison)),
      sameScore
        ? section(
            'learning',
            'Learning',
            html`<div class="wide">${lineChart(learning, {
              description: `Validation score of each run over training time, each on its own validation images.`,
              x: 'Minutes',
              y: learning[0]?.metric ?? metric,
              dots: learning.every(({ points }) => points.length < 60),
              widthPx: 760,
              heightPx: 320,
            })}</div>`,
          )
        : undefined,
      section(
        'about',
        'Method',
        html`<p>${methods(comparison)}</p>`,
        html`<div class="facts">${factTable('Facts', facts) ?? ''}</div>`,
        reproduce(commands),
      ),
    ],
    { style: COMPARE_STYLE },
  );
}

const run = ({ runs }: Comparison, place: number): ComparedRun => runs[place] as ComparedRun;

const digits = (value: number): string => value.toFixed(4).replace('-', '−');

const pText = (p: number): string => (p < 0.0001 ? '< 0.0001' : p.toFixed(4));

const pSentence = (p: number): string => (p < 0.0001 ? 'p < 0.0001' : `p = ${p.toFixed(4)}`);

const count = (n: number): string => n.toLocaleString('en');

/** At the beginning of a sentence. */
const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function summaryOf(comparison: Comparison, where: string): string {
  const { runs, metric, pairs } = comparison;
  const [best, second] = runs;
  const lead = pairs.find(({ a, b }) => a === 0 && b === 1);
  const said =
    lead?.verdict === 'undecided'
      ? `${best?.name} scores highest, but its lead over ${second?.name} may be chance.`
      : `${best?.name} scores highest, by more than chance explains.`;
  return `${runs.length} runs scored by ${metric} on ${where}. ${said}`;
}

function headlineOf(comparison: Comparison): Figure[] {
  const { runs, metric, pairs } = comparison;
  const [best] = runs as readonly [ComparedRun];
  const decided = pairs.filter(({ verdict: found }) => found !== 'undecided').length;
  const smallest = runs.reduce((a, b) => (b.parameters < a.parameters ? b : a));
  const quickest = runs.reduce((a, b) => (b.predictionMs < a.predictionMs ? b : a));
  return [
    {
      label: `Highest ${metric}`,
      value: digits(best.score.value),
      note: `${best.name}; ${digits(best.score.low)} to ${digits(best.score.high)}`,
    },
    {
      label: 'Significant differences',
      value: `${decided} of ${pairs.length}`,
      note: decided < pairs.length ? 'the others may be chance' : 'more than chance explains',
    },
    { label: 'Fewest parameters', value: withPrefix(smallest.parameters), note: smallest.name },
    { label: 'Fastest image', value: milliseconds(quickest.predictionMs), note: quickest.name },
  ];
}

function milliseconds(ms: number): string {
  if (ms < 1) return `${(1000 * ms).toFixed(0)}\u00a0µs`;
  return ms < 1000 ? `${Number(ms.toPrecision(3))}\u00a0ms` : `${(ms / 1000).toFixed(1)}\u00a0s`;
}

/** `14 min 3 s`. */
function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 60) return `${(ms / 1000).toFixed(1)} s`;
  return s < 3600
    ? `${Math.floor(s / 60)} min ${s % 60} s`
    : `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

function verdict(pair: ComparedPair, comparison: Comparison): Markup {
  const { a, b, difference, adjustedP, verdict: found, ahead } = pair;
  const [first, second] = [run(comparison, a), run(comparison, b)];
  const { metric, level, images } = comparison;
  const range = `${digits(difference.low)} to ${digits(difference.high)} in ${Math.round(100 * level)} %; ${pSentence(adjustedP)}; ${second.name} better on ${count(ahead[1])} and ${first.name} on ${count(ahead[0])} of ${count(images.length)} images`;
  const size = digits(Math.abs(difference.value));
  if (found === 'undecided') {
    return html`<li><strong>${first.name} and ${second.name}: no significant difference.</strong> ${second.name} − ${first.name} is ${digits(difference.value)} (${range}).</li>`;
  }
  const [better, worse] = found === 'better' ? [second, first] : [first, second];
  return html`<li class="decided"><strong>${better.name} is better than ${worse.name}</strong> by ${size} in ${metric} (${second.name} − ${first.name}: ${range}).</li>`;
}

function scoresOf(comparison: Comparison): ScoreTable {
  const { runs, metric, level } = comparison;
  const others = [...new Set(runs.flatMap(({ scores }) => Object.keys(scores)))];
  return {
    caption: 'Scores',
    columns: [
      { label: capital(metric), better: 'higher' },
      { label: `${Math.round(100 * level)} % confidence interval` },
      ...others.map((label) => ({ label, better: /error/.test(label) ? ('lower' as const) : ('higher' as const) })),
    ],
    rows: runs.map(({ name, score, scores }, place) => ({
      name,
      own: place === 0,
      values: [
        score.value,
        `${digits(score.low)} to ${digits(score.high)}`,
        ...others.map((key) => (Number.isFinite(scores[key]) ? (scores[key] as number) : null)),
      ],
    })),
    note: `${capital(metric)} is the mean over images, equally weighted; the other scores pool all images.`,
  };
}

function seedTable(comparison: Comparison): Markup | undefined {
  const { seeds, metric } = comparison;
  if (seeds.length === 0) return undefined;
  return scoreTable({
    caption: 'The same training with different random seeds',
    columns: ['Runs', `${capital(metric)}, mean`, 'Standard deviation', 'Minimum', 'Maximum'].map((label) => ({
      label,
    })),
    rows: seeds.map(({ runs, network, mean, deviation, lowest, highest }) => ({
      name: network,
      values: [
        runs.map((place) => run(comparison, place).name).join(', '),
        ...[mean, deviation, lowest, highest].map(digits),
      ],
    })),
    note: 'Over random seeds: the spread of training runs that differ by chance alone.',
  });
}

function pairTable(comparison: Comparison): Markup {
  const { pairs, level } = comparison;
  return scoreTable({
    caption: 'Pairs',
    columns: [
      'Difference',
      `${Math.round(100 * level)} % confidence interval`,
      'p, signs',
      'p, corrected',
      'p, Wilcoxon',
      'Ahead',
    ].map((label) => ({ label })),
    rows: pairs.map(({ a, b, difference, signFlip, adjustedP, wilcoxon, ahead, verdict: found }) => ({
      name: `${run(comparison, b).name} − ${run(comparison, a).name}`,
      own: found !== 'undecided',
      values: [
        digits(difference.value),
        `${digits(difference.low)} to ${digits(difference.high)}`,
        pText(signFlip.p),
        pText(adjustedP),
        pText(wilcoxon.p),
        `${count(ahead[1])} : ${count(ahead[0])}`,
      ],
    })),
    note: 'p: the probability of a difference at least as large by chance alone. A row is highlighted where both the corrected p and the confidence interval exclude chance.',
  });
}

function costsOf({ runs }: Comparison): ScoreTable {
  const energy = runs.some(({ predictionJoules }) => predictionJoules !== undefined);
  return {
    caption: 'Parameters, MACs, memory, time',
    columns: ['Parameters', 'MACs', 'Memory', 'One image', ...(energy ? ['Energy'] : []), 'Training', 'Steps'].map(
      (label) => ({ label }),
    ),
    rows: runs.map(
      ({ name, network, parameters, macs, peakBytes, predictionMs, predictionJoules, trainingMs, steps }) => ({
        name: `${name}: ${network}`,
        values: [
          withPrefix(parameters),
          withPrefix(macs),
          `${withPrefix(peakBytes)}B`,
          milliseconds(predictionMs),
          ...(energy ? [predictionJoules === undefined ? null : `${Number(predictionJoules.toPrecision(3))} J`] : []),
          trainingMs === undefined ? null : duration(trainingMs),
          steps?.toLocaleString('en') ?? null,
        ],
      }),
    ),
    note: `MACs (multiply-accumulate operations) per image, tiled as in prediction, and peak memory per tile are computed from the graph. The time per image is a median, measured for this report on one machine.${
      energy
        ? ' Energy is that of the processor package per image, including all other processes.'
        : ' This machine does not report its energy use.'
    }`,
  };
}

function legend(runs: readonly ComparedRun[]): Markup {
  return html`<ul class="legend" aria-label="Colours of the runs">${runs.map(
    ({ name }, place) =>
      html`<li><span class="swatch run" style="background: ${lineColour(place)}"></span>${name}</li>`,
  )}</ul>`;
}

function methods({ resamples, level, images, leastP, pairs }: Comparison): string {
  const exact = pairs.every(({ signFlip }) => signFlip.exact);
  return (
    `Confidence intervals: ${resamples.toLocaleString('en')} bias-corrected and accelerated bootstrap samples of the ${count(images.length)} images, at ${Math.round(100 * level)} %, the same for all runs, so that differences are paired. ` +
    `Tests: sign-flip permutation test per pair, ${exact ? 'exact' : 'with random samples where there are too many permutations'}, and Wilcoxon’s signed-rank test; p of the first is corrected for ${counted(pairs.length, 'pair')} by Holm. The smallest possible p with this many images is ${pText(leastP)}.`
  );
}
