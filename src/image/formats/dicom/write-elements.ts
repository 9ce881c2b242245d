/** Elements of DICOM as bytes: explicit VR, little-endian (PS3.5, 7.1 and A.2). */

/** Value representations whose length has 32 bits, after two empty bytes. */
const LONG = new Set(['OB', 'OW', 'SQ', 'UN']);

export interface WrittenElement {
  /** Group and element: 0x00100010. */
  readonly tag: number;
  readonly vr: string;
  /** Of even length. */
  readonly value: Uint8Array;
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Bytes of a value with the padding of its kind, if their number is odd. */
function even(bytes: Uint8Array, padding: number): Uint8Array {
  return bytes.length % 2 === 0 ? bytes : joined([bytes, Uint8Array.of(padding)]);
}

/** Text in UTF-8; several values are separated by backslashes. */
export const text = (tag: number, vr: string, value: string): WrittenElement => ({
  tag,
  vr,
  value: even(new TextEncoder().encode(value), vr === 'UI' ? 0 : 0x20),
});

/** Bytes as they are (OB, OW). */
export const bytesOf = (tag: number, vr: string, value: Uint8Array): WrittenElement => ({
  tag,
  vr,
  value: even(value, 0),
});

/** Numbers of 16 bits. */
export const shorts = (tag: number, ...values: readonly number[]): WrittenElement => ({
  tag,
  vr: 'US',
  value: numbers(values, 2),
});

/** Numbers of 32 bits. */
export const longs = (tag: number, ...values: readonly number[]): WrittenElement => ({
  tag,
  vr: 'UL',
  value: numbers(values, 4),
});

/** Tags of other elements. */
export const tags = (tag: number, ...values: readonly number[]): WrittenElement => ({
  tag,
  vr: 'AT',
  value: numbers(
    values.flatMap((value) => [value >>> 16, value & 0xffff]),
    2,
  ),
});

function numbers(values: readonly number[], bytes: 2 | 4): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes * values.length));
  for (const [i, value] of values.entries()) {
    if (bytes === 2) view.setUint16(2 * i, value, true);
    else view.setUint32(4 * i, value, true);
  }
  return new Uint8Array(view.buffer);
}

/** Decimal strings. */
export const decimals = (tag: number, ...values: readonly number[]): WrittenElement =>
  text(tag, 'DS', values.map(decimal).join('\\'));

/** At most 16 characters, with as many digits as fit. */
export function decimal(value: number): string {
  for (let digits = 17; digits > 1; digits--) {
    const rounded = Number(value.toPrecision(digits));
    const shortest = [String(rounded), rounded.toExponential()].find((written) => written.length <= 16);
    if (shortest !== undefined) return shortest;
  }
  return String(Math.round(value));
}

export const sequence = (tag: number, ...items: readonly (readonly WrittenElement[])[]): WrittenElement => ({
  tag,
  vr: 'SQ',
  value: joined(
    items.flatMap((elements) => {
      const content = encodeElements(elements);
      return [numbers([0xfffe, 0xe000], 2), numbers([content.length], 4), content];
    }),
  ),
});

/** The bytes of a data set, its elements in the order of their tags. */
export function encodeElements(elements: readonly WrittenElement[]): Uint8Array {
  const sorted = [...elements].sort((a, b) => a.tag - b.tag);
  return joined(
    sorted.flatMap(({ tag, vr, value }) => {
      const isLong = LONG.has(vr);
      const start = new Uint8Array(isLong ? 8 : 6);
      start.set(numbers([tag >>> 16, tag & 0xffff], 2));
      start.set(new TextEncoder().encode(vr), 4);
      return [start, numbers([value.length], isLong ? 4 : 2), value];
    }),
  );
}

/** A whole file: the preamble, what describes it, and its data set. */
export function encodeFile(sopClass: string, sopInstance: string, elements: readonly WrittenElement[]): Uint8Array {
  const meta = encodeElements([
    bytesOf(0x00020001, 'OB', Uint8Array.of(0, 1)),
    text(0x00020002, 'UI', sopClass),
    text(0x00020003, 'UI', sopInstance),
    text(0x00020010, 'UI', '1.2.840.10008.1.2.1'),
    text(0x00020012, 'UI', IMPLEMENTATION),
  ]);
  const preamble = new Uint8Array(132);
  preamble.set(new TextEncoder().encode('DICM'), 128);
  return joined([preamble, encodeElements([longs(0x00020000, meta.length)]), meta, encodeElements(elements)]);
}

/** Identifies the program that writes files (PS3.7, D.3.3.2). */
const IMPLEMENTATION = '2.25.315228535009544195673199752300141521079';
