/** Predictions and ground truth that are scored block by block: opened, divided into blocks, and what their values are. */

import { bytesPer, ndarray } from '../array/ndarray.ts';
import { LabelKindSurvey, pieceConnectivity } from '../dataset/labels/label-kind.ts';
import { addCounts, type LabelPage, labelPages, requireLabels, stackLabels } from '../dataset/labels/labels.ts';
import { PaletteSurvey } from '../dataset/labels/palettes.ts';
import type { WritableFiles } from '../files.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ImageNotes } from '../image/notes.ts';
import type { Region } from '../image/source.ts';
import { type Page, pagesOf } from '../input/planes.ts';
import { type BlockGrid, blockGrid, boxOf } from '../objects/blocks/block-grid.ts';
import { type ValuePieces, ValuePiecesByBlocks } from '../objects/blocks/value-pieces.ts';
import type { IntegerArray } from '../objects/grid.ts';
import type { Match } from './evaluate-items.ts';
import type { ListedImage } from './image-list.ts';
import { boxesOf, gridShape, type OpenedImage, openAtLevel, readBox } from './opened-images.ts';
import { differingSizes } from './pixel-sizes.ts';

/** Bytes per pixel beside the values as they are stored: as numbers, classes, renumbered and grouped. */
const BYTES_PER_PIXEL = 50;

/** A prediction and its ground truth. */
export interface OpenedPair {
  readonly name: string;
  readonly prediction: OpenedImage;
  readonly truth: OpenedImage;
}

/** About what a pixel of these images takes while they are scored. */
export const bytesPerPixel = (images: readonly OpenedImage[]): number =>
  BYTES_PER_PIXEL + images.reduce((sum, { info }) => sum + 2 * bytesPer(info.dtype) * sizes(info).channels, 0);

/** What is scored together, in blocks: an image, a volume, or a slice of one. */
export interface Blocks {
  readonly t: number;
  /** [h, w], or [d, h, w] of a volume. */
  readonly grid: BlockGrid;
  /** Along the axes of `gridShape`. */
  regionAt(index: number): Region;
}

/** The images, volumes or slices of images on one grid. @param bytes for one block */
export function blocksOf(
  images: readonly [OpenedImage, ...OpenedImage[]],
  { bytes, slices = false }: { readonly bytes: number; readonly slices?: boolean },
): readonly Blocks[] {
  const [{ info }] = images;
  const boxes = boxesOf(images, bytes / bytesPerPixel(images));
  const shape = gridShape(info);
  const { times } = sizes(info);
  const of = (t: number, whole: readonly number[], z: readonly number[]): Blocks => {
    const [box] = boxes as readonly [Region];
    const grid = blockGrid(whole, box.shape.slice(z.length));
    return {
      t,
      grid,
      regionAt: (index) => {
        const { start, shape: own } = boxOf(grid, index);
        return { start: [...z, ...start], shape: [...z.map(() => 1), ...own] };
      },
    };
  };
  return Array.from({ length: times }, (_, t) =>
    slices && shape.length > 2
      ? Array.from({ length: shape[0] as number }, (_plane, z) => of(t, shape.slice(1), [z]))
      : [of(t, shape, [])],
  ).flat();
}

/** The labels of a block. @throws DatasetError for negative ones that are not ignored */
export async function readTruth(
  image: OpenedImage,
  { t, grid, regionAt }: Blocks,
  index: number,
  ignore: readonly number[],
): Promise<LabelPage & { readonly map: IntegerArray }> {
  const pages = labelPages(await readBox(image, t, regionAt(index)));
  requireLabels(pages, ignore);
  const { data: values, dtype } = stackLabels(pages);
  const map = ndarray(dtype, boxOf(grid, index).shape, values);
  // One row: what is done pixel by pixel does not ask where they are.
  return { values, map, height: 1, width: values.length, colour: false, source: image.info.source ?? 'labels' };
}

/** The slices of a block of a prediction; of one channel as one row. */
export async function readPrediction(
  image: OpenedImage,
  { t, regionAt }: Blocks,
  index: number,
  areLabels: boolean,
): Promise<readonly Page[]> {
  const read = await readBox(image, t, regionAt(index));
  if (!areLabels) return pagesOf(read);
  const { data } = stackLabels(labelPages(read));
  return [{ data, channels: 1, height: 1, width: data.length }];
}

/** What the values of an image are. */
interface ImageFacts {
  /** Whether they may be labels: whole numbers in one channel. */
  readonly areLabels: boolean;
  /** Of each time point, if they are. */
  readonly maps: readonly (readonly ValuePieces[])[];
  readonly palette?: Image['palette'];
}

/** What is found by reading all pairs once. */
export interface SurveyedPairs {
  readonly pairs: readonly OpenedPair[];
  readonly truth: LabelKindSurvey;
  readonly prediction: LabelKindSurvey;
  readonly palettes: PaletteSurvey;
  /** Pixels of each value of the ground truth. */
  readonly counts: ReadonlyMap<number, number>;
  /** The values of each prediction, as `predictedValues` takes them. */
  readonly predicted: readonly Pick<Page, 'data' | 'channels'>[];
  /** Whether a prediction may be labels. */
  areLabels(pair: OpenedPair): boolean;
}

export interface SurveyOptions {
  /** Bytes for one block. */
  readonly bytes: number;
  readonly ignore: readonly number[];
  /** Whether pieces of values are counted, which only tell objects from classes. */
  readonly counts: 'values' | 'pieces';
  readonly notes: ImageNotes;
}

/** Opens images and reads them block by block; each is surveyed once. Close it when they are no longer needed. */
export class RegionPairs {
  readonly #files: WritableFiles;
  readonly #opened = new Map<string, OpenedImage>();
  readonly #facts = new Map<OpenedImage, ImageFacts>();

  constructor(files: WritableFiles) {
    this.#files = files;
  }

  async close(): Promise<void> {
    for (const { source } of this.#opened.values()) await source.close();
  }

  /** Undefined if one image has to be read as a whole. */
  async open(matches: readonly Match[]): Promise<readonly OpenedPair[] | undefined> {
    const all: OpenedPair[] = [];
    for (const match of matches) {
      const prediction = await this.#open(match.prediction);
      const truth = await this.#open(match.truth);
      if (prediction === undefined || truth === undefined) return undefined;
      all.push({ name: match.prediction.name, prediction, truth });
    }
    return all;
  }

  async #open(listed: ListedImage): Promise<OpenedImage | undefined> {
    const known = this.#opened.get(listed.path);
    if (known !== undefined) return known;
    const image = await openAtLevel(this.#files, listed, { palette: 'index' });
    if (image !== undefined) this.#opened.set(listed.path, image);
    return image;
  }

  /** @throws DatasetError for ground truth that holds no labels, and negative ones */
  async survey(pairs: readonly OpenedPair[], { notes, ...options }: SurveyOptions): Promise<SurveyedPairs> {
    const { ignore } = options;
    const [ofTruth, ofPrediction] = [new LabelKindSurvey({ ignore }), new LabelKindSurvey({ ignore })];
    const palettes = new PaletteSurvey();
    const counts = new Map<number, number>();
    const predicted: Pick<Page, 'data' | 'channels'>[] = [];
    const add = ({ info }: OpenedImage, { maps, palette }: ImageFacts, survey: LabelKindSurvey): void => {
      for (const map of maps) survey.addCounted(map, info.labelKind);
      palettes.add({ values: valuesOf(maps), source: info.source ?? 'labels', palette });
    };
    for (const { prediction, truth } of pairs) {
      notes.add(prediction.info);
      notes.add(truth.info);
      notes.add({ source: truth.info.source, notes: differingSizes(truth.info, prediction.info, 'the prediction') });
      const own = await this.#factsOf(truth, 'truth', options);
      const found = await this.#factsOf(prediction, 'prediction', options);
      add(truth, own, ofTruth);
      for (const { value, pixels } of own.maps.flat()) counts.set(value, (counts.get(value) ?? 0) + pixels);
      if (found.areLabels) add(prediction, found, ofPrediction);
      const { channels } = sizes(prediction.info);
      // Of fractions any one says that they are.
      predicted.push({ data: found.areLabels ? valuesOf(found.maps) : Float64Array.of(0.5), channels });
    }
    const areLabels = ({ prediction }: OpenedPair): boolean => this.#facts.get(prediction)?.areLabels === true;
    return { pairs, truth: ofTruth, prediction: ofPrediction, palettes, counts, predicted, areLabels };
  }

  async #factsOf(
    image: OpenedImage,
    side: 'truth' | 'prediction',
    options: Omit<SurveyOptions, 'notes'>,
  ): Promise<ImageFacts> {
    const known = this.#facts.get(image);
    if (known !== undefined) return known;
    const { channels } = sizes(image.info);
    const found = side === 'prediction' && channels > 1 ? NOT_LABELS : await factsOf(image, side, options);
    this.#facts.set(image, found);
    return found;
  }
}

const NOT_LABELS: ImageFacts = { areLabels: false, maps: [] };

const valuesOf = (maps: ImageFacts['maps']): Uint32Array | Int32Array => {
  const values = [...new Set(maps.flatMap((map) => map.map(({ value }) => value)))];
  return values.some((value) => value > 0x7fffffff) ? Uint32Array.from(values) : Int32Array.from(values);
};

/** Reads all of an image. */
async function factsOf(
  image: OpenedImage,
  side: 'truth' | 'prediction',
  { bytes, ignore, counts: counting }: Omit<SurveyOptions, 'notes'>,
): Promise<ImageFacts> {
  const mayBeFractions = side === 'prediction' && image.info.dtype.startsWith('float');
  const maps: (readonly ValuePieces[])[] = [];
  let palette: Image['palette'];
  // Negative values are no labels, but of a map of fractions they are not asked about.
  let negative: unknown;
  for (const { t, grid, regionAt } of blocksOf([image], { bytes })) {
    const pieces =
      counting === 'pieces'
        ? new ValuePiecesByBlocks(grid, { connectivity: pieceConnectivity(grid.shape) })
        : undefined;
    const counts = new Map<number, number>();
    for (let index = 0; index < grid.length; index++) {
      const read = await readBox(image, t, regionAt(index));
      if (mayBeFractions && hasFractions(read.data)) return NOT_LABELS;
      const pages = labelPages(read);
      palette ??= pages[0]?.palette;
      try {
        requireLabels(pages, ignore);
      } catch (cause) {
        if (!mayBeFractions) throw cause;
        negative ??= cause;
      }
      const { data, dtype } = stackLabels(pages);
      pieces?.add(ndarray(dtype, boxOf(grid, index).shape, data));
      if (pieces === undefined) addCounts(counts, pages);
    }
    maps.push(pieces?.result() ?? [...counts].map(([value, pixels]) => ({ value, pixels, pieces: 1 })));
  }
  if (negative !== undefined) throw negative;
  return { areLabels: true, maps, palette };
}

/** Whether values are no whole numbers of 32 bits. */
function hasFractions(data: Image['data']): boolean {
  for (let p = 0; p < data.length; p++) {
    if (!Number.isInteger(data[p]) || Math.abs(data[p] as number) > 0xffffffff) return true;
  }
  return false;
}
