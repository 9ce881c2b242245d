import type { Image } from '../../image/image.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { inspect } from '../../workflows/inspect.ts';
import { withFlags } from '../option-words.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly size?: readonly [number, number];
  readonly svg?: string;
  readonly spacing?: readonly [number | undefined, number, number];
  readonly series?: string;
  readonly picture?: string;
  readonly personal?: boolean;
}

/** Describes what a path is. */
export async function runInspect(path: string, flags: InspectFlags): Promise<void> {
  const { json = false, picture, svg } = flags;
  const { describe, text, image } = await inspect(nodeHost, path, flags);
  const shown = image === undefined ? undefined : await showPicture(image, flags);
  if (svg !== undefined) await drawNetwork(path, svg, flags.size);
  const facts = image === undefined || picture === undefined ? describe : { ...describe, picture };
  // Where the text goes to a file or a program, somebody still sees what is odd.
  if (!process.stdout.isTTY) for (const note of image?.notes ?? []) process.stderr.write(`note: ${note}\n`);
  const lines = shown === undefined ? [text] : [text, shown];
  process.stdout.write(json ? `${JSON.stringify(facts, jsonNumber, 2)}\n` : `${withFlags(lines.join('\n'))}\n`);
}

/** Draws an image into a file where one is named, else on a terminal. @returns a line on it, or the picture itself */
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

/** JSON has no big integers. */
function jsonNumber(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}
