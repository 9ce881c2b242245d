/** The labelled slices of a run, with those of the run that it trains on from. */

import type { LabelKind } from '../dataset/labels/label-kind.ts';
import { kindOf } from '../dataset/labels/labels.ts';
import { readDataset } from '../dataset/prepare.ts';
import type { RawDataset } from '../dataset/raw.ts';
import type { StreamedDataset } from '../dataset/streamed/page.ts';
import { LamellaError } from '../errors.ts';
import { baseName, type Files, folderName, joinPath, type WritableFiles } from '../files.ts';
import { isClassifier } from '../models/registry.ts';
import { PROJECT_FILE, parseProject } from '../project/project.ts';
import { type RunData, withPagesBefore } from '../train/before.ts';
import { type RunConfig, readConfig } from '../train/config.ts';
import type { TrainRunHooks } from '../train/run.ts';
import type { StartModel } from '../train/start.ts';
import { isSameTask } from '../train/start-data.ts';
import { RUN_FILES } from '../train/store.ts';
import type { TrainSettings } from '../train/tasks/segmentation/choose-recipe.ts';
import { runReader } from './read-run.ts';

/**
 * The data of an existing run as it saw them: with those of the run before, unless they lie in one folder.
 * @param options as: what label values mean; folder: where its own data are now
 * @throws as `readDataset`
 */
export async function readLabelled(
  files: Files,
  config: Pick<RunConfig, 'folder' | 'level' | 'before'>,
  { as, folder = config.folder }: { readonly as?: LabelKind; readonly folder?: string | undefined } = {},
): Promise<RawDataset> {
  const { before, level } = config;
  const own = await readDataset(files, folder, { as, level });
  if (before === undefined || before.folder === config.folder) return own;
  return withPagesBefore(own, await readLabelled(files, before, { as }));
}

interface Place {
  readonly files: WritableFiles;
  fullPath(folder: string): string;
}

/**
 * Where the data of a run are: its project, wherever that is now, or as recorded.
 * @param run its folder
 */
export async function dataFolderOf(
  { files, fullPath }: Place,
  run: string,
  { folder }: Pick<RunConfig, 'folder'>,
): Promise<string> {
  const path = fullPath(run);
  const project = folderName(folderName(path));
  const file = joinPath(project, PROJECT_FILE);
  if ((await files.kind(file)) !== 'file') return folder;
  const { runs = [] } = parseProject(new TextDecoder().decode(await files.read(file)), file);
  const listed = `${baseName(folderName(path))}/${baseName(path)}`;
  return runs.some((own) => own.folder === listed) ? project : folder;
}

/** The data of the run that a model is from; undefined for a single file, and for a run of whole images. */
async function dataBefore(place: Place, from: string): Promise<RunData | undefined> {
  const { files } = place;
  if ((await files.kind(from)) !== 'folder') return undefined;
  const store = runReader(files, from);
  if ((await store.read(RUN_FILES.config)) === undefined) return undefined;
  const config = await readConfig(store);
  if (isClassifier(config.recipe.model.name)) return undefined;
  const folder = await dataFolderOf(place, from, config);
  // What lay in one folder does so still.
  const found = (data: RunData): RunData => ({
    folder: data.folder === config.folder ? folder : data.folder,
    level: data.level,
    trainingImages: data.trainingImages,
    validationImages: data.validationImages,
    validationRegions: data.validationRegions,
    trainingRegions: data.trainingRegions,
    before: data.before && found(data.before),
  });
  return found(config);
}

/**
 * New data with those of the run that the model is of, where that is a run and they are still there; a warning where they
 * are not. Data of other classes or channels than the model's are trained on alone, and so are those that are read by region
 * unless old and new lie in one folder.
 * @returns nothing where there is nothing to join
 */
export async function joinBefore(
  place: Place,
  given: RawDataset | StreamedDataset,
  folder: string,
  model: StartModel,
  settings: TrainSettings,
  { say, warn }: TrainRunHooks,
): Promise<{ readonly raw?: RawDataset; readonly before?: RunData }> {
  const { files, fullPath } = place;
  const before = await dataBefore(place, model.name);
  if (before === undefined) return {};
  if (before.folder === fullPath(folder)) return { before };
  if ('kind' in given) {
    warn?.(given.alone);
    return {};
  }
  const { classes, ignore, channel, task } = settings;
  if (task !== undefined || !isSameTask(model, given, { classes, ignore, channel })) {
    say?.('old data are not rehearsed: the new ones have other classes or channels');
    return {};
  }
  const as = model.labels && kindOf(model.labels);
  try {
    return { raw: withPagesBefore(given, await readLabelled(files, before, { as })), before };
  } catch (cause) {
    if (!(cause instanceof LamellaError)) throw cause;
    warn?.(`Old data are not rehearsed: ${cause.message}`);
    return {};
  }
}
