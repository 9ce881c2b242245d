import type { Codec } from '../codec.ts';
import { readSeries } from '../dicom/series.ts';

/** One DICOM file: a slice, or all frames of a file that holds several. */
export const dicom: Codec = {
  read: (bytes, context) => readSeries([{ name: context.file, read: async () => bytes }], context),
};
