import { FormatError } from '../../errors.ts';
import { unzip } from '../../image/unzip.ts';
import { parseGeoJson } from './geojson.ts';
import { decodeRoi, isRoi } from './imagej-roi.ts';
import type { Shape } from './shape.ts';

/**
 * The shapes of a file, in its order: an ImageJ `.roi`, a zip of them, or QuPath's GeoJSON.
 * @param file for messages
 * @throws FormatError if it is none of these, truncated, or holds what is no area; naming the entry of a zip
 */
export function readShapes(bytes: Uint8Array, file: string): readonly Shape[] {
  if (isRoi(bytes)) return [decodeRoi(bytes, file)];
  if (!isZip(bytes)) return parseGeoJson(new TextDecoder().decode(bytes), file);
  let entries: ReturnType<typeof unzip>;
  try {
    entries = unzip(bytes, ({ name }) => /\.roi$/i.test(name) && !name.startsWith('__MACOSX/'));
  } catch (cause) {
    throw new FormatError('the zip archive is truncated or damaged.', {
      file,
      remedy: 'Copy the file again, or save the regions again in ImageJ.',
      cause,
    });
  }
  return Object.entries(entries).map(([name, roi]) => decodeRoi(roi, `${file}/${name}`));
}

const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** Whether the first bytes are those of a zip whose first file is a region of interest; an empty zip holds none. */
export function isRoiZip(head: Uint8Array): boolean {
  if (!isZip(head)) return false;
  const length = (head[26] ?? 0) | ((head[27] ?? 0) << 8);
  return /\.roi$/i.test(new TextDecoder().decode(head.subarray(30, 30 + length)));
}
