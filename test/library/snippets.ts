/** The examples of the documentation, to be run: code behind `<!-- snippet:name -->`. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Snippet {
  /** For the test's name: `docs/library.md: node`. */
  readonly title: string;
  readonly name: string;
  readonly code: string;
}

const PAGES = ['docs/library.md', 'docs/scale.md', 'docs/studio-annotation.md', 'docs/volumes.md', 'README.md'];
const SNIPPET = /<!-- snippet:([\w-]+) -->\s*```(?:js|ts)\n([\s\S]*?)```/g;

/** Every marked example of README and docs, or those of one name. */
export function snippets(...names: readonly string[]): readonly Snippet[] {
  return PAGES.filter((page) => existsSync(join(ROOT, page))).flatMap((page) =>
    [...readFileSync(join(ROOT, page), 'utf8').matchAll(SNIPPET)]
      .map(([, name, code]) => ({ title: `${page}: ${name}`, name: name as string, code: code as string }))
      .filter(({ name }) => names.length === 0 || names.includes(name)),
  );
}

/** A folder in which `import 'lamella'` finds the built package, as it would be installed. */
export async function consumerFolder(): Promise<string> {
  if (!existsSync(join(ROOT, 'dist/index.js'))) throw new Error('The package is not built: npm run build');
  const folder = await mkdtemp(join(tmpdir(), 'lamella-library-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules/lamella'), 'dir');
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  return folder;
}

/** The code with a part of it replaced. @throws when that part is not there any more. */
export function withReplaced(code: string, part: string, replacement: string): string {
  if (!code.includes(part)) throw new Error(`The example does not hold \`${part}\` any more: change the test with it.`);
  return code.replace(part, replacement);
}
