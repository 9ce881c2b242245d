import { nodeHost } from '../../platform/node/host.ts';
import { exportBioImageIo } from '../../workflows/export-model.ts';
import type { command } from '../commands/export.ts';
import type { Options, Positionals } from '../declare.ts';
import { printJson, say } from '../print.ts';

export async function run(
  [model]: Positionals<typeof command>,
  { json = false, ...options }: Options<typeof command>,
): Promise<void> {
  const made = await exportBioImageIo(nodeHost, model, { ...options, date: new Date() });
  if (json) return printJson(made);
  const { out, name, test, notes } = made;
  say(
    `${name}: a package of BioImage.IO, with a test of ${test.slice(2).reverse().join(' x ')} pixels`,
    ...notes.map((note) => `note: ${note}`),
    `package: ${out}`,
  );
}
