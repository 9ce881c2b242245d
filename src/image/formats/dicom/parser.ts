/** The part of dicom-parser that is used, with types: the package's own types do not resolve as a module. */

import { inflateRaw } from '../../inflate.ts';

export interface Element {
  /** `x7fe00010`: group and element. */
  readonly tag: string;
  /** If the file states it. */
  readonly vr?: string;
  readonly length: number;
  readonly dataOffset: number;
  readonly items?: readonly { readonly dataSet?: DataSet }[];
  /** If the pixels are compressed. */
  readonly encapsulatedPixelData?: boolean;
  readonly basicOffsetTable?: readonly number[];
  /** `offset` counts from the first byte of the first fragment's item, as the offset table does. */
  readonly fragments?: readonly { readonly offset: number; readonly position: number; readonly length: number }[];
}

export interface DataSet {
  readonly byteArray: Uint8Array;
  readonly elements: { readonly [tag: string]: Element | undefined };
  uint16(tag: string, index?: number): number | undefined;
  uint32(tag: string, index?: number): number | undefined;
  int32(tag: string): number | undefined;
  /** The tag that an element points to, `x00200032`. */
  attributeTag(tag: string): string | undefined;
  int16(tag: string): number | undefined;
  /** Trimmed; several values are separated by backslashes. */
  string(tag: string): string | undefined;
  /** The first number of a decimal string. */
  floatString(tag: string): number | undefined;
  intString(tag: string): number | undefined;
}

interface Parser {
  parseDicom(
    bytes: Uint8Array,
    options: { readonly untilTag?: string; readonly inflater?: (bytes: Uint8Array, at: number) => Uint8Array },
  ): DataSet;
}

/** The parser's callback for files that are deflated as a whole; the result has at most `maxBytes` bytes. */
const inflaterTo =
  (maxBytes: number) =>
  (all: Uint8Array, at: number): Uint8Array => {
    const rest = inflateRaw(all.subarray(at), maxBytes);
    const whole = new Uint8Array(at + rest.length);
    whole.set(all.subarray(0, at));
    whole.set(rest, at);
    return whole;
  };

/**
 * Parses a DICOM file with dicom-parser, which is CommonJS.
 * @param untilTag parsing ends with this element
 * @param maxBytes maximum size of the inflated file
 * @throws what the library throws: strings, and for truncated files an object with the `dataSet` read so far
 */
export async function parseElements(
  bytes: Uint8Array,
  { untilTag, maxBytes }: { readonly untilTag: string | undefined; readonly maxBytes: number },
): Promise<DataSet> {
  const module: unknown = await import('dicom-parser');
  const parser = ((module as { default?: unknown }).default ?? module) as Parser;
  return parser.parseDicom(asPart10(bytes), {
    ...(untilTag === undefined ? {} : { untilTag }),
    inflater: inflaterTo(maxBytes),
  });
}

/** Value representations (PS3.5, table 6.2-1); those in the second row have 32-bit lengths. */
const VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));

const letters = (bytes: Uint8Array, at: number, count: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + count));

/** Whether "DICM" is at its position in DICOM files. */
export const hasPreamble = (bytes: Uint8Array): boolean => letters(bytes, 128, 4) === 'DICM';

/** Whether the first bytes are those of a DICOM file: "DICM" after 128 arbitrary bytes, or a header without both. */
export function isDicom(bytes: Uint8Array): boolean {
  return hasPreamble(bytes) || letters(bytes, 0, 4) === 'DICM' || syntaxAt(bytes, 0) !== undefined;
}

/** The transfer syntax according to the first element, one of group 2 or 8; undefined if there is none. */
function syntaxAt(bytes: Uint8Array, at: number): string | undefined {
  if (bytes.length < at + 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vr = letters(bytes, at + 4, 2);
  const explicit = VRS.has(vr) || LONG_VRS.has(vr);
  for (const little of [true, false]) {
    const [group, element] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
    if ((group !== 2 && group !== 8) || element > 0x0102) continue;
    if (explicit) return little ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2.2';
    // Implicit: the length must lead to a later element of the group.
    const next = at + 8 + view.getUint32(at + 4, true);
    if (!little || group !== 8 || next + 4 > Math.min(bytes.length, at + 1024)) return undefined;
    return view.getUint16(next, true) === 8 && view.getUint16(next + 2, true) > element
      ? '1.2.840.10008.1.2'
      : undefined;
  }
  return undefined;
}

/** The end of the group 2 elements that start at a byte, and whether the transfer syntax is among them. */
function metaEnd(bytes: Uint8Array, start: number): { readonly end: number; readonly hasSyntax: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hasSyntax = false;
  let at = start;
  while (at + 12 <= bytes.length && view.getUint16(at, true) === 2) {
    if (view.getUint16(at + 2, true) === 0x0010) hasSyntax = true;
    at += LONG_VRS.has(letters(bytes, at + 4, 2))
      ? 12 + view.getUint32(at + 8, true)
      : 8 + view.getUint16(at + 6, true);
  }
  return { end: at, hasSyntax };
}

/** The file with the preamble and the transfer syntax that the parser needs added if missing. */
function asPart10(bytes: Uint8Array): Uint8Array {
  const start = hasPreamble(bytes) ? 132 : letters(bytes, 0, 4) === 'DICM' ? 4 : 0;
  const { end, hasSyntax } = metaEnd(bytes, start);
  if (hasSyntax && start === 132) return bytes;
  const syntax = hasSyntax ? undefined : syntaxAt(bytes, end);
  // Damaged: the parser reports it.
  if (!hasSyntax && syntax === undefined) return bytes;
  const meta = syntax === undefined ? '' : `\x02\0\x10\0UI${String.fromCharCode(20)}\0${syntax.padEnd(20, '\0')}`;
  const head = `${'\0'.repeat(128)}DICM${meta}`;
  const rest = bytes.subarray(hasSyntax ? start : end);
  const whole = new Uint8Array(head.length + rest.length);
  whole.set(Uint8Array.from(head, (letter) => letter.charCodeAt(0)));
  whole.set(rest, head.length);
  return whole;
}

/** A text: in UTF-8 where its file says so (`ISO_IR 192`), otherwise by Latin letters; undefined if it is empty. */
export function textIn(dataSet: DataSet, tag: string, isUnicode: boolean): string | undefined {
  const element = dataSet.elements[tag];
  if (!isUnicode || element === undefined) return dataSet.string(tag) || undefined;
  const { dataOffset, length } = element;
  const text = new TextDecoder().decode(dataSet.byteArray.subarray(dataOffset, dataOffset + length));
  // Some writers pad with NUL, which ends a text.
  return text.split('\0', 1)[0]?.trim() || undefined;
}

/** Whether the texts of a file are in UTF-8. */
export const isUnicode = (dataSet: DataSet): boolean => dataSet.string('x00080005') === 'ISO_IR 192';
