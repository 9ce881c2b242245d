/** The words for the options of workflows, separate from the code, so that help need not load it. */

/** Groups of related scores. */
export const METRIC_GROUPS = ['isbi', 'overlap', 'instances', 'surface'] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];

/** How probabilities are written. */
export const PROBABILITIES = ['8bit', '16bit', 'float', 'none'] as const;
export type Probability = (typeof PROBABILITIES)[number];

/** What a network computes with. */
export const PRECISIONS = ['float32', 'int8'] as const;

/**
 * How results are written: `same` is NIfTI for volumes and DICOM, PNG for single slices from PNG, OME-Zarr for images in
 * OME-Zarr that are predicted by region, TIFF for everything else. `hdf5` is as ilastik exports it; overlays are then as
 * with `same`.
 */
export const RESULT_FORMATS = ['same', 'png', 'tiff', 'nifti', 'hdf5', 'zarr'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

/** How label maps and objects are written with the names of their values: DICOM SEG, and `.seg.nrrd` of 3D Slicer. */
export const SEGMENT_FORMATS = ['dicom-seg', 'seg-nrrd'] as const;
export type SegmentFormat = (typeof SEGMENT_FORMATS)[number];
export const isSegmentFormat = (name: string): name is SegmentFormat =>
  SEGMENT_FORMATS.some((format) => format === name);

/** What the jobs of a prediction in shards do, in this order. */
export const SHARD_STAGES = ['scan', 'predict', 'objects', 'finish'] as const;
export type ShardStage = (typeof SHARD_STAGES)[number];
/** Stages that have as many jobs as there are shares. */
export type SharedStage = 'predict' | 'objects';

export const MEASURE_TASKS = ['objects', 'lungs'] as const;
export type MeasureTask = (typeof MEASURE_TASKS)[number];

/** What the jobs of a measurement in shards do, in this order. */
export const MEASURE_STAGES = ['count', 'values', 'finish'] as const;
export type MeasureStage = (typeof MEASURE_STAGES)[number];
/** Those that have as many jobs as there are shares. */
export type SharedMeasureStage = Exclude<MeasureStage, 'finish'>;

export const MEASURE_FORMATS = ['csv', 'parquet', 'tiff', 'nifti', 'roi', 'geojson', 'coco', 'coco-rle'] as const;
export type MeasureFormat = (typeof MEASURE_FORMATS)[number];
