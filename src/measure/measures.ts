/** What is measured of objects. */

/** Groups of columns, in output order. */
export const MEASURES = [
  'size',
  'boundary',
  'centroid',
  'box',
  'equivalentDiameter',
  'axes',
  'solidity',
  'roundness',
  'feret',
  'euler',
  'neighbours',
  'border',
  'intensity',
] as const;

export type MeasureName = (typeof MEASURES)[number];

export interface MeasureOptions {
  /** Pixel size per axis of the label map. Without it, lengths are in pixels. Requires `unit`. */
  readonly spacing?: readonly number[];
  /** Unit of the spacing: `µm`, `mm`, ... */
  readonly unit?: string;
  /** Groups of columns to measure; default all. */
  readonly measures?: readonly MeasureName[];
  /** Percentiles of the intensity, 0..100; default 5, 25, 50, 75, 95. */
  readonly percentiles?: readonly number[];
  /** Unit of the image's values: `HU`, ... */
  readonly valueUnit?: string;
}
