/**
 * Positions of unevenly spaced slices, for which NIfTI has no field: a header extension (code 6, a comment), which
 * other programs ignore.
 */

const COMMENT = 6;
const PREFIX = '{"slicePositionsMm":';

/** The extension with its length, a multiple of 16, and its code. */
export function positionsExtension(positionsMm: readonly number[]): Uint8Array {
  const text = `${PREFIX}${JSON.stringify(positionsMm)}}`;
  const out = new Uint8Array(Math.ceil((8 + text.length) / 16) * 16);
  const view = new DataView(out.buffer);
  view.setInt32(0, out.length, true);
  view.setInt32(4, COMMENT, true);
  for (let i = 0; i < text.length; i++) out[8 + i] = text.charCodeAt(i);
  return out;
}

/**
 * The positions in the extensions between `start` and `end`; undefined if there are none, or not one for each of
 * `depth` slices in ascending order from 0.
 */
export function findPositions(
  bytes: Uint8Array,
  {
    start,
    end,
    depth,
    littleEndian,
  }: { readonly start: number; readonly end: number; readonly depth: number; readonly littleEndian: boolean },
): readonly number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The four bytes before state whether there is any.
  if (start < 4 || end > bytes.length || bytes[start - 4] === 0) return undefined;
  for (let at = start; at + 8 <= end; ) {
    const length = view.getInt32(at, littleEndian);
    if (length < 16 || at + length > end) return undefined;
    if (view.getInt32(at + 4, littleEndian) === COMMENT) {
      const text = String.fromCharCode(...bytes.subarray(at + 8, Math.min(at + length, at + 65_536))).replace(
        /\0+$/,
        '',
      );
      const positions = text.startsWith(PREFIX) ? parse(text) : undefined;
      const ascending = positions?.every((value, i) => (i === 0 ? value === 0 : value > positions[i - 1]));
      if (positions?.length === depth && ascending === true) return positions;
    }
    at += length;
  }
  return undefined;
}

function parse(text: string): readonly number[] | undefined {
  try {
    const { slicePositionsMm } = JSON.parse(text) as { readonly slicePositionsMm?: unknown };
    const isList = Array.isArray(slicePositionsMm) && slicePositionsMm.every((value) => Number.isFinite(value));
    return isList ? (slicePositionsMm as readonly number[]) : undefined;
  } catch {
    return undefined;
  }
}
