/** The position of an image's voxels in the patient, in millimetres in the coordinates of DICOM and ITK (LPS). */

import { type Geometry, type Image, type Spacing, sizes, type Vector3 } from './image.ts';

export const dot = (a: Vector3, b: Vector3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const norm = (a: Vector3): number => Math.hypot(...a);
export const cross = (a: Vector3, b: Vector3): Vector3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const scaled = (a: Vector3, factor: number): Vector3 => [a[0] * factor, a[1] * factor, a[2] * factor];
export const added = (a: Vector3, b: Vector3): Vector3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

const MM: Readonly<Record<string, number>> = { m: 1000, cm: 10, mm: 1, µm: 1e-3, nm: 1e-6, Å: 1e-7, inch: 25.4 };

/** The normal of the slices, of unit length: with a tilted gantry the axis z is another direction. */
export function normalOf({ direction: [x, y] }: Pick<Geometry, 'direction'>): Vector3 {
  const across = cross(x, y);
  return scaled(across, 1 / norm(across));
}

/** A spacing in millimetres; undefined if there is none or its unit is not a known length. */
export function millimetres(spacing: Spacing | undefined): number | undefined {
  const factor = spacing === undefined ? undefined : MM[spacing.unit];
  return spacing === undefined || factor === undefined ? undefined : spacing.value * factor;
}

/** A spacing in another unit of length; unchanged if one of the units is not a known length. */
export function inUnit(spacing: Spacing, unit: string): Spacing {
  const factor = (MM[spacing.unit] ?? Number.NaN) / (MM[unit] ?? Number.NaN);
  // 0.07 µm is 70 nm and not 70.00000000000001.
  return spacing.unit === unit || Number.isNaN(factor)
    ? spacing
    : { value: Number((spacing.value * factor).toPrecision(12)), unit };
}

/** Spacing along x, y, z and directions from the steps in mm per voxel along each axis. */
export function fromSteps(
  x: Vector3,
  y: Vector3,
  z: Vector3,
): { readonly spacingMm: Vector3; readonly direction: Geometry['direction'] } | undefined {
  const [dx, dy] = [norm(x), norm(y)];
  if (!(dx > 0 && dy > 0 && norm(z) > 0)) return undefined;
  const [ux, uy] = [scaled(x, 1 / dx), scaled(y, 1 / dy)];
  const across = cross(ux, uy);
  const sine = norm(across);
  // Parallel axes span no volume.
  if (!(sine > 1e-6)) return undefined;
  const dz = Math.abs(dot(z, across)) / sine;
  if (!(dz > 1e-6 * norm(z))) return undefined;
  // Rounding in the cross product must not affect axes that are perpendicular.
  const upright = Math.abs(dz / norm(z) - 1) < 1e-6 ? norm(z) : dz;
  return { spacingMm: [dx, dy, upright], direction: [ux, uy, scaled(z, 1 / upright)] };
}

/**
 * The steps in mm per voxel along x, y and z, each in LPS; undefined without geometry or spacing. `z` exists for a
 * single slice too: its thickness, or 1 mm, along the normal.
 */
export function voxelSteps(image: Image): readonly [Vector3, Vector3, Vector3] | undefined {
  const { geometry, spacing } = image;
  if (geometry === undefined) return undefined;
  const dx = millimetres(spacing.x);
  const dy = millimetres(spacing.y);
  const dz = millimetres(spacing.z) ?? (sizes(image).slices === 1 ? (geometry.thicknessMm ?? 1) : undefined);
  if (dx === undefined || dy === undefined || dz === undefined) return undefined;
  const [x, y, z] = geometry.direction;
  return [scaled(x, dx), scaled(y, dy), scaled(z, dz)];
}

/** Centre of a slice in LPS mm. */
export function sliceOrigin(image: Image, index: number): Vector3 | undefined {
  const { geometry } = image;
  const steps = voxelSteps(image);
  if (geometry === undefined || steps === undefined) return undefined;
  const uneven = geometry.slicePositionsMm?.[index];
  const along = uneven === undefined ? scaled(steps[2], index) : scaled(geometry.direction[2], uneven);
  return added(geometry.originMm, along);
}

/**
 * Extent of each slice along the z axis in mm: up to the midpoints to its neighbours; the outermost extend outwards as
 * far as inwards. Equal to the spacing for evenly spaced slices. A volume is the sum of slice areas times these.
 * @returns undefined if there is neither z spacing nor thickness
 */
export function sliceExtentsMm(image: Image): readonly number[] | undefined {
  const depth = sizes(image).slices;
  const at = image.geometry?.slicePositionsMm;
  if (at !== undefined && at.length === depth && depth > 1) {
    return at.map((position, i) => {
      const below = i > 0 ? position - at[i - 1] : undefined;
      const above = i < depth - 1 ? at[i + 1] - position : undefined;
      return ((below ?? (above as number)) + (above ?? (below as number))) / 2;
    });
  }
  const each = millimetres(image.spacing.z) ?? (depth === 1 ? image.geometry?.thicknessMm : undefined);
  return each === undefined ? undefined : Array<number>(depth).fill(each);
}

/** The image with a voxel size in mm, [z, y, x], replacing that of its file; an undefined `z` leaves it unchanged. */
export function withSpacingMm<T extends Omit<Image, 'data'>>(
  image: T,
  [z, y, x]: readonly [number | undefined, number, number],
): T {
  const mm = (value: number): Spacing => ({ value, unit: 'mm' });
  const hasZ = z !== undefined && image.axes.includes('z');
  const spacing = { ...image.spacing, ...(hasZ ? { z: mm(z) } : {}), y: mm(y), x: mm(x) };
  if (image.geometry === undefined) return { ...image, spacing };
  const { slicePositionsMm, ...rest } = image.geometry;
  return { ...image, spacing, geometry: hasZ || slicePositionsMm === undefined ? rest : { ...rest, slicePositionsMm } };
}

const NAMES: readonly (readonly [string, string])[] = [
  ['left', 'right'],
  ['back', 'front'],
  ['head', 'feet'],
];

/** The direction of an axis: `left`, `right`, `back`, `front`, `head` or `feet`, whichever is nearest. */
export function bodyDirection(vector: Vector3): string {
  const { axis, positive } = nearest(vector);
  return NAMES[axis][positive ? 0 : 1];
}

/** The body axis (0 left-right, 1 front-back, 2 feet-head) nearest to a vector, and its sign. */
export function nearest(vector: Vector3): { readonly axis: 0 | 1 | 2; readonly positive: boolean } {
  const sizes = vector.map(Math.abs) as unknown as Vector3;
  const axis = sizes[2] >= sizes[0] && sizes[2] >= sizes[1] ? 2 : sizes[1] >= sizes[0] ? 1 : 0;
  return { axis, positive: vector[axis] >= 0 };
}

/** `axial`, `coronal` or `sagittal`, whichever is nearest to the slices. */
export function planeName({ direction: [x, y] }: Pick<Geometry, 'direction'>): 'axial' | 'coronal' | 'sagittal' {
  return (['sagittal', 'coronal', 'axial'] as const)[nearest(cross(x, y)).axis];
}
