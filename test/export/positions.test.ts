/** Where an object lies in a stack, as each format says it. ImageJ and roifile read the same: read-back.test.ts. */

import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeCoco } from '../../src/export/coco.ts';
import { writeGeoJson } from '../../src/export/geojson.ts';
import { writeRoiZip } from '../../src/export/imagej-roi.ts';
import { outlineSlices } from '../../src/export/outlined-slices.ts';

/** Object 7 in the second of two slices. */
const volume = ndarray('uint8', [2, 2, 2], Uint8Array.of(0, 0, 0, 0, 7, 7, 0, 0));
const slice = ndarray('uint8', [2, 2], Uint8Array.of(7, 7, 0, 0));

/** `position` of the header, then channel, slice and time of the second one (roifile 2026.2.10, ImageJ 1.53t). */
function positions(zip: Uint8Array) {
  return Object.entries(unzipSync(zip)).map(([name, bytes]) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const second = view.getInt32(60);
    return [name, view.getInt32(56), ...[4, 8, 12].map((at) => view.getInt32(second + at))];
  });
}

describe('ROI', () => {
  test.each([
    ['slices', outlineSlices(volume), 1, ['0002-0007.roi', 2, 0, 0, 0]],
    ['slices of two channels', outlineSlices(volume), 2, ['0002-0007.roi', 0, 0, 2, 0]],
    ['times', outlineSlices(slice, { t: 2 }), 1, ['t0003-0007.roi', 3, 0, 0, 0]],
    ['times of three channels', outlineSlices(slice, { t: 2 }), 3, ['t0003-0007.roi', 0, 0, 0, 3]],
    ['slices over time', outlineSlices(volume, { t: 0 }), 1, ['t0001-0002-0007.roi', 0, 0, 2, 1]],
    ['a picture of two channels', outlineSlices(slice), 2, ['0007.roi', 0, 0, 0, 0]],
  ])('%s', (_, slices, channels, expected) => {
    expect(positions(writeRoiZip(slices, { channels }))).toEqual([expected]);
  });
});

test('GeoJSON: plane of all channels, counted from 0', () => {
  const planes = (text: string) => JSON.parse(text).features.map(({ geometry }: { geometry: object }) => geometry);
  expect(planes(writeGeoJson(outlineSlices(volume, { t: 4 })))).toMatchObject([{ plane: { c: -1, z: 1, t: 4 } }]);
  expect(planes(writeGeoJson(outlineSlices(slice, { t: 4 })))).toMatchObject([{ plane: { c: -1, z: 0, t: 4 } }]);
  expect(planes(writeGeoJson(outlineSlices(slice)))[0]).not.toHaveProperty('plane');
});

test('COCO: the file, and which slice and time of it', () => {
  const { images } = JSON.parse(writeCoco([{ fileName: 'a/b.tif', slice: 2, frame: 1, labels: slice }]));
  expect(images).toEqual([{ id: 1, file_name: 'a/b.tif', width: 2, height: 2, slice: 2, frame: 1 }]);
});
