/** What a segmentation states of the images that it is of: whose they are, and which. */

import { FormatError } from '../../../errors.ts';
import type { FramePlace } from './frames.ts';
import { parseDicom } from './header.ts';
import type { DataSet } from './parser.ts';
import type { DicomFile } from './series.ts';
import { text, type WrittenElement } from './write-elements.ts';

/** One frame of the images. */
export interface SourceFrame {
  readonly sopClass: string;
  readonly sopInstance: string;
  /** Counted from 1, in a file of several. */
  readonly number?: number;
  readonly place: FramePlace;
}

export interface SourceSeries {
  readonly file: string;
  readonly rows: number;
  readonly columns: number;
  readonly frames: readonly SourceFrame[];
  readonly series: string;
  readonly seriesNumber: number;
  /** The elements of the study that every object of it has, patient included, as they are in the first file. */
  readonly study: readonly WrittenElement[];
  /** In which their texts are written; undefined if they are ASCII. */
  readonly characterSet?: string;
}

/** Those of the patient (PS3.3 C.7.1.1), which may be empty. */
const PATIENT = [
  [0x00100010, 'PN'],
  [0x00100020, 'LO'],
  [0x00100030, 'DA'],
  [0x00100040, 'CS'],
] as const;
/** Those of the study (PS3.3 C.7.2.1), and the frame of reference of its positions. */
const STUDY = [
  [0x00080020, 'DA'],
  [0x00080030, 'TM'],
  [0x00080050, 'SH'],
  [0x00080090, 'PN'],
  [0x0020000d, 'UI'],
  [0x00200010, 'SH'],
  [0x00200052, 'UI'],
] as const;
const REQUIRED = [0x0020000d, 0x00200052];

const keyOf = (tag: number): string => `x${tag.toString(16).padStart(8, '0')}`;

/**
 * Reads what a segmentation of a series has to state.
 * @param patient whether the patient's name, ID, birth date and sex, the date of the study, its numbers and its physician
 * are kept; they are empty otherwise
 * @throws FormatError for damaged files, and for a file without the UIDs by which it is named
 */
export async function readSourceSeries(
  files: readonly DicomFile[],
  maxBytes: number,
  { patient }: { readonly patient: boolean },
): Promise<SourceSeries> {
  const frames: SourceFrame[] = [];
  let first: Omit<SourceSeries, 'frames'> | undefined;
  for (const file of files) {
    const { header, pixels } = await parseDicom(await file.read(), file.name, { maxBytes });
    const dataSet = (pixels as NonNullable<typeof pixels>).dataSet;
    const uid = (tag: string): string => requireUid(dataSet, tag, file.name);
    const [sopClass, sopInstance] = [uid('x00080016'), uid('x00080018')];
    const isOne = header.frames.length === 1;
    for (const [i, place] of header.frames.entries())
      frames.push({ sopClass, sopInstance, ...(!isOne && { number: i + 1 }), place });
    first ??= {
      file: file.name,
      rows: header.rows,
      columns: header.columns,
      series: uid('x0020000e'),
      seriesNumber: header.seriesNumber ?? 0,
      ...studyOf(dataSet, file.name, patient),
    };
  }
  if (first === undefined) throw new FormatError('the series has no files.');
  return { ...first, frames };
}

function requireUid(dataSet: DataSet, tag: string, file: string): string {
  const uid = dataSet.string(tag);
  if (uid !== undefined && uid !== '') return uid;
  throw new FormatError('it lacks a UID, by which a segmentation could name it.', {
    file,
    remedy: 'Export the series again, or write another format.',
  });
}

function studyOf(dataSet: DataSet, file: string, patient: boolean): Pick<SourceSeries, 'study' | 'characterSet'> {
  const study = [...PATIENT, ...STUDY].map(([tag, vr]): WrittenElement => {
    if (REQUIRED.includes(tag)) return text(tag, vr, requireUid(dataSet, keyOf(tag), file));
    const element = patient ? dataSet.elements[keyOf(tag)] : undefined;
    const { dataOffset = 0, length = 0 } = element ?? {};
    return { tag, vr, value: dataSet.byteArray.slice(dataOffset, dataOffset + length) };
  });
  const isAscii = study.every(({ value }) => value.every((byte) => byte < 0x80 && byte !== 0x1b));
  return { study, ...(!isAscii && { characterSet: dataSet.string('x00080005') ?? '' }) };
}
