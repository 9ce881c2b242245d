/**
 * From slices that are read by region to what training knows of them: as `prepareDataset` of the same slices in memory,
 * with the same numbers, but that pages have no pixels. Images are read three times, labels up to four times, part by part.
 */

import { crc32, hex8 } from '../../array/crc32.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { LamellaError, option } from '../../errors.ts';
import { type ChannelChoice, type ChannelSpec, chooseChannels, type NamedPage } from '../../input/channels.ts';
import { channelsAsGiven } from '../../input/network-input.ts';
import {
  fitToStatistics,
  type InputSpec,
  isPerChannel,
  type NormalisationOptions,
  numbersFor,
  wholeOperations,
} from '../../input/normalise.ts';
import { pixelSizes } from '../../input/pixel-size.ts';
import type { StatisticsScan } from '../../input/statistics.ts';
import type { Rectangle as AnnotatedBox } from '../annotated.ts';
import { splitAnnotated } from '../hold-out.ts';
import { inversionOf } from '../inversion.ts';
import { hasRim, IGNORE, type LabelMapping, type LabelPage } from '../labels/labels.ts';
import { type FocusIndex, isRare, type TrainingPage } from '../patch-position.ts';
import { describeLabels, nothingPainted, type PreparedDataset, requireContrast, sharesOf } from '../prepare.ts';
import type { Split, SplitChoice } from '../split.ts';
import { classWeights, type SeparationOptions } from '../weights/separation-weight.ts';
import { classesByValue, classReader } from './classes.ts';
import {
  countObjects,
  medianOfSizes,
  type ObjectCounts,
  type ObjectSizes,
  type ObjectWeighing,
  scanSizes,
  sizesByValue,
} from './object-weights.ts';
import type { StreamedDataset, StreamedPage } from './page.ts';
import {
  hasNoColour,
  inputOf,
  type PagePlaces,
  placesOf,
  type ReadClasses,
  type ScannedContent,
  type StreamedInput,
  scanContent,
  scanPlaces,
  scanValues,
} from './scan.ts';
import type { SurveyedLabels } from './survey.ts';

/** As `PrepareOptions`. */
export interface StreamedOptions {
  readonly split: SplitChoice;
  readonly seed: number;
  readonly balance: number;
  readonly normalisation?: NormalisationOptions | undefined;
  readonly channel?: ChannelChoice | undefined;
  readonly channels?: ChannelSpec | undefined;
  /** Of an existing run: nothing is inferred again. */
  readonly input?: InputSpec | undefined;
  readonly mapping: LabelMapping;
  readonly separation: Required<SeparationOptions>;
}

/** A slice that is prepared: what is read of it is as of the whole slice. */
export interface PreparedPage {
  readonly page: StreamedPage;
  /** Pixels of each class. */
  readonly counts: Float64Array;
  /** Of a slice annotated in part: the boxes of `annotatedBoxes`. */
  readonly annotated?: readonly AnnotatedBox[] | undefined;
  /** Of labels that number objects: how many lie where something is annotated, and how many of them in the foreground. */
  readonly objects: ObjectCounts | undefined;
  /** Of objects that are weighed by their size, where every pixel is annotated. */
  readonly sizes?: ObjectSizes | undefined;
  readImage(box: Rectangle): Promise<Float32Array>;
  readonly readLabel: ReadClasses;
  /** The values of its labels. */
  readValues(box: Rectangle): Promise<LabelPage>;
}

export interface PreparedStream {
  /** Pages of `train` and `validation` have no pixels. */
  readonly data: PreparedDataset;
  /** As `fingerprintOf`. */
  readonly fingerprint: string;
  readonly train: readonly PreparedPage[];
  readonly validation: readonly PreparedPage[];
  /** Where borders between objects weigh more. */
  readonly weighing: ObjectWeighing | undefined;
}

/**
 * @throws as `prepareDataset`; LamellaError for labels of which training needs the whole
 */
export async function prepareStreamed(
  raw: StreamedDataset,
  labels: SurveyedLabels,
  options: StreamedOptions,
): Promise<PreparedStream> {
  const { mapping, separation } = options;
  const isWeighed = separation.w0 > 0;
  if (isWeighed && mapping.kind !== 'instances') throw piecesNeedMemory(raw.pages[0]);
  const [operation] = options.input === undefined ? [] : wholeOperations(options.input.normalisation);
  if (operation !== undefined) throw operationNeedsMemory(operation, raw.pages[0]);
  const annotation = labels.values.map((values) => annotationOf(values, mapping));
  const split = splitAnnotated(
    raw.pages.map((page, i) => ({ ...page, label: labels.values[i], isAnnotated: annotation[i] !== 'none' })),
    ({ isAnnotated }) => isAnnotated,
    options.split,
    options.seed,
  );
  if (split.train.length === 0) throw nothingPainted(raw.folder);
  const used = [...split.train, ...split.validation];
  // Folds become one model, so each of them has to see an image as the others do.
  const fitted = 'folds' in options.split ? used.toSorted((a, b) => a - b) : split.train;
  const { input, inputs, reasons } = await fitStreamed(raw.pages, { fitted, used }, options);
  const contents = new Map<number, ScannedContent>();
  const readers = new Map<number, ReadClasses>();
  for (const i of used) {
    const [page, isPartial] = [raw.pages[i], annotation[i] === 'part'];
    const read = await classReader(page, mapping, { isPartial, parts: isWeighed && split.train.includes(i) });
    readers.set(i, read);
    contents.set(i, await scanContent(page, inputs.get(i) as StreamedInput, read, isPartial));
  }
  const contentOf = (i: number) => contents.get(i) as ScannedContent;
  const { normalisation } = input;
  const inversion =
    options.input === undefined && normalisation.kind === 'percentile' && !normalisation.perChannel
      ? inversionOf(fitted.map((i) => contentOf(i).brightness))
      : undefined;
  const isInverted = (i: number): boolean =>
    (inversion !== undefined || normalisation.invertBright === true) && contentOf(i).brightness.isBright;

  const prepared = (i: number): PreparedPage => {
    const page = raw.pages[i];
    const own = { ...(inputs.get(i) as StreamedInput), inverts: isInverted(i) };
    return {
      page,
      counts: contentOf(i).counts,
      annotated: contentOf(i).annotated?.boxes,
      sizes: annotation[i] === 'all' && isWeighed && hasRim(mapping) ? sizesByValue(labels, i, mapping) : undefined,
      objects: mapping.kind === 'instances' ? countObjects(labels.values[i], mapping) : undefined,
      readImage: async (box) => inputOf({ ...(await page.readImage(box)), name: page.name }, own),
      readLabel: readers.get(i) as ReadClasses,
      readValues: page.readLabel,
    };
  };
  const [train, validation] = [split.train.map(prepared), split.validation.map(prepared)];
  const checksums = used.map((i) => {
    const [plain, inverted, label] = contentOf(i).crc;
    return [raw.pages[i].name, isInverted(i) ? inverted : plain, label];
  });
  const classCount = mapping.classes.length;
  const shares = sharesOf(
    train.map(({ counts }) => counts),
    classCount,
  );
  const pages = train.map((page, i) => ({
    ...withoutPixels(page.page),
    annotatedRows: contentOf(split.train[i]).annotated?.rows,
  }));
  requireContrast(raw, mapping, pages, shares);
  const annotated = sum(train.map(({ counts }) => annotatedPixels(counts)));
  const pixels = sum(pages.map(({ height, width }) => height * width));
  return {
    data: {
      train: {
        pages,
        channels: input.channels.count,
        classCount,
        classWeights: classWeights(shares, { balance: options.balance }),
        focus: await focusOf(train, shares),
      },
      validation: validation.map(({ page }) => withoutPixels(page)),
      split,
      heldRegions: {},
      trainedRegions: {},
      mapping,
      input: inversion === undefined ? input : { ...input, normalisation: { ...normalisation, invertBright: true } },
      shares,
      annotatedFraction: annotated / pixels,
      notes: [
        ...raw.notes,
        ...describeLabels(mapping, shares, split, { all: raw.pages.length, annotated, pixels }),
        ...reasons,
        ...(inversion === undefined ? [] : [inversion]),
        split.reason,
      ],
    },
    fingerprint: hex8(crc32(new TextEncoder().encode(JSON.stringify(checksums)))),
    train,
    validation,
    weighing: isWeighed
      ? { ...separation, typicalSize: hasRim(mapping) ? medianOfSizes(await knownSizes(train, split, labels)) : 0 }
      : undefined,
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Pixels of all classes. @param counts of `PreparedPage` */
export const annotatedPixels = (counts: Float64Array): number =>
  counts.reduce((all, pixels, index) => (index === IGNORE ? all : all + pixels), 0);

/** Whether two pixels are of one piece may be decided anywhere in the image. */
const piecesNeedMemory = ({ file }: StreamedPage): LamellaError =>
  new LamellaError(
    'weights for the borders between the pieces of a class need the whole image, which does not fit into memory.',
    {
      file,
      remedy: `Use ${option('separation', 0)}, number the objects in the labels, or set ${option('memory')} to more.`,
    },
  );

/** What an operation computes from all values of an image has no statistics that are found part by part. */
const operationNeedsMemory = (operation: string, { file }: StreamedPage): LamellaError =>
  new LamellaError(`the model's operation '${operation}' needs the whole image, and images do not fit into memory.`, {
    file,
    remedy: `Set ${option('memory')} to more, so that they are held in memory.`,
  });

/** How much of a slice is annotated. @param keys its values, once each */
function annotationOf(keys: LabelPage, mapping: LabelMapping): 'all' | 'part' | 'none' {
  const classes = classesByValue(keys, mapping);
  if (!classes.includes(IGNORE)) return 'all';
  return classes.some((index) => index !== IGNORE) ? 'part' : 'none';
}

/** The sizes of the objects of training slices, as far as they are known. */
async function knownSizes(
  train: readonly PreparedPage[],
  split: Split,
  labels: SurveyedLabels,
): Promise<readonly ObjectSizes[]> {
  const sizes: ObjectSizes[] = [];
  for (const [i, own] of train.entries()) {
    const isAnnotated = own.annotated === undefined;
    sizes.push(
      isAnnotated ? sizesByValue(labels, split.train[i]) : await scanSizes({ ...own.page, ...own }, () => true),
    );
  }
  return sizes;
}

interface FittedInput {
  readonly input: InputSpec;
  /** How each slice is normalised, before bright ones are inverted. */
  readonly inputs: ReadonlyMap<number, StreamedInput>;
  readonly reasons: readonly string[];
}

/** As `fitInput`. */
async function fitStreamed(
  pages: readonly StreamedPage[],
  { fitted: chosenFrom, used }: Readonly<Record<'fitted' | 'used', readonly number[]>>,
  { input: given, channel, channels: taken, normalisation: options = {} }: StreamedOptions,
): Promise<FittedInput> {
  const training = chosenFrom.map((i) => pages[i]);
  const chosen =
    given !== undefined
      ? undefined
      : taken === undefined
        ? chooseChannels(await samplePages(training, channel), channel)
        : channelsAsGiven(taken);
  const channels = chosen?.spec ?? (given as InputSpec).channels;
  const blocks = (given?.normalisation.perChannel ?? isPerChannel(channels)) ? channels.count : 1;
  const scans = new Map<number, readonly StatisticsScan[]>();
  const isStated = options.kind === 'range' || options.range !== undefined || options.given !== undefined;
  if (given === undefined ? !isStated : given.normalisation.scope === 'image') {
    for (const i of used) scans.set(i, await scanValues(pages[i], channels, blocks));
  }
  const statisticsOf = (i: number, percentiles: readonly [number, number]) =>
    (scans.get(i) as readonly StatisticsScan[]).map((scan) => scan.result(percentiles));
  const fitted =
    chosen &&
    fitToStatistics(
      (count, percentiles) => {
        const seen = chosenFrom.map((i) => statisticsOf(i, percentiles));
        return Array.from({ length: count }, (_, block) => seen.map((own) => own[block]));
      },
      channels,
      options,
    );
  const normalisation = fitted?.spec ?? (given as InputSpec).normalisation;
  const numbersOf = (i: number): StreamedInput['numbers'] =>
    normalisation.scope === 'image'
      ? statisticsOf(i, normalisation.percentiles).map((own) => numbersFor(normalisation, own))
      : normalisation.numbers.slice(0, blocks);
  return {
    input: given ?? { channels, normalisation, pixelMm: pixelSizes(training) },
    inputs: new Map(used.map((i) => [i, { channels, normalisation, numbers: numbersOf(i), inverts: false }])),
    reasons: chosen === undefined || fitted === undefined ? [] : [chosen.reason, fitted.reason],
  };
}

/** A pixel for each slice, to choose channels by (`chooseChannels`): grey where the slice has no colour. */
export async function samplePages(
  pages: readonly StreamedPage[],
  channel: ChannelChoice | undefined,
): Promise<readonly NamedPage[]> {
  const samples: NamedPage[] = [];
  for (const page of pages) {
    const { name, channels, channelNames } = page;
    const stored = await page.readImage({ y: 0, x: 0, height: 1, width: 1 });
    const data = stored.data.slice().fill(0);
    if (channels === 3 && channel === undefined && !(await hasNoColour(page))) data[0] = 1;
    samples.push({ name, channels, channelNames, data, height: 1, width: 1 });
  }
  return samples;
}

const withoutPixels = ({ name, height, width }: StreamedPage): TrainingPage => ({
  name,
  height,
  width,
  image: new Float32Array(),
  label: new Uint8Array(),
});

/** As `focusIndex`. */
async function focusOf(pages: readonly PreparedPage[], shares: readonly number[]): Promise<FocusIndex> {
  const rare = shares.flatMap((share, classIndex) => (isRare(share) ? [classIndex] : []));
  const found: PagePlaces[] = [];
  for (const { page, counts, readLabel } of pages) found.push(await scanPlaces({ ...page, readLabel }, rare, counts));
  return { rare: rare.map((classIndex) => ({ classIndex, places: placesOf(found, classIndex) })) };
}
