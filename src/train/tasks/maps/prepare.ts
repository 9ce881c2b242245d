/** Data of a network that learns stars or flows: pages that keep the numbers of their objects. */

import type { LabelMapping, LabelPage } from '../../../dataset/labels/labels.ts';
import { numbersOf } from '../../../dataset/labels/numbered.ts';
import { noMemo } from '../../../dataset/memo.ts';
import { inMemory } from '../../../dataset/memory.ts';
import { type PreparedDataset, type PrepareOptions, prepareDataset } from '../../../dataset/prepare.ts';
import type { RawDataset, RawPage } from '../../../dataset/raw.ts';
import { DatasetError, option } from '../../../errors.ts';

/** As `prepareDataset`. @throws DatasetError for labels that do not number objects; as that */
export function prepareNumbered(raw: RawDataset, options: PrepareOptions = {}): PreparedDataset {
  const { memo = noMemo, allocate } = options;
  const prepared = prepareDataset(raw, options);
  requireNumbered(
    prepared.mapping,
    raw.pages.map(({ label }) => label),
  );
  const pages = prepared.train.pages.map((page, i) => {
    const { label } = raw.pages[prepared.split.train[i] as number] as RawPage;
    return { ...page, objects: memo(page.label, 'numbers', () => inMemory(numbersOf(label, page.label), allocate)) };
  });
  return { ...prepared, train: { ...prepared.train, pages } };
}

/** @throws DatasetError for labels that do not number objects */
export function requireNumbered({ kind, classes }: LabelMapping, labels: readonly LabelPage[]): void {
  const why = (problem: string): DatasetError =>
    new DatasetError(`${problem}, so how to tell objects apart cannot be learned from them.`, {
      file: labels[0]?.source,
      remedy: `Number the objects of each image 1, 2, 3, ..., or remove ${option('separate')}.`,
    });
  if (kind !== 'instances' || classes.length !== 2) throw why('the labels name classes and do not number objects');
  const found = new Set<number>();
  for (const { values } of labels) for (const value of values) if (value !== 0) found.add(value);
  if (found.size < 2) throw why('the labels hold one value besides the background and do not number objects');
}
