/**
 * What makes tables sort and filter in a page. It reads the rows from the JSON beside each table, so that a page with
 * ten thousand rows opens at once. Without it the first rows are there all the same.
 */
export const TABLE_SCRIPT = `
'use strict';
for (const root of document.querySelectorAll('[data-table]')) {
  const { columns, link } = JSON.parse(root.querySelector('script').textContent);
  const body = root.querySelector('tbody');
  const box = root.querySelector('input');
  const told = root.querySelector('output');
  const more = root.querySelector('.more');
  const heads = [...root.querySelectorAll('thead th')];
  const total = columns[0].values.length;
  const step = 100;
  let order = Array.from({ length: total }, (_, i) => i);
  let shown = step;
  let sorted = -1;
  let down = false;

  const format = (value) => {
    if (typeof value === 'string') return value;
    if (value === null) return '\\u2013';
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  };
  const idOf = (row) => (link === undefined ? '' : 'o' + link.map((k) => columns[k].values[row]).join('-').replace(/\\s/g, '_'));

  function draw() {
    body.replaceChildren(
      ...order.slice(0, shown).map((row) => {
        const line = document.createElement('tr');
        line.dataset.row = row;
        for (const { values } of columns) {
          const cell = line.insertCell();
          cell.textContent = format(values[row]);
          if (typeof values[row] === 'string') {
            cell.className = 'text';
            cell.title = values[row];
          }
        }
        return line;
      }),
    );
    more.hidden = shown >= order.length;
    more.textContent = 'Show ' + Math.min(step, order.length - shown) + ' more';
    told.textContent = order.length === total ? total + ' rows' : order.length + ' of ' + total + ' rows';
  }

  function sort() {
    if (sorted < 0) return;
    const { values } = columns[sorted];
    const sign = down ? -1 : 1;
    const by = new Intl.Collator('en', { numeric: true }).compare;
    order.sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (typeof x === 'string' ? by(x, y) : x - y) || a - b;
    });
  }

  const tests = {
    '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b, '=': (a, b) => a === b,
  };
  function filter() {
    const words = box.value.toLowerCase().replace(/\\s*(<=|>=|<|>|=)\\s*/g, '$1').split(/\\s+/).filter(Boolean);
    const unknown = [];
    const wanted = words.map((word) => {
      const [, name, sign, text] = /^([^<>=]+)(<=|>=|<|>|=)(.*)$/.exec(word) ?? [];
      if (name === undefined) {
        return (row) => columns.some(({ values }) => String(values[row] ?? '').toLowerCase().includes(word));
      }
      const column = columns.find((c) => c.header === name) ?? columns.find((c) => c.header.startsWith(name));
      if (column === undefined) unknown.push(name);
      const value = Number(text);
      return (row) => {
        const own = column?.values[row] ?? null;
        if (typeof own === 'string') return sign === '=' ? own.toLowerCase() === text : own.toLowerCase().includes(text);
        return own !== null && text !== '' && tests[sign](own, value);
      };
    });
    order = [];
    for (let row = 0; row < total; row++) if (wanted.every((test) => test(row))) order.push(row);
    shown = step;
    sort();
    draw();
    if (unknown.length > 0) told.textContent = 'There is no column ' + unknown.join(', ') + '.';
  }

  heads.forEach((head, k) => {
    head.querySelector('button').addEventListener('click', () => {
      // Numbers begin with the largest, words with the first.
      down = sorted === k ? !down : typeof columns[k].values[0] !== 'string';
      sorted = k;
      heads.forEach((other, i) => other.setAttribute('aria-sort', i !== k ? 'none' : down ? 'descending' : 'ascending'));
      sort();
      draw();
    });
  });
  box.addEventListener('input', filter);
  more.addEventListener('click', () => {
    shown += step;
    draw();
  });

  if (link !== undefined) {
    const mark = (line, path) => {
      for (const other of document.querySelectorAll('.on')) other.classList.remove('on');
      line?.classList.add('on');
      path?.classList.add('on');
    };
    body.addEventListener('click', ({ target }) => {
      const line = target.closest('tr');
      const path = document.getElementById(idOf(Number(line.dataset.row)));
      mark(line, path);
      path?.closest('figure').scrollIntoView({ block: 'center', behavior: 'smooth' });
    });
    document.addEventListener('click', ({ target }) => {
      const path = target.closest('path[id]');
      if (path === null) return;
      const row = columns[0].values.findIndex((_, i) => idOf(i) === path.id);
      if (row < 0) return;
      box.value = '';
      filter();
      shown = Math.max(step, order.indexOf(row) + 1);
      draw();
      const line = body.rows[order.indexOf(row)];
      mark(line, path);
      line.scrollIntoView({ block: 'center', behavior: 'smooth' });
    });
  }
  root.querySelector('.tools').hidden = false;
  draw();
}
`;

/** What the policy of a page allows; a test compares it with the script. */
export const TABLE_SCRIPT_HASH = 'sha256-Bz1Sbi4CuconbWa/biZJgY2vvKJxpopJmcD7sUXsH3k=';
