/** The frame of every report: one self-contained HTML file. */

import { crc32, hex8 } from '../../array/crc32.ts';
import type { PageHead } from '../run/data.ts';
import { html, type Markup, trusted } from './markup.ts';
import { sortAndFilterTables } from './page-tables.ts';
import { STYLE } from './style.ts';

export interface PageOptions {
  /** Rules added to those shared by all reports. */
  readonly style?: string;
  /** Whether tables can be sorted and filtered, by the only script that a report may contain. */
  readonly tables?: boolean;
}

/** A part of a page with its heading; undefined parts are omitted. */
export function section(id: string, heading: string, ...content: readonly (Markup | undefined)[]): Markup {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>
${content.map((part) => part ?? '')}
</section>
`;
}

/** The commands that reproduce the report; nothing if there are none. */
export function reproduce(commands: readonly string[]): Markup | undefined {
  return commands.length === 0 ? undefined : html`<h3>Reproduce</h3><pre>${commands.join('\n')}</pre>`;
}

/** The report as HTML. It loads nothing: images and the script are embedded. */
export function renderPage(
  { title, summary, createdAt, headline, warning }: PageHead,
  body: readonly (Markup | undefined)[],
  { style = '', tables = false }: PageOptions = {},
): string {
  const content = body.map((part) => part ?? '');
  // Allows this script and no other: injected content cannot know the checksum of the page that contains it.
  const nonce = hex8(crc32(new TextEncoder().encode(html`${content}`.html)));
  const script = tables ? `; script-src 'nonce-${nonce}'` : '';
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
${content}
<footer>Made with Lamella.</footer>
</main>
${tables ? html`<script nonce="${nonce}">${trusted(`(${sortAndFilterTables})();`)}</script>` : undefined}
</body>
</html>
`.html;
}
