/** What tells DICOM from other files by its first bytes. */

/** Enough for the header of nearly every file. */
export const HEAD_BYTES = 2 ** 16;

/** Value representations with 16-bit lengths (PS3.5, table 6.2-1). */
const VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
/** Those with 32-bit lengths. */
export const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));

export const letters = (bytes: Uint8Array, at: number, count: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + count));

/** Whether "DICM" is at its position in DICOM files. */
export const hasPreamble = (bytes: Uint8Array): boolean => letters(bytes, 128, 4) === 'DICM';

/** Whether the first bytes are those of a DICOM file: "DICM" after 128 arbitrary bytes, or a header without both. */
export function isDicom(bytes: Uint8Array): boolean {
  return hasPreamble(bytes) || letters(bytes, 0, 4) === 'DICM' || syntaxAt(bytes, 0) !== undefined;
}

/** The transfer syntax according to the first element, one of group 2 or 8; undefined if there is none. */
export function syntaxAt(bytes: Uint8Array, at: number): string | undefined {
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
