/** DICOM files made for tests: explicit VR, little-endian, unless a transfer syntax says otherwise. */

type Value = string | number | readonly number[] | readonly DicomItem[];
/** Elements by tag, `0028,0010`; the VR is the first two letters of the key after a blank: `0028,0010 US`. */
export type DicomItem = Readonly<Record<string, Value>>;

const LONG = new Set(['OB', 'OW', 'OF', 'SQ', 'UT', 'UN']);

/** How a data set is written down. */
interface Encoding {
  readonly explicit: boolean;
  readonly little: boolean;
}
const EXPLICIT: Encoding = { explicit: true, little: true };
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  '1.2.840.10008.1.2': { explicit: false, little: true },
  '1.2.840.10008.1.2.2': { explicit: true, little: false },
};

/** Bytes of each number of a VR. */
const SIZES: Readonly<Record<string, 2 | 4>> = { US: 2, SS: 2, OW: 2, AT: 2, UL: 4, SL: 4, OF: 4 };

function bytesOf(vr: string, value: Value, encoding: Encoding): Uint8Array {
  if (vr === 'SQ') {
    const items = (value as readonly DicomItem[]).map((item) => wrapped(encode(item, encoding), encoding.little));
    return joined(items);
  }
  if (typeof value === 'string') return new TextEncoder().encode(value.length % 2 === 0 ? value : `${value} `);
  const numbers = typeof value === 'number' ? [value] : (value as readonly number[]);
  if (vr === 'OB') return Uint8Array.from(numbers.length % 2 === 0 ? numbers : [...numbers, 0]);
  const size = SIZES[vr];
  if (size === undefined) throw new Error(`no VR ${vr}`);
  const out = new DataView(new ArrayBuffer(size * numbers.length));
  for (const [i, n] of numbers.entries()) {
    if (size === 2) out.setUint16(2 * i, n & 0xffff, encoding.little);
    else if (vr === 'OF') out.setFloat32(4 * i, n, encoding.little);
    else out.setUint32(4 * i, n >>> 0, encoding.little);
  }
  return new Uint8Array(out.buffer);
}

function wrapped(item: Uint8Array, little = true): Uint8Array {
  const head = new DataView(new ArrayBuffer(8));
  head.setUint16(0, 0xfffe, little);
  head.setUint16(2, 0xe000, little);
  head.setUint32(4, item.length, little);
  return joined([new Uint8Array(head.buffer), item]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function encode(item: DicomItem, encoding: Encoding = EXPLICIT): Uint8Array {
  const { explicit, little } = encoding;
  const sorted = Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1));
  return joined(
    sorted.flatMap(([key, value]) => {
      const [tag, vr] = key.split(' ') as [string, string];
      const [group, element] = tag.split(',').map((part) => Number.parseInt(part, 16)) as [number, number];
      const bytes = bytesOf(vr, value, encoding);
      const long = explicit && LONG.has(vr);
      const head = new DataView(new ArrayBuffer(long ? 12 : 8));
      head.setUint16(0, group, little);
      head.setUint16(2, element, little);
      if (explicit) {
        head.setUint8(4, vr.charCodeAt(0));
        head.setUint8(5, vr.charCodeAt(1));
      }
      if (long) head.setUint32(8, bytes.length, little);
      else if (explicit) head.setUint16(6, bytes.length, little);
      else head.setUint32(4, bytes.length, little);
      return [new Uint8Array(head.buffer), bytes];
    }),
  );
}

/** Elements alone, as a file without preamble and without the header of group 2. */
export function dicomElements(elements: DicomItem, transferSyntax = '1.2.840.10008.1.2.1'): Uint8Array {
  return encode(elements, ENCODINGS[transferSyntax] ?? EXPLICIT);
}

/** A whole file with these elements. */
export function dicomFile(elements: DicomItem, transferSyntax = '1.2.840.10008.1.2.1'): Uint8Array {
  const meta = encode({ '0002,0010 UI': `${transferSyntax}${transferSyntax.length % 2 === 0 ? '' : '\0'}` });
  const length = encode({ '0002,0000 UL': meta.length });
  const start = new Uint8Array(132);
  start.set(new TextEncoder().encode('DICM'), 128);
  return joined([start, length, meta, dicomElements(elements, transferSyntax)]);
}

/** Compressed pixels as a file's last element: an empty table of offsets, and one fragment. */
export function compressedPixels(fragment: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(12));
  head.setUint32(0, 0x0010_7fe0, true);
  head.setUint16(4, 0x424f, true);
  head.setUint32(8, 0xffffffff, true);
  const end = Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0);
  return joined([new Uint8Array(head.buffer), wrapped(new Uint8Array(0)), wrapped(fragment), end]);
}

export interface SliceOptions {
  readonly z?: number;
  readonly size?: readonly [number, number];
  /** Stored values, all alike, or one by one. */
  readonly value?: number | readonly number[];
  readonly extra?: DicomItem;
  readonly without?: readonly string[];
  readonly transferSyntax?: string;
}

/** A person who is in every file that this makes, and must be in nothing that comes out. */
export const PERSON = { name: 'ROENTGEN^WILHELM', id: 'PID-1845-03-27', birth: '18450327', uid: '1.2.3.4.55555' };

/** A CT slice of 4 x 3 pixels, 0.5 x 0.8 mm, at height `z`, with names and dates in its header. */
export function ctSlice({
  z = 0,
  size: [rows, columns] = [3, 4],
  value = 1000,
  extra = {},
  without = [],
  transferSyntax,
}: SliceOptions = {}): Uint8Array {
  const pixels = typeof value === 'number' ? Array<number>(rows * columns).fill(value) : value;
  const elements: Record<string, Value> = {
    '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.2',
    '0008,0018 UI': `${PERSON.uid}.1.${Math.round(z * 10)}`,
    '0008,0020 DA': '20240102',
    '0008,0060 CS': 'CT',
    '0008,0080 LO': 'Hospital of Wurzburg',
    '0008,1030 LO': `Study of ${PERSON.name}`,
    '0008,103e LO': `Chest ${PERSON.name}`,
    '0010,0010 PN': PERSON.name,
    '0010,0020 LO': PERSON.id,
    '0010,0030 DA': PERSON.birth,
    '0018,0050 DS': '2.5',
    '0020,000d UI': `${PERSON.uid}.2`,
    '0020,000e UI': `${PERSON.uid}.3`,
    '0020,0011 IS': '7',
    '0020,0013 IS': String(100 - Math.round(z)),
    '0020,0032 DS': `-10\\-20\\${z}`,
    '0020,0037 DS': '1\\0\\0\\0\\1\\0',
    '0028,0002 US': 1,
    '0028,0004 CS': 'MONOCHROME2',
    '0028,0010 US': rows,
    '0028,0011 US': columns,
    '0028,0030 DS': '0.8\\0.5',
    '0028,0100 US': 16,
    '0028,0101 US': 16,
    '0028,0102 US': 15,
    '0028,0103 US': 0,
    '0028,1050 DS': '40',
    '0028,1051 DS': '400',
    '0028,1052 DS': '-1024',
    '0028,1053 DS': '1',
    '7fe0,0010 OW': pixels,
    ...extra,
  };
  for (const tag of without) for (const key of Object.keys(elements)) if (key.startsWith(tag)) delete elements[key];
  return dicomFile(elements, transferSyntax);
}
