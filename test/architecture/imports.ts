/** The import graph of `src` and `packages`, type imports included, read from the text of its files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const SPECIFIER = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;

/** What a specifier in a file names: a file by its path, a package by its name. `lamella/explain` is one of `packages`. */
function targetOf(path: string, specifier: string, packages: readonly string[]): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(path), specifier));
  const own = /^lamella\/(\w+)$/.exec(specifier)?.[1];
  return own !== undefined && packages.includes(own) ? `packages/${own}/index.ts` : specifier;
}

/** Every source file of `src` and `packages` with what it imports. */
export function importsOfSources(): Map<string, readonly string[]> {
  const packages = readdirSync('packages');
  const files = ['src', 'packages'].flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.d)\.ts$/.test(file))
      .map((file) => join(root, file)),
  );
  return new Map(
    files.map((path) => {
      const specifiers = [...readFileSync(path, 'utf8').matchAll(SPECIFIER)].map(([, specifier]) => specifier);
      return [path, specifiers.map((specifier) => targetOf(path, specifier, packages))];
    }),
  );
}

/**
 * `src/graph/ops/table.ts` is in `graph`, `src/platform/node/files.ts` in `platform/node`, `src/errors.ts` in `errors.ts`,
 * `packages/explain/view.ts` in `packages/explain`; a public name stands for itself.
 */
export function roomOf(path: string): string {
  const [root, first, second] = path.split('/');
  if (root === 'lamella') return path;
  if (root === 'packages') return `${root}/${first}`;
  return first === 'platform' ? `${first}/${second}` : first;
}

/** The files of a cycle, each importing the next; undefined where there is none. */
export function findCycle(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (finished.has(file)) return undefined;
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    path.push(file);
    for (const target of imports.get(file) ?? []) {
      const cycle = visit(target);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    finished.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
