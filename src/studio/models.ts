/** Models of a project to train on from: ONNX files and runs that are handed in. */

import { stemOf } from '../dataset/discover/names.ts';
import { DatasetError } from '../errors.ts';
import { baseName, folderName, joinPath, type WritableFiles } from '../files.ts';
import { externalFiles } from '../graph/onnx/external.ts';
import { readStart } from '../train/start.ts';
import { RUN_FILES } from '../train/store.ts';
import { memoryFiles } from '../workflows/memory-files.ts';
import { isModel, modelFileOf, readModel } from '../workflows/model-files.ts';
import type { GivenFile, Problem } from './engine.ts';
import { problemOf } from './error-data.ts';
import { FOLDERS, folderNameFor, freeName, takenNames } from './project-folder.ts';

const ENDING = '.onnx';

/** The models in a project's folder, such as `models/cells.onnx`. */
export async function modelsOf(files: WritableFiles, folder: string): Promise<readonly string[]> {
  const place = joinPath(folder, FOLDERS.models);
  if ((await files.kind(place)) !== 'folder') return [];
  const names = await files.list(place);
  return names.filter((name) => name.endsWith(ENDING)).map((name) => `${FOLDERS.models}/${name}`);
}

/** What became of the models among given files. */
interface TakenModels {
  readonly models: readonly string[];
  readonly problems: readonly Problem[];
  /** The files that belong to none. */
  readonly rest: readonly GivenFile[];
}

/**
 * Copies models into the project: ONNX files with their weights, and of each run its best model, under the run's name.
 * One that cannot be trained on is a problem of its own.
 */
export async function takeModels(
  files: WritableFiles,
  folder: string,
  given: readonly GivenFile[],
): Promise<TakenModels> {
  const memory = memoryFiles(Object.fromEntries(given.map(({ path, content }) => [path, content])));
  const paths = memory.paths();
  const isOnnx = (path: string): boolean => path.toLowerCase().endsWith(ENDING);
  const runs: string[] = [];
  for (const path of paths.filter((one) => baseName(one) === RUN_FILES.config)) {
    if (await isModel(memory, folderName(path))) runs.push(folderName(path));
  }
  const runWith = (path: string): string | undefined => runs.find((run) => run === '.' || path.startsWith(`${run}/`));
  const taken = new Set(paths.filter((path) => isOnnx(path) || runWith(path) !== undefined));
  const known = takenNames((await modelsOf(files, folder)).map(baseName));
  const models: string[] = [];
  const problems: Problem[] = [];
  for (const source of [...runs, ...paths.filter((path) => isOnnx(path) && runWith(path) === undefined)]) {
    try {
      const file = await modelFileOf(memory, source);
      const bytes = await readModel(memory, file);
      for (const weights of externalFiles(await memory.read(file), file)) {
        taken.add(joinPath(folderName(file), weights));
      }
      readStart({ name: file, bytes });
      const name = freeName(folderNameFor(source === '.' ? 'run' : stemOf(source)), known, ENDING);
      await files.write(joinPath(folder, FOLDERS.models, name), bytes);
      models.push(`${FOLDERS.models}/${name}`);
    } catch (cause) {
      problems.push(problemOf(cause));
    }
  }
  return { models, problems, rest: given.filter(({ path }) => !taken.has(path)) };
}

/** @throws DatasetError for a model that is not in the project */
export async function requireModel(files: WritableFiles, folder: string, model: string): Promise<void> {
  if ((await modelsOf(files, folder)).includes(model)) return;
  throw new DatasetError('the project has no such model.', {
    file: model,
    remedy: 'Add the ONNX file or the run to the project.',
  });
}
