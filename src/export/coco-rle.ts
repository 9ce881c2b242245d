/** COCO's run lengths: pixels in column-major order, alternating lengths of background and object, background first. */

import type { IntegerArray } from '../objects/grid.ts';

/** Run lengths of one label in a map [height, width]; `box` encloses its pixels. */
export function maskCounts(
  { data, shape }: IntegerArray,
  label: number,
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): readonly number[] {
  const [height, width] = shape as readonly [number, number];
  const counts: number[] = [];
  let end = 0;
  for (let x = box.x; x < box.x + box.width; x++) {
    for (let y = box.y; y < box.y + box.height; y++) {
      if (data[y * width + x] !== label) continue;
      const from = y;
      while (y < box.y + box.height && data[y * width + x] === label) y++;
      const start = x * height + from;
      const length = y - from;
      // A run may continue from the bottom of a column to the top of the next.
      if (start === end && counts.length > 0) counts[counts.length - 1] = (counts.at(-1) as number) + length;
      else counts.push(start - end, length);
      end = start + length;
    }
  }
  const rest = height * width - end;
  return rest > 0 || counts.length === 0 ? [...counts, rest] : counts;
}

/**
 * Run lengths as text: from the fourth on the difference from the one before the last, each in groups of five bits,
 * least significant first, with a sixth bit as continuation flag, as characters from code 48.
 */
export function compressCounts(counts: readonly number[]): string {
  let text = '';
  counts.forEach((count, i) => {
    let rest = i > 2 ? count - counts[i - 2] : count;
    for (let more = true; more; ) {
      const group = rest & 31;
      rest >>= 5;
      more = (group & 16) === 0 ? rest !== 0 : rest !== -1;
      text += String.fromCharCode(48 + (more ? group | 32 : group));
    }
  });
  return text;
}
