/** The order and positions of the slices of a series. */

import type { DType, Storage } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { added, cross, dot, norm, scaled } from '../../geometry.ts';
import type { Geometry, Spacings, Vector3 } from '../../image.ts';
import type { FramePlace } from './frames.ts';
import type { DicomHeader } from './header.ts';

/** Slices closer than this are at the same position. */
export const TOUCHING_MM = 1e-3;
/** Distances that differ by less than this fraction of their median count as even, as headers are rounded. */
const UNEVEN = 0.01;
/** A gantry counts as tilted from this angle; less is rounding. */
const TILT_DEGREES = 0.1;

export interface Slice {
  readonly header: DicomHeader;
  /** Number of the frame, counted through all parts of an image in several files. */
  readonly frame: number;
  readonly place: FramePlace;
  /** Position along the normal in mm; the order for frames without a position. */
  readonly along: number | undefined;
  readonly data: Storage[DType];
}

/** In order [t][z]; duplicate slices are dropped. */
export function arrange(
  slices: readonly Slice[],
  notes: string[],
): { readonly ordered: readonly Slice[]; readonly times: number } {
  if (slices.length === 1) return { ordered: slices, times: 1 };
  const isMultiFrame = new Set(slices.map(({ header }) => header)).size === 1;
  if (slices.some(({ along }) => along === undefined)) {
    if (isMultiFrame)
      return { ordered: slices, times: slices[0]?.header.frameTimeMs === undefined ? 1 : slices.length };
    notes.push('The slices have no positions; they are ordered by their number.');
    const byNumber = [...slices].sort(
      (a, b) => (a.header.instanceNumber ?? 0) - (b.header.instanceNumber ?? 0) || a.frame - b.frame,
    );
    return { ordered: byNumber, times: 1 };
  }
  const sorted = [...slices].sort((a, b) => (a.along as number) - (b.along as number) || byRepetition(a, b));
  const places: Slice[][] = [];
  for (const slice of sorted) {
    const last = places.at(-1);
    if (last !== undefined && (slice.along as number) - (last[0]?.along as number) < TOUCHING_MM) last.push(slice);
    else places.push([slice]);
  }
  const kept = places.map((same) => withoutCopies(same).sort(byRepetition));
  const dropped = slices.length - kept.reduce((sum, same) => sum + same.length, 0);
  if (dropped > 0)
    notes.push(`${dropped} slice${dropped === 1 ? ' is' : 's are'} duplicated with the same pixels: ignored.`);
  const times = kept[0].length;
  requireEven(kept);
  if (times > 1) notes.push(describeRepetitions(kept));
  return { ordered: Array.from({ length: times }, (_, t) => kept.map((same) => same[t])).flat(), times };
}

/**
 * @throws FormatError unless each position occurs equally often, at the same times, b-values, ... according to the
 * indices
 */
function requireEven(kept: readonly (readonly Slice[])[]): void {
  const most = kept.reduce((a, b) => (b.length > a.length ? b : a));
  const [a, b] = most;
  if (kept.some((same) => same.length !== most.length)) {
    const other = a.header === b.header ? 'another frame' : `"${b.header.file}"`;
    throw new FormatError(
      `this slice lies where ${other} lies, with other pixels; other places have fewer slices than these ${most.length}.`,
      { file: a.header.file, remedy: 'Keep one acquisition per folder, or export one per file.' },
    );
  }
  const uneven = kept.find((same) => same.some(({ place }, t) => compare(place.index, most[t].place.index) !== 0));
  if (uneven !== undefined) {
    const names = a.header.dimensions.join(', ');
    throw new FormatError(`the frames were not taken at the same ${names} everywhere, so they make no common axis.`, {
      file: a.header.file,
      remedy: 'Export one acquisition per file.',
    });
  }
}

function describeRepetitions(kept: readonly (readonly Slice[])[]): string {
  const [same] = kept;
  const names = same[0].header.dimensions.filter((_, i) =>
    same.some(({ place }) => place.index[i] !== same[0].place.index[i]),
  );
  const told = names.length === 0 ? '' : `, told apart by ${[...new Set(names)].join(' and ')}`;
  const isTold = names.length > 0 || new Set(same.map(({ header }) => header)).size === same.length;
  const order = isTold ? '' : ' Their order of acquisition is unknown; the order of the file is used.';
  return `Each place was taken ${same.length} times${told}: these make the time axis.${order}`;
}

/** Lexicographic comparison of two lists of numbers. */
export function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function byRepetition(a: Slice, b: Slice): number {
  return (
    compare(a.header.repetition, b.header.repetition) ||
    compare(a.place.index, b.place.index) ||
    (a.header.instanceNumber ?? 0) - (b.header.instanceNumber ?? 0) ||
    a.frame - b.frame
  );
}

/** Drops slices with the same pixels as another of the same time, echo, ... */
function withoutCopies(same: readonly Slice[]): Slice[] {
  const kept: Slice[] = [];
  for (const slice of same) {
    const isCopy = kept.some(
      (other) =>
        compare(slice.header.repetition, other.header.repetition) === 0 &&
        compare(slice.place.index, other.place.index) === 0 &&
        other.data.every((value: number | bigint, i: number) => value === slice.data[i]),
    );
    if (!isCopy) kept.push(slice);
  }
  return kept;
}

/** Spacing and geometry of ordered slices; notes uneven, missing or tilted ones. */
export function placeSlices(
  slices: readonly Slice[],
  notes: string[],
): { readonly spacing: Spacings; readonly geometry?: Geometry } {
  const { place } = slices[0];
  const { spacingMm, orientation, position, thicknessMm } = place;
  const inPlane: Spacings =
    spacingMm === undefined ? {} : { y: { value: spacingMm[1], unit: 'mm' }, x: { value: spacingMm[0], unit: 'mm' } };
  const along = slices.map((slice) => slice.along);
  const thickness = thicknessMm === undefined ? {} : { thicknessMm };
  if (orientation === undefined || position === undefined || along.some((at) => at === undefined)) {
    const between = slices.length > 1 ? place.betweenMm : undefined;
    return { spacing: { ...(between === undefined ? {} : { z: { value: between, unit: 'mm' } }), ...inPlane } };
  }
  const normal = cross(...orientation);
  const [x, y] = orientation;
  if (slices.length === 1) {
    return { spacing: inPlane, geometry: { originMm: position, direction: [x, y, normal], ...thickness } };
  }
  const positions = (along as number[]).map((at) => at - (along[0] as number));
  const span = positions.at(-1) as number;
  const distance = span / (slices.length - 1);
  const uneven = describeGaps(positions, notes);
  // From the first slice to the last: with a tilted gantry this is not along the normal.
  const last = (slices.at(-1) as Slice).place.position as Vector3;
  const step = scaled(added(last, scaled(position, -1)), 1 / span);
  const tilt = (Math.acos(Math.min(1, dot(step, normal) / norm(step))) * 180) / Math.PI;
  const tilted = tilt > TILT_DEGREES;
  const aside = slices.map(({ place: { position: at = position } }, i) =>
    norm(added(at, scaled(added(position, scaled(step, positions[i])), -1))),
  );
  const furthest = Math.max(...aside);
  if (furthest > Math.max(...(spacingMm ?? [1])) / 2) {
    notes.push(
      `The slices do not lie over each other: some are shifted by up to ${Number(furthest.toPrecision(3))} mm.`,
    );
  }
  if (tilted) {
    notes.push(`The gantry is tilted by ${tilt.toFixed(1)} degrees: slices lie shifted over each other, not upright.`);
  }
  return {
    spacing: { z: { value: distance, unit: 'mm' }, ...inPlane },
    geometry: {
      originMm: position,
      direction: [x, y, tilted ? step : normal],
      ...(uneven ? { slicePositionsMm: positions } : {}),
      ...thickness,
    },
  };
}

/**
 * The usual distance of slices: the median, the lower of the middle two for an even count. Not the mean, because it
 * must be a distance that occurs; and the lower, because missing slices only lengthen gaps.
 */
export function usualGap(gaps: readonly number[]): number {
  return [...gaps].sort((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)];
}

/** Whether the distances of slices differ; notes how. */
function describeGaps(positions: readonly number[], notes: string[]): boolean {
  const gaps = positions.slice(1).map((at, i) => at - positions[i]);
  const usual = usualGap(gaps);
  const odd = gaps.filter((gap) => Math.abs(gap - usual) > UNEVEN * usual);
  if (odd.length === 0) return false;
  const mm = (value: number) => Number(value.toPrecision(4));
  const holes = odd.every((gap) => {
    const times = gap / usual;
    return times > 1.5 && Math.abs(times - Math.round(times)) < 0.1;
  });
  if (holes) {
    const missing = odd.reduce((sum, gap) => sum + Math.round(gap / usual) - 1, 0);
    const where = gaps.findIndex((gap) => odd.includes(gap));
    notes.push(
      `${missing} slice${missing === 1 ? ' is' : 's are'} missing: slices are ${mm(usual)} mm apart, but slice ${where + 1} and the next are ${mm(gaps[where])} mm.`,
    );
  } else {
    notes.push(`The slices lie at uneven distances, ${mm(Math.min(...gaps))} to ${mm(Math.max(...gaps))} mm.`);
  }
  return true;
}
