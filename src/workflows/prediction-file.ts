import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stemOf } from '../../dataset/discover/names.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';

/** Where predictions go when nothing is said: `pred` in the run, or beside the model; of several `average-pred`. */
export async function defaultOut([model, ...others]: readonly [string, ...string[]]): Promise<string> {
  if (others.length > 0) return join(dirname(model), 'average-pred');
  const isFolder = (await stat(model).catch(() => undefined))?.isDirectory() === true;
  return isFolder ? join(model, 'pred') : join(dirname(model), `${stemOf(model)}-pred`);
}

/** What `predict` writes beside the pictures, so that `measure` finds what was predicted. */
export const PREDICTION_FILE = 'prediction.json';
/** Where `measure` writes in a folder of predictions. */
export const MEASURES_FOLDER = 'measures';

export interface PredictionFile {
  readonly models: readonly string[];
  /** The file or folder that was predicted. */
  readonly images: string;
  readonly classes: readonly string[];
}

export async function writePredictionFile(folder: string, content: PredictionFile): Promise<void> {
  await atomicWrite(join(folder, PREDICTION_FILE), `${JSON.stringify(content, null, 2)}\n`);
}

/** What was predicted into a folder; undefined where nothing says so. */
export async function readPredictionFile(folder: string): Promise<PredictionFile | undefined> {
  try {
    const content = JSON.parse(await readFile(join(folder, PREDICTION_FILE), 'utf8')) as PredictionFile;
    return typeof content.images === 'string' && Array.isArray(content.models) ? content : undefined;
  } catch {
    return undefined;
  }
}
