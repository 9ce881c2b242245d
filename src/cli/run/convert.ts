import { ImageNotes } from '../../image/notes.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { convertImage } from '../../workflows/convert.ts';
import type { command } from '../commands/convert.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { printJson, say } from '../print.ts';
import { countDisplay, formatDuration } from '../progress.ts';
import { stoppable } from '../stop-signal.ts';

/** Converts an image. */
export async function run(
  [image, out]: Positionals<typeof command>,
  { json = false, quiet = false, ...options }: Options<typeof command>,
): Promise<void> {
  const regions = countDisplay('regions');
  const began = Date.now();
  const result = await stoppable((signal) =>
    convertImage(
      nodeHost.files,
      image,
      out,
      { ...options, signal },
      { onRegion: json || quiet ? undefined : regions.update },
    ),
  ).finally(regions.stop);
  if (json) return printJson(result);
  const notes = new ImageNotes();
  notes.add({ source: image, notes: result.notes });
  for (const line of notes.lines()) process.stderr.write(`note: ${withFlags(line)}\n`);
  if (quiet) return;
  const { axes, shape, dtype, levels } = result;
  const resolutions = levels === 1 ? '1 resolution' : `${levels} resolutions`;
  say(`${out}: ${axes} ${shape.join(' x ')}, ${dtype}, ${resolutions}, ${formatDuration(Date.now() - began)}`);
}
