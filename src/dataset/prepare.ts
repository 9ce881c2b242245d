/** From a folder to slices ready for training. */

import { counted, DatasetError } from '../errors.ts';
import type { Files } from '../files.ts';
import type { Image } from '../image/image.ts';
import { ImageNotes } from '../image/notes.ts';
import { invertIfBright } from '../input/background.ts';
import type { ChannelChoice, ChannelSpec } from '../input/channels.ts';
import { fitInput, prepareInput } from '../input/network-input.ts';
import type { InputSpec, NormalisationOptions } from '../input/normalise.ts';
import type { Project } from '../project/project.ts';
import { annotate } from './annotate.ts';
import { annotatedRows } from './annotated.ts';
import { baseName } from './discover/names.ts';
import { describePairing, type Pair, type Pairing } from './discover/pairing.ts';
import { annotationOf, declaredWith, describeProject } from './discover/project-files.ts';
import { readAhead } from './discover/read-ahead.ts';
import { type ImageListing, inFolder, listImageSources, pairListing, readListed } from './discover/sources.ts';
import { holdOut, type RegionsByPage } from './hold-out.ts';
import { chooseInversion } from './inversion.ts';
import type { LabelKind } from './labels/label-kind.ts';
import {
  applyMapping,
  describeMapping,
  findMapping,
  hasRim,
  type LabelMapping,
  type LabelOptions,
  type LabelPage,
} from './labels/labels.ts';
import { numbersOf, OBJECT, partTouching } from './labels/numbered.ts';
import { namesOf, presentClasses } from './labels/present.ts';
import type { Annotation } from './labels/regions.ts';
import { readShapeLabels } from './labels/shape-labels.ts';
import { type Memo, noMemo } from './memo.ts';
import { type Allocate, inMemory } from './memory.ts';
import { focusIndex, type TrainingPage, type TrainingSet } from './patch-position.ts';
import { labelOptions, type RawDataset, type RawPage, rawPages } from './raw.ts';
import type { Split, SplitChoice } from './split.ts';
import { classWeights, type SeparationOptions } from './weights/separation-weight.ts';
import { medianObjectSize } from './weights/small-objects.ts';

/** The content of a folder. */
export interface FolderDataset extends RawDataset {
  readonly pairing: Pairing;
  /** If it is one. */
  readonly project?: Project;
}

export interface ReadDatasetOptions {
  /** Whether shapes drawn in other programs are objects or classes. Default: classes if two or more are named. */
  readonly as?: LabelKind;
  /** Which resolution of the images, and of labels in OME-Zarr, to read; default 0, the full one. */
  readonly level?: number | undefined;
  /** Which pairs to read, by the path of the image; default: all. */
  readonly only?: ((image: string) => boolean) | undefined;
}

/**
 * Reads all pairs of a folder, or those that its `lamella.json` lists, with its annotation.
 * @throws DatasetError if files do not pair, sizes or numbers of slices of an image and its labels differ, values are
 *   NaN or infinite, or a project contradicts its images; FormatError if a file cannot be read. All name the file.
 */
export function readDataset(files: Files, folder: string, options: ReadDatasetOptions = {}): Promise<FolderDataset> {
  return inFolder(folder, () => readPairs(files, folder, options));
}

async function readPairs(
  files: Files,
  folder: string,
  { as, level, only = () => true }: ReadDatasetOptions,
): Promise<FolderDataset> {
  const { pairing, listing } = pairListing(await listImageSources(files, folder));
  const pairs = pairing.pairs.filter(({ image }) => only(image));
  const { project } = listing;
  const labels = pairs.map(({ label }) => label);
  const shapes = await readShapeLabels(files, folder, labels, { as, project });
  const pages: RawPage[] = [];
  const said = new ImageNotes();
  const kinds = new Set<Image['labelKind']>();
  // Label files have the size of the resolution that they were drawn on.
  const levelOf = (label: string) => (listing.series.get(label)?.format === 'OME-Zarr' ? level : undefined);
  const read = async (pair: Pair) => ({
    pair,
    image: await readListed(files, listing, pair.image, { level }),
    // Palette labels are class numbers with display colours.
    label: shapes?.has(pair.label)
      ? undefined
      : await readListed(files, listing, pair.label, { palette: 'index', level: levelOf(pair.label) }),
  });
  for await (const { pair, image, label: stored } of readAhead(pairs, read)) {
    const label = stored ?? (shapes as NonNullable<typeof shapes>).image(pair.label, image);
    for (const one of [image, label]) said.add(one, pair.image);
    kinds.add(label.labelKind);
    pages.push(...rawPages(image, label, pair.image));
  }
  const { json } = listing;
  // The kind stated by every file.
  const kind = kinds.size === 1 ? [...kinds][0] : undefined;
  const stated = json ?? shapes?.declared;
  const declared = { classes: stated?.classes, regions: json?.regions, ignore: stated?.ignore, kind };
  const dataset = {
    folder,
    pairing,
    pages,
    declared: project === undefined ? declared : declaredWith(declared, project),
    notes: [
      ...(project === undefined ? [] : describeProject(project, baseName(files.resolve?.(folder) ?? folder))),
      describePairing(pairing),
      ...describeListing(listing, pairing),
      ...(shapes?.notes ?? []),
      ...said.lines(),
    ],
  };
  return project === undefined ? dataset : { ...dataset, ...annotate(dataset, annotationOf(project)), project };
}

/** Notes on combined files, and on `dataset.json`. */
function describeListing({ json, joined = new Map() }: ImageListing, { pairs }: Pairing): readonly string[] {
  const used = [...pairs.flatMap(({ image, label }) => [image, label])].flatMap((path) => joined.get(path) ?? []);
  const lines: string[] = [];
  const masks = used.filter(({ kind }) => kind === 'masks');
  if (masks.length > 0) {
    const count = masks.reduce((sum, { files }) => sum + files.length, 0);
    lines.push(`labels joined from ${count} mask files, one per object`);
  }
  const stacked = used.find(({ kind }) => kind === 'channels');
  if (stacked !== undefined) lines.push(`channels joined from files such as ${stacked.files.map(baseName).join(', ')}`);
  if (json === undefined) return lines;
  const { channelNames, classes, ignore, regions = [], trainingImages } = json;
  const said = [
    `classes ${classes.map(({ name }) => name).join(', ')}`,
    ...(ignore.length > 0 ? [`label ${ignore.join(', ')} to ignore`] : []),
    ...(channelNames.length > 0 ? [`channels ${channelNames.join(', ')}`] : []),
  ];
  lines.push(`dataset.json: ${said.join('; ')}`);
  if (regions.length > 0) {
    const unions = regions.map(({ name, values }) => `${name} = ${values.join('+')}`);
    lines.push(`dataset.json has regions: ${unions.join(', ')}`);
  }
  if (trainingImages !== undefined && trainingImages !== pairs.length) {
    lines.push(`dataset.json says numTraining ${trainingImages}; with labels: ${counted(pairs.length, 'image')}`);
  }
  return lines;
}

export interface PrepareOptions extends LabelOptions {
  /** Which parts are annotated, beyond what the label images express. */
  readonly annotation?: Annotation;
  /** Default: a fifth, see `splitItems`. */
  readonly split?: SplitChoice;
  /** Which pages take part in the split. Default: those with an annotated pixel. */
  readonly takesPart?: (page: RawPage) => boolean;
  readonly seed?: number;
  readonly normalisation?: NormalisationOptions | undefined;
  /** Channels to train on, by name or by number from 0; default: all, colour photographs as colour. */
  readonly channel?: ChannelChoice;
  /** How channels are used; default: chosen from the data. */
  readonly channels?: ChannelSpec | undefined;
  /** A model's own input rule and label mapping, for fine-tuning: nothing is inferred again. */
  readonly input?: InputSpec;
  readonly mapping?: LabelMapping;
  /**
   * How strongly rare classes are weighted: from 0, not at all, to 1, equal total weight of all classes. Default 0.5.
   */
  readonly balance?: number;
  /** Border weights between objects; touching instances are then separated by a pixel. Default off (`w0` 0). */
  readonly separation?: SeparationOptions;
  /** Allocates the memory of the slices; return SharedArrayBuffers to share them with workers. */
  readonly allocate?: Allocate;
  /** Keeps what is prepared of pages that come again, with the same options. Default: nothing is kept. */
  readonly memo?: Memo | undefined;
}

export interface PreparedDataset {
  readonly train: TrainingSet;
  /** Validation slices, normalised like the training slices. May be empty. */
  readonly validation: readonly TrainingPage[];
  readonly split: Split;
  /** By name of a validation slice: its held-out regions, if not the whole slice is held out. */
  readonly heldRegions: RegionsByPage;
  /** By name of a slice for training: its regions that are trained on, or were before. */
  readonly trainedRegions: RegionsByPage;
  readonly mapping: LabelMapping;
  readonly input: InputSpec;
  /** Fraction of each class among the training pixels that are not ignored. */
  readonly shares: readonly number[];
  /** Fraction of the training pixels that are not ignored, 0..1. */
  readonly annotatedFraction: number;
  /** Printed lines: every decision with its reason. */
  readonly notes: readonly string[];
}

/** Pixels of each value. */
function countsOf(label: Uint8Array): Float64Array {
  const counts = new Float64Array(256);
  for (let p = 0; p < label.length; p++) counts[label[p]]++;
  return counts;
}

export function sharesOf(pages: readonly Float64Array[], classCount: number): number[] {
  const counts = Array.from({ length: classCount }, (_, c) => pages.reduce((sum, own) => sum + own[c], 0));
  const total = counts.reduce((a, b) => a + b);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}

/** Whether any pixel is annotated. */
export function hasAnnotation({ values }: LabelPage, { ignore }: LabelMapping): boolean {
  const skipped = new Set(ignore);
  return values.some((value) => !skipped.has(value));
}

/** What the labels are, and how much of the training pages is of which class, as printed lines. @param all number of pages */
export function describeLabels(
  mapping: LabelMapping,
  shares: readonly number[],
  { train, validation }: Split,
  { all, annotated, pixels }: Readonly<Record<'all' | 'annotated' | 'pixels', number>>,
): readonly string[] {
  const percent = mapping.classes.map(({ name }, i) => `${name} ${(100 * shares[i]).toFixed(1)} %`);
  const lines = [describeMapping(mapping), `fraction of pixels: ${percent.join(', ')}`];
  if (annotated < pixels) {
    const share = Number(((100 * annotated) / pixels).toPrecision(2));
    lines[1] += ' (without ignored pixels)';
    lines.push(
      `annotated: ${annotated.toLocaleString('en')} pixels, ${share} % of ${counted(train.length, 'training page')}; the others take no part`,
    );
  }
  const leftOut = all - new Set([...train, ...validation]).size;
  if (leftOut > 0) lines.push(`left out, as nothing is annotated there: ${leftOut} of ${all} pages`);
  return lines;
}

export const nothingPainted = (folder: string): DatasetError =>
  new DatasetError('nothing is annotated that could be trained on.', {
    file: folder,
    remedy: 'Paint some of each class, outside of what is held out.',
  });

/**
 * Asserts that there are two classes to distinguish; the rims of objects do not count.
 * @throws DatasetError naming what is present and what is missing
 */
export function requireContrast(
  { folder }: Pick<RawDataset, 'folder'>,
  { classes }: LabelMapping,
  pages: readonly TrainingPage[],
  shares: readonly number[],
): void {
  const { present, missing } = presentClasses(classes, (i) => (shares[i] as number) > 0);
  if (present.length > 1) return;
  if (present.length === 0) throw nothingPainted(folder);
  if (pages.every((page) => page.annotatedRows === undefined)) {
    throw new DatasetError('the labels of the training images hold one class only.', {
      file: folder,
      remedy: 'Label more images, or hold others out for validation.',
    });
  }
  const names = pages.slice(0, 3).map(({ name }) => `"${name}"`);
  const where = `${names.join(', ')}${pages.length > names.length ? `, and ${pages.length - names.length} more` : ''}`;
  throw new DatasetError(`only class ${namesOf(present)} is painted in ${where}.`, {
    file: folder,
    remedy: `Paint some of ${namesOf(missing)} too.`,
  });
}

/**
 * Splits, maps labels, chooses channels and normalisation (from the training slices only; for a fold from all), computes
 * class weights.
 * @throws DatasetError, UsageError: see `findMapping`, `applyMapping`, `chooseChannels`, `splitItems`.
 */
export function prepareDataset(read: RawDataset, options: PrepareOptions = {}): PreparedDataset {
  const raw = options.annotation === undefined ? read : annotate(read, options.annotation);
  const { split: choice = { fraction: 0.2 }, seed = 0, balance = 0.5, separation = { w0: 0 }, memo = noMemo } = options;
  const shareable = <A extends Uint8Array | Int32Array | Float32Array>(values: A): A =>
    inMemory(values, options.allocate);
  const mapping =
    options.mapping ??
    findMapping(
      raw.pages.map((page) => page.label),
      labelOptions(raw, options),
    );
  const isAnnotated =
    options.takesPart ?? (({ label }: RawPage) => memo(label, 'annotated', () => hasAnnotation(label, mapping)));
  const held = holdOut(raw.pages, isAnnotated, choice, seed, memo);
  const { split, train: trainRaw } = held;
  if (trainRaw.length === 0) throw nothingPainted(raw.folder);

  // Folds become one model, so each of them has to see an image as the others do.
  const isFold = 'folds' in choice;
  const { input, reasons } =
    options.input === undefined
      ? fitInput(isFold ? raw.pages.filter(isAnnotated) : trainRaw, options)
      : { input: options.input, reasons: [] };
  const { channels, normalisation, pixelMm } = input;
  // A slice with a held-out part occurs twice, sharing one image.
  const images = new Map<RawPage['data'], Float32Array>();
  for (const page of [...trainRaw, ...held.validation]) {
    if (images.has(page.data)) continue;
    images.set(
      page.data,
      memo(page.data, 'image', () => shareable(prepareInput(page, input))),
    );
  }

  const basic = (page: RawPage): TrainingPage => {
    const { name, height, width, data } = page;
    const label = shareable(applyMapping(page.label, mapping));
    return { name, height, width, image: images.get(data) as Float32Array, label };
  };
  const plain = trainRaw.map((page) =>
    memo(page, 'for training', () => {
      const made = basic(page);
      return { ...made, annotatedRows: annotatedRows(made) };
    }),
  );
  const validation = held.validation.map((page) => memo(page, 'for validation', () => basic(page)));
  const typicalSize = hasRim(mapping)
    ? medianObjectSize(
        plain.map(({ label, width }, i) => ({ objects: (trainRaw[i] as RawPage).label.values, label, width })),
      )
    : 0;
  const weighed = (page: TrainingPage, { label: raw }: RawPage): TrainingPage => {
    const { label, height, width } = page;
    let numbers: Int32Array | undefined;
    if (mapping.kind === 'instances') {
      numbers = memo(page, 'numbers', () => shareable(numbersOf(raw, label)));
      if (!hasRim(mapping)) {
        partTouching(label, numbers, [height, width]);
      }
    }
    return {
      ...page,
      separation: {
        ...separation,
        objectClass: numbers === undefined ? mapping.classes.length - 1 : OBJECT,
        ...(numbers === undefined ? {} : { numbers }),
        typicalSize,
        term: shareable(new Float32Array(label.length)),
        filled: shareable(new Int32Array(1)),
      },
    };
  };
  const isWeighed = (separation.w0 ?? 10) > 0;
  const pages = isWeighed
    ? plain.map((page, i) => memo(page, `weighed by ${typicalSize}`, () => weighed(page, trainRaw[i] as RawPage)))
    : plain;
  const inversion =
    options.input === undefined && normalisation.kind === 'percentile' && !normalisation.perChannel
      ? chooseInversion(isFold ? [...pages, ...validation] : pages)
      : undefined;
  if (inversion !== undefined) for (const image of images.values()) invertIfBright(image);
  const classCount = mapping.classes.length;
  const shares = sharesOf(
    pages.map(({ label }) => memo(label, 'counts', () => countsOf(label))),
    classCount,
  );
  requireContrast(raw, mapping, pages, shares);
  const annotated = pages.reduce((sum, { label, annotatedRows: rows }) => sum + (rows?.at(-1) ?? label.length), 0);
  const pixels = pages.reduce((sum, { label }) => sum + label.length, 0);
  return {
    train: {
      pages,
      channels: channels.count,
      classCount,
      classWeights: classWeights(shares, { balance }),
      focus: focusIndex(pages, shares, memo),
    },
    validation,
    split,
    heldRegions: held.regions,
    trainedRegions: held.trainedRegions,
    mapping,
    input: {
      channels,
      normalisation: inversion === undefined ? normalisation : { ...normalisation, invertBright: true },
      pixelMm,
    },
    shares,
    annotatedFraction: annotated / pixels,
    notes: [
      ...raw.notes,
      ...describeLabels(mapping, shares, split, { all: raw.pages.length, annotated, pixels }),
      ...reasons,
      ...(inversion === undefined ? [] : [inversion]),
      split.reason,
    ],
  };
}
