import { UsageError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { inspect } from '../../workflows/inspect.ts';
import type { command } from '../commands/inspect.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { printJson, say } from '../print.ts';

type InspectFlags = Options<typeof command>;

/** Describes a path. */
export async function run([path]: Positionals<typeof command>, flags: InspectFlags): Promise<void> {
  const { json = false, picture, svg } = flags;
  let facts = '';
  const onFacts = (lines: string): void => {
    facts = lines;
    say(withFlags(lines));
  };
  const { describe, text, image } = await inspect(nodeHost, path, { ...flags, onFacts: json ? undefined : onFacts });
  if (picture !== undefined && image === undefined && describe.kind === 'image') {
    throw new UsageError('there is no preview of an image that does not fit into memory and has no lower resolution.', {
      file: path,
      remedy: 'Write lower resolutions by lamella convert, and inspect what it wrote.',
    });
  }
  const shown = image === undefined ? undefined : await showPicture(image, flags);
  if (svg !== undefined) await drawNetwork(path, svg, flags.size);
  // If the text goes to a file or a program, remarks are still shown to the user.
  if (!process.stdout.isTTY) for (const note of image?.notes ?? []) process.stderr.write(`note: ${note}\n`);
  if (json)
    return printJson(image === undefined || picture === undefined ? describe : { ...describe, picture }, jsonNumber);
  const rest = facts !== '' && text.startsWith(`${facts}\n`) ? text.slice(facts.length + 1) : text;
  say(withFlags(shown === undefined ? rest : `${rest}\n${shown}`));
}

/**
 * Draws an image into a file if one is named, otherwise on a terminal. @returns a line about it, or the image itself
 */
async function showPicture(image: Image, { picture, json = false }: InspectFlags): Promise<string | undefined> {
  if (picture !== undefined) {
    const [{ overviewPicture }, { writePng }] = await Promise.all([
      import('../../image/overview.ts'),
      import('../../image/formats/png/write.ts'),
    ]);
    await atomicWrite(picture, writePng(overviewPicture(image)));
    return `  picture: ${picture}`;
  }
  const { NO_COLOR } = process.env;
  if (json || !process.stdout.isTTY || NO_COLOR !== undefined || image.palette !== undefined) return undefined;
  const [{ overviewPicture }, { terminalPicture }] = await Promise.all([
    import('../../image/overview.ts'),
    import('../terminal-picture.ts'),
  ]);
  const sidePx = Math.min(96, process.stdout.columns - 2);
  return terminalPicture(overviewPicture(image, { sidePx, fitWidth: true }));
}

/** Draws a network. @throws as `modelGraph`. */
async function drawNetwork(what: string, svg: string, size: readonly [number, number] | undefined): Promise<void> {
  const [{ modelGraph }, { networkSvg }] = await Promise.all([
    import('../../workflows/model-graph.ts'),
    import('../../graph/draw.ts'),
  ]);
  const { graph, parameters, title } = await modelGraph(nodeHost.files, what, size);
  await atomicWrite(svg, networkSvg(graph, { parameters, title }));
}

/** JSON does not support big integers. */
function jsonNumber(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}
