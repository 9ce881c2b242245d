/** Labelled volumes: which pages are slices of one, which are held out, and how large their voxels are. */

import { addTo } from '../../../array/lists.ts';
import type { VolumePages } from '../../../dataset/patch-position.ts';
import { hasAnnotation, type PreparedDataset, type PrepareOptions, prepareDataset } from '../../../dataset/prepare.ts';
import type { RawDataset, RawPage } from '../../../dataset/raw.ts';
import { type SplitChoice, splitItems } from '../../../dataset/split.ts';
import { counted, DatasetError, option, UsageError } from '../../../errors.ts';
import { lengthText } from '../../../input/pixel-size.ts';
import type { Triple } from '../../../models/unet3d.ts';

/** Of which volume a page is a slice: each time of a series is one. */
export const volumeOf = ({ file, page, slices = 1 }: RawPage): string => `${file} ${Math.floor(page / slices)}`;

/** Slices of volumes by their volume, in the order of the data. */
export function volumesIn(pages: readonly RawPage[]): ReadonlyMap<string, readonly RawPage[]> {
  const volumes = new Map<string, RawPage[]>();
  for (const page of pages) addTo(volumes, volumeOf(page), page);
  return volumes;
}

/** Share of the slices of a single volume that are left out beside those held out, since neighbours are alike. */
const GAP = 0.05;
/** Slices of a single volume of which some can be held out. */
const LEAST_SLICES = 5;

interface VolumeSplit {
  readonly choice: SplitChoice;
  /** Names of pages that are neither trained on nor scored. */
  readonly leftOut: ReadonlySet<string>;
  /** In place of that of the choice. */
  readonly reason?: string;
}

/**
 * Whole volumes are held out; of a single one, its last slices, or others if those lack a class, with a gap.
 * @throws UsageError for more folds than volumes
 */
function splitVolumes(pages: readonly RawPage[], choice: SplitChoice, seed: number): VolumeSplit {
  const volumes = volumesIn(pages);
  const asGiven = { choice, leftOut: new Set<string>() };
  if ('folds' in choice) {
    if (choice.folds <= volumes.size) return asGiven;
    throw new UsageError(
      `${choice.folds} folds need as many volumes; there ${volumes.size === 1 ? 'is' : 'are'} ${volumes.size}.`,
      {
        remedy:
          volumes.size === 1
            ? `Use ${option('split', 0.2)}, which holds out slices of the one volume.`
            : `Use ${option('folds', volumes.size)} or fewer.`,
      },
    );
  }
  const hasRegions = pages.some(({ annotation }) => annotation !== undefined);
  if (!('fraction' in choice) || choice.fraction === 0 || hasRegions) return asGiven;
  const times = new Set(pages.map(({ file }) => file)).size === 1 && volumes.size > 1;
  if (times) {
    const held = Math.min(volumes.size - 1, Math.max(1, Math.round(choice.fraction * volumes.size)));
    const names = [...volumes.values()].slice(-held).flatMap((slices) => slices.map(({ name }) => name));
    return {
      ...asGiven,
      choice: { pages: names },
      reason: `validation: the last ${counted(held, 'time')} of ${volumes.size} of the one series`,
    };
  }
  if (volumes.size > 1) return asGiven;
  const count = pages.length;
  if (count < LEAST_SLICES) {
    return { ...asGiven, choice: { fraction: 0 }, reason: `validation: none, the one volume has ${count} slices only` };
  }
  const { validation } = splitItems(pages, choice, { seed });
  const [from, to] = [validation[0] as number, validation.at(-1) as number];
  const gap = Math.max(1, Math.round(GAP * count));
  const [before, after] = [Math.max(0, from - gap), Math.max(0, count - 1 - to - gap)];
  // A rest much shorter than the other would limit the depth of patches.
  const isRest = (i: number): boolean => (2 * before < after ? i < from : 2 * after < before && i > to);
  const isNear = (i: number): boolean => i >= from - gap && i <= to + gap;
  const beside = pages.filter((_, i) => (i < from || i > to) && (isNear(i) || isRest(i)));
  return {
    choice: { pages: pages.slice(from, to + 1).map(({ name }) => name) },
    leftOut: new Set(beside.map(({ name }) => name)),
    reason: `validation: slices ${from} to ${to} of ${count} (from 0) of the one volume; ${counted(beside.length, 'slice')} beside them ${beside.length === 1 ? 'is' : 'are'} neither trained on nor scored, since neighbours are alike`,
  };
}

/** @throws DatasetError naming an image that is no volume */
function requireVolumes(pages: readonly RawPage[]): void {
  const flat = pages.find(({ slices = 1 }) => slices < 2);
  if (flat === undefined) return;
  const times = pages.filter(({ file }) => file === flat.file).length;
  throw new DatasetError(
    times > 1
      ? `the image has ${times} pages along time and one slice each; the network takes volumes.`
      : `the image has one slice of ${flat.width} x ${flat.height}; the network takes volumes.`,
    {
      file: flat.file,
      remedy: `Save the slices of each volume as one file with a z axis (TIFF stack, NIfTI, NRRD, OME-Zarr), or use ${option('network', 'unet')}.`,
    },
  );
}

/**
 * As `prepareDataset`, for volumes: their slices stay together, also those without annotation, which are seen around those
 * with it.
 * @throws also DatasetError for an image of one slice
 */
export function prepareVolumes(raw: RawDataset, options: PrepareOptions): PreparedDataset {
  requireVolumes(raw.pages);
  const { split: choice = { fraction: 0.2 }, seed = 0, mapping } = options;
  const split = splitVolumes(raw.pages, choice, seed);
  const annotated = new Set(
    raw.pages
      .filter(({ label }) => mapping === undefined || hasAnnotation(label, mapping))
      .map((page) => volumeOf(page)),
  );
  const prepared = prepareDataset(raw, {
    ...options,
    split: split.choice,
    takesPart: (page) => annotated.has(volumeOf(page)) && !split.leftOut.has(page.name),
  });
  const { train, split: found } = prepared;
  const volumes = runsOf(found.train.map((i) => raw.pages[i] as RawPage));
  const leftOutNote = (line: string): boolean => split.leftOut.size > 0 && line.startsWith('nothing is annotated on');
  return {
    ...prepared,
    train: { ...train, volumes },
    notes: prepared.notes.flatMap((line) =>
      line === found.reason ? [split.reason ?? line] : leftOutNote(line) ? [] : [line],
    ),
  };
}

/** Consecutive slices of one volume. */
function runsOf(pages: readonly RawPage[]): readonly VolumePages[] {
  const runs: { first: number; slices: number }[] = [];
  pages.forEach((page, i) => {
    const before = pages[i - 1];
    const isNext = before !== undefined && volumeOf(before) === volumeOf(page) && before.page + 1 === page.page;
    if (isNext) (runs.at(-1) as { slices: number }).slices++;
    else runs.push({ first: i, slices: 1 });
  });
  return runs;
}

/** Sizes that differ more are not trained together: kernels are chosen for one. */
const MOST_APART = 2;
/** Sizes that differ less are not worth a word: augmentation covers them. */
const ALIKE = 1.25;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number;

const voxelText = (size: readonly number[]): string => size.toReversed().map(lengthText).join(' x ');

/**
 * The usual size of the voxels of volumes, in mm; of cubes where files state none.
 * @throws DatasetError for volumes of which one has voxels more than twice as large as another along an axis
 */
export function spacingOf(pages: readonly RawPage[]): { readonly spacing: Triple; readonly notes: readonly string[] } {
  const known = [...volumesIn(pages).values()].flatMap(([first, ...others]) => {
    const { pixelMm, file } = first as RawPage;
    const steps = [first as RawPage, ...others].flatMap(({ sliceMm }) => (sliceMm === undefined ? [] : [sliceMm]));
    return pixelMm === undefined || steps.length === 0 ? [] : [{ file, size: [median(steps), ...pixelMm] as const }];
  });
  if (known.length === 0) {
    const remedy = `${option('spacingMm', 'Z,Y,X')} sets it`;
    return { spacing: [1, 1, 1], notes: [`voxels: taken as cubes, since no file states their size (${remedy})`] };
  }
  const spacing = [0, 1, 2].map((axis) => median(known.map(({ size }) => size[axis] as number))) as unknown as Triple;
  const apart = [0, 1, 2].map((axis) => {
    const sorted = known.toSorted((a, b) => (a.size[axis] as number) - (b.size[axis] as number));
    const [least, most] = [sorted[0], sorted.at(-1)] as [(typeof known)[number], (typeof known)[number]];
    return { least, most, times: (most.size[axis] as number) / (least.size[axis] as number) };
  });
  const worst = apart.reduce((a, b) => (b.times > a.times ? b : a));
  if (worst.times > MOST_APART) {
    throw new DatasetError(
      `its voxels are ${voxelText(worst.most.size)} in size, those of "${worst.least.file}" ${voxelText(worst.least.size)}: the network is made for one size.`,
      { file: worst.most.file, remedy: 'Resample the volumes to one voxel size, or train on those alike.' },
    );
  }
  const differ =
    worst.times > ALIKE
      ? [`voxels differ in size among volumes by up to ${worst.times.toFixed(2)}: the network is made for the median`]
      : [];
  return { spacing, notes: [`voxels: ${voxelText(spacing)}`, ...differ] };
}
