/**
 * From slices that are read by region to what training knows of them: as `prepareDataset` of the same slices in memory,
 * with the same numbers, but that pages have no pixels. Images are read three times, labels up to four times, part by part.
 */

import { crc32, hex8 } from '../../array/crc32.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { LamellaError, option } from '../../errors.ts';
import { type ChannelChoice, chooseChannels, type NamedPage } from '../../input/channels.ts';
import {
  fitToStatistics,
  type InputSpec,
  isPerChannel,
  type NormalisationOptions,
  numbersFor,
} from '../../input/normalise.ts';
import { pixelSizes } from '../../input/pixel-size.ts';
import type { StatisticsScan } from '../../input/statistics.ts';
import { blockGrid } from '../../objects/blocks/block-grid.ts';
import { type ValuePieces, ValuePiecesByBlocks } from '../../objects/blocks/value-pieces.ts';
import { labelGrid } from '../../objects/grid.ts';
import { inversionOf } from '../inversion.ts';
import { LabelKindSurvey, pieceConnectivity } from '../labels/label-kind.ts';
import {
  applyMapping,
  describeMapping,
  hasRim,
  IGNORE,
  type LabelMapping,
  type LabelOptions,
  type LabelPage,
  mappingOfValues,
} from '../labels/labels.ts';
import { PaletteSurvey } from '../labels/palettes.ts';
import { type FocusIndex, isRare, type TrainingPage } from '../patch-position.ts';
import { type PreparedDataset, requireContrast, sharesOf } from '../prepare.ts';
import { labelOptions } from '../raw.ts';
import { type Split, type SplitChoice, splitItems } from '../split.ts';
import { classWeights } from '../weights/separation-weight.ts';
import { partsOf, type StreamedDataset, type StreamedPage } from './page.ts';
import {
  hasNoColour,
  inputOf,
  type ScannedContent,
  type ScannedLabels,
  type StreamedInput,
  scanContent,
  scanLabels,
  scanPlaces,
  scanValues,
} from './scan.ts';

/** As `PrepareOptions`. */
export interface StreamedOptions extends LabelOptions {
  readonly split: SplitChoice;
  readonly seed: number;
  readonly balance: number;
  readonly normalisation?: NormalisationOptions | undefined;
  readonly channel?: ChannelChoice | undefined;
  /** Of an existing run: nothing is inferred again. */
  readonly input?: InputSpec | undefined;
  readonly mapping?: LabelMapping | undefined;
  /** Whether borders between objects are to weigh more, which needs the whole. */
  weighsBorders(mapping: LabelMapping): boolean;
}

/** A slice that is prepared: what is read of it is as of the whole slice. */
export interface PreparedPage {
  readonly page: StreamedPage;
  /** Pixels of each class. */
  readonly counts: Float64Array;
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
export async function prepareStreamed(raw: StreamedDataset, options: StreamedOptions): Promise<PreparedStream> {
  const labels: ScannedLabels[] = [];
  for (const page of raw.pages) labels.push(await scanLabels(page));
  const mapping = options.mapping ?? (await mappingOf(raw, labels, labelOptions(raw, options)));
  if (hasRim(mapping)) throw needsMemory(raw.pages[0], 'a class for the borders of objects');
  if (options.weighsBorders(mapping)) {
    throw needsMemory(
      raw.pages[0],
      'weights for the borders between objects',
      `Use ${option('separation', 0)}, or set`,
    );
  }
  const counted = labels.map((scanned) => classCounts(scanned, mapping));
  const partial = counted.findIndex((counts) => counts[IGNORE] > 0);
  if (partial >= 0) throw needsMemory(raw.pages[partial], 'pixels that are not annotated');

  const items = raw.pages.map((page, i) => ({ ...page, label: { values: [...labels[i].counts.keys()] } }));
  const split = splitItems(items, options.split, { seed: options.seed });
  const used = [...split.train, ...split.validation];
  const { input, inputs, reasons } = await fitStreamed(raw.pages, split, options);
  const contents = new Map<number, ScannedContent>();
  for (const i of used) contents.set(i, await scanContent(raw.pages[i], inputs.get(i) as StreamedInput, mapping));
  const contentOf = (i: number) => contents.get(i) as ScannedContent;
  const { normalisation } = input;
  const inversion =
    options.input === undefined && normalisation.kind === 'percentile' && !normalisation.perChannel
      ? inversionOf(split.train.map((i) => contentOf(i).brightness))
      : undefined;
  const isInverted = (i: number): boolean =>
    (inversion !== undefined || normalisation.invertBright === true) && contentOf(i).brightness.isBright;

  const prepared = (i: number): PreparedPage => {
    const page = raw.pages[i];
    const own = { ...(inputs.get(i) as StreamedInput), inverts: isInverted(i) };
    return {
      page,
      counts: counted[i],
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
  const pages = train.map(withoutPixels);
  requireContrast(raw, mapping, pages, shares);
  const percent = mapping.classes.map(({ name }, i) => `${name} ${(100 * shares[i]).toFixed(1)} %`);
  return {
    data: {
      train: {
        pages,
        channels: input.channels.count,
        classCount,
        classWeights: classWeights(shares, { balance: options.balance }),
        focus: await focusOf(train, mapping, shares),
      },
      validation: validation.map(withoutPixels),
      split,
      heldRegions: {},
      trainedRegions: {},
      mapping,
      input: inversion === undefined ? input : { ...input, normalisation: { ...normalisation, invertBright: true } },
      shares,
      annotatedFraction: 1,
      notes: [
        ...raw.notes,
        describeMapping(mapping),
        `fraction of pixels: ${percent.join(', ')}`,
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

function needsMemory({ file }: StreamedPage, what: string, set = 'Set'): LamellaError {
  return new LamellaError(`images that do not fit into memory are not trained with ${what} yet.`, {
    file,
    remedy: `${set} ${option('memory')} to more, so that they are held in memory.`,
  });
}

/** As `findMapping`. */
async function mappingOf(
  { pages }: StreamedDataset,
  scanned: readonly ScannedLabels[],
  options: LabelOptions,
): Promise<LabelMapping> {
  const counts = new Map<number, number>();
  const palettes = new PaletteSurvey();
  for (const { counts: own, first } of scanned) {
    for (const [value, pixels] of own) counts.set(value, (counts.get(value) ?? 0) + pixels);
    palettes.add(keysOf({ counts: own, first }));
  }
  const { classes = [], kind, task } = options;
  const isUnclear = kind === undefined && task === undefined && classes.every((item) => typeof item === 'string');
  const maps = isUnclear && counts.size > 2 ? await piecesOf(pages) : [];
  const source = scanned[0]?.first.source;
  const found = mappingOfValues({ counts, colour: false, pages: pages.length, source }, options, (ignore) => {
    const survey = new LabelKindSurvey({ ignore });
    for (const map of maps) survey.addCounted(map);
    return survey.result({ unclear: 'classes' }).kind === 'objects';
  });
  if (found.kind !== 'instances') palettes.require();
  return found;
}

/** The values of a slice, once each. */
function keysOf({ counts, first }: ScannedLabels): LabelPage {
  const keys = [...counts.keys()];
  const values = keys.some((value) => value > 0x7fffffff) ? Uint32Array.from(keys) : Int32Array.from(keys);
  return { ...first, values, height: 1, width: keys.length };
}

/** The connected pieces of each value, of the slices of a file together. */
async function piecesOf(pages: readonly StreamedPage[]): Promise<readonly (readonly ValuePieces[])[]> {
  const maps: (readonly ValuePieces[])[] = [];
  for (const file of new Set(pages.map((page) => page.file))) {
    const slices = pages.filter((page) => page.file === file);
    const [{ height, width, rows }] = slices;
    const grid =
      slices.length === 1
        ? blockGrid([height, width], [rows, width])
        : blockGrid([slices.length, height, width], [1, rows, width]);
    const pieces = new ValuePiecesByBlocks(grid, { connectivity: pieceConnectivity(grid.shape) });
    for (const page of slices) {
      for (const box of partsOf({ height, width, rows })) {
        const { values } = await page.readLabel(box);
        const shape = [...(slices.length === 1 ? [] : [1]), box.height, box.width];
        pieces.add(labelGrid(values, shape));
      }
    }
    maps.push(pieces.result());
  }
  return maps;
}

/** Pixels of each class of a slice. */
function classCounts(scanned: ScannedLabels, mapping: LabelMapping): Float64Array {
  const of = new Float64Array(256);
  const keys = keysOf(scanned);
  for (const [i, index] of applyMapping(keys, mapping).entries()) {
    of[index] = of[index] + (scanned.counts.get(keys.values[i]) as number);
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
  split: Split,
  { input: given, channel, normalisation: options = {} }: StreamedOptions,
): Promise<FittedInput> {
  const training = split.train.map((i) => pages[i]);
  const chosen = given === undefined ? await channelsOf(training, channel) : undefined;
  const channels = chosen?.spec ?? (given as InputSpec).channels;
  const blocks = (given?.normalisation.perChannel ?? isPerChannel(channels)) ? channels.count : 1;
  const scans = new Map<number, readonly StatisticsScan[]>();
  const isStated = options.kind === 'range' || options.range !== undefined || options.given !== undefined;
  if (given === undefined ? !isStated : given.normalisation.scope === 'image') {
    for (const i of [...split.train, ...split.validation]) scans.set(i, await scanValues(pages[i], channels, blocks));
  }
  const statisticsOf = (i: number, percentiles: readonly [number, number]) =>
    (scans.get(i) as readonly StatisticsScan[]).map((scan) => scan.result(percentiles));
  const fitted =
    chosen &&
    fitToStatistics(
      (count, percentiles) => {
        const seen = split.train.map((i) => statisticsOf(i, percentiles));
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
    inputs: new Map(
      [...split.train, ...split.validation].map((i) => [
        i,
        { channels, normalisation, numbers: numbersOf(i), inverts: false },
      ]),
    ),
    reasons: chosen === undefined || fitted === undefined ? [] : [chosen.reason, fitted.reason],
  };
}

/** As `chooseChannels`, which is asked of a pixel for each slice: grey where the slice has no colour. */
async function channelsOf(pages: readonly StreamedPage[], channel: ChannelChoice | undefined) {
  const samples: NamedPage[] = [];
  for (const page of pages) {
    const { name, channels, channelNames } = page;
    const data = new Uint8Array(channels);
    if (channels === 3 && channel === undefined && !(await hasNoColour(page))) data[0] = 255;
    samples.push({ name, channels, channelNames, data, height: 1, width: 1 });
  }
  return chooseChannels(samples, channel);
}

const withoutPixels = ({ page: { name, height, width } }: PreparedPage): TrainingPage => ({
  name,
  height,
  width,
  image: new Float32Array(),
  label: new Uint8Array(),
});

/** As `focusIndex`. */
async function focusOf(
  pages: readonly PreparedPage[],
  mapping: LabelMapping,
  shares: readonly number[],
): Promise<FocusIndex> {
  const rare = shares.flatMap((share, classIndex) => (isRare(share) ? [classIndex] : []));
  if (rare.length === 0) return { rare: [] };
  const places = rare.map((): FocusIndex['rare'][number]['places'][number][] => []);
  for (const [i, { page, counts }] of pages.entries()) {
    const own = rare.filter((classIndex) => counts[classIndex] > 0);
    if (own.length === 0) continue;
    const found = await scanPlaces(page, mapping, new Map(own.map((classIndex) => [classIndex, counts[classIndex]])));
    for (const classIndex of own) {
      const pixels = found.get(classIndex) as Int32Array | Float64Array;
      places[rare.indexOf(classIndex)].push({ page: i, pixels });
    }
  }
  return { rare: rare.map((classIndex, i) => ({ classIndex, places: places[i] })) };
}
