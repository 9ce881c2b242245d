/**
 * Words that options take. They stand here so that `--help` need not load the code behind them; a test compares them
 * with the registries.
 */
export const ACTIVATION_NAMES = ['relu', 'tanh', 'sigmoid'] as const;
export const NORM_NAMES = ['none', 'weight', 'instance'] as const;
export const DEVICE_NAMES = ['auto', 'cpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const;
export const AUGMENT_NAMES = ['none', 'turns', 'light', 'default', 'strong'] as const;
export const TASK_NAMES = ['semantic', 'instances', 'lungs'] as const;
export const METRIC_NAMES = ['auto', 'isbi', 'overlap', 'instances', 'surface', 'topk'] as const;
export const PROBABILITY_NAMES = ['8bit', '16bit', 'float', 'none'] as const;
export const MEASURE_TASKS = ['objects', 'lungs'] as const;
export const LABEL_KINDS = ['objects', 'classes'] as const;
export const MEASURE_FORMATS = ['csv', 'parquet', 'tiff', 'nifti', 'roi', 'geojson', 'coco', 'coco-rle'] as const;
/** How results are written: `same` is NIfTI for volumes and DICOM, PNG for single pages of PNG, TIFF for all else. */
export const RESULT_FORMATS = ['same', 'png', 'tiff', 'nifti'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];
