/** The frame of every page that is written: one HTML file that needs nothing else. */

import type { Figure } from '../run/data.ts';
import { html, type Markup, trusted } from './markup.ts';
import { STYLE } from './style.ts';
import { TABLE_SCRIPT, TABLE_SCRIPT_HASH } from './table-script.ts';

export interface PageHead {
  readonly title: string;
  readonly summary: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The most important first. */
  readonly headline: readonly Figure[];
  /** What a reader has to know before anything else. */
  readonly warning?: string;
}

export interface PageOptions {
  /** More rules after those that all pages have. */
  readonly style?: string;
  /** Whether tables sort and filter: the one script that a page may have. */
  readonly tables?: boolean;
}

export function section(id: string, heading: string, ...content: readonly (Markup | undefined)[]): Markup {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>
${content.map((part) => part ?? '')}
</section>
`;
}

/** The page as text. Nothing may be loaded: pictures and the script are within it. */
export function renderPage(
  { title, summary, createdAt, headline, warning }: PageHead,
  body: readonly (Markup | undefined)[],
  { style = '', tables = false }: PageOptions = {},
): string {
  const script = tables ? `; script-src '${TABLE_SCRIPT_HASH}'` : '';
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'${script}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="generator" content="Lamella">
<title>${title}</title>
<style>${trusted(`${STYLE}${style}`)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p>${summary}</p>
<p class="muted"><time datetime="${createdAt}">${createdAt.slice(0, 16).replace('T', ' ')} UTC</time></p>
${warning === undefined ? undefined : html`<p class="warning" role="note">${warning}</p>`}<dl class="figures">${headline.map(
    ({ label, value, note }) =>
      html`<div><dt>${label}</dt><dd>${value}</dd>${note === undefined ? undefined : html`<dd class="note">${note}</dd>`}</div>
`,
  )}</dl>
</header>
${body.map((part) => part ?? '')}
<footer>Made with Lamella.</footer>
</main>
${tables ? html`<script>${trusted(TABLE_SCRIPT)}</script>` : undefined}
</body>
</html>
`.html;
}
