import { stemOf } from '../dataset/discover/names.ts';
import { folderName, joinPath, type WritableFiles } from '../files.ts';

/** Default output folder: `pred` in the run or beside the model; `average-pred` for several models. */
export async function defaultOut(
  files: WritableFiles,
  [model, ...others]: readonly [string, ...string[]],
): Promise<string> {
  if (others.length > 0) return joinPath(folderName(model), 'average-pred');
  return (await files.kind(model)) === 'folder'
    ? joinPath(model, 'pred')
    : joinPath(folderName(model), `${stemOf(model)}-pred`);
}

/** The first of these parts that a folder of `predict` has; otherwise the path itself. */
export async function partOf(files: WritableFiles, path: string, parts: readonly string[]): Promise<string> {
  for (const part of parts) if ((await files.kind(joinPath(path, part))) === 'folder') return joinPath(path, part);
  return path;
}

/** Written by `predict` beside its images, so that `measure` finds what was predicted. */
export const PREDICTION_FILE = 'prediction.json';
/** Where `measure` writes in a folder of predictions. */
export const MEASURES_FOLDER = 'measures';

export interface PredictionFile {
  readonly models: readonly string[];
  /** The file or folder that was predicted. */
  readonly images: string;
  /** Which resolution was predicted, by the name of the image, of those of which it was not the full one. */
  readonly levels?: Readonly<Record<string, number>>;
  readonly classes: readonly string[];
  /** The value of each class in the label maps; only of networks that predict classes. */
  readonly values?: readonly number[];
  /** Whether the model says how label maps are cleaned. */
  readonly cleaned?: true;
}

export async function writePredictionFile(
  files: WritableFiles,
  folder: string,
  content: PredictionFile,
): Promise<void> {
  await files.write(joinPath(folder, PREDICTION_FILE), `${JSON.stringify(content, null, 2)}\n`);
}

/** What was predicted into a folder; undefined if unknown. */
export async function readPredictionFile(files: WritableFiles, folder: string): Promise<PredictionFile | undefined> {
  try {
    const content = JSON.parse(new TextDecoder().decode(await files.read(folder, PREDICTION_FILE))) as PredictionFile;
    return typeof content.images === 'string' && Array.isArray(content.models) ? content : undefined;
  } catch {
    return undefined;
  }
}
