import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeHost } from '../../platform/node/host.ts';
import { writeExplanation } from '../../workflows/explain.ts';
import type { DEVICE_NAMES } from '../choices.ts';

export interface ExplainFlags {
  readonly at?: readonly [x: number, y: number];
  readonly layer?: string;
  readonly channel?: readonly (string | number)[];
  readonly class?: string;
  readonly out?: string;
  readonly page: number;
  readonly maps: number;
  readonly checkpoint: 'best' | 'last';
  readonly device: (typeof DEVICE_NAMES)[number];
  readonly json?: boolean;
}

/** In the run, or beside the file. */
async function defaultPage(model: string): Promise<string> {
  const isFolder = (await nodeHost.files.kind(model)) === 'folder';
  return join(isFolder ? model : dirname(model), 'explain.html');
}

export async function runExplain(model: string, image: string, flags: ExplainFlags): Promise<void> {
  const { at, channel, layer, class: target, page, maps, device } = flags;
  const out = flags.out ?? (await defaultPage(model));
  const { file, explanation } = await writeExplanation(nodeHost, model, image, {
    out,
    page,
    maps,
    device,
    which: flags.checkpoint,
    ...(at === undefined ? {} : { at: { x: at[0], y: at[1] } }),
    channel,
    layer,
    target,
  });
  const { classes, probabilities, checks, notes } = explanation;
  if (flags.json === true) {
    const summary = {
      page: file,
      at: explanation.at,
      class: classes[explanation.target],
      probabilities: Object.fromEntries(classes.map((name, c) => [name, probabilities[c]])),
      layers: explanation.layers.map(({ mean: _, ...rest }) => rest),
      fields: explanation.fields.map(({ gradient: _, ...rest }) => rest),
      checks,
      notes,
    };
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  const p = (probabilities[explanation.target] as number).toFixed(4);
  const lines = [
    `x ${explanation.at.x}, y ${explanation.at.y}: ${classes[explanation.target]} (${p})`,
    ...notes.map((note) => `note: ${note}`),
    `${checks.filter(({ passed }) => passed).length} of ${checks.length} checks passed`,
    ...checks
      .filter(({ passed }) => !passed)
      .map(
        ({ what, shown, expected, tolerance }) => `  ${what}: ${shown}, found again ${expected}, allowed ${tolerance}`,
      ),
    `page: ${file}  (${pathToFileURL(resolve(file)).href})`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
