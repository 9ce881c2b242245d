import { unzip } from '../../image/zip.ts';
import { parseGeoJson } from './geojson.ts';
import { decodeRoi, isRoi } from './imagej-roi.ts';
import type { Shape } from './shape.ts';

/**
 * The shapes of a file, in its order: an ImageJ `.roi`, a zip of them, or QuPath's GeoJSON.
 * @param file for messages
 * @throws FormatError if it is none of these, truncated, or holds what is no area; naming the entry of a zip
 */
export async function readShapes(bytes: Uint8Array, file: string): Promise<readonly Shape[]> {
  if (isRoi(bytes)) return [decodeRoi(bytes, file)];
  if (!isZip(bytes)) return parseGeoJson(new TextDecoder().decode(bytes), file);
  const entries = await unzip(bytes, file, (path) => /\.roi$/i.test(path) && !path.startsWith('__MACOSX/'));
  return Array.from(entries, ([path, roi]) => decodeRoi(roi, `${file}/${path}`));
}

const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** Whether the first bytes are those of a zip whose first file is a region of interest; an empty zip holds none. */
export function isRoiZip(head: Uint8Array): boolean {
  if (!isZip(head)) return false;
  const length = (head[26] ?? 0) | ((head[27] ?? 0) << 8);
  return /\.roi$/i.test(new TextDecoder().decode(head.subarray(30, 30 + length)));
}
