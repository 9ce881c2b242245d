/** Measures the label maps of a file or folder and writes tables, a report, and the objects for other programs. */

import type { Host } from '../host.ts';
import { countLarge } from './by-region.ts';
import type { MeasureFolderOptions, MeasureHooks } from './inputs.ts';
import { type LungsResult, measureFolderOfLungs } from './lungs.ts';
import { type Measured, measureBy } from './measure-by.ts';
import { measureObjects, type ObjectsResult } from './objects.ts';

export type MeasuredFolder = Measured<ObjectsResult | LungsResult>;

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
export function measureFolder(
  host: Pick<Host, 'files' | 'memory'>,
  path: string,
  options: MeasureFolderOptions = {},
  hooks: MeasureHooks = {},
): Promise<MeasuredFolder> {
  const { task } = options;
  return measureBy<ObjectsResult | LungsResult>(
    task === 'lungs'
      ? measureFolderOfLungs
      : (labels, reader, outputs) => measureObjects(labels, reader, outputs, countLarge),
    host,
    path,
    options,
    hooks,
  );
}
