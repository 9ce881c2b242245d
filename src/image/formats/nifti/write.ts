import { gzipSync, strToU8 } from 'fflate';
import { allocate, bytesPer, type DType, type Storage } from '../../../array/ndarray.ts';
import { UsageError } from '../../../errors.ts';
import { dot, millimetres, norm, scaled, voxelSteps } from '../../geometry.ts';
import { type Geometry, type Image, sizes, type Vector3 } from '../../image.ts';
import { transposed } from '../../samples.ts';
import { positionsExtension } from './positions.ts';

export interface WriteNiftiOptions {
  /** Default true: a `.nii.gz`. */
  readonly gzip?: boolean;
}

const DATATYPES: Readonly<Partial<Record<DType, number>>> = {
  bool: 2,
  uint8: 2,
  int16: 4,
  int32: 8,
  float32: 16,
  float64: 64,
  int8: 256,
  uint16: 512,
  uint32: 768,
  int64: 1024,
  uint64: 1280,
};
const RGB24 = 128;
const VECTOR = 1007;
const LABEL = 1002;
const LENGTH_UNITS: Readonly<Record<string, number>> = { m: 1, mm: 2, µm: 3 };
const TIME_UNITS: Readonly<Record<string, number>> = { s: 8, ms: 16, µs: 24 };
const FRAMES: Readonly<Record<NonNullable<Geometry['frame']>, number>> = {
  scanner: 1,
  aligned: 2,
  talairach: 3,
  mni: 4,
};
const HEADER_BYTES = 352;

/**
 * Writes NIfTI-1 (`.nii.gz`, or `.nii` without `gzip`), little-endian, values bit for bit. The image's geometry is
 * written to both sform and qform (only sform if axes are oblique to each other), so that viewers align it exactly with
 * its source image; without geometry both codes are 0 and only the voxel size is written. An unknown spacing is written
 * as 1 without a unit. Channels become components (red, green, blue of uint8: colour). For a label map the intent is
 * "label" and the description states whether values are objects or classes (`labelKind`). Nothing else of the image is
 * written: no names, no text.
 *
 * NIfTI does not support unevenly spaced slices: it gets their mean distance, and their positions in a comment that
 * Lamella reads again.
 *
 * @throws UsageError for float16, for axes longer than 32,767, and for an image without voxels
 */
export function writeNifti(image: Image, { gzip = true }: WriteNiftiOptions = {}): Uint8Array {
  const file = image.source;
  const datatype = DATATYPES[image.dtype];
  if (datatype === undefined) {
    throw new UsageError(`NIfTI is not written from ${image.dtype}.`, { file, remedy: 'Convert it with toFloat32.' });
  }
  const { times: t, channels: c, slices: z, height: y, width: x } = sizes(image);
  const longest = Math.max(t, c, z, y, x);
  if (longest > 32_767 || image.data.length === 0) {
    throw new UsageError(
      image.data.length === 0 ? 'the image has no voxels.' : `an axis of ${longest} voxels is too long for NIfTI-1.`,
      { file, remedy: image.data.length === 0 ? 'Use an image with at least one.' : 'Write it as TIFF.' },
    );
  }
  const colour = image.dtype === 'uint8' && image.channels?.join() === 'red,green,blue';
  const data = arrange(image, colour);
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setInt32(0, 348, true);
  header.setUint8(38, 'r'.charCodeAt(0));
  const vector = c > 1 && !colour;
  const rank = vector ? 5 : t > 1 ? 4 : 3;
  for (const [i, length] of [rank, x, y, z, t, vector ? c : 1, 1, 1].entries())
    header.setInt16(40 + 2 * i, length, true);
  if (vector) header.setInt16(68, VECTOR, true);
  header.setInt16(70, colour ? RGB24 : datatype, true);
  header.setInt16(72, colour ? 24 : 8 * bytesPer(image.dtype), true);
  const positions = image.geometry?.slicePositionsMm;
  const extension = positions?.length === z && z > 1 ? positionsExtension(positions) : new Uint8Array(0);
  const start = HEADER_BYTES + extension.length;
  header.setUint8(348, extension.length > 0 ? 1 : 0);
  header.setFloat32(108, start, true);
  header.setFloat32(112, 1, true);
  if (image.window !== undefined) {
    header.setFloat32(124, image.window[1], true);
    header.setFloat32(128, image.window[0], true);
  }
  writePlace(header, image);
  if (image.labelKind !== undefined) {
    header.setInt16(68, LABEL, true);
    // The description, of 80 bytes.
    new Uint8Array(header.buffer).set(strToU8(`label_kind=${image.labelKind}`), 148);
  }
  header.setUint32(344, 0x6e2b3100);
  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set(new Uint8Array(header.buffer));
  bytes.set(extension, HEADER_BYTES);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  // Without a time stamp, so that the same image produces the same bytes.
  return gzip ? gzipSync(bytes, { level: 6, mtime: '1980-01-01' }) : bytes;
}

function writePlace(header: DataView, image: Image): void {
  const { spacing, geometry } = image;
  const unit = spacing.x !== undefined && spacing.x.unit in LENGTH_UNITS ? spacing.x.unit : 'mm';
  const inUnit = unit === 'm' ? 1e-3 : unit === 'µm' ? 1e3 : 1;
  const lengths = [
    millimetres(spacing.x),
    millimetres(spacing.y),
    millimetres(spacing.z) ?? (sizes(image).slices === 1 ? geometry?.thicknessMm : undefined),
  ].map((mm) => (mm === undefined ? undefined : mm * inUnit));
  const known = lengths[0] !== undefined && lengths[1] !== undefined;
  const time = spacing.t === undefined ? undefined : TIME_UNITS[spacing.t.unit];
  header.setUint8(123, (known ? LENGTH_UNITS[unit] : 0) + (time ?? 0));
  const steps = voxelSteps(image);
  const pixdim = (factor: number) => {
    for (const [i, size] of [
      factor,
      ...lengths.map((value) => value ?? 1),
      time === undefined ? 0 : (spacing.t?.value ?? 0),
    ].entries())
      header.setFloat32(76 + 4 * i, size, true);
  };
  if (geometry === undefined || steps === undefined) {
    pixdim(1);
    return;
  }
  const code = FRAMES[geometry.frame ?? 'scanner'];
  // To NIfTI's coordinates, which increase to the right and to the front.
  const ras = ([a, b, d]: Vector3): Vector3 => [-a * inUnit, -b * inUnit, d * inUnit];
  const columns = steps.map(ras) as unknown as readonly [Vector3, Vector3, Vector3];
  const origin = ras(geometry.originMm);
  header.setInt16(254, code, true);
  for (let row = 0; row < 3; row++) {
    for (const [column, vector] of [...columns, origin].entries()) {
      header.setFloat32(280 + 16 * row + 4 * column, vector[row], true);
    }
  }
  const units = columns.map((column) => scaled(column, 1 / norm(column))) as unknown as typeof columns;
  const [ux, uy, uz] = units;
  const square = Math.max(Math.abs(dot(ux, uy)), Math.abs(dot(ux, uz)), Math.abs(dot(uy, uz)));
  // A quaternion represents only rotations.
  if (square > 1e-6) {
    pixdim(1);
    return;
  }
  const { quaternion, factor } = quaternionOf(units);
  pixdim(factor);
  header.setInt16(252, code, true);
  for (const [i, value] of [...quaternion, ...origin].entries()) header.setFloat32(256 + 4 * i, value, true);
}

/**
 * b, c, d of the unit quaternion with a >= 0 that rotates the axes to `columns`, and qfac, -1 if they are also
 * mirrored.
 */
function quaternionOf(columns: readonly [Vector3, Vector3, Vector3]): {
  readonly quaternion: Vector3;
  readonly factor: 1 | -1;
} {
  const [x, y, z] = columns;
  const handed =
    x[0] * (y[1] * z[2] - z[1] * y[2]) - y[0] * (x[1] * z[2] - z[1] * x[2]) + z[0] * (x[1] * y[2] - y[1] * x[2]);
  const factor = handed < 0 ? -1 : 1;
  const w = scaled(z, factor);
  // Shepperd's method: divide by the largest of the four.
  const squares = [1 + x[0] + y[1] + w[2], 1 + x[0] - y[1] - w[2], 1 - x[0] + y[1] - w[2], 1 - x[0] - y[1] + w[2]];
  const largest = squares.indexOf(Math.max(...squares));
  const twice = Math.sqrt(squares[largest]);
  const products = [
    [twice / 2, (y[2] - w[1]) / (2 * twice), (w[0] - x[2]) / (2 * twice), (x[1] - y[0]) / (2 * twice)],
    [(y[2] - w[1]) / (2 * twice), twice / 2, (x[1] + y[0]) / (2 * twice), (w[0] + x[2]) / (2 * twice)],
    [(w[0] - x[2]) / (2 * twice), (x[1] + y[0]) / (2 * twice), twice / 2, (y[2] + w[1]) / (2 * twice)],
    [(x[1] - y[0]) / (2 * twice), (w[0] + x[2]) / (2 * twice), (y[2] + w[1]) / (2 * twice), twice / 2],
  ];
  const [a, b, c, d] = products[largest] as [number, number, number, number];
  const sign = a < 0 ? -1 : 1;
  return { quaternion: [sign * b, sign * c, sign * d], factor };
}

/** The voxels in NIfTI's order: components outermost, colours innermost. */
function arrange(image: Image, colour: boolean): Storage[DType] {
  const { data, dtype } = image;
  const { channels: c, times: t, slices, height, width } = sizes(image);
  if (c === 1 || (!colour && t === 1)) return data;
  const plane = slices * height * width;
  if (colour) return transposed(data, dtype, c, plane);
  const out = allocate(dtype, data.length);
  for (let ti = 0; ti < t; ti++) {
    for (let ci = 0; ci < c; ci++) {
      const from = (ti * c + ci) * plane;
      out.set(data.subarray(from, from + plane) as never, (ci * t + ti) * plane);
    }
  }
  return out;
}
