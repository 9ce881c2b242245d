/**
 * The attributes of a DICOM header that identify a person, for explicit requests. Nothing else in Lamella reads them.
 */

import { strFromU8 } from 'fflate';
import { FormatError, option } from '../../../errors.ts';
import { isDicom } from './detect.ts';
import { type DataSet, parseElements } from './parser.ts';

/** Attributes that identify people, a subset of those removed by DICOM PS3.15 E.1. */
const ELEMENTS: readonly (readonly [tag: string, name: string])[] = [
  ['x00100010', "Patient's name"],
  ['x00100020', 'Patient ID'],
  ['x00100030', 'Birth date'],
  ['x00100040', 'Sex'],
  ['x00101010', 'Age'],
  ['x00101030', 'Weight, kg'],
  ['x00104000', 'Comments on the patient'],
  ['x00080020', 'Study date'],
  ['x00080030', 'Study time'],
  ['x00080050', 'Accession number'],
  ['x00080080', 'Institution'],
  ['x00080090', 'Referring physician'],
  ['x00081070', 'Operator'],
  ['x00081030', 'Study description'],
  ['x0008103e', 'Series description'],
  ['x00200010', 'Study ID'],
  ['x0020000d', 'Study UID'],
  ['x0020000e', 'Series UID'],
  ['x00080018', 'SOP instance UID'],
];

/** The only supported character set besides Latin; others are garbled. */
const UTF8 = /ISO_IR 192/;

/** Limit for inflating. */
const MAX_BYTES = 2 ** 30;

export interface PersonalElement {
  readonly name: string;
  readonly value: string;
}

/**
 * Names, dates, numbers and UIDs present in a DICOM header.
 * @throws FormatError for files that are not DICOM or are damaged
 */
export async function readPersonal(bytes: Uint8Array, file: string): Promise<readonly PersonalElement[]> {
  if (!isDicom(bytes)) {
    throw new FormatError('this is not DICOM, so it has no header with personal data.', {
      file,
      remedy: `Remove ${option('personal')}.`,
    });
  }
  let dataSet: DataSet;
  try {
    dataSet = parseElements(bytes, { until: ['x7fe00010'], maxBytes: MAX_BYTES });
  } catch {
    throw new FormatError('the DICOM header is damaged or ends early.', {
      file,
      remedy: 'Copy the file again from its source.',
    });
  }
  const unicode = UTF8.test(dataSet.string('x00080005') ?? '');
  return ELEMENTS.flatMap(([tag, name]) => {
    const element = dataSet.elements[tag];
    if (element === undefined || element.length === 0) return [];
    const raw = dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
    // Removes control characters, which a terminal would obey.
    const value = strFromU8(raw, !unicode)
      .replace(/\p{Cc}/gu, ' ')
      .trim();
    return value === '' ? [] : [{ name, value }];
  });
}
