import { dirname, join } from 'node:path';
import { writeExplanation } from 'lamella/explain';
import { nodeHost } from '../../platform/node/host.ts';
import type { command } from '../commands/explain.ts';
import type { Options, Positionals } from '../declare.ts';
import { pageLine, printJson, say } from '../print.ts';

/** In the run, or beside the file. */
async function defaultPage(model: string): Promise<string> {
  const isFolder = (await nodeHost.files.kind(model)) === 'folder';
  return join(isFolder ? model : dirname(model), 'explain.html');
}

export async function run(
  [model, image]: Positionals<typeof command>,
  { json = false, out: given, ...options }: Options<typeof command>,
): Promise<void> {
  const out = given ?? (await defaultPage(model));
  const { file, explanation } = await writeExplanation(nodeHost, model, image, { ...options, out });
  const { classes, probabilities, checks, notes } = explanation;
  if (json) {
    return printJson({
      page: file,
      at: explanation.at,
      class: classes[explanation.target],
      probabilities: Object.fromEntries(classes.map((name, c) => [name, probabilities[c]])),
      layers: explanation.layers.map(({ mean: _, ...rest }) => rest),
      fields: explanation.fields.map(({ gradient: _, ...rest }) => rest),
      checks,
      notes,
    });
  }
  const p = (probabilities[explanation.target] as number).toFixed(4);
  say(
    `x ${explanation.at.x}, y ${explanation.at.y}: ${classes[explanation.target]} (${p})`,
    ...notes.map((note) => `note: ${note}`),
    `${checks.filter(({ passed }) => passed).length} of ${checks.length} checks passed`,
    ...checks
      .filter(({ passed }) => !passed)
      .map(
        ({ what, shown, expected, tolerance }) => `  ${what}: ${shown}, found again ${expected}, allowed ${tolerance}`,
      ),
    pageLine('page', file),
  );
}
