/** Reorienting images by their geometry: axes are permuted and reversed, values and positions unchanged. */

import { allocate, type DType, type Storage } from '../array/ndarray.ts';
import { added, nearest, planeName, scaled, voxelSteps } from './geometry.ts';
import { type Geometry, type Image, sizes, type Vector3 } from './image.ts';

/** The source of an axis of the result: axis 0 = x, 1 = y, 2 = z of the image, unchanged or reversed. */
interface AxisFrom {
  readonly from: 0 | 1 | 2;
  readonly reversed: boolean;
}

/** For the axes x, y, z of the result. */
export type AxisMap = readonly [AxisFrom, AxisFrom, AxisFrom];

const SAME: AxisMap = [
  { from: 0, reversed: false },
  { from: 1, reversed: false },
  { from: 2, reversed: false },
];

const isSame = (map: AxisMap): boolean => map.every(({ from, reversed }, axis) => from === axis && !reversed);

/** The inverse of a map. */
export function inverseMap(map: AxisMap): AxisMap {
  const out = [...SAME] as [AxisFrom, AxisFrom, AxisFrom];
  for (const [axis, { from, reversed }] of map.entries()) out[from] = { from: axis as 0 | 1 | 2, reversed };
  return out;
}

/**
 * The map that orients slices for viewing: axial with the patient's left on the right and the front on top, coronal and
 * sagittal with the head on top, sagittal with the front on the left. The order of slices is unchanged. Undefined if
 * there is nothing to do: without geometry, or if they are already oriented so.
 */
export function displayMap({ geometry }: Image): AxisMap | undefined {
  if (geometry === undefined) return undefined;
  const [x, y] = geometry.direction;
  const plane = planeName(geometry);
  const [u, v] = [nearest(x), nearest(y)];
  const right = plane === 'sagittal' ? 1 : 0;
  const down = plane === 'axial' ? 1 : 2;
  const straight = u.axis === right && v.axis === down;
  // Slices at 45 degrees have no such axes.
  if (!straight && !(u.axis === down && v.axis === right)) return undefined;
  const [across, along] = straight ? [u, v] : [v, u];
  const map: AxisMap = [
    { from: straight ? 0 : 1, reversed: !across.positive },
    // Down is posterior, or towards the feet.
    { from: straight ? 1 : 0, reversed: along.positive !== (down === 1) },
    { from: 2, reversed: false },
  ];
  return isSame(map) ? undefined : map;
}

/**
 * The image with its axes permuted and reversed, including spacing and geometry. A map that moves `z` requires that
 * axis.
 */
export function reorient(image: Image, map: AxisMap): Image {
  if (isSame(map)) return image;
  const { width, height, slices } = sizes(image);
  const lengths = [width, height, slices] as const;
  const strides = [1, lengths[0], lengths[0] * lengths[1]] as const;
  const [nx, ny, nz] = map.map(({ from }) => lengths[from]) as [number, number, number];
  const steps = map.map(({ from, reversed }) => (reversed ? -strides[from] : strides[from])) as [
    number,
    number,
    number,
  ];
  let start = 0;
  for (const { from, reversed } of map) if (reversed) start += (lengths[from] - 1) * strides[from];
  const block = nx * ny * nz;
  const data = allocate(image.dtype, image.data.length);
  for (let base = 0, at = 0; base < data.length; base += block) {
    for (let z = 0; z < nz; z++) {
      for (let y = 0; y < ny; y++, at += nx) {
        copyRow(image.data, base + start + z * steps[2] + y * steps[1], steps[0], data, at, nx);
      }
    }
  }
  const { t, ...spacing } = image.spacing;
  const [x, y, z] = map.map(({ from }) => [spacing.x, spacing.y, spacing.z][from]);
  const turned: Readonly<Record<string, number>> = { x: nx, y: ny, z: nz };
  const geometry = reorientGeometry(image, map);
  return {
    ...image,
    data,
    shape: image.shape.map((length, i) => turned[image.axes[i]] ?? length),
    spacing: { t, z, y, x },
    ...(geometry === undefined ? {} : { geometry }),
  };
}

function copyRow(
  from: Storage[DType],
  start: number,
  step: number,
  to: Storage[DType],
  at: number,
  count: number,
): void {
  if (step === 1) {
    to.set(from.subarray(start, start + count) as never, at);
    return;
  }
  const source = from as Float64Array;
  const target = to as Float64Array;
  for (let i = 0, p = start; i < count; i++, p += step) target[at + i] = source[p];
}

function reorientGeometry(image: Image, map: AxisMap): Geometry | undefined {
  const { geometry } = image;
  if (geometry === undefined) return undefined;
  const { slicePositionsMm, originMm, direction, ...rest } = geometry;
  const steps = voxelSteps(image);
  const { width, height, slices } = sizes(image);
  const lengths = [width, height, slices] as const;
  let origin: Vector3 = originMm;
  for (const { from, reversed } of map) {
    if (reversed && steps !== undefined) origin = added(origin, scaled(steps[from], lengths[from] - 1));
  }
  const directions = map.map(({ from, reversed }) => scaled(direction[from], reversed ? -1 : 1));
  const z = map[2];
  const last = slicePositionsMm?.at(-1);
  const positions =
    z.from !== 2 || last === undefined
      ? undefined
      : z.reversed
        ? slicePositionsMm?.map((at) => last - at).reverse()
        : slicePositionsMm;
  return {
    ...rest,
    originMm: origin,
    direction: directions as unknown as Geometry['direction'],
    ...(positions === undefined ? {} : { slicePositionsMm: positions }),
  };
}
