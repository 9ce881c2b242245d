import type { DType, NdArray } from '../array/ndarray.ts';

/** Extent of one step along an axis, in a unit such as `µm`, `nm`, `mm` or `s`. */
export interface Spacing {
  readonly value: number;
  readonly unit: string;
}

/** Spacing of the axes that have one. */
export type Spacings = { readonly [axis in 't' | 'z' | 'y' | 'x']?: Spacing };

/** [x, y, z]: x grows to the patient's left, y to the back, z to the head (LPS). NIfTI's x and y are the negatives. */
export type Vector3 = readonly [number, number, number];

export interface Geometry {
  /** Centre of the first voxel. */
  readonly originMm: Vector3;
  /**
   * Which way the axes x, y, z of the image run. x and y are of unit length; z too where it stands upright on the
   * slices. With a tilted gantry z is longer: its part along the slices' normal is 1, so that the product of the
   * spacings always is the volume of a voxel.
   */
  readonly direction: readonly [Vector3, Vector3, Vector3];
  /** Where slices lie at uneven distances: how far each is from the first, along the normal, ascending. */
  readonly slicePositionsMm?: readonly number[];
  /** How thick a slice is by itself, where the file says so; neighbours may overlap or leave gaps. */
  readonly thicknessMm?: number;
  /** What the coordinates refer to; default the scanner. */
  readonly frame?: 'scanner' | 'aligned' | 'talairach' | 'mni';
}

/**
 * An image as it was read: values and dtype untouched.
 *
 * `axes` names the axes of `shape` from slowest to fastest with one letter each: `t` time, `c` channel,
 * `z` depth, `y`, `x`, always in this order; for instance `yx`, `cyx`, `zyx`, `tczyx`. `y` and `x` are
 * always there, last.
 */
export interface Image<D extends DType = DType> extends NdArray<D> {
  readonly axes: string;
  /** Only axes whose spacing the file states. Never guessed. */
  readonly spacing: Spacings;
  /** What the channels are, in order: `['grey']`, `['red', 'green', 'blue']`, or the file's own names. */
  readonly channels?: readonly string[];
  /** Red, green and blue are planes of their own in the file, as slices would be: some writers take three slices for colours. */
  readonly colourPlanes?: boolean;
  /** Bits that the file kept of each sample, where fewer than the dtype has: 1, 2, 4, 10, 12, ... */
  readonly bitDepth?: number;
  /** Colours [red, green, blue] or [red, green, blue, alpha], 0..255, that the values are indices of. */
  readonly palette?: readonly (readonly number[])[];
  /** Where the voxels lie in the patient, where the file says so (DICOM, NIfTI, NRRD). */
  readonly geometry?: Geometry;
  /** What the values are in, where the file says so: `HU`, `Gy`, ... */
  readonly valueUnit?: string;
  /** The slope of the header, where it turned the whole numbers of the file into fractions. */
  readonly fractionBy?: number;
  /** What made the image, as DICOM calls it: `CT`, `MR`, `PT`, ... */
  readonly modality?: string;
  /** The values [low, high] that the file asks to be shown from black to white. */
  readonly window?: readonly [number, number];
  /** Of a label map whose file says so: whether values number objects or name classes. Written by `predict` and `measure`. */
  readonly labelKind?: 'objects' | 'classes';
  /** The value of pixels where nothing was measured, such as those outside a scanner's circle. */
  readonly padding?: number;
  /** What the reader left out or had to decide, one sentence each. */
  readonly notes?: readonly string[];
  /** File name or path, for messages. */
  readonly source?: string;
}

/** Number of steps along `axis`; 1 where the image does not have it. */
export function extent(image: Image, axis: string): number {
  const at = image.axes.indexOf(axis);
  return at < 0 ? 1 : image.shape[at];
}

/** What a file says of its labels, where that is one of the two words. */
export const labelKindOf = (text: string | undefined): Image['labelKind'] =>
  text === 'objects' || text === 'classes' ? text : undefined;
