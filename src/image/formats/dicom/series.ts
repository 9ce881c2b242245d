/** Series of DICOM files: which of them form one image, in which order, and that image. */

import { counted, FormatError } from '../../../errors.ts';
import type { ByteSource } from '../../../files.ts';
import { cross, dot, planeName } from '../../geometry.ts';
import { axesOf, type Image, type Vector3 } from '../../image.ts';
import { type Rescaled, rescale } from '../../samples.ts';
import type { ReadContext } from '../format.ts';
import { arrange, compare, placeSlices, type Slice, TOUCHING_MM, usualGap } from './arrange.ts';
import { HEAD_BYTES } from './detect.ts';
import type { FramePlace } from './frames.ts';
import { type DicomHeader, type ParsedDicom, type ParseOptions, parseDicom } from './header.ts';
import { assembleSlide } from './mosaic.ts';
import { readSamples, type Sampled } from './pixels.ts';

/** A file whose bytes are fetched on demand. */
export interface DicomFile {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/** Files that form one image. */
export interface DicomSeries {
  readonly headers: readonly DicomHeader[];
  /** `CT, 120 slices of 512 x 512, 0.98 x 0.98 x 3 mm, axial`: nothing that identifies a person. */
  readonly description: string;
}

/** Directions whose cosine is at least this are equal. */
const SAME_DIRECTION = 0.9998;

/**
 * Groups files into images: by series, size, pixel size, orientation and kind of value. Largest first. A scout that a
 * scanner files under the same series is separated by its orientation.
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
  if (a.part?.key !== b.part?.key) return false;
  // A slide in one file is an image on its own: others of its series are smaller copies, labels, other stains.
  if (a !== b && a.part === undefined && (a.slide ?? b.slide) !== undefined) return false;
  return isParallel(a.frames[0], b.frames[0]);
}

/** Whether frames have the same orientation and pixel size. */
function isParallel(p: FramePlace, q: FramePlace): boolean {
  if ((p.orientation === undefined) !== (q.orientation === undefined)) return false;
  if (p.orientation?.some((axis, i) => dot(axis, q.orientation?.[i] ?? axis) < SAME_DIRECTION)) return false;
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
  const { slide } = first;
  parts.push(
    slide === undefined
      ? `${counted(frames.length, 'slice')} of ${first.columns} x ${first.rows}`
      : `a slide of ${slide.width} x ${slide.height} in ${counted(frames.length, 'tile')}`,
  );
  const mm = [
    ...(place.spacingMm ?? []),
    ...(place.spacingMm === undefined || slide !== undefined ? [] : [sliceDistance(frames)]),
  ];
  const stated = mm.filter((value) => value !== undefined).map((value) => Number(value.toPrecision(3)));
  if (stated.length > 0) parts.push(`${stated.join(' x ')} mm`);
  const { orientation: axes } = place;
  if (axes !== undefined) {
    parts.push(planeName({ direction: [...axes, cross(...axes)] }));
  }
  return parts.join(', ');
}

function sliceDistance(frames: readonly FramePlace[]): number | undefined {
  const along = positionsAlong(frames)?.sort((a, b) => a - b);
  if (along === undefined || along.length < 2) return frames[0]?.thicknessMm;
  const gaps = along
    .slice(1)
    .map((at, i) => at - along[i])
    .filter((gap) => gap > TOUCHING_MM);
  return usualGap(gaps);
}

/** Position of each frame along the normal of the first; undefined unless all state their position. */
function positionsAlong(frames: readonly FramePlace[]): number[] | undefined {
  const axes = frames[0]?.orientation;
  if (axes === undefined || frames.some(({ position }) => position === undefined)) return undefined;
  const normal = cross(...axes);
  return frames.map(({ position }) => dot(position as Vector3, normal));
}

/** How much more is read of a file whose header does not end there. */
const MORE = 8;
/** Headers that are longer are none. */
const MOST_HEAD = 2 ** 28;

/** A header, and where its pixels begin. */
export interface DicomHead {
  readonly header: DicomHeader;
  readonly pixels: NonNullable<ParsedDicom['pixels']>;
}

/**
 * Reads a file from its start as far as its pixels.
 * @param head its first bytes, if they were read
 * @throws FormatError as `parseDicom`
 */
export async function readDicomHead(
  source: ByteSource,
  file: string,
  { head, ...options }: { readonly head?: Uint8Array } & Pick<ParseOptions, 'segmentation' | 'maxBytes'>,
): Promise<DicomHead> {
  let bytes = head ?? (await source.read(0, Math.min(HEAD_BYTES, source.size)));
  for (;;) {
    const isCut = bytes.length < Math.min(MOST_HEAD, source.size);
    try {
      const { header, pixels } = await parseDicom(bytes, file, { ...options, headerOnly: true, isCut });
      if (pixels !== undefined) return { header, pixels };
    } catch (cause) {
      if (!(cause instanceof FormatError) || cause.code === 'unsupported-format' || !isCut) throw cause;
    }
    bytes = await source.read(0, Math.min(MORE * bytes.length, source.size));
  }
}

/**
 * The image formed by the files of one series. Slices are ordered by their position along the normal (towards the head
 * for axial ones), or by their number if positions are missing; if every position occurs equally often, the repetitions
 * form the `t` axis. Values are rescaled: Hounsfield units for CT.
 *
 * @param files of one group of `groupSeries`, or one file
 * @throws FormatError as `readSamples`; also for two different slices at one position
 */
export async function readSeries(files: readonly DicomFile[], context: ReadContext): Promise<Image> {
  const parsed: Sampled[] = [];
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
  requireAllParts(parsed.map(({ header }) => header));
  const notes = [...new Set(parsed.flatMap(({ header }) => header.notes))];
  if (first.header.slide !== undefined) {
    const picture = { ...assembleSlide(parsed, notes, context), notes: notes.length > 0 ? notes : undefined };
    return requireColour(picture, first.samples.photometric, first.header);
  }
  const places = parsed.flatMap(({ header }) => header.frames);
  requireOneStack(places, first.header.file);
  const along = positionsAlong(places) ?? ranks(places);
  let index = 0;
  const slices: Slice[] = parsed.flatMap(({ header, samples }) => {
    const length = header.rows * header.columns * header.samples;
    return header.frames.map((place, i) => ({
      header,
      frame: (header.part?.firstFrame ?? 0) + i,
      place,
      along: along?.[index++],
      data: samples.data.subarray(i * length, (i + 1) * length),
    }));
  });
  const { ordered, times } = arrange(slices, notes);
  return assemble(ordered, times, first, notes);
}

/** @throws FormatError if parts of an image in several files are missing */
function requireAllParts(headers: readonly DicomHeader[]): void {
  const [{ part, file }] = headers;
  const total = part?.total ?? 1;
  if (headers.length >= total) return;
  const numbers = headers.map((header) => header.part?.number ?? '?').join(', ');
  throw new FormatError(
    `this is part ${numbers} of an image in ${total} files (concatenation); the others are missing.`,
    {
      file,
      remedy: 'Use a folder with all of its files.',
    },
  );
}

/** @throws FormatError if frames differ in orientation or pixel size, so that they form no single volume */
function requireOneStack(places: readonly FramePlace[], file: string): void {
  const stacks: FramePlace[][] = [];
  for (const place of places) {
    const stack = stacks.find(
      ([other]) => isParallel(place, other) && (place.position !== undefined || place.stack === other.stack),
    );
    if (stack === undefined) stacks.push([place]);
    else stack.push(place);
  }
  if (stacks.length === 1) return;
  const names = stacks.map(([{ orientation: axes, spacingMm }, ...more]) => {
    const plane = axes === undefined ? 'without a place' : planeName({ direction: [...axes, cross(...axes)] });
    return `${1 + more.length} ${plane}${spacingMm === undefined ? '' : ` of ${spacingMm.map((v) => Number(v.toPrecision(3))).join(' x ')} mm`}`;
  });
  throw new FormatError(
    `the file holds ${stacks.length} stacks of slices of different orientations or pixel sizes (${names.join(', ')}), which are not one image.`,
    { file, remedy: 'Export each stack as a series of its own, or as NIfTI.' },
  );
}

/** Spatial order by the indices of the file, for frames without a position; undefined without indices. */
function ranks(places: readonly FramePlace[]): number[] | undefined {
  if (places.every(({ spatialIndex, index }) => spatialIndex.length === 0 && index.every((value) => value === 0))) {
    return undefined;
  }
  const sorted = [...places].sort((a, b) => compare(a.spatialIndex, b.spatialIndex));
  const ranked = new Map<FramePlace, number>();
  let rank = 0;
  for (const [i, place] of sorted.entries()) {
    if (i > 0 && compare(place.spatialIndex, sorted[i - 1].spatialIndex) !== 0) rank++;
    ranked.set(place, rank);
  }
  return places.map((place) => ranked.get(place) as number);
}

function assemble(
  ordered: readonly Slice[],
  times: number,
  { header, samples: { dtype, photometric } }: Sampled,
  notes: string[],
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
        const own = slice.data.subarray(s * plane, (s + 1) * plane);
        parts.push({ data: own, slope: samples > 1 ? 1 : slope, intercept: samples > 1 ? 0 : intercept });
      }
    }
  }
  const values = rescale(parts, dtype, header.file);
  const { spacing, geometry } = placeSlices(ordered.slice(0, depth), notes);
  const place = ordered[Math.floor(depth / 2)].place;
  const { window } = place;
  const padding = header.padding === undefined ? undefined : place.slope * header.padding + place.intercept;
  const time = times > 1 && header.frameTimeMs !== undefined ? { t: { value: header.frameTimeMs, unit: 'ms' } } : {};
  const image: Image = {
    ...values,
    ...axesOf({ t: times, c: samples, z: depth, y: rows, x: columns }),
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

/** Rejects colour spaces other than RGB. */
export function requireColour(image: Image, photometric: string, { samples, file }: DicomHeader): Image {
  if (samples === 1 && !photometric.startsWith('PALETTE')) return image;
  if (samples === 3 && photometric === 'RGB') return image;
  throw new FormatError(`colours in ${photometric} are not supported.`, {
    file,
    remedy: 'Export it as RGB or in grey.',
  });
}
