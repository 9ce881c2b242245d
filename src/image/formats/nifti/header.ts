/** The header of NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes): https://nifti.nimh.nih.gov */

import { FormatError } from '../../../errors.ts';
import { fromSteps } from '../../geometry.ts';
import { type Geometry, type Image, labelKindOf, type Spacings, type Vector3 } from '../../image.ts';
import { spacingOf } from '../../units.ts';

export interface NiftiHeader {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  /**
   * Whether the voxels follow in the same file; otherwise they are in a file of the same name with the extension
   * `.img`.
   */
  readonly single: boolean;
  /** Lengths of the axes x, y, z, t, vector, without trailing unused ones. */
  readonly dim: readonly number[];
  readonly datatype: number;
  /** Byte offset of the voxels. */
  readonly offset: number;
  readonly slope: number;
  readonly intercept: number;
  /** cal_min and cal_max: the values to display as black and white. */
  readonly window?: readonly [number, number];
  readonly spacing: Spacings;
  readonly geometry?: Geometry;
  readonly labelKind?: Image['labelKind'];
  readonly notes: readonly string[];
}

/** Whether bytes start with a NIfTI header, or one of its predecessor Analyze 7.5. */
export function headerKind(bytes: Uint8Array): 'nifti' | 'analyze' | undefined {
  if (bytes.length < 348) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes = [view.getInt32(0, true), view.getInt32(0, false)];
  if (sizes.includes(540)) return /^n[+i]2/.test(ascii(bytes, 4, 3)) ? 'nifti' : undefined;
  if (!sizes.includes(348)) return undefined;
  if (/^n[+i]1/.test(ascii(bytes, 344, 3))) return 'nifti';
  // Analyze has no magic number: its lengths must be plausible.
  const little = sizes[0] === 348;
  const rank = view.getInt16(40, little);
  return rank >= 1 && rank <= 7 && view.getInt32(32, little) === 16_384 ? 'analyze' : undefined;
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** Byte offsets of the fields in the two versions. */
const FIELDS = {
  1: { datatype: 70, dim: 40, pixdim: 76, offset: 108, slope: 112, inter: 116, units: 123, calMax: 124, calMin: 128 },
  2: { datatype: 12, dim: 16, pixdim: 104, offset: 168, slope: 176, inter: 184, units: 500, calMax: 192, calMin: 200 },
} as const;
const PLACES = {
  1: { qform: 252, sform: 254, quaternion: 256, srow: 280 },
  2: { qform: 344, sform: 348, quaternion: 352, srow: 400 },
} as const;

const LENGTHS: Readonly<Record<number, string>> = { 1: 'm', 2: 'mm', 3: 'µm' };
const TIMES: Readonly<Record<number, string>> = { 8: 's', 16: 'ms', 24: 'µs' };
const FRAMES: Readonly<Record<number, NonNullable<Geometry['frame']>>> = {
  1: 'scanner',
  2: 'aligned',
  3: 'talairach',
  4: 'mni',
};

/**
 * @param bytes at least 348 (NIfTI-1) or 540, for which `headerKind` returns `nifti`
 * @throws FormatError for impossible lengths
 */
export function readHeader(bytes: Uint8Array, file: string): NiftiHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = [348, 540].includes(view.getInt32(0, true));
  const version = view.getInt32(0, littleEndian) === 540 ? 2 : 1;
  if (version === 2 && bytes.length < 540) {
    throw new FormatError('the NIfTI-2 header ends early.', { file, remedy: 'Copy the file again.' });
  }
  const field = FIELDS[version];
  const place = PLACES[version];
  const real = (at: number) => (version === 2 ? view.getFloat64(at, littleEndian) : view.getFloat32(at, littleEndian));
  const realSize = version === 2 ? 8 : 4;
  const reals = (at: number, count: number) => Array.from({ length: count }, (_, i) => real(at + i * realSize));
  const dims = Array.from({ length: 8 }, (_, i) =>
    version === 2
      ? Number(view.getBigInt64(field.dim + 8 * i, littleEndian))
      : view.getInt16(field.dim + 2 * i, littleEndian),
  );
  const rank = dims[0];
  const dim = dims.slice(1, 1 + rank);
  if (!(rank >= 1 && rank <= 7) || dim.some((length) => !(length >= 1))) {
    throw new FormatError(`the NIfTI header has impossible lengths: [${dims.join(', ')}].`, {
      file,
      remedy: 'Save the file again.',
    });
  }
  while (dim.length > 3 && dim.at(-1) === 1) dim.pop();
  while (dim.length < 3) dim.push(1);
  const magic = ascii(bytes, version === 2 ? 4 : 344, 2);
  const single = magic === 'n+';
  const stated = version === 2 ? Number(view.getBigInt64(field.offset, littleEndian)) : real(field.offset);
  const least = single ? (version === 2 ? 540 : 348) : 0;
  if (!Number.isFinite(stated) || (stated !== 0 && stated < least)) {
    throw new FormatError(`the NIfTI header says that voxels begin at byte ${stated}, within the header.`, {
      file,
      remedy: 'Save the file again.',
    });
  }
  const slope = real(field.slope);
  const intercept = real(field.inter);
  const scales = Number.isFinite(slope) && slope !== 0;
  if (scales && !Number.isFinite(intercept)) {
    throw new FormatError(
      `the NIfTI header has a slope of ${slope} with an intercept that is no number (${intercept}).`,
      {
        file,
        remedy: 'Correct scl_inter, or save the file again.',
      },
    );
  }
  const scaleNotes =
    scales || !Number.isFinite(intercept) || intercept === 0
      ? []
      : [
          `The header's slope is ${slope}, so its intercept of ${intercept} is not applied, as in nibabel; ITK, and so SimpleITK and 3D Slicer, adds it.`,
        ];
  const [low, high] = [real(field.calMin), real(field.calMax)];
  const code = (at: number) => (version === 2 ? view.getInt32(at, littleEndian) : view.getInt16(at, littleEndian));
  const units = version === 2 ? view.getInt32(field.units, littleEndian) : view.getUint8(field.units);
  const placed = place3d({
    pixdim: reals(field.pixdim, 8),
    units,
    codes: [code(place.qform), code(place.sform)],
    quaternion: reals(place.quaternion, 6),
    srow: reals(place.srow, 12),
  });
  return {
    version,
    littleEndian,
    single,
    dim,
    datatype: view.getInt16(field.datatype, littleEndian),
    offset: stated === 0 && single ? (version === 2 ? 544 : 352) : Math.floor(stated),
    slope: scales ? slope : 1,
    intercept: scales ? intercept : 0,
    ...(high > low ? { window: [low, high] } : {}),
    labelKind: version === 1 ? labelKindOf(/^label_kind=(\w+)/.exec(ascii(bytes, 148, 80))?.[1]) : undefined,
    ...placed,
    notes: [...scaleNotes, ...placed.notes],
  };
}

interface Placement {
  readonly pixdim: readonly number[];
  readonly units: number;
  /** qform_code, sform_code. */
  readonly codes: readonly [number, number];
  /** b, c, d, and the offset. */
  readonly quaternion: readonly number[];
  readonly srow: readonly number[];
}

/** Spacing and geometry; sform has priority over qform, as in nibabel, unless the sform is not a valid matrix. */
function place3d(placement: Placement): Pick<NiftiHeader, 'spacing' | 'geometry' | 'notes'> {
  const { units, codes, srow } = placement;
  // As in nibabel; ITK reads a negative one as 1.
  const pixdim = placement.pixdim.map((size, i) => (i > 0 && i < 4 ? Math.abs(size) : size));
  const unit = LENGTHS[units & 7];
  const notes: string[] = [];
  const t = spacingOf(pixdim[4], TIMES[units & 56]);
  const time = t === undefined ? {} : { t };
  const toMm = unit === 'm' ? 1000 : unit === 'µm' ? 1e-3 : 1;
  const forms = [
    { name: 'sform', code: codes[1], affine: srow },
    { name: 'qform', code: codes[0], affine: quaternionAffine({ ...placement, pixdim }) },
  ].filter(({ code }) => code > 0);
  for (const { name, code, affine } of forms) {
    // NIfTI's coordinates increase to the right and to the front: the negatives of ours.
    const column = (k: number): Vector3 => [-affine[k] * toMm, -affine[4 + k] * toMm, affine[8 + k] * toMm];
    const found = affine.every(Number.isFinite) ? fromSteps(column(0), column(1), column(2)) : undefined;
    if (found === undefined) {
      const next = name === 'sform' && forms.length > 1 ? 'the qform is used' : 'it is left out';
      notes.push(`The ${name} is no matrix that could place voxels; ${next}.`);
      continue;
    }
    if (unit === undefined) notes.push('The file does not state its unit of length; millimetres are assumed.');
    if (name === 'qform' && placement.pixdim.slice(1, 4).some((size) => size < 0)) {
      notes.push('A voxel size is negative; its absolute value is used.');
    }
    const frame = FRAMES[code];
    const each = (mm: number) => ({ value: mm / toMm, unit: unit ?? 'mm' });
    const [x, y, z] = found.spacingMm;
    return {
      spacing: { ...time, z: each(z), y: each(y), x: each(x) },
      geometry: {
        originMm: column(3),
        direction: found.direction,
        frame: frame === 'scanner' ? undefined : frame,
      },
      notes,
    };
  }
  const sizes = pixdim.slice(1, 4);
  // All ones without a unit is what programs write that do not know the size.
  const unknown = unit === undefined && sizes.every((size) => size === 1);
  if (unknown || !sizes.every((size) => size > 0 && Number.isFinite(size))) {
    if (!unknown)
      notes.push(`The voxel size is not stated (${sizes.map((size) => Number(size.toPrecision(6))).join(' x ')}).`);
    return { spacing: time, notes };
  }
  if (unit === undefined) notes.push('The file does not state its unit of length; millimetres are assumed.');
  const [x, y, z] = sizes.map((size) => ({ value: size, unit: unit ?? 'mm' }));
  return { spacing: { ...time, z, y, x }, notes };
}

/**
 * Method 2 of nifti1.h: the rotation of the unit quaternion (a, b, c, d), times the voxel size; rows of a 3 x 4 matrix.
 */
function quaternionAffine({ quaternion, pixdim }: Placement): readonly number[] {
  const [b, c, d, ox, oy, oz] = quaternion as [number, number, number, number, number, number];
  const a = Math.sqrt(Math.max(0, 1 - (b * b + c * c + d * d)));
  const [dx, dy, dz] = pixdim.slice(1, 4) as [number, number, number];
  const flip = dz * (pixdim[0] < 0 ? -1 : 1);
  return [
    (a * a + b * b - c * c - d * d) * dx,
    (2 * b * c - 2 * a * d) * dy,
    (2 * b * d + 2 * a * c) * flip,
    ox,
    (2 * b * c + 2 * a * d) * dx,
    (a * a + c * c - b * b - d * d) * dy,
    (2 * c * d - 2 * a * b) * flip,
    oy,
    (2 * b * d - 2 * a * c) * dx,
    (2 * c * d + 2 * a * b) * dy,
    (a * a + d * d - c * c - b * b) * flip,
    oz,
  ];
}
