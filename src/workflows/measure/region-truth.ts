/** The ground truth of a label map that is measured by region: what its values are, and how objects overlap with its own. */

import { ndarray } from '../../array/ndarray.ts';
import { type LabelKind, type LabelKindSurvey, pieceConnectivity } from '../../dataset/labels/label-kind.ts';
import { addCounts, labelPages, requireLabels, stackLabels } from '../../dataset/labels/labels.ts';
import { maskOfValues } from '../../evaluate/ignore-mask.ts';
import { ObjectParts } from '../../evaluate/object-parts.ts';
import type { Region } from '../../image/source.ts';
import type { Contingency } from '../../metrics/contingency.ts';
import { type BlockGrid, blockGrid } from '../../objects/blocks/block-grid.ts';
import { type ValuePieces, ValuePiecesByBlocks } from '../../objects/blocks/value-pieces.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { type OpenedImage, readBox } from '../opened-images.ts';
import { without } from './inputs.ts';
import { classMask, type MeasuredKinds } from './label-objects.ts';
import type { PartPlace } from './parts.ts';

export class RegionTruth {
  readonly #opened: OpenedImage;
  readonly #boxes: readonly Region[];
  readonly #grid: BlockGrid;
  /** Whether connected pieces of values tell what they are. */
  readonly #countsPieces: boolean;
  /** Of each time point. */
  readonly #values: (readonly ValuePieces[])[] = [];
  readonly #parts = new Map<number, ObjectParts>();

  /** @param boxes of a grid of this shape, in raster order */
  constructor(
    opened: OpenedImage,
    shape: readonly number[],
    boxes: readonly Region[],
    { as }: { readonly as: LabelKind | undefined },
  ) {
    this.#opened = opened;
    this.#boxes = boxes;
    this.#grid = blockGrid(shape, (boxes[0] as Region).shape);
    this.#countsPieces = as === undefined;
  }

  close(): Promise<void> {
    return this.#opened.source.close();
  }

  async #pagesOf(t: number, box: Region) {
    const pages = labelPages(await readBox(this.#opened, t, box));
    requireLabels(pages);
    return pages;
  }

  /** Reads all of it to see what its values are. @throws DatasetError for what are no labels */
  async count(times: number): Promise<void> {
    const connectivity = pieceConnectivity(this.#grid.shape);
    for (let t = 0; t < times; t++) {
      const pieces = this.#countsPieces ? new ValuePiecesByBlocks(this.#grid, { connectivity }) : undefined;
      const counts = new Map<number, number>();
      for (const box of this.#boxes) {
        const pages = await this.#pagesOf(t, box);
        const { data, dtype } = stackLabels(pages);
        if (pieces === undefined) addCounts(counts, pages);
        else pieces.add(ndarray(dtype, box.shape, data));
      }
      this.#values.push(pieces?.result() ?? [...counts].map(([value, pixels]) => ({ value, pixels, pieces: 1 })));
    }
  }

  /** @param kind of its values, if it is known other than by the file */
  addTo(survey: LabelKindSurvey, kind: LabelKind | undefined): void {
    for (const values of this.#values) survey.addCounted(values, this.#opened.info.labelKind ?? kind);
  }

  /** Adds the next block of a time point. @param objects its labels */
  async compare({ t, index }: PartPlace, objects: IntegerArray, { truth, ignored }: MeasuredKinds): Promise<void> {
    const box = this.#boxes[index] as Region;
    const { data, dtype } = stackLabels(await this.#pagesOf(t, box));
    const own = ndarray(dtype, box.shape, data) as IntegerArray;
    const by = truth.kind === 'objects' ? 'label' : 'component';
    const parts = this.#parts.get(t) ?? new ObjectParts(this.#grid, { truth: by, prediction: 'label' });
    this.#parts.set(t, parts);
    const labels = without(own, ignored.truth);
    parts.add(by === 'label' ? labels : classMask(labels, truth), objects, maskOfValues(own, ignored.truth));
  }

  /** Of a time point, after all blocks were compared. */
  table(t: number): Contingency | undefined {
    return this.#parts.get(t)?.table();
  }
}
