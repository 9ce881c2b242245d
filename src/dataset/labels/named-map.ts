/** Label maps whose file names the values: segmentations of 3D Slicer (`.seg.nrrd`). */

import { FormatError } from '../../errors.ts';
import { readNrrdSegments } from '../../image/formats/nrrd/read.ts';
import { axesOf, type Image, sizes } from '../../image/image.ts';
import { guarded, MAX_BYTES } from '../../image/read.ts';
import { portableZlib } from '../../image/zlib.ts';

/** Values 1, 2, ... are the names in their order; 0 is background. */
export interface NamedMap {
  readonly image: Image<'uint8'>;
  readonly names: readonly string[];
}

/**
 * The segments of a file in its order, all layers in one map: where they overlap the last one has the voxels, which is
 * noted.
 * @throws FormatError for a file without segments or with more than 254, and for values and layers that it does not
 * describe
 */
export async function readNamedMap(bytes: Uint8Array, file: string): Promise<NamedMap> {
  const context = { file, maxBytes: MAX_BYTES, palette: 'index', page: undefined, sibling: undefined } as const;
  const { image, segments } = await guarded('NRRD', file, () =>
    readNrrdSegments(bytes, { ...context, zlib: portableZlib }),
  );
  const fail = (problem: string): FormatError =>
    new FormatError(problem, { file, remedy: 'Save the segmentation again in 3D Slicer.' });
  const { times, channels: layers, slices, height, width } = sizes(image);
  if (times > 1) throw fail('the segmentation has several times.');
  if (segments.length === 0) throw fail('it names no segments.');
  if (segments.length > 254) throw fail(`it has ${segments.length} segments; at most 254 are read.`);
  const numbers = new Map(segments.map(({ value, layer }, i) => [`${layer} ${value}`, i + 1]));
  if (numbers.size < segments.length) throw fail('two segments have the same value and layer.');
  const volume = slices * height * width;
  const data = new Uint8Array(volume);
  let covered = 0;
  for (let layer = 0; layer < layers; layer++) {
    for (let p = 0; p < volume; p++) {
      const value = Number(image.data[layer * volume + p]);
      if (value === 0) continue;
      const number = numbers.get(`${layer} ${value}`);
      if (number === undefined) throw fail(`it has the value ${value} in layer ${layer}, which is no segment.`);
      if (data[p] !== 0) covered++;
      data[p] = number;
    }
  }
  const notes = [
    ...(image.notes ?? []),
    ...(covered > 0 ? [`${covered} voxels belong to several segments: the last one has them.`] : []),
  ];
  const { spacing, geometry } = image;
  const map = {
    dtype: 'uint8',
    data,
    ...axesOf({ z: slices, y: height, x: width }),
    spacing,
    geometry,
    notes,
  } as const;
  return { image: { ...map, source: file }, names: segments.map(({ name }) => name) };
}
