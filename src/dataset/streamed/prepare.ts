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
} from '../../input/normalise.ts';
import { pixelSizes } from '../../input/pixel-size.ts';
import type { StatisticsScan } from '../../input/statistics.ts';
import type { Rectangle as AnnotatedBox } from '../annotated.ts';
import { splitAnnotated } from '../hold-out.ts';
import { inversionOf } from '../inversion.ts';
import { applyMapping, hasRim, IGNORE, type LabelMapping, type LabelPage } from '../labels/labels.ts';
import { type FocusIndex, isRare, type TrainingPage } from '../patch-position.ts';
import { describeLabels, nothingPainted, type PreparedDataset, requireContrast, sharesOf } from '../prepare.ts';
import type { SplitChoice } from '../split.ts';
import { classWeights } from '../weights/separation-weight.ts';
import type { StreamedDataset, StreamedPage } from './page.ts';
import {
  hasNoColour,
  inputOf,
  type PagePlaces,
  placesOf,
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
  /** Whether borders between objects are to weigh more, which needs the whole. */
  readonly weighsBorders: boolean;
}

/** A slice that is prepared: what is read of it is as of the whole slice. */
export interface PreparedPage {
  readonly page: StreamedPage;
  /** Pixels of each class. */
  readonly counts: Float64Array;
  /** Of a slice annotated in part: the boxes of `annotatedBoxes`. */
  readonly annotated?: readonly AnnotatedBox[] | undefined;
  readImage(box: Rectangle): Promise<Float32Array>;
  readLabel(box: Rectangle): Promise<Uint8Array>;
}

export interface PreparedStream {
  /** Pages of `train` and `validation` have no pixels. */
  readonly data: PreparedDataset;
  /** As `fingerprintOf`. */
  readonly fingerprint: string;
  readonly train: readonly PreparedPage[];
  readonly validation: readonly PreparedPage[];
}

/**
 * @throws as `prepareDataset`; LamellaError for labels of which training needs the whole
 */
export async function prepareStreamed(
  raw: StreamedDataset,
  labels: SurveyedLabels,
  options: StreamedOptions,
): Promise<PreparedStream> {
  const { mapping } = options;
  if (hasRim(mapping)) throw needsMemory(raw.pages[0], 'a class for the borders of objects');
  if (options.weighsBorders) {
    throw needsMemory(
      raw.pages[0],
      'weights for the borders between objects',
      `Use ${option('separation', 0)}, or set`,
    );
  }
  const counted = labels.values.map((values, i) => classCounts(values, labels.counts[i], mapping));
  const split = splitAnnotated(
    raw.pages.map((page, i) => ({ ...page, label: labels.values[i], annotated: annotatedPixels(counted[i]) > 0 })),
    ({ annotated }) => annotated,
    options.split,
    options.seed,
  );
  if (split.train.length === 0) throw nothingPainted(raw.folder);
  const used = [...split.train, ...split.validation];
  // Folds become one model, so each of them has to see an image as the others do.
  const fitted = 'folds' in options.split ? used.toSorted((a, b) => a - b) : split.train;
  const { input, inputs, reasons } = await fitStreamed(raw.pages, { fitted, used }, options);
  const contents = new Map<number, ScannedContent>();
  for (const i of used) {
    const page = raw.pages[i];
    const read = async (box: Rectangle) => applyMapping(await page.readLabel(box), mapping);
    contents.set(i, await scanContent(page, inputs.get(i) as StreamedInput, read, counted[i][IGNORE] > 0));
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
      counts: counted[i],
      annotated: contentOf(i).annotated?.boxes,
      readImage: async (box) => inputOf({ ...(await page.readImage(box)), name: page.name }, own),
      readLabel: async (box) => applyMapping(await page.readLabel(box), mapping),
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
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Pixels of all classes. @param counts of `PreparedPage` */
export const annotatedPixels = (counts: Float64Array): number =>
  counts.reduce((all, pixels, index) => (index === IGNORE ? all : all + pixels), 0);

function needsMemory({ file }: StreamedPage, what: string, set = 'Set'): LamellaError {
  return new LamellaError(`images that do not fit into memory are not trained with ${what} yet.`, {
    file,
    remedy: `${set} ${option('memory')} to more, so that they are held in memory.`,
  });
}

/** Pixels of each class of a slice. @param keys its values, once each; counts: pixels of each */
function classCounts(keys: LabelPage, counts: ReadonlyMap<number, number>, mapping: LabelMapping): Float64Array {
  const of = new Float64Array(256);
  for (const [i, index] of applyMapping(keys, mapping).entries()) {
    of[index] = of[index] + (counts.get(keys.values[i]) as number);
  }
  return of;
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
