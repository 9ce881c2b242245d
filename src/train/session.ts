/**
 * Training as an open session: a fixed recipe, steps when they are asked for, data that may change between them, and an
 * end that is planned late. What `train` does is the same loop with one revision of the data and a plan from the start.
 *
 * The log names each revision of the data and the step that it came at. The same revisions at the same steps give the
 * same weights bit for bit.
 *
 * @example
 * const { recipe, metric } = recipeFor(data, { network: 'unet' }, { cores: 4 });
 * const session = await openSession(recipe, place, { metric });
 * await session.setData(data); // revision 0
 * await session.steps(50);
 * await session.setData(corrected); // revision 1
 * await session.steps(50);
 * const result = await session.finish({ steps: 500 }); // falling learning rate, validation, best.onnx
 * await session.close();
 */

import type { NdArray } from '../array/ndarray.ts';
import { memoByObject } from '../dataset/memo.ts';
import type { RawDataset } from '../dataset/raw.ts';
import { keepingPages, newStrokes, withNewest } from '../dataset/revisions.ts';
import { DatasetError, option, RunError, UsageError } from '../errors.ts';
import type { Page } from '../input/planes.ts';
import { isClassifier, type NetworkName } from '../models/registry.ts';
import type { PageRegion } from '../predict/predict.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { type Recipe, type RunConfig, readConfig, recipeHash, writeConfig } from './config.ts';
import { type Loop, openLoop } from './loop.ts';
import { memoryStore } from './memory-store.ts';
import { fixedPlan, type Plan, totalSteps, validationsOf } from './plan.ts';
import { openPreview, type Preview } from './preview.ts';
import {
  type FinishedTraining,
  keptStart,
  loopOptions,
  provenanceOf,
  type TrainPlace,
  type TrainRecord,
  type TrainRunHooks,
  told,
} from './run.ts';
import { fittingWeights, readStart, type StartModel } from './start.ts';
import { RUN_FILES } from './store.ts';
import type { TrainSettings } from './tasks/segmentation/choose-recipe.ts';
import { type LabelledPages, openSetup } from './tasks/segmentation/setup.ts';
import { newSegmentationTask, sameSegmentationTask } from './tasks/segmentation/task.ts';
import type { ValidationMetric } from './validate.ts';

/** Where a session takes place: as a run, without a time at which the user began to wait. */
export type SessionPlace = Omit<TrainPlace, 'beganMs' | 'devices' | 'profile'>;

export interface SessionOptions {
  /** How pages held out are scored when the session is finished. Default: they are not. */
  readonly metric?: ValidationMetric;
  /** For the configuration and the models. */
  readonly record?: TrainRecord;
  readonly hooks?: TrainRunHooks;
}

/** Where a session is. */
export interface SessionState {
  /** Steps done. */
  readonly step: number;
  /** Of the last step; NaN before the first. */
  readonly loss: number;
  /** Names of the pages that are trained on, and held out; none before `setData`. */
  readonly trainingPages: readonly string[];
  readonly validationPages: readonly string[];
}

export interface Session {
  readonly recipe: Recipe;
  /**
   * The data from the next step on.
   * @returns printed lines of what was found
   * @throws DatasetError when nothing in them can be trained on, or a page has another size than before; the session
   *   then keeps the data that it has. UsageError when the patch does not fit.
   */
  setData(data: RawDataset): Promise<readonly string[]>;
  /**
   * Takes `count` steps at the recipe's learning rate, after a warm-up of 50.
   * @throws UsageError without data; TrainingError, Interrupted as `startTraining`
   */
  steps(count: number): Promise<void>;
  /**
   * Probabilities of a page, or a region of it, with the weights as they are now: float32 [classes, height, width], equal
   * to the whole page's by the saved model within 1e-6. The first call for a size of region compiles, for n1 to n4 the
   * first after steps; pages stay prepared as long as they are the same object.
   * @param page of `RawDataset.pages`, or of `pagesOf`
   * @throws UsageError for a region outside of the page
   */
  predict(page: Page & { readonly name?: string }, region?: PageRegion): Promise<NdArray<'float32'>>;
  /** The model as it is now: an ONNX file, as `finish` writes it. */
  model(): Promise<Uint8Array>;
  state(): SessionState;
  /**
   * Ends the training: the recipe's schedule over so many more steps, with validation, models and the last checkpoint.
   * Default: what an interrupted `finish` had left.
   */
  finish(plan?: { readonly steps: number }): Promise<FinishedTraining>;
  /** Keeps a checkpoint, and frees the device. A session that is opened in the same place later goes on from there. */
  close(): Promise<void>;
}

const WARM_UP = 50;
/** For so many steps half of the patches show what a revision added. */
const NEWEST_STEPS = 100;
const OPEN: Plan = { segments: [], validations: 0 };

/**
 * The recipe that a run on these pages would have, for a session.
 * @throws as `startTraining`, for data and settings
 */
export function recipeFor(
  raw: RawDataset,
  settings: TrainSettings,
  { cores, from }: Pick<TrainPlace, 'cores' | 'from'>,
): { readonly recipe: Recipe; readonly metric: ValidationMetric | undefined; readonly notes: readonly string[] } {
  requirePatches(settings.network ?? 'unet');
  const task = newSegmentationTask(raw, settings, { openSampler: noSampler }, { start: from && readStart(from) });
  const { recipe, notes } = task.chooseRecipe({ cores, minutes: settings.minutes });
  return { recipe, metric: task.chooseMetric()?.metric, notes: [...task.notes, ...notes] };
}

/** @throws UsageError for networks that learn from whole images, or from all annotated pixels at once */
function requirePatches(name: NetworkName): void {
  if (isClassifier(name)) {
    throw new UsageError(`The network '${name}' classifies whole images; a session trains on patches.`, {
      remedy: 'Use unet, unet2015 or n1 to n4.',
    });
  }
  if (name === 'filter-bank') {
    throw new UsageError(
      `The network '${name}' learns from all annotated pixels at once; a session trains on patches.`,
      {
        remedy: 'Use trainQuick, which takes a second, each time the labels change.',
      },
    );
  }
}

const noSampler = (): never => {
  throw new UsageError('A recipe draws no batches.');
};

/**
 * Opens a session, or goes on with the one whose last checkpoint is in the store.
 * @throws UsageError for a recipe of whole images; RunError when the store holds another run; DeviceError when the
 *   network does not compile, with a smaller one that needs less memory.
 */
export async function openSession(
  recipe: Recipe,
  place: SessionPlace,
  { metric, record = { folder: 'memory', created: '' }, hooks = {} }: SessionOptions = {},
): Promise<Session> {
  const { store } = place;
  requirePatches(recipe.model.name);
  const kept = (await store.read(RUN_FILES.config)) === undefined ? undefined : await readConfig(store);
  if (kept !== undefined && recipeHash(kept.recipe) !== recipeHash(recipe)) {
    throw new RunError('this holds a session with another recipe.', {
      file: store.name,
      remedy: `Use the recipe of its ${RUN_FILES.config}, or another place.`,
    });
  }
  const { checkpoint, damaged } = await loadCheckpoint(store, recipeHash(recipe));
  for (const file of damaged) hooks.warn?.(`${file} is damaged; the checkpoint before it is taken.`);
  const start = await startOf(recipe, place);
  const runtime = await place.openRuntime(kept?.machine.layout);
  try {
    const { created, folder, version = '', spacingMm } = record;
    const setup = await openSetup(recipe, metric, {
      runtime,
      openSampler: place.openSampler,
      file: start?.file,
      provenance: provenanceOf(record, [], recipe),
    });
    const { device, description, layout } = runtime;
    let config: RunConfig = kept ?? {
      version: 1,
      lamella: version,
      created,
      folder,
      trainingImages: [],
      validationImages: [],
      recipe,
      metric,
      plan: OPEN,
      spacingMm,
      machine: { device, description, layout, step: setup.fingerprint, ...place.machine },
      notes: [],
    };
    if (kept === undefined) {
      if (place.from !== undefined) await store.write(RUN_FILES.start, place.from.bytes);
      await writeConfig(store, config);
    }
    const weights = start && fittingWeights(recipe, start);
    await setup.trainStep.writeState(checkpoint?.state ?? setup.step.initialState(recipe.seed, weights));
    const loop = await openLoop({
      ...loopOptions(setup, () => config, place, hooks),
      openRate: (step) => recipe.learningRate * Math.min(1, (step + 1) / WARM_UP),
      ...(checkpoint && { start: { step: checkpoint.step, best: checkpoint.best } }),
    });
    const memo = memoByObject();
    const model = async (): Promise<Uint8Array> => {
      const written = memoryStore(store.name);
      await setup.saveModel(written)(RUN_FILES.last, await setup.trainStep.readState(), loop.step);
      return (await written.read(RUN_FILES.last)) as Uint8Array;
    };
    let pages: LabelledPages | undefined;
    let preview: Preview | undefined;
    return {
      recipe,
      async setData(raw) {
        if (raw.pages.length === 0) {
          throw new DatasetError('there are no labelled pages any more.', {
            file: raw.folder,
            remedy: 'Set data with labels; until then the session keeps those that it has.',
          });
        }
        requireSameSizes(pages?.raw, raw);
        const revised = pages === undefined ? raw : keepingPages(pages.raw, raw);
        const { pages: next, fingerprint, notes } = sameSegmentationTask(revised, recipe, { ...place, memo });
        setup.requireFits(next);
        const newest = pages === undefined ? [] : newStrokes(pages.raw, revised, recipe.labels);
        await loop.setData({
          fingerprint,
          ...(newest.length > 0 && { newest }),
          batches: (from) => {
            setup.setPages(seenMoreOften(next, loop));
            return setup.batches(from);
          },
        });
        pages = next;
        return notes;
      },
      steps: (count) => loop.steps(count),
      predict(page, region) {
        preview ??= openPreview(recipe, runtime, start?.file);
        return preview.predict(page, region, loop.step, {
          weights: async () => setup.step.weightsOf(await setup.trainStep.readState(setup.step.weightNames)),
          model,
        });
      },
      model,
      state: () => ({
        step: loop.step,
        loss: loop.loss,
        trainingPages: pages?.data.train.pages.map(({ name }) => name) ?? [],
        validationPages: pages?.data.validation.map(({ name }) => name) ?? [],
      }),
      async finish(plan) {
        if (plan === undefined && config.plan.segments.length === 0) {
          throw new UsageError('The session has no plan to finish by.', { remedy: `Set ${option('steps')}.` });
        }
        const validates = metric !== undefined && (pages?.data.validation.length ?? 0) > 0;
        const { step } = loop;
        config = {
          ...config,
          trainingImages: pages?.data.train.pages.map(({ name }) => name) ?? [],
          validationImages: pages?.data.validation.map(({ name }) => name) ?? [],
          ...(plan && { plan: fixedPlan(plan.steps, validates ? validationsOf(plan.steps) : 0, step) }),
        };
        await writeConfig(store, config);
        hooks.say?.(`finishing after step ${totalSteps(config.plan)}`);
        const result = await loop.finish({ plan: config.plan });
        return { ...told(result, setup, hooks.say), config };
      },
      async close() {
        try {
          await loop.checkpoint();
        } finally {
          // Of a device that was lost nothing can be read any more, and the rest is let go all the same.
          await loop.close();
          await preview?.dispose();
          await setup.close();
          await runtime.dispose();
        }
      },
    };
  } catch (cause) {
    await runtime.dispose();
    throw cause;
  }
}

/** Pages of which what was painted last is drawn more often. */
function seenMoreOften(pages: LabelledPages, { revisions, step }: Loop): LabelledPages {
  const widths = new Map(pages.raw.pages.map(({ name, width }) => [name, width]));
  const strokes = revisions.flatMap(({ step: since, newest = [] }) =>
    newest.map((own) => ({ ...own, until: since + NEWEST_STEPS })),
  );
  const recent = strokes.filter(({ until, page }) => step < until && widths.has(page));
  const train = withNewest(pages.data.train, recent, (page) => widths.get(page) as number);
  return { ...pages, data: { ...pages.data, train } };
}

/** The model to train on from: as given, or as kept by the session before. */
async function startOf(recipe: Recipe, { from, store }: SessionPlace): Promise<StartModel | undefined> {
  if (recipe.start === undefined || from === undefined) return keptStart(recipe, store);
  const start = readStart(from);
  if (start.fingerprint === recipe.start.fingerprint) return start;
  throw new RunError('this is not the model of the recipe.', {
    file: from.name,
    remedy: `Use ${recipe.start.model} as it was when the recipe was made.`,
  });
}

/** @throws DatasetError naming a page whose size differs from that of the revision before. */
function requireSameSizes(before: RawDataset | undefined, now: RawDataset): void {
  const sizes = new Map(before?.pages.map((page) => [page.name, page]));
  for (const { name, height, width } of now.pages) {
    const old = sizes.get(name);
    if (old === undefined || (old.height === height && old.width === width)) continue;
    throw new DatasetError(`the page is ${width} x ${height} now, and was ${old.width} x ${old.height} before.`, {
      file: name,
      remedy: 'Put its former size back, or give the page another name.',
    });
  }
}
