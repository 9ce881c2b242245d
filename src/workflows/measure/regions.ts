/** Label maps that do not fit into memory, measured region by region: the tables are those of whole maps. */

import { bytesPer, elementCount, ndarray } from '../../array/ndarray.ts';
import { labelPages, requireLabels, stackLabels } from '../../dataset/labels/labels.ts';
import { LamellaError, option } from '../../errors.ts';
import { dropAlpha, isGreyInColour, toGrey } from '../../image/convert.ts';
import { sizes } from '../../image/image.ts';
import type { ImageInfo, Region } from '../../image/source.ts';
import { LabelBlock } from '../../measure/label-block.ts';
import type { MeasuredImage } from '../../measure/measure.ts';
import { ObjectMeasurer } from '../../measure/object-measurer.ts';
import type { Table } from '../../measure/table.ts';
import type { IntegerArray } from '../../objects/grid.ts';
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
import { type MeasureItem, type MeasureReader, measurable, pixelSize, withPixelSize } from './inputs.ts';

/** What blocks take without being asked. */
const DEFAULT_BYTES = 256e6;
/** Bytes per pixel of labels beside those that are stored: as numbers, renumbered, with their neighbours. */
const LABEL_BYTES = 20;

/** The objects of one time point. */
export interface MeasuredRegions {
  readonly table: Table;
  /** [h, w] or [d, h, w] */
  readonly shape: readonly number[];
  /** Fraction of the pixels inside objects. */
  readonly covered: number;
}

/**
 * Counts the objects of a label map by region, if it is too large for the memory there is.
 * @returns undefined if it is to be measured as a whole
 * @throws UsageError if the memory that is allowed is too little; LamellaError if the map cannot be measured by region, and
 * there is not enough memory for the whole; as `openListedImage`
 */
export async function countByRegion(reader: MeasureReader, item: MeasureItem): Promise<RegionMap | undefined> {
  const { host, options, hooks } = reader;
  const memory = planMemory(host, [], options.memory);
  const map = memory && (await openAtLevel(reader.files, item.labels, { palette: 'index' }));
  const image = map && item.image && (await openAtLevel(reader.files, item.image));
  const close = async (): Promise<void> => {
    await map?.source.close();
    await image?.source.close();
  };
  try {
    if (memory === undefined || map === undefined || (item.image !== undefined && image === undefined)) {
      await close();
      return undefined;
    }
    requireSameGrid(map.info, image?.info);
    const sized = { ...map, info: withPixelSize(map.info, image?.info, options) };
    const whole = pixelsOf(sized.info) * bytesPerPixel(sized, image);
    const why = whole <= memory.whole ? undefined : wholeNeeded(reader, item, sized, image);
    if (whole > memory.whole && why === undefined) {
      const opened = new RegionMap(sized, image, Math.min(memory.tiles, DEFAULT_BYTES));
      await opened.count();
      return opened;
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

/** About what a pixel takes while it is measured. */
const bytesPerPixel = (map: OpenedImage, image: OpenedImage | undefined): number =>
  2 * bytesPer(map.info.dtype) +
  LABEL_BYTES +
  (image === undefined ? 0 : 3 * sizes(image.info).channels * bytesPer(image.info.dtype));

/** What of a measurement needs the whole map, as a noun. */
function wholeNeeded(
  { options, inputs }: MeasureReader,
  { labels }: MeasureItem,
  map: OpenedImage,
  image: OpenedImage | undefined,
): string | undefined {
  const { truth, format = [] } = options;
  const drawn = format.find((name) => name !== 'csv' && name !== 'parquet');
  const kind = options.as ?? map.info.labelKind ?? inputs.written ?? declaredOf([labels])?.kind;
  if (truth !== undefined) return option('truth');
  if (drawn !== undefined) return option('format', drawn);
  if (map.info.geometry !== undefined || image?.info.geometry !== undefined) return 'its orientation in the patient';
  if (sizes(map.info).channels > 1) return 'its colours';
  if (kind === undefined) return `its values, unless ${option('as', 'objects')} says that they number objects`;
  return kind === 'classes' ? 'its classes, of which connected pixels are objects' : undefined;
}

/** A label map and its image that are measured by region. Close it when it is no longer needed. */
export class RegionMap {
  readonly info: ImageInfo;
  readonly #map: OpenedImage;
  readonly #image: OpenedImage | undefined;
  /** [h, w] or [d, h, w] */
  readonly #shape: readonly number[];
  /** Along the axes of the shape. */
  readonly #boxes: readonly Region[];
  /** Whether red, green and blue of the image are the same. */
  #isGrey = false;
  /** Of each time point. */
  readonly #measurers: ObjectMeasurer[] = [];

  constructor(map: OpenedImage, image: OpenedImage | undefined, bytes: number) {
    this.info = map.info;
    this.#map = map;
    this.#image = image;
    this.#shape = gridShape(map.info);
    this.#boxes = boxesOf(image === undefined ? [map] : [map, image], bytes / bytesPerPixel(map, image));
  }

  async close(): Promise<void> {
    await this.#map.source.close();
    await this.#image?.source.close();
  }

  /** Of the image, if there is one. */
  get imageInfo(): ImageInfo | undefined {
    return this.#image?.info;
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

  /** Counts the objects of all time points. */
  async count(): Promise<void> {
    const names = this.#image?.info.channels?.filter((name) => name !== 'alpha');
    this.#isGrey = this.#image !== undefined && (await this.#isGreyInColour(this.#image, names));
    const stored = this.#image === undefined ? 0 : sizes(this.#image.info).channels;
    const opaque = stored - (this.#image?.info.channels?.includes('alpha') === true ? 1 : 0);
    const channels = this.#isGrey ? Math.min(1, opaque) : opaque;
    for (let t = 0; t < sizes(this.info).times; t++) {
      const measurer = new ObjectMeasurer({ shape: this.#shape, channels, names }, pixelSize(this.info));
      for (const { start, shape: own } of this.#boxes) {
        const shape = own.map((length, axis) =>
          Math.min(length + 1, (this.#shape[axis] as number) - (start[axis] as number)),
        );
        measurer.addLabels(new LabelBlock(await this.#readLabels(t, { start, shape }), { start, own }));
      }
      this.#measurers.push(measurer);
    }
  }

  /** The objects of each time point. @param isDropped those that are left out */
  async measure(isDropped: (label: number, pixels: number) => boolean): Promise<readonly MeasuredRegions[]> {
    const found: MeasuredRegions[] = [];
    const image = this.#image;
    for (const [t, measurer] of this.#measurers.entries()) {
      measurer.drop(isDropped);
      for (const box of this.#boxes) {
        const block = new LabelBlock(await this.#readLabels(t, box), { start: box.start });
        measurer.addValues(block, image && (await this.#readValues(image, t, box)));
      }
      const { labels, pixels } = measurer.objects;
      const inside = pixels.reduce(
        (sum, n, index) => sum + (index > 0 && !isDropped(labels[index] as number, n) ? n : 0),
        0,
      );
      const shape = this.#shape;
      found.push({ table: measurer.table(), shape, covered: inside / elementCount(shape) });
    }
    return found;
  }
}
