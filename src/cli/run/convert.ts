import { counted, option, UsageError } from '../../errors.ts';
import { ImageNotes } from '../../image/notes.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { convertImage } from '../../workflows/convert.ts';
import { type ConvertLabelsOptions, convertLabels, segmentFormatOf } from '../../workflows/convert-labels.ts';
import { type ConvertNnunetOptions, convertToNnunet } from '../../workflows/convert-nnunet.ts';
import type { command } from '../commands/convert.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { printJson, say } from '../print.ts';
import { countDisplay, formatDuration } from '../progress.ts';
import { stoppable } from '../stop-signal.ts';

/** Converts an image, labels, or a data set. */
export async function run(
  [image, out]: Positionals<typeof command>,
  { json = false, quiet = false, nnunet = false, ...given }: Options<typeof command>,
): Promise<void> {
  const { of, classes, ignore, patient, ...options } = given;
  const print = { json, quiet };
  if (nnunet) {
    refuse({ of, ...options }, 'images and labels');
    return dataset(image, out, { classes, ignore }, print);
  }
  if ((of ?? classes ?? ignore ?? segmentFormatOf(out)) !== undefined) {
    const { series, overwrite, ...others } = options;
    refuse(others, 'images');
    return labels(image, out, { of, classes, ignore, patient, series, overwrite }, print);
  }
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

interface Print {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** @throws UsageError for an option that is not of what is converted */
function refuse(options: Readonly<Record<string, unknown>>, of: string): void {
  const wrong = Object.keys(options).find((name) => options[name] !== undefined);
  if (wrong === undefined) return;
  throw new UsageError(`${option(wrong)} is for ${of}.`, { remedy: `Leave out ${option(wrong)}.` });
}

/** Writes labels. */
async function labels(path: string, out: string, options: ConvertLabelsOptions, { json, quiet }: Print): Promise<void> {
  const result = await convertLabels(nodeHost.files, path, out, options);
  if (json) return printJson(result);
  for (const note of result.notes) process.stderr.write(`note: ${withFlags(note)}\n`);
  if (!quiet) say(`${out}: ${result.kind}: ${namesOf(result.names)}`);
}

const SHOWN = 8;

const namesOf = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')}, ... (${names.length})` : names.join(', ');

/** Writes a data set of nnU-Net. */
async function dataset(
  folder: string,
  out: string,
  options: Omit<ConvertNnunetOptions, 'signal'>,
  { json, quiet }: Print,
): Promise<void> {
  const result = await stoppable((signal) => convertToNnunet(nodeHost.files, folder, out, { ...options, signal }));
  if (json) return printJson(result);
  if (quiet) return;
  for (const line of result.notes) say(line);
  const { trainingImages, testImages, labels, channels, fileEnding } = result;
  say(
    `${out}: ${counted(trainingImages, 'image')} with labels, ${testImages} without, ${fileEnding}; channels ${channels.join(', ')}; labels ${Object.keys(labels).join(', ')}`,
  );
}
