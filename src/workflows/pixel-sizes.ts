/** Whether two files of one grid state the same size of pixels. */

import { inUnit } from '../image/geometry.ts';
import { type Spacing, sizes } from '../image/image.ts';
import type { ImageInfo } from '../image/source.ts';

/** Relative difference within which files state one size, as labels and images of patients do (`alignLabels`). */
const SAME_SPACING = 0.005;

/** A note on the first axis along which they differ, where both state a size; of the first it is used. */
export function differingSizes(used: ImageInfo, other: ImageInfo | undefined, name: string): readonly string[] {
  const axes = sizes(used).slices > 1 ? (['x', 'y', 'z'] as const) : (['x', 'y'] as const);
  for (const axis of axes) {
    const [own, stated] = [used.spacing[axis], other?.spacing[axis]];
    if (own === undefined || stated === undefined) continue;
    const { value, unit } = inUnit(stated, own.unit);
    if (unit === own.unit && Math.abs(value - own.value) <= SAME_SPACING * own.value) continue;
    return [`Its pixel size along ${axis} is ${text(own)}, that of ${name} ${text(stated)}: its own is used.`];
  }
  return [];
}

const text = ({ value, unit }: Spacing): string => `${Number(value.toPrecision(4))} ${unit}`;
