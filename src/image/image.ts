import type { DType, NdArray } from '../array/ndarray.ts';

/** Step along an axis, in a unit such as `µm`, `nm`, `mm` or `s`. */
export interface Spacing {
  readonly value: number;
  readonly unit: string;
}

/** Spacing of the axes that have one. */
export type Spacings = { readonly [axis in 't' | 'z' | 'y' | 'x']?: Spacing };

/**
 * [x, y, z]: x increases to the patient's left, y to the back, z to the head (LPS). NIfTI's x and y are the negatives.
 */
export type Vector3 = readonly [number, number, number];

/** One resolution of an image that is stored at several. */
export interface ImageLevel {
  /** Along the axes of the image. */
  readonly shape: readonly number[];
  readonly spacing: Spacings;
}

export interface Geometry {
  /** Centre of the first voxel. */
  readonly originMm: Vector3;
  /**
   * Directions of the axes x, y, z of the image. x and y have unit length, and z if it is perpendicular to the slices.
   * With a tilted gantry z is longer: its component along the slices' normal is 1, so that the product of the spacings
   * is always the volume of a voxel.
   */
  readonly direction: readonly [Vector3, Vector3, Vector3];
  /** For unevenly spaced slices: the position of each relative to the first, along the normal, ascending. */
  readonly slicePositionsMm?: readonly number[];
  /** Thickness of a slice, if stated by the file; neighbours may overlap or leave gaps. */
  readonly thicknessMm?: number;
  /** Reference frame of the coordinates; default the scanner. */
  readonly frame?: 'scanner' | 'aligned' | 'talairach' | 'mni';
}

/**
 * An image as read: values and dtype unchanged.
 *
 * `axes` names the axes of `shape` from slowest to fastest with one letter each: `t` time, `c` channel, `z` depth, `y`,
 * `x`, always in this order, for instance `yx`, `cyx`, `zyx`, `tczyx`. `y` and `x` are always present, and last.
 */
export interface Image<D extends DType = DType> extends NdArray<D> {
  readonly axes: string;
  /** Only axes whose spacing is stated by the file. Never guessed. */
  readonly spacing: Spacings;
  /** The channel names, in order: `['grey']`, `['red', 'green', 'blue']`, or the file's own names. */
  readonly channels?: readonly string[];
  /** Red, green and blue are separate planes in the file, like slices: some writers store three slices as colours. */
  readonly colourPlanes?: boolean;
  /** Bits per sample in the file, if fewer than the dtype has: 1, 2, 4, 10, 12, ... */
  readonly bitDepth?: number;
  /** Compressed with loss: values are only near those that were saved. */
  readonly lossy?: boolean;
  /** Colours [red, green, blue] or [red, green, blue, alpha], 0..255, indexed by the values. */
  readonly palette?: readonly (readonly number[])[];
  /** Position of the voxels in the patient, if stated by the file (DICOM, NIfTI, NRRD). */
  readonly geometry?: Geometry;
  /** Unit of the values, if stated by the file: `HU`, `Gy`, ... */
  readonly valueUnit?: string;
  /** The header's slope, if it converted the file's integers to fractions. */
  readonly fractionBy?: number;
  /** The modality in DICOM's terms: `CT`, `MR`, `PT`, ... */
  readonly modality?: string;
  /** The values [low, high] that the file asks to display as black and white. */
  readonly window?: readonly [number, number];
  /**
   * For a label map whose file states it: whether values number objects or encode classes. Written by `predict` and
   * `measure`.
   */
  readonly labelKind?: 'objects' | 'classes';
  /** The value of pixels where nothing was measured, such as those outside a scanner's field of view. */
  readonly padding?: number;
  /** The resolutions of its file, the full one first; only if there are several. */
  readonly levels?: readonly ImageLevel[];
  /** Which of them this is; default 0. */
  readonly level?: number;
  /** What the reader dropped or had to decide, one sentence each. */
  readonly notes?: readonly string[];
  /** File name or path, for messages. */
  readonly source?: string;
}

/** How large an image is along each of its axes. */
export interface Sizes {
  readonly times: number;
  readonly channels: number;
  readonly slices: number;
  readonly height: number;
  readonly width: number;
}

/** The lengths of the axes `t`, `c`, `z`, `y` and `x`; 1 for those that an image does not have. */
export function sizes({ axes, shape }: Pick<Image, 'axes' | 'shape'>): Sizes {
  const along = (axis: string): number => shape[axes.indexOf(axis)] ?? 1;
  return { times: along('t'), channels: along('c'), slices: along('z'), height: along('y'), width: along('x') };
}

/** The axes with these lengths, without those of `t`, `c` and `z` along which there is only one. */
export function axesOf(lengths: Readonly<Partial<Record<string, number>>>): Pick<Image, 'axes' | 'shape'> {
  const axes = [...'tczyx'].filter((axis) => axis === 'y' || axis === 'x' || (lengths[axis] ?? 1) > 1);
  return { axes: axes.join(''), shape: axes.map((axis) => lengths[axis] ?? 1) };
}

/** Whether two images have the same pixels: equal sizes, but for the channels. */
export function sameGrid(a: Pick<Image, 'axes' | 'shape'>, b: Pick<Image, 'axes' | 'shape'>): boolean {
  const [one, other] = [sizes(a), sizes(b)];
  return (['times', 'slices', 'height', 'width'] as const).every((axis) => one[axis] === other[axis]);
}

/** The label kind stated by a file, if it is one of the two words. */
export const labelKindOf = (text: string | undefined): Image['labelKind'] =>
  text === 'objects' || text === 'classes' ? text : undefined;
