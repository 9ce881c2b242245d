/** Label maps that do not fit into memory, measured region by region: the tables are those of whole maps. */

import { bytesPer, elementCount, ndarray } from '../../array/ndarray.ts';
import type { LabelKindSurvey } from '../../dataset/labels/label-kind.ts';
import { labelPages, requireLabels, stackLabels } from '../../dataset/labels/labels.ts';
import { LamellaError, option, UsageError } from '../../errors.ts';
import type { OutlinedSlice } from '../../export/outlined-slices.ts';
import { dropAlpha, isGreyInColour, toGrey } from '../../image/convert.ts';
import { sizes } from '../../image/image.ts';
import type { ImageInfo, Region } from '../../image/source.ts';
import { LabelBlock } from '../../measure/label-block.ts';
import type { MeasuredImage } from '../../measure/measure.ts';
import { type BlockCounts, type BlockValues, ObjectMeasurer } from '../../measure/object-measurer.ts';
import { OutlinesByBlocks } from '../../measure/outlines-by-blocks.ts';
import type { Table } from '../../measure/table.ts';
import type { Contingency } from '../../metrics/contingency.ts';
import { extentsOf, type IntegerArray } from '../../objects/grid.ts';
import { megabytes } from '../../predict/memory.ts';
import { declaredOf } from '../image-list.ts';
import {
  boxesOf,
  gridShape,
  type OpenedImage,
  openAtLevel,
  pixelsOf,
  readBox,
  requireSameGrid,
} from '../opened-images.ts';
import { planMemory } from '../predict-regions.ts';
import { type MeasureFolderOptions, type MeasureItem, type MeasureReader, measurable } from './inputs.ts';
import type { MeasuredKinds } from './label-objects.ts';
import { pixelSize, withPixelSize } from './map-pixel-size.ts';
import type { MeasuredParts, PartPlace } from './parts.ts';
import { RegionTruth } from './region-truth.ts';

/** What blocks take without being asked. */
const DEFAULT_BYTES = 256e6;
/** What blocks take that are shared by processes, whatever memory each has. */
export const sharedBytes = ({ memory = DEFAULT_BYTES }: Pick<MeasureFolderOptions, 'memory'>): number =>
  Math.min(memory, DEFAULT_BYTES);
/** Bytes per pixel of labels beside those that are stored: as numbers, renumbered, with their neighbours. */
const LABEL_BYTES = 20;
/** Of ground truth: as numbers or components, and both sides renumbered and grouped. */
const TRUTH_BYTES = 40;
/** Formats that are written by region, of several processes only tables. */
const TABLES: readonly string[] = ['csv', 'parquet'];
const OUTLINES: readonly string[] = ['roi', 'geojson'];

/** The objects of one time point. */
export interface MeasuredRegions {
  readonly table: Table;
  /** [h, w] or [d, h, w] */
  readonly shape: readonly number[];
  /** Fraction of the pixels inside objects. */
  readonly covered: number;
  /** If they are wanted. */
  readonly outlines?: readonly OutlinedSlice[];
  /** Of ground truth and objects, if there is a ground truth. */
  readonly compared?: Contingency;
}

/**
 * Opens a label map to measure it by region, if it is too large for the memory there is, or measured by several processes.
 * @returns undefined if it is to be measured as a whole
 * @throws UsageError if the memory that is allowed is too little, or several processes cannot measure it; LamellaError if
 * the map cannot be measured by region, and there is not enough memory for the whole; as `openListedImage`
 */
export async function openRegions(reader: MeasureReader, item: MeasureItem): Promise<RegionMap | undefined> {
  const { host, options, hooks, parts } = reader;
  const memory = planMemory(host, [], options.memory);
  const map = memory && (await openAtLevel(reader.files, item.labels, { palette: 'index' }));
  const image = map && item.image && (await openAtLevel(reader.files, item.image));
  const truth = map && item.truth && (await openAtLevel(reader.files, item.truth, { palette: 'index' }));
  const close = async (): Promise<void> => {
    for (const opened of [map, image, truth]) await opened?.source.close();
  };
  try {
    const isMissing = (item.image && !image) || (item.truth && !truth);
    if (memory === undefined || map === undefined || isMissing) {
      if (parts !== undefined) throw notShared('its format', item);
      await close();
      return undefined;
    }
    requireSameGrid(map.info, image?.info);
    if (truth !== undefined) requireSameGrid(truth.info, image?.info ?? map.info);
    const sized = { ...map, info: withPixelSize(map.info, image?.info, options) };
    const opened = { map: sized, image, truth };
    const whole = pixelsOf(sized.info) * bytesPerPixel(opened);
    const isSmall = parts === undefined && whole <= memory.whole;
    const why = isSmall ? undefined : wholeNeeded(reader, item, opened);
    if (why !== undefined && parts !== undefined) throw notShared(why, item);
    if (!isSmall && why === undefined) {
      const bytes = parts === undefined ? Math.min(memory.tiles, DEFAULT_BYTES) : sharedBytes(options);
      const free = host.memory?.().free ?? Number.POSITIVE_INFINITY;
      return new RegionMap(item.name, opened, { bytes, parts, free, as: options.as });
    }
    await close();
    if (why === undefined) return undefined;
    const free = host.memory?.().free ?? Number.POSITIVE_INFINITY;
    const takes = `it is measured as a whole because of ${why}, which takes about ${megabytes(whole)}`;
    if (whole > free) {
      throw new LamellaError(`${takes}, and ${megabytes(free)} are free.`, {
        file: item.labels.path,
        remedy: `Remove it, or use a lower resolution: ${option('level')}.`,
      });
    }
    hooks.onNote?.(`${item.name}: ${takes}.`);
    return undefined;
  } catch (cause) {
    await close();
    throw cause;
  }
}

const notShared = (why: string, { labels }: MeasureItem): UsageError =>
  new UsageError(`this cannot be measured by several jobs because of ${why}.`, {
    file: labels.path,
    remedy: `Use TIFF or OME-Zarr whose values number objects, or remove ${option('shard')} and ${option('stage')}.`,
  });

interface OpenedMaps {
  readonly map: OpenedImage;
  readonly image?: OpenedImage | undefined;
  readonly truth?: OpenedImage | undefined;
}

/** About what a pixel takes while it is measured. */
const bytesPerPixel = ({ map, image, truth }: OpenedMaps): number =>
  2 * bytesPer(map.info.dtype) +
  LABEL_BYTES +
  (image === undefined ? 0 : 3 * sizes(image.info).channels * bytesPer(image.info.dtype)) +
  (truth === undefined ? 0 : 2 * bytesPer(truth.info.dtype) + TRUTH_BYTES);

/** What of a measurement needs the whole map, as a noun. */
function wholeNeeded(
  { options, inputs, parts }: MeasureReader,
  { labels }: MeasureItem,
  { map, image, truth }: OpenedMaps,
): string | undefined {
  const { format = [] } = options;
  const byRegion = parts === undefined ? [...TABLES, ...OUTLINES] : TABLES;
  const drawn = format.find((name) => !byRegion.includes(name));
  const kind = options.as ?? map.info.labelKind ?? inputs.written ?? declaredOf([labels])?.kind;
  if (options.truth !== undefined && parts !== undefined) return option('truth');
  if (drawn !== undefined) return option('format', drawn);
  const isPlaced = [map, image, truth].some((opened) => opened?.info.geometry !== undefined);
  if (isPlaced) return 'its orientation in the patient';
  if (sizes(map.info).channels > 1) return 'its colours';
  if (truth !== undefined && sizes(truth.info).channels > 1) return 'the colours of its ground truth';
  if (kind === undefined) return `its values, unless ${option('as', 'objects')} says that they number objects`;
  return kind === 'classes' ? 'its classes, of which connected pixels are objects' : undefined;
}

interface RegionMapOptions {
  /** For one block. */
  readonly bytes: number;
  /** For what a single object takes. */
  readonly free: number;
  readonly parts: MeasuredParts | undefined;
  readonly as: MeasureFolderOptions['as'];
}

/** What is found of the objects beside their measurements. */
export interface RegionWork {
  readonly kinds: MeasuredKinds;
  readonly outlined: boolean;
}

/** A label map, its image and its ground truth that are measured by region. Close it when it is no longer needed. */
export class RegionMap {
  readonly info: ImageInfo;
  readonly #name: string;
  /** What other processes keep of blocks, which is taken instead of the pixels. */
  readonly #parts: MeasuredParts | undefined;
  readonly #map: OpenedImage;
  readonly #image: OpenedImage | undefined;
  readonly #truth: RegionTruth | undefined;
  readonly #free: number;
  /** [h, w] or [d, h, w] */
  readonly #shape: readonly number[];
  /** Along the axes of the shape. */
  readonly #boxes: readonly Region[];
  /** Whether red, green and blue of the image are the same. */
  #isGrey = false;
  /** Of each time point. */
  readonly #measurers: ObjectMeasurer[] = [];

  constructor(name: string, opened: OpenedMaps, { bytes, parts, free, as }: RegionMapOptions) {
    const { map, image, truth } = opened;
    this.#name = name;
    this.#parts = parts;
    this.info = map.info;
    this.#map = map;
    this.#image = image;
    this.#shape = gridShape(map.info);
    const others = [image, truth].filter((one) => one !== undefined);
    this.#boxes = boxesOf([map, ...others], bytes / bytesPerPixel(opened));
    this.#free = free;
    this.#truth = truth && new RegionTruth(truth, this.#shape, this.#boxes, { as });
  }

  async close(): Promise<void> {
    await this.#map.source.close();
    await this.#image?.source.close();
    await this.#truth?.close();
  }

  /** Of the image, if there is one. */
  get imageInfo(): ImageInfo | undefined {
    return this.#image?.info;
  }

  /** Number of channels of the image; one in colours counts as one. */
  get channels(): number {
    const image = this.#image?.info;
    if (image === undefined || this.#isGrey) return 1;
    const names = image.channels?.filter((name) => name !== 'alpha');
    return names?.join() === 'red,green,blue' ? 1 : (names?.length ?? sizes(image).channels);
  }

  /** All labels of all time points. */
  get labels(): readonly number[] {
    return [...new Set(this.#measurers.flatMap(({ objects }) => objects.labels))];
  }

  async #readLabels(t: number, box: Region): Promise<IntegerArray> {
    const pages = labelPages(await readBox(this.#map, t, box));
    requireLabels(pages);
    const { data, dtype } = stackLabels(pages);
    return ndarray(dtype, box.shape, data);
  }

  async #readValues(image: OpenedImage, t: number, box: Region): Promise<MeasuredImage> {
    const opaque = dropAlpha(await readBox(image, t, box));
    const { dtype, data } = measurable(this.#isGrey ? toGrey(opaque) : opaque);
    const channels = data.length / elementCount(box.shape);
    return ndarray(dtype, channels > 1 ? [channels, ...box.shape] : box.shape, data);
  }

  /** Whether an image in colours has none: all of it is read unless a pixel has one. */
  async #isGreyInColour(image: OpenedImage, names: readonly string[] | undefined): Promise<boolean> {
    if (names?.join() !== 'red,green,blue') return false;
    for (let t = 0; t < sizes(image.info).times; t++) {
      for (const box of this.#boxes) {
        if (!isGreyInColour(dropAlpha(await readBox(image, t, box)))) return false;
      }
    }
    return true;
  }

  /** The blocks of all time points. */
  get places(): readonly PartPlace[] {
    const { times } = sizes(this.info);
    const each = Array.from({ length: times }, (_, t) =>
      this.#boxes.map((_, index) => ({ name: this.#name, t, index })),
    );
    return each.flat();
  }

  /** Before objects are counted. */
  async begin(): Promise<void> {
    const names = this.#image?.info.channels?.filter((name) => name !== 'alpha');
    this.#isGrey = this.#image !== undefined && (await this.#isGreyInColour(this.#image, names));
    const stored = this.#image === undefined ? 0 : sizes(this.#image.info).channels;
    const opaque = stored - (this.#image?.info.channels?.includes('alpha') === true ? 1 : 0);
    const channels = this.#isGrey ? Math.min(1, opaque) : opaque;
    for (let t = 0; t < sizes(this.info).times; t++) {
      this.#measurers.push(new ObjectMeasurer({ shape: this.#shape, channels, names }, pixelSize(this.info)));
    }
  }

  #at({ t, index }: PartPlace): { readonly measurer: ObjectMeasurer; readonly box: Region } {
    return { measurer: this.#measurers[t] as ObjectMeasurer, box: this.#boxes[index] as Region };
  }

  /** Of the objects of a block. */
  async countsOf(place: PartPlace): Promise<BlockCounts> {
    const { measurer, box } = this.#at(place);
    const { start, shape: own } = box;
    const shape = own.map((length, axis) =>
      Math.min(length + 1, (this.#shape[axis] as number) - (start[axis] as number)),
    );
    return measurer.countsOf(new LabelBlock(await this.#readLabels(place.t, { start, shape }), { start, own }));
  }

  async #blockOf(place: PartPlace): Promise<LabelBlock> {
    const { box } = this.#at(place);
    return new LabelBlock(await this.#readLabels(place.t, box), { start: box.start });
  }

  /** Of the objects of a block, when those of all blocks are counted. */
  async valuesOf(place: PartPlace): Promise<BlockValues> {
    return this.#valuesOf(place, await this.#blockOf(place));
  }

  async #valuesOf(place: PartPlace, block: LabelBlock): Promise<BlockValues> {
    const { measurer, box } = this.#at(place);
    const image = this.#image;
    return measurer.valuesOf(block, image && (await this.#readValues(image, place.t, box)));
  }

  /** Counts the objects of all time points. */
  async count(): Promise<void> {
    await this.begin();
    for (const place of this.places) {
      const counts = await (this.#parts?.counts(place) ?? this.countsOf(place));
      this.#at(place).measurer.addCounts(counts);
    }
    await this.#truth?.count(sizes(this.info).times);
  }

  /** Adds what the values of the ground truth are. @param kind if it is known, other than by the file */
  surveyTruth(survey: LabelKindSurvey, kind: MeasureFolderOptions['as']): void {
    this.#truth?.addTo(survey, kind);
  }

  /** Leaves objects out, when all are counted. */
  drop(isDropped: (label: number, pixels: number) => boolean): void {
    for (const measurer of this.#measurers) measurer.drop(isDropped);
  }

  /** The objects of each time point. @param isDropped those that are left out */
  async measure(
    isDropped: (label: number, pixels: number) => boolean,
    { kinds, outlined }: RegionWork,
  ): Promise<readonly MeasuredRegions[]> {
    const found: MeasuredRegions[] = [];
    this.drop(isDropped);
    const { depth, rank } = extentsOf(this.#shape);
    const outlines = this.#measurers.map((measurer) => {
      const pixelsOf = (label: number): number => measurer.pixelsOf(label);
      return outlined
        ? new OutlinesByBlocks(depth, { pixelsOf, maxBytes: this.#free, file: this.info.source })
        : undefined;
    });
    for (const place of this.places) {
      const { measurer, box } = this.#at(place);
      if (this.#parts !== undefined) measurer.takeValues(await this.#parts.values(place));
      else {
        const block = await this.#blockOf(place);
        measurer.takeValues(await this.#valuesOf(place, block));
        outlines[place.t]?.add(block);
        const objects = this.#truth && keptLabels(block, box, (label) => measurer.pixelsOf(label) > 0);
        if (objects !== undefined) await this.#truth?.compare(place, objects, kinds);
      }
    }
    for (const [t, measurer] of this.#measurers.entries()) {
      const { labels, pixels } = measurer.objects;
      const inside = pixels.reduce(
        (sum, n, index) => sum + (index > 0 && !isDropped(labels[index] as number, n) ? n : 0),
        0,
      );
      const shape = this.#shape;
      const frame = this.#measurers.length > 1 ? t : undefined;
      found.push({
        table: measurer.table(),
        shape,
        covered: inside / elementCount(shape),
        outlines: outlines[t]?.result().map((of, z) => ({ z: rank === 3 ? z : undefined, t: frame, outlines: of })),
        compared: this.#truth?.table(t),
      });
    }
    return found;
  }
}

/** The labels of a block without objects that are left out. */
function keptLabels(
  { labels, values }: LabelBlock,
  { shape }: Region,
  isKept: (label: number) => boolean,
): IntegerArray {
  const kept = values.map((label) => (isKept(label) ? label : 0));
  return ndarray(
    'uint32',
    shape,
    Uint32Array.from(labels, (number) => kept[number] as number),
  );
}
