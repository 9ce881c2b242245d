import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The compiled program of a thread: beside this file, or, when run from the TypeScript sources, the built one. */
export function workerProgram(name: string): URL | undefined {
  const places = [`./${name}.js`, `../../../dist/platform/node/${name}.js`];
  return places.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(fileURLToPath(url)));
}
