/** The import graph of `src`, type imports included, read from the text of its files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const SPECIFIER = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;

/** Every source file below `root` with what it imports: files by their path, packages by their name. */
export function importsBelow(root: string): Map<string, readonly string[]> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.d)\.ts$/.test(file));
  return new Map(
    files.map((file) => {
      const path = join(root, file);
      const specifiers = [...readFileSync(path, 'utf8').matchAll(SPECIFIER)].map(([, specifier]) => specifier);
      return [path, specifiers.map((own) => (own.startsWith('.') ? normalize(join(dirname(path), own)) : own))];
    }),
  );
}

/** `src/graph/ops/table.ts` is in `graph`, `src/platform/node/files.ts` in `platform/node`, `src/errors.ts` in `errors.ts`. */
export function roomOf(path: string): string {
  const [, first, second] = path.split('/');
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
