/** The page is a consumer of the package like any other: it imports public names, and nothing by a path out of itself. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SOURCES = fileURLToPath(new URL('../src', import.meta.url));
const PUBLIC = ['lamella', 'lamella/browser', 'lamella/phantom', 'lamella/studio', 'lamella/studio/browser'];

it('imports public names only', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
  expect(files.length).toBeGreaterThan(30);
  const foreign = files.flatMap((file) =>
    [...readFileSync(resolve(SOURCES, file), 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)]
      .map(([, from, dynamic]) => from ?? dynamic)
      .filter((name) =>
        name.startsWith('.')
          ? relative(SOURCES, resolve(SOURCES, dirname(file), name)).startsWith('..')
          : name.startsWith('lamella') && !PUBLIC.includes(name),
      )
      .map((name) => `${file}: ${name}`),
  );
  expect(foreign).toEqual([]);
});
