/** A page that shows how a perceptron's line moves: one animation per data set. */

import { html, type Markup, renderPage, section, trusted } from 'lamella/report';

/** The line w.x + b = 0 after a correction, and the point that was corrected. */
export interface PerceptronFrame {
  readonly weights: readonly [number, number];
  readonly bias: number;
  /** Index of the point; undefined for the start. */
  readonly corrected: number | undefined;
}

export interface PerceptronRun {
  readonly title: string;
  /** Coordinates in -1..1. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** 0 or 1 per point. */
  readonly labels: readonly number[];
  /** In order, beginning with the start. */
  readonly frames: readonly PerceptronFrame[];
  /** The result, as a sentence. */
  readonly verdict: string;
}

const SIDE = 360;
const REACH = 1.25;
const FRAME_S = 0.6;

const px = (value: number): number => Math.round(((value + REACH) / (2 * REACH)) * SIDE * 100) / 100;

/** The ends of the line within the plot, or nothing if it does not cross it. */
function lineWithin(
  [wx, wy]: readonly [number, number],
  bias: number,
  reach = REACH,
): readonly [readonly [number, number], readonly [number, number]] | undefined {
  const ends: [number, number][] = [];
  for (const edge of [-reach, reach]) {
    if (wy !== 0) {
      const y = -(wx * edge + bias) / wy;
      if (Math.abs(y) <= reach) ends.push([edge, y]);
    }
    if (wx !== 0) {
      const x = -(wy * edge + bias) / wx;
      if (Math.abs(x) < reach) ends.push([x, edge]);
    }
  }
  const [first, second] = ends;
  return first === undefined || second === undefined ? undefined : [first, second];
}

/** One animation: earlier lines faint, the line moving from correction to correction, the corrected point ringed. */
export function perceptronSvg({ title, points, labels, frames, verdict }: PerceptronRun): string {
  const lines = frames.map(({ weights, bias }) => lineWithin(weights, bias));
  const seconds = (frames.length * FRAME_S).toFixed(1);
  const animate = (attribute: string, values: readonly (number | string)[]): string =>
    `<animate attributeName="${attribute}" values="${values.join(';')}" dur="${seconds}s" calcMode="discrete" repeatCount="indefinite"/>`;
  const outside = -100;
  const at = (end: 0 | 1, axis: 0 | 1): number[] =>
    lines.map((line) => (line === undefined ? outside : px(axis === 0 ? line[end][0] : -line[end][1])));
  const ends = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)] as const;
  const last = ends.map((values) => values[values.length - 1]);
  const trail = ends[0].map((x1, i) =>
    x1 === outside || i === frames.length - 1
      ? ''
      : `<line x1="${x1}" y1="${ends[1][i]}" x2="${ends[2][i]}" y2="${ends[3][i]}" stroke="#8a939c" stroke-opacity="${(0.1 + (0.4 * i) / frames.length).toFixed(2)}"/>`,
  );
  const dots = points.map(([x, y], i) =>
    labels[i] === 1
      ? `<circle cx="${px(x)}" cy="${px(-y)}" r="5" fill="#b84e00"/>`
      : `<rect x="${px(x) - 4.5}" y="${px(-y) - 4.5}" width="9" height="9" fill="#0067a3"/>`,
  );
  const ring = (axis: 0 | 1): number[] =>
    frames.map(({ corrected }) => {
      const point = corrected === undefined ? undefined : points[corrected];
      return point === undefined ? outside : px(axis === 0 ? point[0] : -point[1]);
    });
  const names = ['x1', 'y1', 'x2', 'y2'] as const;
  const moving = names.map((name, i) => animate(name, ends[i]));
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" width="${SIDE}" height="${SIDE}" role="img" aria-label="${`${title}: ${verdict}`}">
<title>${title}</title><desc>${verdict}</desc>
<rect width="${SIDE}" height="${SIDE}" fill="#ffffff"/>
${trusted(trail.join(''))}
${trusted(dots.join(''))}
<circle r="9" fill="none" stroke="#1b1f23" stroke-width="1.5" cx="${outside}" cy="${outside}">${trusted(animate('cx', ring(0)) + animate('cy', ring(1)))}</circle>
<line ${trusted(names.map((name, i) => `${name}="${last[i]}"`).join(' '))} stroke="#1b1f23" stroke-width="2.5">${trusted(moving.join(''))}</line>
</svg>
`.html;
}

/** All runs, one below the other. */
export function perceptronPage(runs: readonly PerceptronRun[], createdAt: string): string {
  const shown = (run: PerceptronRun, i: number): Markup =>
    section(
      `run${i}`,
      run.title,
      html`<figure>${trusted(perceptronSvg(run))}<figcaption>${run.verdict}</figcaption></figure>`,
    );
  return renderPage(
    {
      title: 'The perceptron learns',
      summary:
        'y = sign(w.x + b). If a point is on the wrong side, w moves by the point and b by one, towards its class ' +
        '(Rosenblatt 1958). The ring marks the corrected point; the faint lines are earlier positions.',
      createdAt,
      headline: runs.map(({ title, frames }) => ({ label: title, value: `${frames.length - 1} corrections` })),
    },
    runs.map(shown),
  );
}
