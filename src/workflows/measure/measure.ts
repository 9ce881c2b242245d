/** Measures the label maps of a file or folder and writes tables, a report, and the objects for other programs. */

import type { Host } from '../host.ts';
import { requireFreeFolder } from '../out-folder.ts';
import { type MeasureFolderOptions, type MeasureHooks, MeasureReader, measureInputs, requireUnit } from './inputs.ts';
import { type LungsResult, measureFolderOfLungs } from './lungs.ts';
import { measureObjects, type ObjectsResult } from './objects.ts';
import { MEASURE_OUTPUTS, MeasureOutputs } from './outputs.ts';

export type MeasuredFolder = (ObjectsResult | LungsResult) & {
  /** The folder or file of the label maps, and their number including failed ones. */
  readonly labels: string;
  readonly count: number;
  /** Where results are, and what was written there. */
  readonly out: string;
  readonly written: readonly string[];
};

/**
 * Measures what `predict` wrote, or any label maps: every object of each image, or the lungs of each patient. Label
 * maps, images and ground truth are paired by their names. Unreadable files are skipped and listed in `failed`.
 * @param path a folder written by `predict`, label maps, or a data set with labels
 * @throws DatasetError if there are no label maps, no image or ground truth matches them, or the only one is
 * unreadable;
 *   UsageError for contradictory options; LamellaError if `out` contains other files.
 * @example const { report } = await measureFolder(nodeHost, 'masks', { images: 'images', spacing:
 * [undefined, 0.3, 0.3], unit: 'µm' });
 */
export async function measureFolder(
  host: Pick<Host, 'files' | 'memory'>,
  path: string,
  options: MeasureFolderOptions = {},
  hooks: MeasureHooks = {},
): Promise<MeasuredFolder> {
  const { files } = host;
  requireUnit(options);
  const inputs = await measureInputs(files, path, options);
  const out = options.out ?? inputs.out;
  await requireFreeFolder(files, out, { ignore: MEASURE_OUTPUTS, option: 'another folder' });
  const outputs = new MeasureOutputs(files, out, options.format ?? ['csv']);
  const measureAll = options.task === 'lungs' ? measureFolderOfLungs : measureObjects;
  const result = await measureAll(path, new MeasureReader(host, inputs, options, hooks), outputs);
  return { ...result, labels: inputs.labels, count: inputs.items.length, out, written: outputs.written };
}
