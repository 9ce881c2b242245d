/** The only part of the core that runs in a report: it has DOM types, by its own tsconfig. */

/** The JSON beside each table. */
interface TableData {
  readonly columns: readonly { readonly header: string; readonly values: readonly (number | string | null)[] }[];
  /** Columns whose values form the id of a row's outline. */
  readonly link?: readonly number[];
}

/**
 * Makes the tables of a report sort and filter. Rows come from the JSON beside each table, so that a report with ten
 * thousand rows opens at once. The function's source is embedded in the page, so it refers to nothing outside itself.
 */
export function sortAndFilterTables(): void {
  for (const root of document.querySelectorAll('[data-table]')) setUp(root);

  function setUp(root: Element): void {
    const find = <E extends Element>(selector: string): E => root.querySelector(selector) as E;
    const { columns, link } = JSON.parse(find('script').textContent ?? '') as TableData;
    const body = find<HTMLTableSectionElement>('tbody');
    const box = find<HTMLInputElement>('input');
    const summary = find('output');
    const more = find<HTMLElement>('.more');
    const heads = [...root.querySelectorAll('thead th')];
    const total = columns[0]?.values.length ?? 0;
    const step = 100;
    let order = Array.from({ length: total }, (_, i) => i);
    let shown = step;
    let sorted = -1;
    let down = false;

    const format = (value: number | string | null | undefined): string => {
      if (typeof value === 'string') return value;
      if (value === null || value === undefined) return '\u2013';
      return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
    };
    const idOf = (row: number): string =>
      link === undefined ? '' : `o${link.map((k) => columns[k]?.values[row]).join('-')}`.replace(/\s/g, '_');

    function draw(): void {
      body.replaceChildren(
        ...order.slice(0, shown).map((row) => {
          const line = document.createElement('tr');
          line.dataset.row = String(row);
          for (const { values } of columns) {
            const value = values[row];
            const cell = line.insertCell();
            cell.textContent = format(value);
            if (typeof value === 'string') {
              cell.className = 'text';
              cell.title = value;
            }
          }
          return line;
        }),
      );
      more.hidden = shown >= order.length;
      more.textContent = `Show ${Math.min(step, order.length - shown)} more`;
      summary.textContent = order.length === total ? `${total} rows` : `${order.length} of ${total} rows`;
    }

    function sort(): void {
      const values = columns[sorted]?.values;
      if (values === undefined) return;
      const sign = down ? -1 : 1;
      const words = new Intl.Collator('en', { numeric: true }).compare;
      order.sort((a, b) => {
        const [x, y] = [values[a] ?? null, values[b] ?? null];
        if (x === null || y === null) return Number(x === null) - Number(y === null);
        return sign * (typeof x === 'string' ? words(x, String(y)) : x - Number(y)) || a - b;
      });
    }

    const tests: { readonly [sign: string]: (a: number, b: number) => boolean } = {
      '<': (a, b) => a < b,
      '<=': (a, b) => a <= b,
      '>': (a, b) => a > b,
      '>=': (a, b) => a >= b,
      '=': (a, b) => a === b,
    };

    function filter(): void {
      const words = box.value
        .toLowerCase()
        .replace(/\s*(<=|>=|<|>|=)\s*/g, '$1')
        .split(/\s+/)
        .filter(Boolean);
      const unknown: string[] = [];
      const wanted = words.map((word) => {
        const [, name, sign = '', text = ''] = /^([^<>=]+)(<=|>=|<|>|=)(.*)$/.exec(word) ?? [];
        if (name === undefined) {
          return (row: number) =>
            columns.some(({ values }) =>
              String(values[row] ?? '')
                .toLowerCase()
                .includes(word),
            );
        }
        const column = columns.find((c) => c.header === name) ?? columns.find((c) => c.header.startsWith(name));
        if (column === undefined) unknown.push(name);
        const value = Number(text);
        return (row: number) => {
          const own = column?.values[row] ?? null;
          if (typeof own !== 'string') return own !== null && text !== '' && tests[sign]?.(own, value) === true;
          return sign === '=' ? own.toLowerCase() === text : own.toLowerCase().includes(text);
        };
      });
      order = [];
      for (let row = 0; row < total; row++) if (wanted.every((test) => test(row))) order.push(row);
      shown = step;
      sort();
      draw();
      if (unknown.length > 0) summary.textContent = `Unknown column: ${unknown.join(', ')}.`;
    }

    heads.forEach((head, k) => {
      head.querySelector('button')?.addEventListener('click', () => {
        // Numbers sort descending first, words ascending.
        down = sorted === k ? !down : typeof columns[k]?.values[0] !== 'string';
        sorted = k;
        heads.forEach((other, i) => {
          other.setAttribute('aria-sort', i !== k ? 'none' : down ? 'descending' : 'ascending');
        });
        sort();
        draw();
      });
    });
    box.addEventListener('input', filter);
    more.addEventListener('click', () => {
      shown += step;
      draw();
    });

    const mark = (...marked: readonly (Element | null | undefined)[]): void => {
      for (const other of document.querySelectorAll('.on')) other.classList.remove('on');
      for (const element of marked) element?.classList.add('on');
    };
    const show = (element: Element | null | undefined): void =>
      element?.scrollIntoView({ block: 'center', behavior: 'smooth' });
    if (link !== undefined) {
      body.addEventListener('click', ({ target }) => {
        const line = (target as Element).closest('tr');
        const path = document.getElementById(idOf(Number(line?.dataset.row)));
        mark(line, path);
        show(path?.closest('figure'));
      });
      document.addEventListener('click', ({ target }) => {
        const path = (target as Element).closest('path[id]');
        if (path === null) return;
        const row = Array.from({ length: total }, (_, i) => idOf(i)).indexOf(path.id);
        if (row < 0) return;
        box.value = '';
        filter();
        shown = Math.max(step, order.indexOf(row) + 1);
        draw();
        const line = body.rows[order.indexOf(row)];
        mark(line, path);
        show(line);
      });
    }
    find<HTMLElement>('.tools').hidden = false;
    draw();
  }
}
