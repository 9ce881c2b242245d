/** HTML by a tagged template: values are escaped unless they are markup. */

export interface Markup {
  readonly html: string;
}

type Content = Markup | string | number | undefined | readonly Content[];

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Markup known to be safe, such as a chart. */
export function trusted(html: string): Markup {
  return { html };
}

/** @example html`<p>${name}</p>` */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return { html: strings.reduce((sofar, part, i) => sofar + textOf(contents[i - 1]) + part) };
}

function textOf(content: Content): string {
  if (content === undefined) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  if ('html' in content) return content.html;
  return content.map(textOf).join('');
}
