import { join, resolve } from 'node:path';
import { DatasetError, FormatError, UsageError } from '../../errors.ts';
import { withSpacingMm } from '../../image/geometry.ts';
import { extent, type Image } from '../../image/image.ts';
import { ImageNotes } from '../../image/notes.ts';
import { displayMap, reorient } from '../../image/orient.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { type ModelOnDevice, openModelFile } from '../../platform/node/model-files.ts';
import { predictAverage, requireSameClasses } from '../../predict/average.ts';
import { smoothed } from '../../predict/median.ts';
import { objectsImage, separationOf } from '../../predict/objects.ts';
import type { OpenedModel } from '../../predict/open.ts';
import { labelImage, overlayImage, probabilityImage } from '../../predict/output.ts';
import type { Evaluation } from '../../predict/patch-model.ts';
import type { PatchOptions } from '../../predict/patchwise.ts';
import { type PredictOptions, planPage } from '../../predict/predict.ts';
import type { PredictFlags } from '../commands/predict.ts';
import { encodeResult } from '../encode.ts';
import { type ListedImage, listImages, readListedImage } from '../image-list.ts';
import { withFlags } from '../option-words.ts';
import { requireFreeFolder } from '../out-folder.ts';
import { type CountDisplay, countDisplay, formatDuration } from '../progress.ts';
import { stopSignal } from '../stop-signal.ts';
import { defaultOut, MEASURES_FOLDER, PREDICTION_FILE, writePredictionFile } from './predict-out.ts';

/** Folders that `predict` makes; a folder that holds nothing else may be written to again. */
const PARTS = ['probability', 'label', 'overlay', 'objects'] as const;

/** Values of the label maps: those of the training labels, where they fit into 16 bits and differ; else class numbers. */
function labelValues({ metadata }: OpenedModel): readonly number[] | undefined {
  const values = metadata?.classes.map(({ value }) => value);
  const fit = values?.every((value) => Number.isInteger(value) && value >= 0 && value <= 65_535) === true;
  return fit && new Set(values).size === values?.length ? values : undefined;
}

export interface PredictedFile {
  readonly image: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pages: number;
  readonly probability?: string;
  readonly label?: string;
  readonly overlay?: string;
  readonly objects?: string;
  readonly objectCount?: number;
  readonly ms: number;
  /** What is to be said of the image. */
  readonly notes?: readonly string[];
}

interface FailedFile {
  readonly image: string;
  readonly reason: string;
}

interface WriteOptions {
  readonly out: string;
  readonly flags: Pick<
    PredictFlags,
    'probability' | 'threshold' | 'labels' | 'overlay' | 'format' | 'median' | 'objects' | 'spacing'
  >;
  readonly predict: PredictOptions;
}

const DEPTHS = { '8bit': 'uint8', '16bit': 'uint16', float: 'float32' } as const;

/** Predicts one file and writes what was asked for, each file as a whole. */
async function predictFile(
  models: readonly [ModelOnDevice, ...ModelOnDevice[]],
  item: ListedImage,
  { out, flags, predict }: WriteOptions,
): Promise<PredictedFile> {
  const began = Date.now();
  const { path, name } = item;
  const read = await readListedImage(item);
  const image = flags.spacing === undefined ? read : withSpacingMm(read, flags.spacing);
  const mean = await predictAverage(models, image, predict);
  const prediction = flags.median === undefined ? mean : smoothed(mean, flags.median);
  const written: { -readonly [P in (typeof PARTS)[number]]?: string } = {};
  const write = async (part: (typeof PARTS)[number], picture: Image, format = flags.format): Promise<void> => {
    const { bytes, extension } = encodeResult(picture, format, path);
    const file = join(out, part, `${name}.${extension}`);
    await atomicWrite(file, bytes);
    written[part] = file;
  };
  if (flags.probability !== 'none')
    await write('probability', probabilityImage(prediction, { depth: DEPTHS[flags.probability] }));
  const threshold = flags.threshold === undefined ? {} : { threshold: flags.threshold };
  if (flags.labels) {
    const values = labelValues(models[0]);
    await write('label', labelImage(prediction, { ...threshold, ...(values === undefined ? {} : { values }) }));
  }
  if (flags.overlay) {
    const picture = overlayImage(image, labelImage(prediction, threshold));
    // For the eye: turned as slices are looked at, and in a format that any viewer shows.
    const map = displayMap(image);
    const { geometry, ...turned } = map === undefined ? picture : reorient(picture, map);
    await write('overlay', turned, geometry === undefined || flags.format === 'png' ? flags.format : 'tiff');
  }
  const { metadata } = models[0];
  const separation = metadata === undefined ? undefined : separationOf(metadata);
  const objects = flags.objects === true ? objectsImage(prediction, separation && { separation }) : undefined;
  if (objects !== undefined) await write('objects', objects.labels);
  const notes = [...(read.notes ?? []), ...(mean.notes ?? [])];
  return {
    image: path,
    widthPx: extent(image, 'x'),
    heightPx: extent(image, 'y'),
    pages: extent(image, 't') * extent(image, 'z'),
    ...written,
    ...(objects === undefined ? {} : { objectCount: objects.count }),
    ms: Date.now() - began,
    ...(notes.length === 0 ? {} : { notes }),
  };
}

function describePatches({ window: { cover }, evaluation }: NonNullable<OpenedModel['patches']>): string {
  const how = evaluation === 'dense' ? 'all pixels at once' : 'one window after another';
  return `the network sees a window of ${cover} x ${cover} pixels: ${how}`;
}

/** How a network that sees one window is to be evaluated, where that was said. */
function evaluationOf({ dense = false, patchwise = false }: PredictFlags): Evaluation | undefined {
  if (dense && patchwise) {
    throw new UsageError('--dense and --patchwise exclude each other.', { remedy: 'Give one of them.' });
  }
  return dense ? 'dense' : patchwise ? 'patchwise' : undefined;
}

/** Opens every model, all or none. */
async function openAll(
  paths: readonly [string, ...string[]],
  flags: PredictFlags,
  patches: PatchOptions,
): Promise<readonly [ModelOnDevice, ...ModelOnDevice[]]> {
  const evaluation = evaluationOf(flags);
  const models: ModelOnDevice[] = [];
  try {
    for (const path of paths) {
      const chosen = { which: flags.model, device: flags.device, patches };
      models.push(await openModelFile(path, evaluation === undefined ? chosen : { ...chosen, evaluation }));
    }
    requireSameClasses(models);
  } catch (cause) {
    for (const model of models) await model.close();
    throw cause;
  }
  return models as unknown as readonly [ModelOnDevice, ...ModelOnDevice[]];
}

/** Turns and flips to average over. @throws UsageError for the ten crops of whole images. */
function turnsOf({ tta = 1 }: Pick<PredictFlags, 'tta'>): NonNullable<PredictOptions['tta']> {
  if (tta !== 10) return tta;
  throw new UsageError('--tta 10 is for networks of whole images.', { remedy: 'Give 1, 4 or 8.' });
}

export async function runPredict(
  paths: readonly [string, ...string[]],
  images: string,
  flags: PredictFlags,
): Promise<void> {
  const { json = false, quiet = false } = flags;
  const say = (line: string): void => {
    if (!quiet && !json) process.stdout.write(`${line}\n`);
  };
  if (flags.probability === 'none' && !flags.labels && !flags.overlay && flags.objects !== true) {
    throw new UsageError('--probability none, --no-labels and --no-overlay leave nothing to write.', {
      remedy: 'Leave out one of them.',
    });
  }
  const listed = await listImages(images);
  const out = flags.out ?? (await defaultOut(paths));
  await requireFreeFolder(out, { ignore: [...PARTS, PREDICTION_FILE, MEASURES_FOLDER], option: 'another --out' });
  const stop = stopSignal(() => process.stderr.write('\nStopping.\n'));
  // Only windows one by one take so long that one wants to know how far they are.
  let display: CountDisplay | undefined;
  const onProgress = (done: number, total: number): void => {
    if (quiet || json) return;
    display ??= countDisplay('windows', { stream: process.stderr });
    display.update(done, total);
    if (done < total) return;
    display.stop();
    display = undefined;
  };
  const models = await openAll(paths, flags, { onProgress, signal: stop.signal });
  const began = Date.now();
  const [model] = models;
  const { runtime } = model;
  try {
    if (flags.threshold !== undefined && model.classes.length !== 2) {
      throw new UsageError(`--threshold divides two classes; this model has ${model.classes.length}.`, {
        remedy: 'Leave it out.',
      });
    }
    const files = models.map(({ file }) => file);
    say(
      `${files.length === 1 ? 'model' : `mean of ${files.length} models`}: ${files.join(', ')}, classes ${model.classes.join(', ')}; device: ${runtime.description}`,
    );
    for (const { patches, notes } of models) {
      if (patches !== undefined) say(describePatches(patches));
      for (const note of notes) say(`note: ${note}`);
    }
    const predict: PredictOptions = {
      tta: turnsOf(flags),
      signal: stop.signal,
      tile: flags.tile,
      batch: flags.batch,
      channel: flags.channel,
    };
    const done: PredictedFile[] = [];
    const failed: FailedFile[] = [];
    const noted = new ImageNotes();
    for (const [i, item] of listed.entries()) {
      let result: PredictedFile;
      try {
        result = await predictFile(models, item, { out, flags, predict });
      } catch (cause) {
        // One bad file among many does not keep the others waiting.
        if (listed.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
        process.stderr.write(`lamella: ${withFlags(cause.message)}\n`);
        failed.push({ image: item.path, reason: cause.message });
        continue;
      }
      done.push(result);
      noted.add({ source: item.path, notes: result.notes ?? [] });
      const { description } = planPage(model, result.heightPx, result.widthPx, predict);
      const pages = result.pages > 1 ? `${result.pages} pages, ` : '';
      const found = result.objectCount === undefined ? '' : `, ${result.objectCount} objects`;
      say(`${i + 1}/${listed.length} ${item.name}: ${pages}${description}${found}, ${(result.ms / 1000).toFixed(1)} s`);
    }
    for (const line of noted.lines()) say(`note: ${line}`);
    await writePredictionFile(out, {
      models: files.map((file) => resolve(file)),
      images: resolve(images),
      classes: model.classes,
    });
    if (json) {
      const summary = {
        ...(files.length === 1 ? { model: files[0] } : { models: files }),
        device: runtime.device,
        classes: model.classes,
        out,
        images: done,
        ...(failed.length === 0 ? {} : { failed }),
      };
      process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    } else say(`${done.length} image${done.length === 1 ? '' : 's'} in ${formatDuration(Date.now() - began)}: ${out}`);
    if (failed.length > 0) {
      throw new DatasetError(`${failed.length} of ${listed.length} images could not be segmented, as said above.`, {
        remedy: 'Replace them, or take them out.',
      });
    }
  } finally {
    stop.release();
    display?.stop();
    for (const each of models) await each.close();
  }
}
