/** Measures label maps by one of the ways to do so, which a program without the others is built without. */

import type { Host } from '../host.ts';
import { declaredOf } from '../image-list.ts';
import { requireFreeFolder } from '../out-folder.ts';
import { onlyClass } from './classes.ts';
import { type MeasureFolderOptions, type MeasureHooks, MeasureReader, measureInputs } from './inputs.ts';
import { requireUnit } from './map-pixel-size.ts';
import { MEASURE_OUTPUTS, MeasureOutputs } from './outputs.ts';

/** What was measured, and where it is. */
export type Measured<R> = R & {
  /** The folder or file of the label maps, and their number including failed ones. */
  readonly labels: string;
  readonly count: number;
  /** Where results are, and what was written there. */
  readonly out: string;
  readonly written: readonly string[];
};

/** Measures all label maps and writes what is asked for. */
type MeasureAll<R> = (path: string, reader: MeasureReader, outputs: MeasureOutputs) => Promise<R>;

/** Pairs label maps, images and ground truth and measures them. @throws as `measureFolder` */
export async function measureBy<R extends object>(
  measureAll: MeasureAll<R>,
  host: Pick<Host, 'files' | 'memory'>,
  path: string,
  options: MeasureFolderOptions = {},
  hooks: MeasureHooks = {},
): Promise<Measured<R>> {
  const { files } = host;
  requireUnit(options);
  const inputs = await measureInputs(files, path, options);
  const out = options.out ?? inputs.out;
  await requireFreeFolder(files, out, { ignore: MEASURE_OUTPUTS, option: 'another folder' });
  const stated = declaredOf(inputs.items.map((item) => item.labels))?.classes;
  const outputs = new MeasureOutputs(files, out, options.format ?? ['csv'], onlyClass(inputs.prediction, stated));
  const result = await measureAll(path, new MeasureReader(host, inputs, options, hooks), outputs);
  return { ...result, labels: inputs.labels, count: inputs.items.length, out, written: outputs.written };
}
