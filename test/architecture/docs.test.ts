import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const PAGES = [
  'README.md',
  ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [join('docs', name)] : [])),
];
const WIDEST = 100;

test.each(PAGES)('the tables of %s fit a screen', (page) => {
  const wide = readFileSync(page, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && line.length > WIDEST);
  expect(wide).toEqual([]);
});
