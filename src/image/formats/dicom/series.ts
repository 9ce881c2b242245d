/** DICOM files put together: which belong to one image, in which order they lie, and the image that they make. */

import type { DType, Storage } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { added, cross, dot, norm, planeName, scaled } from '../../geometry.ts';
import type { Geometry, Image, Spacings, Vector3 } from '../../image.ts';
import { type Rescaled, rescale } from '../../samples.ts';
import type { ReadContext } from '../format.ts';
import { type DicomHeader, type FramePlace, type ParsedDicom, parseDicom } from './header.ts';
import { readSamples } from './pixels.ts';

/** A file whose bytes are fetched when they are needed. */
export interface DicomFile {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/** Files that make one image. */
export interface DicomSeries {
  readonly headers: readonly DicomHeader[];
  /** `CT, 120 slices of 512 x 512, 0.98 x 0.98 x 3 mm, axial`: nothing in it leads to a person. */
  readonly description: string;
}

/** Directions this near, as the cosine between them, are one. */
const SAME_DIRECTION = 0.9998;

/**
 * Sorts files into images: of one series, size, pixel size, orientation and kind of value. Largest first.
 * A scout that a scanner files under the same series is told apart by its orientation.
 */
export function groupSeries(headers: readonly DicomHeader[]): readonly DicomSeries[] {
  const groups: DicomHeader[][] = [];
  for (const header of headers) {
    const group = groups.find((others) => belongs(header, others[0]));
    if (group === undefined) groups.push([header]);
    else group.push(header);
  }
  const size = (group: readonly DicomHeader[]) => group.reduce((sum, { frames }) => sum + frames.length, 0);
  return groups
    .sort((a, b) => size(b) - size(a) || (a[0].file < b[0].file ? -1 : 1))
    .map((group) => ({ headers: group, description: describeSeries(group) }));
}

function belongs(a: DicomHeader, b: DicomHeader): boolean {
  if (a.seriesKey !== b.seriesKey || a.modality !== b.modality) return false;
  if (a.rows !== b.rows || a.columns !== b.columns || a.samples !== b.samples || a.valueUnit !== b.valueUnit)
    return false;
  const [p, q] = [a.frames[0], b.frames[0]];
  if ((p.orientation === undefined) !== (q.orientation === undefined)) return false;
  if (p.orientation !== undefined && q.orientation !== undefined) {
    const turned = p.orientation.some(
      (axis, i) => dot(axis, (q.orientation as readonly [Vector3, Vector3])[i]) < SAME_DIRECTION,
    );
    if (turned) return false;
  }
  return (
    p.spacingMm?.every((value, i) => Math.abs(value - (q.spacingMm?.[i] ?? 0)) < 1e-3 * value) ??
    q.spacingMm === undefined
  );
}

function describeSeries(headers: readonly DicomHeader[]): string {
  const first = headers[0];
  const frames = headers.flatMap((header) => header.frames);
  const place = frames[0];
  const parts = [first.modality ?? 'image'];
  if (first.bodyPart !== undefined) parts.push(first.bodyPart.toLowerCase());
  parts.push(`${frames.length} slice${frames.length === 1 ? '' : 's'} of ${first.columns} x ${first.rows}`);
  const mm = [...(place.spacingMm ?? []), ...(place.spacingMm === undefined ? [] : [sliceDistance(frames)])];
  const stated = mm.filter((value) => value !== undefined).map((value) => Number(value.toPrecision(3)));
  if (stated.length > 0) parts.push(`${stated.join(' x ')} mm`);
  const { orientation: axes, position } = place;
  if (axes !== undefined) {
    parts.push(planeName({ originMm: position ?? [0, 0, 0], direction: [axes[0], axes[1], cross(...axes)] }));
  }
  return parts.join(', ');
}

function sliceDistance(frames: readonly FramePlace[]): number | undefined {
  const along = positionsAlong(frames)?.sort((a, b) => a - b);
  if (along === undefined || along.length < 2) return frames[0]?.thicknessMm;
  const gaps = along
    .slice(1)
    .map((at, i) => at - along[i])
    .filter((gap) => gap > TOUCHING_MM)
    .sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)];
}

/** How far each frame lies along the normal of the first; undefined unless all say where they are. */
function positionsAlong(frames: readonly FramePlace[]): number[] | undefined {
  const axes = frames[0]?.orientation;
  if (axes === undefined || frames.some(({ position }) => position === undefined)) return undefined;
  const normal = cross(...axes);
  return frames.map(({ position }) => dot(position as Vector3, normal));
}

/** Slices nearer than this lie at the same place. */
const TOUCHING_MM = 1e-3;
/** Distances that differ by less than this share of their median are even: headers are rounded. */
const UNEVEN = 0.01;
/** A gantry is called tilted from here; less is rounding. */
const TILT_DEGREES = 0.1;

interface Slice {
  readonly header: DicomHeader;
  readonly frame: number;
  readonly place: FramePlace;
  readonly along: number | undefined;
}

/**
 * Reads the headers of files.
 * @param head gives the first bytes of a file, which mostly hold the header; the whole file is read where they do not
 * @throws FormatError for a file that is damaged or holds no image
 */
export async function readDicomHeader(
  file: DicomFile,
  maxBytes: number,
  head?: () => Promise<Uint8Array>,
): Promise<DicomHeader> {
  if (head !== undefined) {
    try {
      return (await parseDicom(await head(), file.name, { headerOnly: true, maxBytes })).header;
    } catch (cause) {
      if (!(cause instanceof FormatError) || cause.code === 'unsupported-format') throw cause;
    }
  }
  return (await parseDicom(await file.read(), file.name, { maxBytes })).header;
}

/**
 * The image that the files of one series make. Slices are ordered by their position along the normal (towards the head
 * for axial ones), by their number where positions are missing; where every position comes back equally often, the
 * repetitions make the `t` axis. Values are rescaled: Hounsfield units for CT.
 *
 * @param files of one group of `groupSeries`, or one file
 * @throws FormatError: as `readSamples`; two different slices at one place
 */
export async function readSeries(files: readonly DicomFile[], context: ReadContext): Promise<Image> {
  const parsed: { readonly header: DicomHeader; readonly samples: Awaited<ReturnType<typeof readSamples>> }[] = [];
  let bytes = 0;
  for (const file of files) {
    const one: ParsedDicom = await parseDicom(await file.read(), file.name, { maxBytes: context.maxBytes });
    const { rows, columns, samples, frames, bitsAllocated } = one.header;
    bytes += (rows * columns * samples * frames.length * bitsAllocated) / 8;
    if (bytes > context.maxBytes) {
      throw new FormatError('the series takes more memory than the limit.', {
        file: context.file,
        remedy: 'Read a part of it; a program may raise maxBytes.',
      });
    }
    parsed.push({ header: one.header, samples: await readSamples(one, { ...context, file: file.name }) });
  }
  const first = parsed[0];
  if (first === undefined) throw new FormatError('the series has no files.', { file: context.file });
  const stranger = parsed.find(
    ({ header, samples }) => !belongs(header, first.header) || samples.dtype !== first.samples.dtype,
  );
  if (stranger !== undefined) {
    throw new FormatError(`this slice does not fit to "${first.header.file}": it is of another size, kind or series.`, {
      file: stranger.header.file,
      remedy: 'Keep one series a folder.',
    });
  }
  const notes = [...new Set(parsed.flatMap(({ header }) => header.notes))];
  const frames = parsed.flatMap(({ header }) => header.frames);
  const along = positionsAlong(frames);
  let index = 0;
  const slices: Slice[] = parsed.flatMap(({ header }) =>
    header.frames.map((place, frame) => ({ header, frame, place, along: along?.[index++] })),
  );
  const samplesOf = (slice: Slice): Storage[DType] => {
    const { header, samples } = parsed.find((one) => one.header === slice.header) as (typeof parsed)[number];
    const length = header.rows * header.columns * header.samples;
    return samples.data.subarray(slice.frame * length, (slice.frame + 1) * length);
  };
  const { ordered, times } = arrange(slices, samplesOf, notes);
  return assemble(ordered, times, samplesOf, { ...first, notes });
}

/** In order [t][z]; doubled slices are left out. */
function arrange(
  slices: readonly Slice[],
  samplesOf: (slice: Slice) => Storage[DType],
  notes: string[],
): { readonly ordered: readonly Slice[]; readonly times: number } {
  if (slices.length === 1) return { ordered: slices, times: 1 };
  const isMultiFrame = new Set(slices.map(({ header }) => header)).size === 1;
  if (slices.some(({ along }) => along === undefined)) {
    if (isMultiFrame)
      return { ordered: slices, times: slices[0]?.header.frameTimeMs === undefined ? 1 : slices.length };
    notes.push('The slices do not say where they lie; they are ordered by their number.');
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
  const kept = places.map((same) => withoutCopies(same, samplesOf));
  const dropped = slices.length - kept.reduce((sum, same) => sum + same.length, 0);
  if (dropped > 0)
    notes.push(`${dropped} slice${dropped === 1 ? ' is' : 's are'} there twice, with the same pixels: left out.`);
  const times = kept[0].length;
  const uneven = kept.find((same) => same.length !== times);
  if (uneven !== undefined) {
    const most = kept.reduce((a, b) => (b.length > a.length ? b : a));
    const [a, b] = most as [Slice, Slice];
    throw new FormatError(
      `this slice lies where "${b.header.file}" lies${a.header === b.header ? ' (another frame)' : ''}, with other pixels, and other places have one slice only.`,
      { file: a.header.file, remedy: 'Keep one acquisition a folder.' },
    );
  }
  if (times > 1) notes.push(`Each place was taken ${times} times: these make the time axis.`);
  const ordered = Array.from({ length: times }, (_, t) => kept.map((same) => [...same].sort(byRepetition)[t])).flat();
  return { ordered, times };
}

function byRepetition(a: Slice, b: Slice): number {
  for (const [i, value] of a.header.repetition.entries()) {
    const difference = value - b.header.repetition[i];
    if (difference !== 0) return difference;
  }
  return (a.header.instanceNumber ?? 0) - (b.header.instanceNumber ?? 0) || a.frame - b.frame;
}

function withoutCopies(same: readonly Slice[], samplesOf: (slice: Slice) => Storage[DType]): Slice[] {
  const kept: Slice[] = [];
  for (const slice of same) {
    const data = samplesOf(slice);
    const isCopy = kept.some((other) => {
      const others = samplesOf(other);
      return others.every((value: number | bigint, i: number) => value === data[i]);
    });
    if (!isCopy) kept.push(slice);
  }
  return kept;
}

function assemble(
  ordered: readonly Slice[],
  times: number,
  samplesOf: (slice: Slice) => Storage[DType],
  {
    header,
    samples: { dtype, photometric },
    notes,
  }: {
    readonly header: DicomHeader;
    readonly samples: { readonly dtype: DType; readonly photometric: string };
    readonly notes: string[];
  },
): Image {
  const depth = ordered.length / times;
  const { rows, columns, samples } = header;
  const plane = rows * columns;
  const parts: Rescaled[] = [];
  for (let t = 0; t < times; t++) {
    for (let s = 0; s < samples; s++) {
      for (let z = 0; z < depth; z++) {
        const slice = ordered[t * depth + z];
        const { slope, intercept } = slice.place;
        const own = samplesOf(slice).subarray(s * plane, (s + 1) * plane);
        parts.push({ data: own, slope: samples > 1 ? 1 : slope, intercept: samples > 1 ? 0 : intercept });
      }
    }
  }
  const values = rescale(parts, dtype, header.file);
  const lengths: Readonly<Record<string, number>> = { t: times, c: samples, z: depth, y: rows, x: columns };
  const axes = [...'tczyx'].filter((axis) => axis === 'y' || axis === 'x' || lengths[axis] > 1);
  const { spacing, geometry } = placeSlices(ordered.slice(0, depth), header, notes);
  const place = ordered[Math.floor(depth / 2)].place;
  const { window } = place;
  const padding = header.padding === undefined ? undefined : place.slope * header.padding + place.intercept;
  const time = times > 1 && header.frameTimeMs !== undefined ? { t: { value: header.frameTimeMs, unit: 'ms' } } : {};
  const image: Image = {
    ...values,
    shape: axes.map((axis) => lengths[axis]),
    axes: axes.join(''),
    spacing: { ...time, ...spacing },
    channels: samples === 1 ? ['grey'] : ['red', 'green', 'blue'],
    ...(geometry === undefined ? {} : { geometry }),
    ...(header.valueUnit === undefined ? {} : { valueUnit: header.valueUnit }),
    ...(header.modality === undefined ? {} : { modality: header.modality }),
    ...(window === undefined || samples > 1 ? {} : { window }),
    ...(padding === undefined || samples > 1 ? {} : { padding }),
    ...(notes.length > 0 ? { notes } : {}),
  };
  return requireColour(image, photometric, header);
}

/** Colour spaces other than RGB are refused. */
function requireColour(image: Image, photometric: string, { samples, file }: DicomHeader): Image {
  if (samples === 1 && !photometric.startsWith('PALETTE')) return image;
  if (samples === 3 && photometric === 'RGB') return image;
  throw new FormatError(`colours in ${photometric} are not supported.`, {
    file,
    remedy: 'Export it as RGB or in grey.',
  });
}

/** Spacing and geometry of slices in order; tells what is uneven, missing or tilted. */
function placeSlices(
  slices: readonly Slice[],
  header: DicomHeader,
  notes: string[],
): { readonly spacing: Spacings; readonly geometry?: Geometry } {
  const { place } = slices[0];
  const { spacingMm, orientation, position, thicknessMm } = place;
  const inPlane: Spacings =
    spacingMm === undefined ? {} : { y: { value: spacingMm[1], unit: 'mm' }, x: { value: spacingMm[0], unit: 'mm' } };
  const along = slices.map((slice) => slice.along);
  const thickness = thicknessMm === undefined ? {} : { thicknessMm };
  if (orientation === undefined || position === undefined || along.some((at) => at === undefined)) {
    const between = slices.length > 1 ? header.spacingBetweenMm : undefined;
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
  // From the first slice to the last: with a tilted gantry not along the normal.
  const last = (slices.at(-1) as Slice).place.position as Vector3;
  const step = scaled(added(last, scaled(position, -1)), 1 / span);
  const tilt = (Math.acos(Math.min(1, dot(step, normal) / norm(step))) * 180) / Math.PI;
  const tilted = tilt > TILT_DEGREES;
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

/** Whether the distances of slices differ; says how. */
function describeGaps(positions: readonly number[], notes: string[]): boolean {
  const gaps = positions.slice(1).map((at, i) => at - positions[i]);
  const median = [...gaps].sort((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)];
  const odd = gaps.filter((gap) => Math.abs(gap - median) > UNEVEN * median);
  if (odd.length === 0) return false;
  const mm = (value: number) => Number(value.toPrecision(4));
  const holes = odd.every((gap) => {
    const times = gap / median;
    return times > 1.5 && Math.abs(times - Math.round(times)) < 0.1;
  });
  if (holes) {
    const missing = odd.reduce((sum, gap) => sum + Math.round(gap / median) - 1, 0);
    const where = gaps.findIndex((gap) => odd.includes(gap));
    notes.push(
      `${missing} slice${missing === 1 ? ' is' : 's are'} missing: slices are ${mm(median)} mm apart, but slice ${where + 1} and the next are ${mm(gaps[where])} mm.`,
    );
  } else {
    notes.push(`The slices lie at uneven distances, ${mm(Math.min(...gaps))} to ${mm(Math.max(...gaps))} mm.`);
  }
  return true;
}
