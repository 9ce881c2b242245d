import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stemOf } from '../../dataset/names.ts';

/** Where predictions go when nothing is said: `pred` in the run, or beside the model; of several `average-pred`. */
export async function defaultOut([model, ...others]: readonly [string, ...string[]]): Promise<string> {
  if (others.length > 0) return join(dirname(model), 'average-pred');
  const isFolder = (await stat(model).catch(() => undefined))?.isDirectory() === true;
  return isFolder ? join(model, 'pred') : join(dirname(model), `${stemOf(model)}-pred`);
}
