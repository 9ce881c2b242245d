import { counted, option, UsageError } from '../../errors.ts';
import { ImageNotes } from '../../image/notes.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { convertImage } from '../../workflows/convert.ts';
import { convertToNnunet } from '../../workflows/convert-nnunet.ts';
import type { command } from '../commands/convert.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { printJson, say } from '../print.ts';
import { countDisplay, formatDuration } from '../progress.ts';
import { stoppable } from '../stop-signal.ts';

/** Converts an image. */
export async function run(
  [image, out]: Positionals<typeof command>,
  { json = false, quiet = false, nnunet = false, ...options }: Options<typeof command>,
): Promise<void> {
  if (nnunet) return dataset(image, out, { json, quiet, ...options });
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

/** Writes a data set of nnU-Net. */
async function dataset(
  folder: string,
  out: string,
  { json, quiet, ...others }: Omit<Options<typeof command>, 'nnunet'>,
): Promise<void> {
  const [given] = Object.keys(others);
  if (given !== undefined) {
    throw new UsageError(`${option(given)} is for images, not for a data set.`, {
      remedy: `Leave out ${option(given)}.`,
    });
  }
  const result = await stoppable((signal) => convertToNnunet(nodeHost.files, folder, out, { signal }));
  if (json) return printJson(result);
  if (quiet) return;
  for (const line of result.notes) say(line);
  const { trainingImages, testImages, labels, channels, fileEnding } = result;
  say(
    `${out}: ${counted(trainingImages, 'image')} with labels, ${testImages} without, ${fileEnding}; channels ${channels.join(', ')}; labels ${Object.keys(labels).join(', ')}`,
  );
}
