/** The size of the pixels of a label map that is measured. */

import { DatasetError, option, UsageError } from '../../errors.ts';
import { inUnit } from '../../image/geometry.ts';
import { type Spacing, sizes } from '../../image/image.ts';
import type { ImageInfo } from '../../image/source.ts';
import type { MeasureTask } from '../choices.ts';
import { differingSizes } from '../pixel-sizes.ts';

/** As `MeasureFolderOptions`. */
interface SizeOptions {
  readonly spacing?: readonly [number | undefined, number, number];
  readonly unit?: string;
  readonly task?: MeasureTask;
}

/**
 * The label map with the pixel size set by the user, otherwise its own, otherwise that of the image, in the unit of x:
 * a volume has a single unit, whatever the file states. Where both state a size and differ, a note says so.
 */
export function withPixelSize<T extends ImageInfo>(
  map: T,
  image: ImageInfo | undefined,
  { spacing, unit, task }: SizeOptions,
): T {
  const { slicePositionsMm, ...upright } = map.geometry ?? image?.geometry ?? {};
  const isVolume = sizes(map).slices > 1;
  if (spacing === undefined) {
    const own = map.spacing.x === undefined ? (image ?? map) : map;
    const { x, y, z, t } = { ...image?.spacing, ...own.spacing };
    const converted = (step: Spacing | undefined) =>
      step === undefined || x === undefined ? step : inUnit(step, x.unit);
    const notes = [...(map.notes ?? []), ...differingSizes(map, image, 'its image')];
    return { ...map, notes, spacing: { t, z: converted(z), y: converted(y), x }, geometry: own.geometry };
  }
  const [z, y, x] = spacing;
  if (z === undefined && isVolume) {
    throw new DatasetError(`this is a volume, and ${option('spacing')} has no distance between slices.`, {
      file: map.source,
      remedy: 'Set three numbers: z, y, x.',
    });
  }
  const named = (value: number): Spacing => ({ value, unit: unit ?? (task === 'lungs' ? 'mm' : '') });
  // Slice positions follow from the given distance.
  const geometry = 'direction' in upright ? (isVolume ? upright : { ...upright, slicePositionsMm }) : undefined;
  return {
    ...map,
    geometry,
    spacing: { t: map.spacing.t, z: z === undefined || !isVolume ? undefined : named(z), y: named(y), x: named(x) },
  };
}

/** @throws UsageError if only one of spacing and unit is given. */
export function requireUnit({ spacing, unit, task }: SizeOptions): void {
  if (spacing === undefined && unit !== undefined) {
    throw new UsageError(`${option('unit')} needs ${option('spacing')}.`, { remedy: 'Set both.' });
  }
  if (spacing !== undefined && unit === undefined && task !== 'lungs') {
    throw new UsageError(`${option('spacing')} has no unit.`, { remedy: `Set ${option('unit')} too, such as µm.` });
  }
}

/** Pixel size in the axis order of a label map; undefined if unknown. */
export function pixelSize(map: ImageInfo): { readonly spacing: readonly number[]; readonly unit: string } | undefined {
  const axes = sizes(map).slices > 1 ? (['z', 'y', 'x'] as const) : (['y', 'x'] as const);
  const found = axes.map((axis) => map.spacing[axis]);
  const unit = found.at(-1)?.unit;
  if (unit === undefined) return undefined;
  const odd = axes.find((_, k) => found[k]?.unit !== unit);
  if (odd !== undefined) {
    const has = map.spacing[odd];
    throw new DatasetError(
      `the pixel size is ${found.at(-1)?.value} ${unit} along x and ${has === undefined ? 'unknown' : `${has.value} ${has.unit}`} along ${odd}.`,
      { file: map.source, remedy: `Set ${option('spacing')} and ${option('unit')}.` },
    );
  }
  return { spacing: found.map((step) => (step as Spacing).value), unit };
}

/** `0.5 x 0.5 µm`; empty if it is not known. */
export function pixelSizeText(map: ImageInfo): string {
  const size = pixelSize(map);
  return size === undefined ? '' : `${size.spacing.toReversed().join(' x ')} ${size.unit}`;
}
