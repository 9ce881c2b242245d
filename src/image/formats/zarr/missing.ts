/**
 * Files that a store does not have. Zarr leaves out chunks that hold nothing but the fill value, and a store whose copy
 * was interrupted looks the same: no metadata tell them apart. The other resolutions may: if a coarser one shows
 * something where a file is missing, it was lost.
 */

import { stridesOf } from '../../../array/boxes.ts';
import { elementCount } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { joinPath } from '../../../files.ts';
import type { ZarrLevel } from './level.ts';

/** Pixels of the coarser level along the border of a missing file that filters may have reached from beside it. */
const MARGIN = 2;
/** The most pixels of a coarser level that are read to tell. */
const MOST_PIXELS = 2 ** 26;

/**
 * A note on the files that are missing.
 * @param missing their places
 * @param files how many there would be
 * @param options mayBeEmpty: whether all may be missing, as in labels of nothing
 * @throws FormatError if a coarser level shows that one was lost, or there is none
 */
export async function explainMissing(
  levels: readonly ZarrLevel[],
  level: number,
  missing: readonly (readonly number[])[],
  files: number,
  { mayBeEmpty }: { readonly mayBeEmpty: boolean },
): Promise<string> {
  const { array, store } = levels[level];
  const file = joinPath(store.name, array.path);
  if (missing.length === files && !mayBeEmpty) {
    throw new FormatError(
      `${files === 1 ? 'the only file' : `none of the ${files} files`} of this array is there: nothing of the image is stored.`,
      {
        file,
        remedy: `Copy the store again; if the image is ${array.fill} everywhere, write it with write_empty_chunks=True.`,
      },
    );
  }
  const witness = levels.findLastIndex((coarse, n) => n > level && canTell(levels[level], coarse));
  const lost = witness < 0 ? undefined : await findLost(levels[level], levels[witness], missing);
  if (lost !== undefined) {
    throw new FormatError(
      `this file of the Zarr store is missing, but level ${witness} shows something in its place: the store is incomplete.`,
      { file: joinPath(file, array.key(lost)), remedy: 'Copy the store again.' },
    );
  }
  return `${missing.length} of ${files} files of its array "${array.path}" ${missing.length === 1 ? 'is' : 'are'} missing (the first: ${array.key(missing[0])}) and read as ${array.fill}: Zarr leaves out what is empty, but a store that was not copied to its end looks the same.`;
}

/** Whether a file of a level covers pixels of a coarser one that no filter reached from beside it. */
function canTell({ array, order, shape }: ZarrLevel, coarse: ZarrLevel): boolean {
  if (elementCount(coarse.shape) > MOST_PIXELS) return false;
  return order.every((axis, i) => {
    const factor = shape[i] / coarse.shape[i];
    return factor === 1 || Math.min(array.fileShape[axis], shape[i]) / factor >= 2 * MARGIN + 2;
  });
}

/** The first missing file in whose place the coarser level has other values than its fill value. */
async function findLost(
  { array, order, shape }: ZarrLevel,
  coarse: ZarrLevel,
  missing: readonly (readonly number[])[],
): Promise<readonly number[] | undefined> {
  const { data } = await coarse.read({ start: coarse.shape.map(() => 0), shape: coarse.shape });
  const strides = stridesOf(coarse.shape);
  const { fill } = coarse.array;
  return missing.find((place) => {
    const bounds = order.map((axis, i) => {
      const [length, from] = [array.fileShape[axis], place[axis] * array.fileShape[axis]];
      const factor = shape[i] / coarse.shape[i];
      const margin = factor === 1 ? 0 : MARGIN;
      const start = Math.ceil(from / factor) + (from === 0 ? 0 : margin);
      const isLast = from + length >= shape[i];
      return [start, isLast ? coarse.shape[i] : Math.floor((from + length) / factor) - margin] as const;
    });
    const differs = (at: number, axis: number): boolean => {
      if (axis === bounds.length) return !Object.is(data[at], fill);
      const [start, end] = bounds[axis];
      for (let p = start; p < end; p++) if (differs(at + p * strides[axis], axis + 1)) return true;
      return false;
    };
    return differs(0, 0);
  });
}
