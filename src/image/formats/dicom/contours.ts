/** Contours of regions in the patient, as programs of radiotherapy write them (RTSTRUCT, PS3.3 A.19). */

import { FormatError } from '../../../errors.ts';
import type { Vector3 } from '../../image.ts';
import { DamagedDicom, type DataSet, isUnicode, parseElements, textIn } from './parser.ts';

const STRUCTURE_SET = '1.2.840.10008.5.1.4.1.1.481.3';

const TAG = {
  sopClass: 'x00080016',
  frames: 'x30060010',
  studies: 'x30060012',
  series: 'x30060014',
  seriesUid: 'x0020000e',
  regions: 'x30060020',
  number: 'x30060022',
  name: 'x30060026',
  drawn: 'x30060039',
  referenced: 'x30060084',
  colour: 'x3006002a',
  contours: 'x30060040',
  type: 'x30060042',
  data: 'x30060050',
} as const;

/** A region of interest. */
export interface ContouredRegion {
  readonly name: string;
  /** 0xRRGGBB, if stated. */
  readonly colour?: number;
  /** Closed lines, each in a plane, in mm (LPS). */
  readonly contours: readonly (readonly Vector3[])[];
}

export interface StructureSet {
  /** By `DicomHeader.seriesKey`. */
  readonly series: readonly string[];
  readonly regions: readonly ContouredRegion[];
  readonly notes: readonly string[];
}

const itemsOf = (dataSet: DataSet, tag: string): readonly DataSet[] =>
  dataSet.elements[tag]?.items?.map(({ dataSet: own }) => own) ?? [];

/**
 * The regions of a file; undefined for other files. Points and open lines, which enclose nothing, are left out with a
 * note, as are regions without contours.
 * @throws FormatError for a damaged one
 */
export async function readContours(
  bytes: Uint8Array,
  file: string,
  maxBytes: number,
): Promise<StructureSet | undefined> {
  const damaged = (cause?: unknown): FormatError =>
    new FormatError('the contours in DICOM are damaged or end early.', { file, remedy: 'Export them again.', cause });
  let dataSet: DataSet;
  try {
    dataSet = parseElements(bytes, { maxBytes });
  } catch (cause) {
    const read = cause instanceof DamagedDicom ? cause.dataSet : undefined;
    if (read?.string(TAG.sopClass) !== STRUCTURE_SET) return undefined;
    throw damaged(cause);
  }
  if (dataSet.string(TAG.sopClass) !== STRUCTURE_SET) return undefined;
  const series = itemsOf(dataSet, TAG.frames)
    .flatMap((frame) => itemsOf(frame, TAG.studies))
    .flatMap((study) => itemsOf(study, TAG.series))
    .flatMap((one) => one.string(TAG.seriesUid) ?? []);
  const inUnicode = isUnicode(dataSet);
  const names = new Map(
    itemsOf(dataSet, TAG.regions).map((region) => [
      region.intString(TAG.number),
      textIn(region, TAG.name, inUnicode) ?? '',
    ]),
  );
  let open = 0;
  const regions = itemsOf(dataSet, TAG.drawn).flatMap((region): readonly ContouredRegion[] => {
    const number = region.intString(TAG.referenced);
    const name = names.get(number);
    const contours: (readonly Vector3[])[] = [];
    for (const contour of itemsOf(region, TAG.contours)) {
      if (!/^CLOSED_?PLANAR/.test(contour.string(TAG.type) ?? '')) open++;
      else contours.push(pointsOf(contour.string(TAG.data), damaged));
    }
    if (contours.length === 0) return [];
    if (name === undefined) throw damaged();
    const rgb = region.string(TAG.colour)?.split('\\').map(Number);
    const isColour = rgb?.length === 3 && rgb.every((part) => part >= 0 && part <= 255);
    const [red, green, blue] = (rgb ?? []) as unknown as readonly [number, number, number];
    return [
      {
        name: name === '' ? `region ${number}` : name,
        ...(isColour && { colour: (red << 16) | (green << 8) | blue }),
        contours,
      },
    ];
  });
  const notes = open === 0 ? [] : [`${open} points and open lines enclose nothing and are left out.`];
  return { series, regions, notes };
}

function pointsOf(text: string | undefined, damaged: () => FormatError): readonly Vector3[] {
  const values = text?.split('\\').map((part) => (part.trim() === '' ? Number.NaN : Number(part))) ?? [];
  if (values.length < 9 || values.length % 3 !== 0 || !values.every(Number.isFinite)) throw damaged();
  return Array.from(
    { length: values.length / 3 },
    (_, i) => [values[3 * i], values[3 * i + 1], values[3 * i + 2]] as unknown as Vector3,
  );
}
