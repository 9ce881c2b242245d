/** Dice and surface distances per held-out patient or stack. */

import { concatenate } from '../array/bytes.ts';
import { ndarray } from '../array/ndarray.ts';
import { applyMapping } from '../dataset/labels/labels.ts';
import type { RawPage } from '../dataset/raw.ts';
import { nameOfStack, stacksOf } from '../dataset/split.ts';
import { ignoreMask, maskOf } from '../evaluate/ignore-mask.ts';
import { volumeScores } from '../metrics/volume-scores.ts';
import { namedScores } from '../report/kit/volume-table.ts';
import type { StackScores } from '../report/run/data.ts';
import type { RunConfig } from '../train/config.ts';
import { shortNames } from './report-facts.ts';

/** Voxel size in mm that overrides the files' value. */
export type GivenSpacing = readonly [z: number | null, y: number, x: number];

/** Whether a run segments foreground from background on slices that form a volume or have a pixel size. */
export function hasStacks({ recipe, metric }: RunConfig, pages: readonly RawPage[]): boolean {
  const { classes, kind } = recipe.labels;
  if (classes.length !== 2 || kind === 'instances' || metric?.kind === 'v-rand') return false;
  return pages.some(({ pixelMm }) => pixelMm !== undefined) || stacksOf(pages).some(({ items }) => items.length > 1);
}

/**
 * Scores per stack; the slices of one file form one volume.
 * @param found predicted class of each pixel of each slice
 */
export function stackScores(
  pages: readonly RawPage[],
  found: readonly Uint8Array[],
  { recipe }: RunConfig,
  spacing?: GivenSpacing,
): readonly StackScores[] {
  const stacks = stacksOf(pages).map((stack) => {
    const { items } = stack;
    const first = pages[items[0] as number] as RawPage;
    return { items, first, name: (items.length > 1 && nameOfStack(stack)) || first.file };
  });
  const names = shortNames(stacks.map(({ name }) => name));
  return stacks.map(({ items, first }, s) => {
    const { height, width } = first;
    const shape = [items.length, height, width];
    const actual = concatenate(items.map((i) => applyMapping((pages[i] as RawPage).label, recipe.labels)));
    const inside = (classes: Uint8Array) => ndarray('uint8', shape, maskOf(classes, 1));
    const volume = items.length > 1 && items.every((i) => (pages[i] as RawPage).file === first.file);
    const pixelMm = spacing === undefined ? first.pixelMm : ([spacing[1], spacing[2]] as const);
    const given = spacing?.[0] ?? undefined;
    const sliceMm = items.map((i) => given ?? (pages[i] as RawPage).sliceMm);
    return namedScores(
      names[s] as string,
      volumeScores(inside(actual), inside(concatenate(items.map((i) => found[i] as Uint8Array))), {
        volume,
        pixelMm,
        ...(sliceMm.every((step) => step !== undefined) ? { sliceMm } : {}),
        ...ignoreMask(actual, shape),
      }),
    );
  });
}
