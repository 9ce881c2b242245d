/** The test of an output in which objects are found: those of Lamella's decoder beside the published ones. */

import { float32, type NdArray, ndarray } from '../../array/ndarray.ts';
import { FormatError } from '../../errors.ts';
import { applyOperations } from '../../input/operations.ts';
import { matchObjects } from '../../metrics/match-objects.ts';
import type { DescribedObjects } from '../../models/described.ts';
import { decodeMaps } from '../../objects/decode-maps.ts';
import type { PackageTensor } from './description.ts';
import { Fields } from './fields.ts';
import { findsObjects, objectsOf } from './objects.ts';
import { operationsOf } from './operations.ts';

/** StarDist's settings are not asked for beside its operation. */
const NOTHING = new Fields(undefined, '', '');

export interface CheckedObjects {
  /** What finds objects in its own program, whose code is not run. */
  readonly operation: string;
  readonly published: number;
  readonly found: number;
  /** Pairs of a published object and a found one with an IoU of at least 0.5. */
  readonly matched: number;
  /** The smallest IoU of those pairs; 1 without any. */
  readonly leastIou: number;
  /** Whether each object has its counterpart. */
  readonly passed: boolean;
}

/**
 * @param maps what the network gives for one image: [1, channels, h, w], or [1, h, w, channels] if the tensor's axes say so
 * @param published a label map; sides other than those of the image are 1
 * @throws FormatError for maps or labels of another shape; as `operationsOf`, `objectsOf`, `decodeMaps`
 */
export function objectsAsPublished(
  maps: NdArray<'float32'>,
  { name, axes, operations }: PackageTensor,
  published: NdArray<'float32'>,
  file: string,
): CheckedObjects {
  const isLast = axes.at(-1)?.name === 'channel';
  const layout = ['batch', ...(isLast ? ['y', 'x', 'channel'] : ['channel', 'y', 'x'])];
  const [height = 0, width = 0] = published.shape.slice(isLast ? -3 : -2);
  if (maps.shape.length !== 4 || maps.shape[0] !== 1 || published.data.length !== height * width) {
    throw new FormatError(
      `'${name}' is [${maps.shape.join(', ')}] and its test [${published.shape.join(', ')}], which are not maps and labels of one image.`,
      { file },
    );
  }
  const at = operations.findIndex(findsObjects);
  const operation = operations[at] as PackageTensor['operations'][number];
  const data = applyOperations({ ...maps, axes: layout }, operationsOf(operations.slice(0, at), layout, file));
  const channels = isLast ? channelsFirst(maps.shape, data) : float32(maps.shape.slice(1), data);
  const { kind, ...options } = objectsOf([{ operations: [operation] }], NOTHING, file) as DescribedObjects;
  const grid = Math.round(height / (channels.shape[1] as number));
  const { labels, count } = decodeMaps(kind, channels, { ...options, grid, shape: [height, width] });
  const { truthCount, matched } = matchObjects(
    ndarray('int32', [height, width], Int32Array.from(published.data)),
    labels,
  );
  return {
    operation: operation.id,
    published: truthCount,
    found: count,
    matched: matched.length,
    leastIou: matched.reduce((least, { iou }) => Math.min(least, iou), 1),
    passed: matched.length === truthCount && matched.length === count,
  };
}

/** [1, h, w, channels] as [channels, h, w]. */
function channelsFirst([, h = 0, w = 0, channels = 0]: readonly number[], data: Float32Array): NdArray<'float32'> {
  const first = float32([channels, h, w]);
  const plane = h * w;
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < channels; c++) first.data[c * plane + p] = data[p * channels + c] as number;
  }
  return first;
}
