/** Label maps that do not fit into memory, measured region by region: the tables are those of whole maps. */

import { bytesPer, elementCount, ndarray } from '../../array/ndarray.ts';
import type { LabelKindSurvey } from '../../dataset/labels/label-kind.ts';
import { labelPages, requireLabels, stackLabels } from '../../dataset/labels/labels.ts';
import { option } from '../../errors.ts';
import { requireRoiCount } from '../../export/imagej-roi.ts';
import type { OutlinedSlice } from '../../export/outlined-slices.ts';
import { dropAlpha, isGreyInColour, toGrey } from '../../image/convert.ts';
import { sizes } from '../../image/image.ts';
import type { ImageInfo, Region } from '../../image/source.ts';
import { LabelBlock } from '../../measure/label-block.ts';
import type { MeasuredImage } from '../../measure/measure.ts';
import { ClassesByBlocks, type ClassPixels, classPixels, indexIn } from '../../measure/object-classes.ts';
import { ObjectMeasurer } from '../../measure/object-measurer.ts';
import { SlicesByBlocks, slicesOfBlock } from '../../measure/object-slices.ts';
import { OutlinesByBlocks, runsOfBlock } from '../../measure/outlines-by-blocks.ts';
import type { Table } from '../../measure/table.ts';
import type { Contingency } from '../../metrics/contingency.ts';
import { extentsOf, type IntegerArray } from '../../objects/grid.ts';
import type { MeasureFormat } from '../choices.ts';
import { boxesOf, gridShape, type OpenedImage, readBox } from '../opened-images.ts';
import { type ClassNames, namedClasses } from './classes.ts';
import { type MeasureFolderOptions, measurable } from './inputs.ts';
import type { MeasuredKinds } from './label-objects.ts';
import { pixelSize } from './map-pixel-size.ts';
import type { PartCounts, PartPlace, PartValues } from './part-records.ts';
import type { MeasuredParts } from './parts.ts';
import { RegionTruth } from './region-truth.ts';

/** Bytes per pixel of labels beside those that are stored: as numbers, renumbered, with their neighbours. */
const LABEL_BYTES = 20;
/** Of ground truth: as numbers or components, and both sides renumbered and grouped. */
const TRUTH_BYTES = 40;

/** A label map and what belongs to it. */
export interface OpenedMaps {
  readonly map: OpenedImage;
  readonly image?: OpenedImage | undefined;
  readonly truth?: OpenedImage | undefined;
  /** The label map of the classes of objects. */
  readonly classes?: OpenedImage | undefined;
}

/** About what a pixel takes while it is measured. */
export const bytesPerPixel = ({ map, image, truth, classes }: OpenedMaps): number =>
  2 * bytesPer(map.info.dtype) +
  LABEL_BYTES +
  (image === undefined ? 0 : 3 * sizes(image.info).channels * bytesPer(image.info.dtype)) +
  (truth === undefined ? 0 : 2 * bytesPer(truth.info.dtype) + TRUTH_BYTES) +
  (classes === undefined ? 0 : 2 * bytesPer(classes.info.dtype));

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
  /** Of objects, by their labels, where there are several. */
  readonly classes?: ReadonlyMap<number, string>;
}

interface RegionMapOptions {
  /** For one block. */
  readonly bytes: number;
  /** For what a single object takes. */
  readonly free: number;
  readonly parts: MeasuredParts | undefined;
  readonly as: MeasureFolderOptions['as'];
  readonly format: readonly MeasureFormat[];
  /** Of the classes of objects. */
  readonly nameOf: ClassNames | undefined;
}

/** Which objects are measured, and what the values of all label maps are. */
export interface RegionWork {
  readonly kinds: MeasuredKinds;
  isDropped(label: number, pixels: number): boolean;
}

/** What is collected of one time point. */
interface Collected {
  readonly measurer: ObjectMeasurer;
  readonly slices: SlicesByBlocks | undefined;
  readonly outlines: OutlinesByBlocks | undefined;
  readonly classes: ClassesByBlocks | undefined;
}

/**
 * A label map, its image and its ground truth that are measured by region. Close it when others are read: it opens its
 * files again when they are needed.
 */
export class RegionMap {
  readonly info: ImageInfo;
  readonly #name: string;
  readonly #map: OpenedImage;
  readonly #image: OpenedImage | undefined;
  readonly #truth: RegionTruth | undefined;
  readonly #classes: OpenedImage | undefined;
  readonly #options: RegionMapOptions;
  /** [h, w] or [d, h, w] */
  readonly #shape: readonly number[];
  /** Along the axes of the shape. */
  readonly #boxes: readonly Region[];
  #begun: Promise<void> | undefined;
  /** Whether red, green and blue of the image are the same. */
  #isGrey = false;
  /** Of each time point. */
  readonly #collected: Collected[] = [];

  constructor(name: string, opened: OpenedMaps, options: RegionMapOptions) {
    const { map, image, truth, classes } = opened;
    this.#name = name;
    this.info = map.info;
    this.#map = map;
    this.#image = image;
    this.#classes = classes;
    this.#options = options;
    this.#shape = gridShape(map.info);
    const others = [image, truth, classes].filter((one) => one !== undefined);
    this.#boxes = boxesOf([map, ...others], options.bytes / bytesPerPixel(opened));
    this.#truth = truth && new RegionTruth(truth, this.#shape, this.#boxes, options);
  }

  async close(): Promise<void> {
    await this.#map.source.close();
    await this.#image?.source.close();
    await this.#truth?.close();
    await this.#classes?.source.close();
  }

  /** Of what belongs to the map, as far as there is any. */
  get others(): Readonly<Record<'image' | 'truth' | 'classes', ImageInfo | undefined>> {
    return { image: this.#image?.info, truth: this.#truth?.info, classes: this.#classes?.info };
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
    return [...new Set(this.#collected.flatMap(({ measurer }) => measurer.objects.labels))];
  }

  async #readLabels(t: number, box: Region, from = this.#map): Promise<IntegerArray> {
    const pages = labelPages(await readBox(from, t, box));
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

  /** Before objects are counted, once. */
  #begin(): Promise<void> {
    this.#begun ??= this.#prepare();
    return this.#begun;
  }

  async #prepare(): Promise<void> {
    const names = this.#image?.info.channels?.filter((name) => name !== 'alpha');
    this.#isGrey = this.#image !== undefined && (await this.#isGreyInColour(this.#image, names));
    const stored = this.#image === undefined ? 0 : sizes(this.#image.info).channels;
    const opaque = stored - (this.#image?.info.channels?.includes('alpha') === true ? 1 : 0);
    const channels = this.#isGrey ? Math.min(1, opaque) : opaque;
    const { depth } = extentsOf(this.#shape);
    const { format, free } = this.#options;
    const [roi, outlined] = [format.includes('roi'), format.includes('roi') || format.includes('geojson')];
    for (let t = 0; t < sizes(this.info).times; t++) {
      const measurer = new ObjectMeasurer({ shape: this.#shape, channels, names }, pixelSize(this.info));
      const pixelsOf = (label: number): number => measurer.pixelsOf(label);
      const traced = { pixelsOf, maxBytes: free, file: this.info.source };
      this.#collected.push({
        measurer,
        slices: roi && depth > 1 ? new SlicesByBlocks(depth) : undefined,
        outlines: outlined ? new OutlinesByBlocks(depth, traced) : undefined,
        classes: this.#classes && new ClassesByBlocks(),
      });
    }
  }

  #at({ t, index }: PartPlace): Collected & { readonly box: Region } {
    return { ...(this.#collected[t] as Collected), box: this.#boxes[index] as Region };
  }

  /** Of the objects of a block. */
  async countsOf(place: PartPlace): Promise<PartCounts> {
    await this.#begin();
    const { measurer, slices, box } = this.#at(place);
    const { start, shape: own } = box;
    const shape = own.map((length, axis) =>
      Math.min(length + 1, (this.#shape[axis] as number) - (start[axis] as number)),
    );
    const block = new LabelBlock(await this.#readLabels(place.t, { start, shape }), { start, own });
    return {
      objects: measurer.countsOf(block),
      slices: slices && slicesOfBlock(block),
      truth: await this.#truth?.countsOf(place),
    };
  }

  /** Counts the objects of all time points. */
  async count(): Promise<void> {
    await this.#begin();
    for (const place of this.places) {
      const { measurer, slices } = this.#at(place);
      const counts = await (this.#options.parts?.counts(place) ?? this.countsOf(place));
      measurer.addCounts(counts.objects);
      if (counts.slices !== undefined) slices?.take(counts.slices);
      if (counts.truth !== undefined) this.#truth?.takeCounts(place, counts.truth);
    }
  }

  /** Adds what the values of the ground truth are. @param kind if it is known, other than by the file */
  surveyTruth(survey: LabelKindSurvey, kind: MeasureFolderOptions['as']): void {
    this.#truth?.addTo(survey, kind);
  }

  /** Leaves objects out, when all are counted. @throws UsageError for more ROIs than can be written */
  select({ isDropped }: RegionWork): void {
    for (const { measurer, slices } of this.#collected) {
      measurer.drop(isDropped);
      if (!this.#options.format.includes('roi')) continue;
      const isKept = (label: number): boolean => measurer.pixelsOf(label) > 0;
      requireRoiCount(slices?.count(isKept) ?? measurer.objects.labels.filter(isKept).length, {
        file: this.info.source,
        // Formats are the same in all jobs of a measurement.
        ...(this.#options.parts && { remedy: `Write GeoJSON into another ${option('out')}.` }),
      });
    }
  }

  /** Of the objects of a block, when those of all blocks are counted and selected. */
  async valuesOf(place: PartPlace, { kinds }: RegionWork): Promise<PartValues> {
    const { measurer, outlines, box } = this.#at(place);
    const block = new LabelBlock(await this.#readLabels(place.t, box), { start: box.start });
    const isKept = (label: number): boolean => measurer.pixelsOf(label) > 0;
    const image = this.#image && (await this.#readValues(this.#image, place.t, box));
    const objects = measurer.valuesOf(block, image);
    const runs = outlines && runsOfBlock(block, isKept);
    const labels = this.#truth || this.#classes ? keptLabels(block, box, isKept) : undefined;
    return {
      ...{ objects, runs },
      compared: labels && (await this.#truth?.compared(place, labels, kinds)),
      classes: labels && (await this.#classesOf(place, labels)),
    };
  }

  async #classesOf(place: PartPlace, labels: IntegerArray): Promise<ClassPixels | undefined> {
    if (this.#classes === undefined) return undefined;
    const { box } = this.#at(place);
    const classes = await this.#readLabels(place.t, box, this.#classes);
    const isClass = (value: number): boolean => this.#options.nameOf?.(value) !== undefined;
    return classPixels(labels, classes, { isClass, indexOf: indexIn(box, this.#shape) });
  }

  /** The objects of each time point. */
  async measure(work: RegionWork): Promise<readonly MeasuredRegions[]> {
    const found: MeasuredRegions[] = [];
    this.select(work);
    for (const place of this.places) {
      const { measurer, outlines, classes } = this.#at(place);
      const values = await (this.#options.parts?.values(place) ?? this.valuesOf(place, work));
      measurer.takeValues(values.objects);
      if (values.runs !== undefined) outlines?.take(values.runs);
      if (values.compared !== undefined) this.#truth?.takeCompared(place, values.compared, work.kinds);
      if (values.classes !== undefined) classes?.take(values.classes);
    }
    const { rank } = extentsOf(this.#shape);
    const { nameOf } = this.#options;
    for (const [t, { measurer, outlines, classes }] of this.#collected.entries()) {
      const { labels } = measurer.objects;
      const inside = labels.reduce((sum, label) => sum + measurer.pixelsOf(label), 0);
      const frame = this.#collected.length > 1 ? t : undefined;
      found.push({
        table: measurer.table(),
        shape: this.#shape,
        covered: inside / elementCount(this.#shape),
        outlines: outlines?.result().map((of, z) => ({ z: rank === 3 ? z : undefined, t: frame, outlines: of })),
        compared: this.#truth?.table(t),
        classes: classes && nameOf && namedClasses(classes.result(), nameOf),
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
