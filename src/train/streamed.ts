/** What training knows of images that are read by region: a program that holds images in memory is built without the rest. */

import type { ReadDatasetOptions } from '../dataset/prepare.ts';
import type { StreamedDataset } from '../dataset/streamed/page.ts';
import type { Files } from '../files.ts';
import type { RunData } from './before.ts';
import type { Recipe } from './config.ts';
import type { MapTraining } from './maps.ts';
import type { StartModel } from './start.ts';
import type { TrainingTask } from './task.ts';
import type { TrainSettings } from './tasks/segmentation/choose-recipe.ts';
import type { SetupOptions } from './tasks/segmentation/setup.ts';

export interface StreamedPlace extends Pick<SetupOptions, 'openSampler'> {
  readonly maps?: MapTraining | undefined;
  readonly say: (line: string) => void;
}

export interface StreamedTraining {
  /**
   * As `openStreamed`.
   * @param options memory: bytes that the program may take; default: three quarters of what is free, for images
   * @throws UsageError if nothing of it is left
   */
  open(
    files: Files,
    folder: string,
    options: ReadDatasetOptions & { readonly memory: number | undefined },
  ): Promise<StreamedDataset | undefined>;
  /**
   * @param from the model to train on from, and the data of the run that made it, where they are in the same folder
   * @throws as `prepareStreamed`; UsageError for settings that need images in memory
   */
  newTask(
    raw: StreamedDataset,
    settings: TrainSettings,
    place: StreamedPlace,
    from?: { readonly start?: StartModel | undefined; readonly before?: RunData | undefined },
  ): Promise<TrainingTask>;
  /** Of an existing run. */
  sameTask(raw: StreamedDataset, recipe: Recipe, place: StreamedPlace): Promise<TrainingTask>;
}
