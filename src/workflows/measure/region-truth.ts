/** The ground truth of a label map that is measured by region: what its values are, and how objects overlap with its own. */

import { ndarray } from '../../array/ndarray.ts';
import { type LabelKind, type LabelKindSurvey, pieceConnectivity } from '../../dataset/labels/label-kind.ts';
import { addCounts, labelPages, requireLabels, stackLabels } from '../../dataset/labels/labels.ts';
import { maskOfValues } from '../../evaluate/ignore-mask.ts';
import { type ComparedBlock, ObjectParts } from '../../evaluate/object-parts.ts';
import type { ImageInfo, Region } from '../../image/source.ts';
import type { Contingency } from '../../metrics/contingency.ts';
import { type BlockGrid, blockGrid } from '../../objects/blocks/block-grid.ts';
import { type ValuePieces, ValuePiecesByBlocks } from '../../objects/blocks/value-pieces.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { type OpenedImage, readBox } from '../opened-images.ts';
import { without } from './inputs.ts';
import { classMask, type MeasuredKinds } from './label-objects.ts';
import type { PartPlace, TruthCounts } from './part-records.ts';

/** Of one time point. */
interface Counted {
  readonly pieces: ValuePiecesByBlocks;
  readonly counts: Map<number, number>;
}

export class RegionTruth {
  readonly info: ImageInfo;
  readonly #opened: OpenedImage;
  readonly #boxes: readonly Region[];
  readonly #grid: BlockGrid;
  readonly #countsPieces: boolean;
  /** Of each time point. */
  readonly #counted = new Map<number, Counted>();
  readonly #parts = new Map<number, ObjectParts>();

  /** @param boxes of a grid of this shape, in raster order */
  constructor(
    opened: OpenedImage,
    shape: readonly number[],
    boxes: readonly Region[],
    { as }: { readonly as: LabelKind | undefined },
  ) {
    this.info = opened.info;
    this.#opened = opened;
    this.#boxes = boxes;
    this.#grid = blockGrid(shape, (boxes[0] as Region).shape);
    this.#countsPieces = as === undefined;
  }

  close(): Promise<void> {
    return this.#opened.source.close();
  }

  async #pagesOf({ t, index }: Omit<PartPlace, 'name'>) {
    const pages = labelPages(await readBox(this.#opened, t, this.#boxes[index] as Region));
    requireLabels(pages);
    return pages;
  }

  #countedAt(t: number): Counted {
    const connectivity = pieceConnectivity(this.#grid.shape);
    const known = this.#counted.get(t);
    const counted = known ?? { pieces: new ValuePiecesByBlocks(this.#grid, { connectivity }), counts: new Map() };
    this.#counted.set(t, counted);
    return counted;
  }

  /** What the values of a block are. @throws DatasetError for what are no labels */
  async countsOf({ t, index }: PartPlace): Promise<TruthCounts> {
    const pages = await this.#pagesOf({ t, index });
    if (this.#countsPieces) {
      const { data, dtype } = stackLabels(pages);
      const block = ndarray(dtype, (this.#boxes[index] as Region).shape, data);
      return { pieces: this.#countedAt(t).pieces.piecesOf(block, index) };
    }
    const counts = addCounts(new Map(), pages);
    return { counts: { values: Float64Array.from(counts.keys()), pixels: Float64Array.from(counts.values()) } };
  }

  /** Of the next block of a time point. */
  takeCounts({ t }: PartPlace, { pieces, counts }: TruthCounts): void {
    const counted = this.#countedAt(t);
    if (pieces !== undefined) counted.pieces.take(pieces);
    for (const [k, value] of counts?.values.entries() ?? []) {
      counted.counts.set(value, (counted.counts.get(value) ?? 0) + (counts?.pixels[k] as number));
    }
  }

  /** After all blocks were counted. @param kind of its values, if it is known other than by the file */
  addTo(survey: LabelKindSurvey, kind: LabelKind | undefined): void {
    for (const { pieces, counts } of this.#counted.values()) {
      const values = this.#countsPieces ? pieces.result() : [...counts].map(piece);
      survey.addCounted(values, this.info.labelKind ?? kind);
    }
  }

  #partsOf(t: number, { truth }: MeasuredKinds): ObjectParts {
    const by = truth.kind === 'objects' ? 'label' : 'component';
    const parts = this.#parts.get(t) ?? new ObjectParts(this.#grid, { truth: by, prediction: 'label' });
    this.#parts.set(t, parts);
    return parts;
  }

  /** How objects overlap in a block. @param objects its labels */
  async compared(
    { t, index }: Omit<PartPlace, 'name'>,
    objects: IntegerArray,
    kinds: MeasuredKinds,
  ): Promise<ComparedBlock> {
    const { truth, ignored } = kinds;
    const { data, dtype } = stackLabels(await this.#pagesOf({ t, index }));
    const own = ndarray(dtype, objects.shape, data) as IntegerArray;
    const labels = without(own, ignored.truth);
    const classes = truth.kind === 'objects' ? labels : classMask(labels, truth);
    return this.#partsOf(t, kinds).compared(classes, objects, index, maskOfValues(own, ignored.truth));
  }

  /** Of the next block of a time point. */
  takeCompared({ t }: PartPlace, block: ComparedBlock, kinds: MeasuredKinds): void {
    this.#partsOf(t, kinds).take(block);
  }

  /** Of a time point, after all blocks were compared. */
  table(t: number): Contingency | undefined {
    return this.#parts.get(t)?.table();
  }
}

const piece = ([value, pixels]: readonly [number, number]): ValuePieces => ({ value, pixels, pieces: 1 });
