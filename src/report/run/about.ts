/** The section on how measurements were made: remarks, facts and the commands that reproduce them. */

import { html, type Markup } from '../kit/markup.ts';
import { reproduce, section } from '../kit/page.ts';
import type { Method } from './data.ts';
import { factTable } from './tables.ts';

export function aboutSection({ notes, facts, commands }: Method): Markup {
  return section(
    'about',
    'Method',
    notes.length === 0 ? undefined : html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
    html`<div class="facts">${factTable('Facts', facts) ?? ''}</div>`,
    reproduce(commands),
  );
}
