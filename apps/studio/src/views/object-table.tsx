/** What was measured, as a table of any length: only the rows in sight are there. */

import { useSignal } from '@preact/signals';
import { ArrowDown, ArrowUp } from 'lucide';
import type { JSX } from 'preact';
import { pixelValue } from '../format.ts';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { FileName } from './file-name.tsx';
import { Icon } from './icon.tsx';

const ROW_PX = 28;
/** Rows beyond those in sight, so that fast scrolling shows no gap. */
const AROUND = 10;

/** Another table begins at its top. */
export function ObjectTable(): JSX.Element | null {
  const { columns, rows } = useStudio().measuring;
  return columns.value.length === 0 ? null : <Scrolled key={rows.value} />;
}

function Scrolled(): JSX.Element {
  const { measuring } = useStudio();
  const { columns, total, sort } = measuring;
  const top = useSignal(0);
  const height = useSignal(240);
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - AROUND);
  const last = Math.min(total.value, Math.ceil((top.value + height.value) / ROW_PX) + AROUND);
  return (
    <section
      class="table-holder"
      aria-label={text.measure.table}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by the arrow keys
      tabIndex={0}
      onScroll={({ currentTarget }) => {
        top.value = currentTarget.scrollTop;
        height.value = currentTarget.clientHeight;
      }}
    >
      <table aria-rowcount={total.value + 1}>
        <thead>
          <tr>
            {columns.value.map(({ name, unit, header }) => (
              <th
                key={header}
                scope="col"
                aria-sort={
                  sort.value?.column === header ? (sort.value.descending ? 'descending' : 'ascending') : 'none'
                }
              >
                <button type="button" class="plain" onClick={() => measuring.sortBy(header)}>
                  {name}
                  {unit !== undefined && <span class="muted"> {unit}</span>}
                  {sort.value?.column === header && <Icon of={sort.value.descending ? ArrowDown : ArrowUp} size={12} />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => (
            <Row key={first + i} at={first + i} columns={columns.value.length} />
          ))}
          <Gap rows={total.value - last} />
        </tbody>
      </table>
    </section>
  );
}

const Gap = ({ rows }: { readonly rows: number }): JSX.Element | null =>
  rows > 0 ? (
    <tr>
      <td style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  ) : null;

function Row({ at, columns }: { readonly at: number; readonly columns: number }): JSX.Element {
  const { measuring } = useStudio();
  const row = measuring.row(at);
  if (row === undefined) {
    return (
      <tr aria-rowindex={at + 2}>
        <td colSpan={columns} class="muted">
          …
        </td>
      </tr>
    );
  }
  const { values, object } = row;
  const chosen = measuring.selected.value;
  const isChosen = chosen?.image === object.image && chosen.page === object.page && chosen.object === object.object;
  return (
    <tr aria-rowindex={at + 2} class={isChosen ? 'current' : ''}>
      {values.map((value, i) => (
        <td key={i} class={typeof value === 'number' ? 'number' : ''}>
          {i === 0 ? (
            <button type="button" class="plain" onClick={() => measuring.goTo(object)}>
              <FileName name={shown(value)} />
            </button>
          ) : (
            shown(value)
          )}
        </td>
      ))}
    </tr>
  );
}

const shown = (value: string | number | null): string =>
  value === null ? '' : typeof value === 'number' ? pixelValue(value) : value;
