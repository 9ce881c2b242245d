/**
 * Writes label maps as DICOM segmentations of their series: a bit for each segment and pixel (PS3.3 A.51), or a label map
 * (A.86).
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { UsageError } from '../../../errors.ts';
import { millimetres } from '../../geometry.ts';
import { type Image, sizes } from '../../image.ts';
import { sliceOfPlane } from '../../patient-plane.ts';
import { cielab } from './cielab.ts';
import type { SourceFrame, SourceSeries } from './source-series.ts';
import {
  bytesOf,
  decimals,
  encodeElements,
  encodeFile,
  longs,
  sequence,
  shorts,
  tags,
  text,
  type WrittenElement,
} from './write-elements.ts';

/** A class or an object that becomes a segment. */
export interface WrittenSegment {
  /** Its value in the label map. */
  readonly value: number;
  readonly name: string;
  /** Red, green, blue, 0 to 255. */
  readonly colour: readonly [number, number, number];
}

export interface WriteSegmentationOptions {
  readonly source: SourceSeries;
  /** What each value of the labels is; 0, and others, are no segment. At most 65,535. */
  readonly segments: readonly WrittenSegment[];
  /** `binary`: what most programs read. `labelmap`: for many segments; read by few. */
  readonly type: 'binary' | 'labelmap';
  /** Whether a program found the segments, or somebody drew them. */
  readonly by: 'program' | 'person';
  readonly date: Date;
}

const TAG = {
  segmentNumber: 0x0062000b,
  segmentIdentification: 0x0062000a,
  position: 0x00200032,
  planePosition: 0x00209113,
} as const;

/** Characters of a name (LO; PS3.5, table 6.2-1). */
const NAME_LENGTH = 64;

/** Codes of SNOMED CT and DICOM (PS3.16): value, scheme, meaning. */
const TISSUE = ['85756007', 'SCT', 'Tissue'] as const;
const SEGMENTATION = ['113076', 'DCM', 'Segmentation'] as const;
const SOURCE_IMAGE = ['121322', 'DCM', 'Source image for image processing operation'] as const;

const code = (tag: number, [value, scheme, meaning]: readonly [string, string, string]): WrittenElement =>
  sequence(tag, [text(0x00080100, 'SH', value), text(0x00080102, 'SH', scheme), text(0x00080104, 'LO', meaning)]);

interface Frame {
  readonly slice: number;
  /** Number of the segment; undefined in a label map. */
  readonly segment?: number;
}

/**
 * The bytes of a segmentation. Frames without a pixel are left out, all but one. The same labels and date give the same
 * bytes, UIDs included.
 * @param labels integers on the grid of the series
 * @throws UsageError for labels without segments, of another size, of several times, for names that the texts of the
 * series do not allow, and for names that are the same as DICOM keeps them; DatasetError for slices that lie elsewhere
 * (`sliceOfPlane`)
 */
export function writeSegmentation(labels: Image, options: WriteSegmentationOptions): Uint8Array {
  const { source, segments, type } = options;
  const refuse = (problem: string, remedy: string): never => {
    throw new UsageError(problem, { file: labels.source ?? source.file, remedy });
  };
  const { times, height, width } = sizes(labels);
  if (times > 1) refuse('DICOM segmentations of several times are not written.', 'Write NIfTI.');
  // A label map describes the background as well, and may hold nothing else.
  if (segments.length === 0 && type === 'binary')
    refuse('there is no segment to write.', 'Name at least one class that is no background.');
  if (segments.length > 65_535) refuse(`${segments.length} segments are too many for DICOM.`, 'Write NIfTI.');
  if (height !== source.rows || width !== source.columns) {
    refuse(
      `the labels have ${width} x ${height} pixels, the series ${source.columns} x ${source.rows}.`,
      'Use the series that they are of.',
    );
  }
  const isAscii = segments.every(({ name }) => /^[\x20-\x7e]*$/.test(name));
  const isUnicode = source.characterSet === undefined || source.characterSet === 'ISO_IR 192';
  if (!isAscii && !isUnicode) {
    refuse(
      'the texts of the series are in an older character set, in which names of segments are not written.',
      'Name classes in ASCII, or write without what identifies the patient.',
    );
  }
  const kept = new Map<string, string>();
  for (const { name } of segments) {
    const [label, other] = [labelOf(name), kept.get(labelOf(name))];
    if (other !== undefined) {
      refuse(
        `the names "${other}" and "${name}" are both "${label}" in DICOM, which keeps ${NAME_LENGTH} characters and no backslash.`,
        'Give the classes names that differ earlier, or write NIfTI.',
      );
    }
    kept.set(label, name);
  }
  const numbers = new Map(segments.map(({ value }, i) => [value, i + 1]));
  const order = framesOf(labels, source);
  const frames = type === 'binary' ? binaryFrames(labels, numbers) : mapFrames(labels, numbers);
  const bits = type === 'binary' ? 1 : segments.length > 255 ? 16 : 8;
  const pixels = type === 'binary' ? packed(labels, frames, numbers) : mapped(labels, frames, numbers, bits);
  return assembled(labels, options, {
    frames: frames.map((frame) => ({ ...frame, of: order[frame.slice] as SourceFrame })),
    ranks: ranksOf(order.length, frames),
    bits,
    pixels,
  });
}

/** The frame of the series for each slice of the labels. */
function framesOf(labels: Image, { frames, file }: SourceSeries): readonly SourceFrame[] {
  const { slices } = sizes(labels);
  const found = new Map<number, SourceFrame>();
  for (const frame of frames) {
    const { position, orientation, spacingMm } = frame.place;
    if (position === undefined || orientation === undefined || spacingMm === undefined) {
      throw new UsageError('the images do not say where they lie in the patient.', {
        file,
        remedy: 'Write another format.',
      });
    }
    const slice = sliceOfPlane({ originMm: position, x: orientation[0], y: orientation[1], spacingMm }, labels, file);
    if (found.has(slice)) {
      throw new UsageError('the series has several images at one place: times, echoes or others.', {
        file,
        remedy: 'Write NIfTI, or keep one of them.',
      });
    }
    found.set(slice, frame);
  }
  return Array.from({ length: slices }, (_, slice) => {
    const frame = found.get(slice);
    if (frame !== undefined) return frame;
    throw new UsageError(`the labels have ${slices} slices, the series has no image at slice ${slice + 1}.`, {
      file,
      remedy: 'Use the series that they are of.',
    });
  });
}

/** By segment, then by slice; one empty frame if there are no pixels. */
function binaryFrames(labels: Image, numbers: ReadonlyMap<number, number>): readonly Frame[] {
  const there = presentIn(labels, numbers);
  const frames = [...numbers.values()].flatMap((segment) =>
    there.flatMap((found, slice) => (found.has(segment) ? [{ slice, segment }] : [])),
  );
  return frames.length > 0 ? frames : [{ slice: 0, segment: 1 }];
}

function mapFrames(labels: Image, numbers: ReadonlyMap<number, number>): readonly Frame[] {
  const frames = presentIn(labels, numbers).flatMap((found, slice) => (found.size > 0 ? [{ slice }] : []));
  return frames.length > 0 ? frames : [{ slice: 0 }];
}

/** The numbers of the segments in each slice. */
function presentIn(labels: Image, numbers: ReadonlyMap<number, number>): readonly ReadonlySet<number>[] {
  const { slices, height, width } = sizes(labels);
  const plane = height * width;
  return Array.from({ length: slices }, (_, z) => {
    const values = new Set<number>();
    for (let p = z * plane; p < (z + 1) * plane; p++) values.add(Number(labels.data[p]));
    return new Set([...values].flatMap((value) => numbers.get(value) ?? []));
  });
}

/** The bits of all frames one after another, the lowest of a byte first (PS3.5, 8.1.1). */
function packed(labels: Image, frames: readonly Frame[], numbers: ReadonlyMap<number, number>): Uint8Array {
  const { height, width } = sizes(labels);
  const plane = height * width;
  const bits = new Uint8Array(Math.ceil((plane * frames.length) / 8));
  const values = new Map([...numbers].map(([value, number]) => [number, value]));
  let bit = 0;
  for (const { slice, segment } of frames) {
    const value = values.get(segment as number);
    for (let p = slice * plane; p < (slice + 1) * plane; p++, bit++) {
      if (Number(labels.data[p]) === value) bits[bit >> 3] = (bits[bit >> 3] as number) | (1 << (bit & 7));
    }
  }
  return bits;
}

function mapped(
  labels: Image,
  frames: readonly Frame[],
  numbers: ReadonlyMap<number, number>,
  bits: number,
): Uint8Array {
  const { height, width } = sizes(labels);
  const plane = height * width;
  const values = new DataView(new ArrayBuffer((frames.length * plane * bits) / 8));
  for (const [i, { slice }] of frames.entries()) {
    for (let p = 0; p < plane; p++) {
      const number = numbers.get(Number(labels.data[slice * plane + p])) ?? 0;
      if (bits === 8) values.setUint8(i * plane + p, number);
      else values.setUint16(2 * (i * plane + p), number, true);
    }
  }
  return new Uint8Array(values.buffer);
}

/** The rank, from 1, of each slice among those with frames: the index of the dimension of positions. */
function ranksOf(slices: number, frames: readonly Frame[]): readonly number[] {
  const used = new Set(frames.map(({ slice }) => slice));
  let rank = 0;
  return Array.from({ length: slices }, (_, slice) => (used.has(slice) ? ++rank : 0));
}

interface Content {
  readonly frames: readonly (Frame & { readonly of: SourceFrame })[];
  readonly ranks: readonly number[];
  readonly bits: number;
  readonly pixels: Uint8Array;
}

function assembled(
  { spacing, geometry }: Image,
  { source, segments, type, by, date }: WriteSegmentationOptions,
  { frames, ranks, bits, pixels }: Content,
): Uint8Array {
  const isMap = type === 'labelmap';
  const described = segments.map((segment, i) => describedSegment(segment, i + 1, by));
  const [day, time] = stampOf(date);
  const uid = uidFrom([
    encodeElements([text(0x0020000e, 'UI', source.series), sequence(0x00620002, ...described)]),
    new TextEncoder().encode(`${type} ${day} ${time}`),
    pixels,
  ]);
  const sopClass = `1.2.840.10008.5.1.4.1.1.66.${isMap ? 7 : 4}`;
  const dimensions = uid('dimensions');
  const [{ place }] = source.frames as readonly [SourceFrame];
  const [dx, dy] = place.spacingMm as readonly [number, number];
  const between = millimetres(spacing.z);
  const thickness = place.thicknessMm ?? between;
  const elements: readonly WrittenElement[] = [
    text(0x00080005, 'CS', source.characterSet ?? 'ISO_IR 192'),
    text(0x00080008, 'CS', 'DERIVED\\PRIMARY'),
    text(0x00080016, 'UI', sopClass),
    text(0x00080018, 'UI', uid('instance')),
    text(0x00080023, 'DA', day),
    text(0x00080033, 'TM', time),
    text(0x00080060, 'CS', 'SEG'),
    text(0x00080070, 'LO', 'Lamella'),
    text(0x0008103e, 'LO', 'Segmentation'),
    text(0x00081090, 'LO', 'Lamella'),
    sequence(0x00081115, [sequence(0x0008114a, ...instancesOf(frames)), text(0x0020000e, 'UI', source.series)]),
    ...source.study,
    text(0x00181000, 'LO', '0'),
    text(0x00181020, 'LO', '0'),
    text(0x0020000e, 'UI', uid('series')),
    text(0x00200011, 'IS', String(source.seriesNumber + 1000)),
    text(0x00200013, 'IS', '1'),
    text(0x00201040, 'LO', ''),
    sequence(0x00209221, [text(0x00209164, 'UI', dimensions)]),
    sequence(
      0x00209222,
      ...(isMap ? [] : [dimension(dimensions, TAG.segmentNumber, TAG.segmentIdentification)]),
      dimension(dimensions, TAG.position, TAG.planePosition),
    ),
    shorts(0x00280002, 1),
    text(0x00280004, 'CS', 'MONOCHROME2'),
    text(0x00280008, 'IS', String(frames.length)),
    shorts(0x00280010, source.rows),
    shorts(0x00280011, source.columns),
    shorts(0x00280100, bits),
    shorts(0x00280101, bits),
    shorts(0x00280102, bits - 1),
    shorts(0x00280103, 0),
    ...(isMap ? [shorts(0x00280120, 0)] : []),
    text(0x00282110, 'CS', '00'),
    text(0x00620001, 'CS', isMap ? 'LABELMAP' : 'BINARY'),
    sequence(0x00620002, ...(isMap ? [background(by)] : []), ...described),
    text(0x00620013, 'CS', 'NO'),
    text(0x00700080, 'CS', 'SEGMENTATION'),
    text(0x00700081, 'LO', ''),
    text(0x00700084, 'PN', ''),
    sequence(0x52009229, [
      sequence(0x00209116, [decimals(0x00200037, ...(place.orientation ?? []).flat())]),
      sequence(0x00289110, [
        decimals(0x00280030, dy, dx),
        ...(thickness === undefined ? [] : [decimals(0x00180050, thickness)]),
        ...(between === undefined || geometry?.slicePositionsMm !== undefined ? [] : [decimals(0x00180088, between)]),
      ]),
    ]),
    sequence(
      0x52009230,
      ...frames.map(({ slice, segment, of }) => [
        sequence(0x00209111, [longs(0x00209157, ...(segment === undefined ? [] : [segment]), ranks[slice] as number)]),
        sequence(TAG.planePosition, [decimals(TAG.position, ...(of.place.position ?? []))]),
        sequence(0x00089124, [
          sequence(0x00082112, [...reference(of), text(0x0028135a, 'CS', 'YES'), code(0x0040a170, SOURCE_IMAGE)]),
          code(0x00089215, SEGMENTATION),
        ]),
        ...(segment === undefined ? [] : [sequence(TAG.segmentIdentification, [shorts(TAG.segmentNumber, segment)])]),
      ]),
    ),
    bytesOf(0x7fe00010, bits === 16 ? 'OW' : 'OB', pixels),
  ];
  return encodeFile(sopClass, uid('instance'), elements);
}

const dimension = (organisation: string, pointer: number, group: number): readonly WrittenElement[] => [
  text(0x00209164, 'UI', organisation),
  tags(0x00209165, pointer),
  tags(0x00209167, group),
];

const reference = ({ sopClass, sopInstance, number }: SourceFrame): readonly WrittenElement[] => [
  text(0x00081150, 'UI', sopClass),
  text(0x00081155, 'UI', sopInstance),
  ...(number === undefined ? [] : [text(0x00081160, 'IS', String(number))]),
];

/** Each file of the series that a frame is of, once. */
function instancesOf(frames: Content['frames']): readonly (readonly WrittenElement[])[] {
  const byInstance = new Map(frames.map(({ of }) => [of.sopInstance, of]));
  return [...byInstance.values()].map(({ number: _, ...whole }) => reference(whole));
}

/** What is kept of a name: a backslash separates values, and spaces around it are not significant. */
const labelOf = (name: string): string =>
  [...name.replaceAll('\\', '/').trim()].slice(0, NAME_LENGTH).join('').trimEnd();

function describedSegment(
  { name, colour }: WrittenSegment,
  number: number,
  by: WriteSegmentationOptions['by'],
): readonly WrittenElement[] {
  return [
    code(0x00620003, TISSUE),
    shorts(0x00620004, number),
    text(0x00620005, 'LO', labelOf(name)),
    ...made(by),
    shorts(0x0062000d, ...cielab(colour)),
    code(0x0062000f, TISSUE),
  ];
}

const made = (by: WriteSegmentationOptions['by']): readonly WrittenElement[] =>
  by === 'person'
    ? [text(0x00620008, 'CS', 'MANUAL')]
    : [text(0x00620008, 'CS', 'AUTOMATIC'), text(0x00620009, 'LO', 'Lamella')];

/** Of a label map, 0 is described as well. */
const background = (by: WriteSegmentationOptions['by']): readonly WrittenElement[] => [
  code(0x00620003, ['309825002', 'SCT', 'Spatial and Relational Concept']),
  shorts(0x00620004, 0),
  text(0x00620005, 'LO', 'Background'),
  ...made(by),
  code(0x0062000f, ['125040', 'DCM', 'Background']),
];

/**
 * UIDs of what is written, by what they are of: UUIDs as numbers (PS3.5, B.2), from a hash of the content, so that equal
 * content has equal UIDs and no other has.
 */
function uidFrom(content: readonly Uint8Array[]): (of: string) => string {
  const hash = sha256.create();
  for (const part of content) hash.update(part);
  const whole = hash.digest();
  return (of) => {
    const bytes = sha256.create().update(whole).update(new TextEncoder().encode(of)).digest().subarray(0, 16);
    // Version 8, variant 1 (RFC 9562).
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return `2.25.${bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n)}`;
  };
}

/** YYYYMMDD and HHMMSS, in local time as DICOM has it. */
function stampOf(date: Date): readonly [day: string, time: string] {
  const digits = (...values: readonly number[]): string =>
    values.map((value) => String(value).padStart(2, '0')).join('');
  return [
    digits(date.getFullYear(), date.getMonth() + 1, date.getDate()),
    digits(date.getHours(), date.getMinutes(), date.getSeconds()),
  ];
}
